import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.apache.axis2.AxisFault;
import org.apache.axis2.Constants;
import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.MessageContext;
import org.apache.axis2.engine.AxisEngine;
import org.apache.axis2.transport.OutTransportInfo;
import org.apache.axis2.transport.http.HTTPTransportUtils;
import org.apache.axis2.util.MessageContextBuilder;

/**
 * HTTP in front of Axis2's engine, as its servlet is. Axis2's own small server
 * listens to the whole network; this one to this machine only.
 */
final class Axis2Server {
    private final ConfigurationContext context;

    private Axis2Server(ConfigurationContext context) {
        this.context = context;
    }

    /** start answers the URL of the service named actor. */
    static String start(ConfigurationContext context) throws IOException {
        context.setContextRoot("orca");
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", new Axis2Server(context)::handle);
        server.start();
        return "http://127.0.0.1:" + server.getAddress().getPort() + "/orca/services/actor";
    }

    private void handle(HttpExchange http) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        int status = 200;
        try {
            MessageContext message = context.createMessageContext();
            message.setServerSide(true);
            message.setIncomingTransportName(Constants.TRANSPORT_HTTP);
            message.setTransportIn(context.getAxisConfiguration().getTransportIn(Constants.TRANSPORT_HTTP));
            message.setTransportOut(context.getAxisConfiguration().getTransportOut(Constants.TRANSPORT_HTTP));
            message.setProperty(MessageContext.TRANSPORT_OUT, body);
            message.setProperty(Constants.OUT_TRANSPORT_INFO,
                (OutTransportInfo) type -> http.getResponseHeaders().set("Content-Type", type));
            try {
                HTTPTransportUtils.processHTTPPostRequest(message, http.getRequestBody(), body,
                    http.getRequestHeaders().getFirst("Content-Type"), http.getRequestHeaders().getFirst("SOAPAction"),
                    http.getRequestURI().toString());
            } catch (AxisFault fault) {
                status = 500;
                body.reset();
                AxisEngine.sendFault(MessageContextBuilder.createFaultMessageContext(message, fault));
            }
        } catch (Exception why) {
            why.printStackTrace();
            status = 500;
        }
        http.sendResponseHeaders(status, body.size() == 0 ? -1 : body.size());
        http.getResponseBody().write(body.toByteArray());
        http.close();
    }
}

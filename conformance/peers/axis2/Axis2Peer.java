import java.io.ByteArrayInputStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import javax.xml.stream.XMLStreamReader;
import org.apache.axiom.om.util.AXIOMUtil;
import org.apache.axiom.om.util.StAXUtils;
import org.apache.axis2.AxisFault;
import org.apache.axis2.Constants;
import org.apache.axis2.client.Options;
import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.ConfigurationContextFactory;
import peer.stub.AuthorityServiceStub;

/**
 * Axis2 as a peer of the tests, with the code it generated from our WSDL: a client
 * that calls us and a server that we call. Commands are in the switch of
 * {@link #handle}. Arguments of the program are an empty folder, which is on the
 * class path, and the folders of the stubs and of the libraries.
 */
public final class Axis2Peer implements Frames.Handler {
    private final Path dir;
    private final Path stub;
    private final Path libraries;
    private ConfigurationContext client;
    private int services;

    private Axis2Peer(String[] args) {
        dir = Paths.get(args[0]);
        stub = Paths.get(args[1]);
        libraries = Paths.get(args[2]);
    }

    public static void main(String[] args) throws Exception {
        Frames.serve(new Axis2Peer(args));
        System.exit(0); // servers have threads of their own
    }

    @Override
    public byte[][] handle(String command, byte[][] args) throws Exception {
        String[] text = new String[args.length];
        for (int i = 0; i < args.length; i++) {
            text[i] = Frames.text(args[i]);
        }
        switch (command) {
            case "key": // alias, PKCS #8, certificate: to sign with and to trust; before anything is signed
                Rampart.add(dir, text[0], args[1], args[2]);
                return new byte[0][];
            case "call": // URL, operation, wrapper element, MTOM; answers "answered", or "fault", code and text
                return call(stub(text[0], text[3]), text[1], args[2]);
            case "callSigned": // as call, and alias, algorithm, digest, whether answers have to confirm, a header
                return call(signed(stub(text[0], text[3]), text), text[1], args[2]);
            case "serve": // answers the URL of a service without signatures
                return new byte[][] {Frames.octets(serve("plain" + services++, "Axis2Service", ""))};
            case "serveFinal": // answers the URL of a service without signatures, whose class is final
                return new byte[][] {Frames.octets(serve("final" + services++, "Axis2FinalService", ""))};
            case "serveSigned": // alias, algorithm, digest; answers the URL of a service that wants signatures
                return new byte[][] {Frames.octets(serve("signed" + services++, "Axis2Service",
                    "<module ref=\"rampart\"/>" + Rampart.in(false) + Rampart.out(text[0], text[1], text[2], true)))};
            case "received": // answers the wrapper elements of what the services were sent since the last time
                List<byte[]> all = new ArrayList<>();
                for (String message : Axis2Service.received()) {
                    all.add(Frames.octets(message));
                }
                return all.toArray(new byte[0][]);
            default:
                throw new IllegalArgumentException("no command " + command);
        }
    }

    private AuthorityServiceStub stub(String url, String mtom) throws Exception {
        if (client == null) {
            client = context(dir, libraries);
        }
        AuthorityServiceStub s = new AuthorityServiceStub(client, url);
        Options options = s._getServiceClient().getOptions();
        options.setProperty(Constants.Configuration.ENABLE_MTOM, mtom);
        options.setTimeOutInMilliSeconds(60_000);
        return s;
    }

    /** context is that of a client with Rampart at hand, in dir. */
    static ConfigurationContext context(Path dir, Path libraries) throws Exception {
        return ConfigurationContextFactory.createConfigurationContextFromFileSystem(
            repository(dir, libraries, "client").toString(), null);
    }

    private static AuthorityServiceStub signed(AuthorityServiceStub s, String[] text) throws Exception {
        boolean confirm = Boolean.parseBoolean(text[7]);
        s._getServiceClient().engageModule("rampart");
        Options options = s._getServiceClient().getOptions();
        options.setProperty("OutflowSecurity", Rampart.parameter(Rampart.out(text[4], text[5], text[6], confirm)));
        options.setProperty("InflowSecurity", Rampart.parameter(Rampart.in(confirm)));
        s._getServiceClient().addHeader(AXIOMUtil.stringToOM(text[8]));
        return s;
    }

    /** call reads a message with the generated beans and sends it with the generated stub. */
    private static byte[][] call(AuthorityServiceStub s, String operation, byte[] wrapper) throws Exception {
        String bean = "orca.shirako.proxies.soapaxis2.services." + operation.substring(0, 1).toUpperCase()
            + operation.substring(1);
        XMLStreamReader reader = StAXUtils.createXMLStreamReader(new ByteArrayInputStream(wrapper));
        Object message = Class.forName(bean + "$Factory").getMethod("parse", XMLStreamReader.class).invoke(null, reader);
        try {
            s.getClass().getMethod(operation, Class.forName(bean)).invoke(s, message);
        } catch (InvocationTargetException why) {
            if (!(why.getCause() instanceof AxisFault)) {
                throw why;
            }
            AxisFault fault = (AxisFault) why.getCause();
            return new byte[][] {Frames.octets("fault"), Frames.octets(String.valueOf(fault.getFaultCode())),
                Frames.octets(String.valueOf(fault.getMessage()))};
        } finally {
            s._getServiceClient().cleanupTransport();
        }
        return new byte[][] {Frames.octets("answered")};
    }

    /** serve deploys the generated service as services.xml has it, but for its name and class, and more in it. */
    private String serve(String name, String implementation, String more) throws Exception {
        Path repository = repository(dir, libraries, name);
        Path service = Files.createDirectories(repository.resolve("services").resolve("actor").resolve("META-INF"));
        String text = new String(Files.readAllBytes(stub.resolve("resources/services.xml")), StandardCharsets.UTF_8);
        text = text.replace("peer.stub.AuthorityServiceSkeleton<", implementation + "<")
            .replace("<service name=\"AuthorityService\">", "<service name=\"actor\">" + more)
            .replaceAll("<parameter name=\"(useOriginalwsdl|modifyUserWSDLPortAddress)\">[a-z]*</parameter>", "");
        Files.write(service.resolve("services.xml"), text.getBytes(StandardCharsets.UTF_8));
        return Axis2Server.start(
            ConfigurationContextFactory.createConfigurationContextFromFileSystem(repository.toString(), null));
    }

    /** repository is an Axis2 repository with Rampart in it, of which only those who say so make use. */
    private static Path repository(Path dir, Path libraries, String name) throws Exception {
        Path repository = dir.resolve("repository-" + name);
        Path modules = Files.createDirectories(repository.resolve("modules"));
        Files.createDirectories(repository.resolve("services"));
        try (DirectoryStream<Path> archives = Files.newDirectoryStream(libraries, "rampart-*.mar")) {
            for (Path archive : archives) {
                Files.copy(archive, modules.resolve(archive.getFileName()));
            }
        }
        return repository;
    }
}

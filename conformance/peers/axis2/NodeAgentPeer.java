import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import javax.activation.DataHandler;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.namespace.QName;
import org.apache.axiom.attachments.ByteArrayDataSource;
import org.apache.axiom.om.OMAbstractFactory;
import org.apache.axiom.om.OMElement;
import org.apache.axiom.om.OMFactory;
import org.apache.axiom.om.util.AXIOMUtil;
import org.apache.axiom.soap.SOAP11Constants;
import org.apache.axiom.soap.SOAP12Constants;
import org.apache.axis2.AxisFault;
import org.apache.axis2.Constants;
import org.apache.axis2.addressing.EndpointReference;
import org.apache.axis2.client.Options;
import org.apache.axis2.client.ServiceClient;
import org.apache.axis2.context.ConfigurationContext;
import org.apache.axis2.context.MessageContext;
import org.apache.axis2.wsdl.WSDLConstants;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.handler.WSHandlerConstants;
import org.apache.ws.security.handler.WSHandlerResult;

/**
 * A caller of node agents as deployed ones are made: Axis2 and Rampart, which sign the body and
 * check the answers, and Java's own cryptography for the exchange of the first key. Written from
 * the description of the service; commands are in the switch of {@link #handle}. Arguments of the
 * program are an empty folder, which is on the class path, and the folder of the libraries.
 */
public final class NodeAgentPeer implements Frames.Handler {
    private static final String SPACE = "http://orca/nodeagent/documents";
    private static final String DRAFT =
        "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd";
    private static final String SHA1 = "http://www.w3.org/2000/09/xmldsig#";

    private final Path dir;
    private final Path libraries;
    private ConfigurationContext context;
    private String version = SOAP11Constants.SOAP_ENVELOPE_NAMESPACE_URI;

    private NodeAgentPeer(String[] args) {
        dir = Paths.get(args[0]);
        libraries = Paths.get(args[1]);
    }

    public static void main(String[] args) throws Exception {
        Frames.serve(new NodeAgentPeer(args));
        System.exit(0); // Axis2 has threads of its own
    }

    @Override
    public byte[][] handle(String command, byte[][] args) throws Exception {
        switch (command) {
            case "key": // alias, PKCS #8, certificate: to sign with; before anything is signed
                Rampart.add(dir, Frames.text(args[0]), args[1], args[2]);
                return new byte[0][];
            case "trust": // alias, certificate: of the agent; before anything is signed
                Rampart.trust(dir, Frames.text(args[0]), args[1]);
                return new byte[0][];
            case "version": // 1.1 or 1.2: of SOAP, for what is called from now on
                version = Frames.text(args[0]).equals("1.2")
                    ? SOAP12Constants.SOAP_ENVELOPE_NAMESPACE_URI : SOAP11Constants.SOAP_ENVELOPE_NAMESPACE_URI;
                return new byte[0][];
            case "service": // URL; answers the certificate that the agent says is its own
                OMElement key = send(client(Frames.text(args[0]), "getServiceKey"), top("getServiceKeyElement"));
                return new byte[][] {octets(key, "key")};
            case "meet": // URL, PKCS #8, certificate, hash, token; answers the certificate of the node
                return new byte[][] {meet(Frames.text(args[0]), args[1], args[2], Frames.text(args[3]), Frames.text(args[4]))};
            case "call": // URL, alias, operation, element, and fields; answers "answered" and the names and values, or "fault" and text
                return call(args);
            default:
                throw new IllegalArgumentException("no command " + command);
        }
    }

    private ServiceClient client(String url, String operation) throws Exception {
        if (context == null) {
            context = Axis2Peer.context(dir, libraries);
        }
        ServiceClient c = new ServiceClient(context, null);
        Options options = c.getOptions();
        options.setTo(new EndpointReference(url));
        options.setAction(operation);
        options.setSoapVersionURI(version);
        options.setTimeOutInMilliSeconds(120_000);
        return c;
    }

    /** send gives the connection back: Axis2 has few, and waits for one without end. */
    private static OMElement send(ServiceClient c, OMElement request) throws AxisFault {
        try {
            OMElement answer = c.sendReceive(request);
            answer.build();
            return answer;
        } finally {
            c.cleanupTransport();
        }
    }

    private static OMElement top(String name) {
        OMFactory f = OMAbstractFactory.getOMFactory();
        return f.createOMElement(name, f.createOMNamespace(SPACE, "na"));
    }

    private static OMElement child(OMElement parent, String name, String text) {
        OMElement e = parent.getOMFactory().createOMElement(new QName(name), parent);
        e.setText(text);
        return e;
    }

    /** bytes adds an element for each octet, which is what the schema of the service asks for. */
    private static void bytes(OMElement parent, String name, byte[] value) {
        for (byte b : value) {
            child(parent, name, Byte.toString(b));
        }
    }

    private static byte[] octets(OMElement parent, String name) {
        List<Byte> all = new ArrayList<>();
        for (Iterator<?> i = parent.getChildrenWithName(new QName(name)); i.hasNext();) {
            all.add(Byte.parseByte(((OMElement) i.next()).getText()));
        }
        byte[] out = new byte[all.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = all.get(i);
        }
        return out;
    }

    private static String text(OMElement parent, String name) {
        OMElement e = parent.getFirstChildWithName(new QName(name));
        if (e == null) {
            throw new IllegalStateException(parent.getLocalName() + " has no " + name);
        }
        return e.getText();
    }

    /** meet is the authority's part of the exchange of the first key, with MD5 or SHA-256. */
    private byte[] meet(String url, byte[] pkcs8, byte[] der, String hash, String token) throws Exception {
        PrivateKey authority = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        byte[] message = ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<keymastermessage>\n  <nodeIP>127.0.0.1</nodeIP>\n"
            + "  <timestamp>NA</timestamp>\n  <authorityIP>127.0.0.1</authorityIP>\n</keymastermessage>\n")
            .getBytes(StandardCharsets.ISO_8859_1);
        Signature signer = Signature.getInstance(hash + "withRSA");
        signer.initSign(authority);
        signer.update(message);
        OMElement request = top("registerAuthorityKeyElement");
        child(request, "alias", "authoritykey");
        bytes(request, "certificate", der);
        bytes(request, "request", message);
        bytes(request, "signature", signer.sign());
        OMElement answer = send(client(url, "registerAuthorityKey"), request);
        if (!text(answer, "code").equals("0")) {
            throw new IllegalStateException("code " + text(answer, "code"));
        }
        byte[] sealed = octets(answer, "response");
        Cipher rsa;
        Cipher cipher;
        if (hash.equals("MD5")) {
            rsa = Cipher.getInstance("RSA/ECB/PKCS1Padding");
            rsa.init(Cipher.DECRYPT_MODE, authority);
            cipher = Cipher.getInstance("DESede/ECB/PKCS5Padding");
            cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(secret(rsa, answer), "DESede"));
        } else {
            rsa = Cipher.getInstance("RSA/ECB/OAEPPadding");
            rsa.init(Cipher.DECRYPT_MODE, authority,
                new OAEPParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
            cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(secret(rsa, answer), "AES"), new GCMParameterSpec(128, sealed, 0, 12));
            sealed = Arrays.copyOfRange(sealed, 12, sealed.length);
        }
        OMElement reply = AXIOMUtil.stringToOM(new String(cipher.doFinal(sealed), StandardCharsets.ISO_8859_1));
        if (!MessageDigest.isEqual(Frames.octets(text(reply, "nodetoken")), Frames.octets(token))) {
            throw new IllegalStateException("another node's token");
        }
        return Base64.getMimeDecoder().decode(text(reply, "nodecertificate"));
    }

    private static byte[] secret(Cipher rsa, OMElement answer) throws Exception {
        return Base64.getDecoder().decode(rsa.doFinal(octets(answer, "key")));
    }

    /**
     * call signs one request and reads the answer. A field is KIND:NAME followed by its value, KIND
     * being text, bytes, base64, mtom or property, and NAME is empty for the text of the element itself.
     */
    private byte[][] call(byte[][] args) throws Exception {
        String alias = Frames.text(args[1]);
        OMElement request = top(Frames.text(args[3]));
        OMElement properties = null;
        boolean mtom = false;
        for (int i = 4; i < args.length; i += 2) {
            String[] field = Frames.text(args[i]).split(":", 2);
            switch (field[0]) {
                case "bytes":
                    bytes(request, field[1], args[i + 1]);
                    break;
                case "base64":
                    child(request, field[1], Base64.getMimeEncoder().encodeToString(args[i + 1]));
                    break;
                case "mtom": // as callers do that let Axis2 make a part of it
                    OMFactory f = request.getOMFactory();
                    OMElement binary = f.createOMElement(new QName(field[1]), request);
                    binary.addChild(f.createOMText(
                        new DataHandler(new ByteArrayDataSource(args[i + 1], "application/octet-stream")), true));
                    mtom = true;
                    break;
                case "property":
                    if (properties == null) {
                        properties = child(request, "properties", "");
                    }
                    OMElement property = child(properties, "property", "");
                    child(property, "value", Frames.text(args[i + 1])); // in any order
                    child(property, "name", field[1]);
                    break;
                default:
                    if (field[1].isEmpty()) {
                        request.setText(Frames.text(args[i + 1]));
                    } else {
                        child(request, field[1], Frames.text(args[i + 1]));
                    }
            }
        }
        ServiceClient c = client(Frames.text(args[0]), Frames.text(args[2]));
        c.engageModule("rampart");
        c.getOptions().setProperty(Constants.Configuration.ENABLE_MTOM, mtom);
        c.getOptions().setProperty("OutflowSecurity",
            Rampart.parameter(Rampart.out(alias, SHA1 + "rsa-sha1", SHA1 + "sha1", true)));
        c.getOptions().setProperty("InflowSecurity", Rampart.parameter(Rampart.in(false)));
        OMElement answer;
        try {
            answer = send(c, request);
        } catch (AxisFault fault) {
            return new byte[][] {Frames.octets("fault"), Frames.octets(String.valueOf(fault.getMessage()))};
        }
        List<byte[]> out = new ArrayList<>();
        out.add(Frames.octets("answered"));
        out.add(signer(c));
        out.add(Frames.octets(answer.getLocalName()));
        list(answer, "", out);
        return out.toArray(new byte[0][]);
    }

    /** list gives names and values: of the element's text, its children, and its properties. */
    private static void list(OMElement e, String name, List<byte[]> out) {
        OMElement first = e.getFirstElement();
        if (first == null) {
            out.add(Frames.octets(name));
            out.add(Frames.octets(e.getText()));
            return;
        }
        for (Iterator<?> i = e.getChildElements(); i.hasNext();) {
            OMElement c = (OMElement) i.next();
            if (c.getNamespace() != null && !c.getNamespace().getNamespaceURI().isEmpty()) {
                throw new IllegalStateException(c.getLocalName() + " has a namespace");
            }
            if (c.getLocalName().equals("property")) {
                out.add(Frames.octets("property:" + text(c, "name")));
                out.add(Frames.octets(text(c, "value")));
            } else {
                list(c, c.getLocalName(), out);
            }
        }
    }

    /**
     * signer is the certificate that signed the answer's body, if Rampart found its signature good, and
     * if the answer confirms under it the signature of the request as the callers of the legacy stack demand.
     */
    private static byte[] signer(ServiceClient c) throws Exception {
        MessageContext sent = c.getLastOperationContext().getMessageContext(WSDLConstants.MESSAGE_LABEL_OUT_VALUE);
        MessageContext got = c.getLastOperationContext().getMessageContext(WSDLConstants.MESSAGE_LABEL_IN_VALUE);
        // WSS4J keeps what it signed for this very check, which it does not make in the draft's namespace.
        Object ours = sent.getProperty(WSHandlerConstants.SEND_SIGV);
        if (ours == null) {
            ours = c.getLastOperationContext().getProperty(WSHandlerConstants.SEND_SIGV);
        }
        if (!got.getEnvelope().getNamespace().getNamespaceURI().equals(sent.getOptions().getSoapVersionURI())) {
            throw new IllegalStateException("the answer is in another version of SOAP");
        }
        OMElement confirmation = find(got.getEnvelope(), new QName(DRAFT, "SignatureConfirmation"));
        String value = confirmation.getAttributeValue(new QName("Value"));
        byte[] confirmed = Base64.getDecoder().decode(value);
        boolean same = false;
        for (Object o : (Collection<?>) ours) {
            same |= o instanceof byte[] && MessageDigest.isEqual((byte[]) o, confirmed);
        }
        if (!same) {
            throw new IllegalStateException("the answer confirms another request");
        }
        byte[] signer = null;
        List<String> names = new ArrayList<>();
        for (Object handler : (List<?>) got.getProperty(WSHandlerConstants.RECV_RESULTS)) {
            for (Object r : ((WSHandlerResult) handler).getResults()) {
                WSSecurityEngineResult result = (WSSecurityEngineResult) r;
                if ((Integer) result.get(WSSecurityEngineResult.TAG_ACTION) != WSConstants.SIGN) {
                    continue;
                }
                signer = ((X509Certificate) result.get(WSSecurityEngineResult.TAG_X509_CERTIFICATE)).getEncoded();
                for (Object ref : (List<?>) result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS)) {
                    names.add(((WSDataRef) ref).getName().getLocalPart());
                }
            }
        }
        if (signer == null || !names.contains("Body") || !names.contains("SignatureConfirmation")) {
            throw new IllegalStateException("signed is " + names);
        }
        return signer;
    }

    private static OMElement find(OMElement in, QName name) {
        for (Iterator<?> i = in.getDescendants(true); i.hasNext();) {
            Object n = i.next();
            if (n instanceof OMElement && ((OMElement) n).getQName().equals(name)) {
                return (OMElement) n;
            }
        }
        throw new IllegalStateException("there is no " + name);
    }
}

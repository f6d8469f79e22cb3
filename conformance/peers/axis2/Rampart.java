import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Properties;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import org.apache.axiom.om.util.AXIOMUtil;
import org.apache.axis2.description.Parameter;
import org.apache.ws.security.WSPasswordCallback;

/** Keys and configuration of Rampart, in the style of its first versions. */
public final class Rampart implements CallbackHandler {
    private static final String PASSWORD = "changeit";
    private static final String PROPERTIES = "rampart.properties";
    private static final String STORE = "keys.jks";

    /** add puts a key into the key store in dir, which is on the class path. */
    static void add(Path dir, String alias, byte[] pkcs8, byte[] der) throws Exception {
        KeyStore keys = load(dir);
        keys.setKeyEntry(alias,
            KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8)),
            PASSWORD.toCharArray(), new Certificate[] {certificate(der)});
        store(dir, keys);
    }

    /** trust puts a certificate without its key into the key store in dir. */
    static void trust(Path dir, String alias, byte[] der) throws Exception {
        KeyStore keys = load(dir);
        keys.setCertificateEntry(alias, certificate(der));
        store(dir, keys);
    }

    private static Certificate certificate(byte[] der) throws Exception {
        return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    private static KeyStore load(Path dir) throws Exception {
        KeyStore keys = KeyStore.getInstance("JKS");
        Path store = dir.resolve(STORE);
        if (Files.exists(store)) {
            keys.load(new ByteArrayInputStream(Files.readAllBytes(store)), PASSWORD.toCharArray());
        } else {
            keys.load(null, null);
        }
        return keys;
    }

    private static void store(Path dir, KeyStore keys) throws Exception {
        Path store = dir.resolve(STORE);
        try (OutputStream out = Files.newOutputStream(store)) {
            keys.store(out, PASSWORD.toCharArray());
        }
        Properties p = new Properties();
        p.setProperty("org.apache.ws.security.crypto.provider", "org.apache.ws.security.components.crypto.Merlin");
        p.setProperty("org.apache.ws.security.crypto.merlin.keystore.type", "jks");
        p.setProperty("org.apache.ws.security.crypto.merlin.keystore.password", PASSWORD);
        p.setProperty("org.apache.ws.security.crypto.merlin.keystore.file", store.toString());
        try (OutputStream out = Files.newOutputStream(dir.resolve(PROPERTIES))) {
            p.store(out, null);
        }
    }

    /** in is what Rampart shall demand of messages: a signature, and of answers that they confirm ours. */
    static String in(boolean confirm) {
        return "<parameter name=\"InflowSecurity\"><action><items>Signature</items><signaturePropFile>" + PROPERTIES
            + "</signaturePropFile><enableSignatureConfirmation>" + confirm
            + "</enableSignatureConfirmation></action></parameter>";
    }

    /** out is how Rampart shall sign: the body, with a direct reference to its token. */
    static String out(String alias, String algorithm, String digest, boolean confirm) {
        return "<parameter name=\"OutflowSecurity\"><action><items>Signature</items><user>" + alias
            + "</user><passwordCallbackClass>Rampart</passwordCallbackClass>"
            + "<signatureKeyIdentifier>DirectReference</signatureKeyIdentifier><signaturePropFile>" + PROPERTIES
            + "</signaturePropFile><signatureAlgorithm>" + algorithm + "</signatureAlgorithm><signatureDigestAlgorithm>"
            + digest + "</signatureDigestAlgorithm><enableSignatureConfirmation>" + confirm
            + "</enableSignatureConfirmation></action></parameter>";
    }

    static Parameter parameter(String xml) throws Exception {
        Parameter p = new Parameter();
        p.setParameterElement(AXIOMUtil.stringToOM(xml));
        p.setName(p.getParameterElement().getAttributeValue(new javax.xml.namespace.QName("name")));
        p.setValue(p.getParameterElement());
        return p;
    }

    @Override
    public void handle(Callback[] callbacks) throws IOException {
        for (Callback c : callbacks) {
            if (c instanceof WSPasswordCallback) {
                ((WSPasswordCallback) c).setPassword(PASSWORD);
            }
        }
    }
}

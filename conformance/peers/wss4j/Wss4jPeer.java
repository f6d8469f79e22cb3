import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSPasswordCallback;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.xml.security.c14n.Canonicalizer;
import org.w3c.dom.Document;

/**
 * WSS4J as a peer of the tests: it signs and verifies messages as actors of the
 * legacy kind do. Commands are in the switch of {@link #handle}.
 */
public final class Wss4jPeer implements Frames.Handler {
    private static final String PASSWORD = "changeit";

    private final KeyStore keys;
    private final Merlin crypto;
    private final DocumentBuilder builder;
    private final Transformer writer;

    private final CallbackHandler passwords = callbacks -> {
        for (Callback c : callbacks) {
            if (c instanceof WSPasswordCallback) {
                ((WSPasswordCallback) c).setPassword(PASSWORD);
            }
        }
    };

    private Wss4jPeer() throws Exception {
        WSSConfig.init();
        keys = KeyStore.getInstance("JKS");
        keys.load(null, null);
        crypto = new Merlin();
        crypto.setKeyStore(keys);
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        builder = factory.newDocumentBuilder();
        writer = TransformerFactory.newInstance().newTransformer();
        writer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
    }

    public static void main(String[] args) throws Exception {
        Frames.serve(new Wss4jPeer());
    }

    @Override
    public byte[][] handle(String command, byte[][] args) throws Exception {
        switch (command) {
            case "key": // alias, PKCS #8, certificate: from now on we sign as alias and trust it
                key(Frames.text(args[0]), args[1], args[2]);
                return new byte[0][];
            case "verify": // profile, envelope; answers the local names of what was signed
                return verify(Frames.text(args[0]), args[1]);
            case "sign": // profile, alias, algorithm, digest, key reference, parts, envelope
                return new byte[][] {
                    sign(Frames.text(args[0]), Frames.text(args[1]), Frames.text(args[2]), Frames.text(args[3]),
                        Frames.text(args[4]), Frames.text(args[5]), args[6])
                };
            case "c14n": // prefix list, document; answers its root in exclusive canonical form
                return new byte[][] {
                    Canonicalizer.getInstance(Canonicalizer.ALGO_ID_C14N_EXCL_OMIT_COMMENTS)
                        .canonicalizeSubtree(parse(args[1]).getDocumentElement(), Frames.text(args[0]))
                };
            case "bench": // rounds, repetitions, envelope; answers the nanoseconds of the fastest round's average
                return new byte[][] {Frames.octets(Long.toString(
                    bench(Integer.parseInt(Frames.text(args[0])), Integer.parseInt(Frames.text(args[1])), args[2])))};
            case "rsa": // alias, repetitions; answers the nanoseconds of one bare verification, on average
                return new byte[][] {Frames.octets(Long.toString(
                    rsa(Frames.text(args[0]), Integer.parseInt(Frames.text(args[1])))))};
            default:
                throw new IllegalArgumentException("no command " + command);
        }
    }

    private void key(String alias, byte[] pkcs8, byte[] der) throws Exception {
        Certificate certificate =
            CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
        PrivateKey key = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        keys.setKeyEntry(alias, key, PASSWORD.toCharArray(), new Certificate[] {certificate});
    }

    /** config is that of 1.6, "bsp", or without prefix lists as 1.5 has it, "plain". */
    private static WSSConfig config(String profile) {
        WSSConfig config = WSSConfig.getNewInstance();
        config.setWsiBSPCompliant(profile.equals("bsp"));
        return config;
    }

    private byte[][] verify(String profile, byte[] envelope) throws Exception {
        List<byte[]> names = new ArrayList<>();
        for (WSDataRef ref : check(config(profile), envelope)) {
            names.add(Frames.octets(ref.getName().getLocalPart()));
        }
        return names.toArray(new byte[0][]);
    }

    private List<WSDataRef> check(WSSConfig config, byte[] envelope) throws Exception {
        WSSecurityEngine engine = new WSSecurityEngine();
        engine.setWssConfig(config);
        List<WSSecurityEngineResult> results =
            engine.processSecurityHeader(parse(envelope), null, passwords, crypto);
        if (results == null) {
            throw new IllegalArgumentException("no Security header");
        }
        List<WSDataRef> signed = new ArrayList<>();
        for (WSSecurityEngineResult result : results) {
            if ((Integer) result.get(WSSecurityEngineResult.TAG_ACTION) == WSConstants.SIGN) {
                for (Object ref : (List<?>) result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS)) {
                    signed.add((WSDataRef) ref);
                }
            }
        }
        if (signed.isEmpty()) {
            throw new IllegalArgumentException("nothing is signed");
        }
        return signed;
    }

    private byte[] sign(String profile, String alias, String algorithm, String digest, String reference, String parts,
        byte[] envelope) throws Exception {
        Document doc = parse(envelope);
        WSSConfig config = config(profile);
        WSSecHeader header = new WSSecHeader();
        header.insertSecurityHeader(doc);
        List<WSEncryptionPart> wanted = new ArrayList<>();
        for (String part : parts.split(" ")) {
            switch (part) {
                case "Body":
                    wanted.add(new WSEncryptionPart("Body", WSConstants.URI_SOAP11_ENV, "Content"));
                    break;
                case "AuthToken":
                    wanted.add(new WSEncryptionPart("AuthToken", "http://issg.cs.duke.edu/sharp/sec", "Content"));
                    break;
                case "Timestamp":
                    WSSecTimestamp stamp = new WSSecTimestamp(config);
                    stamp.setTimeToLive(300);
                    stamp.build(doc, header);
                    wanted.add(new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, ""));
                    break;
                case "STRTransform":
                    wanted.add(new WSEncryptionPart("STRTransform", WSConstants.WSSE_NS, "Content"));
                    break;
                default:
                    throw new IllegalArgumentException("no part " + part);
            }
        }
        WSSecSignature signature = new WSSecSignature(config);
        signature.setUserInfo(alias, PASSWORD);
        signature.setKeyIdentifierType(reference(reference));
        signature.setSignatureAlgorithm(algorithm);
        signature.setDigestAlgo(digest);
        signature.setParts(wanted);
        return write(signature.build(doc, crypto, header));
    }

    private static int reference(String name) {
        switch (name) {
            case "direct":
                return WSConstants.BST_DIRECT_REFERENCE;
            case "issuer":
                return WSConstants.ISSUER_SERIAL;
            case "ski":
                return WSConstants.SKI_KEY_IDENTIFIER;
            case "thumbprint":
                return WSConstants.THUMBPRINT_IDENTIFIER;
            default:
                throw new IllegalArgumentException("no key reference " + name);
        }
    }

    private long bench(int rounds, int repetitions, byte[] envelope) throws Exception {
        WSSConfig config = config("bsp");
        long best = Long.MAX_VALUE;
        for (int round = 0; round < rounds; round++) {
            long began = System.nanoTime();
            for (int i = 0; i < repetitions; i++) {
                check(config, envelope);
            }
            best = Math.min(best, (System.nanoTime() - began) / repetitions);
        }
        return best;
    }

    private long rsa(String alias, int repetitions) throws Exception {
        Signature signer = Signature.getInstance("SHA256withRSA");
        signer.initSign((PrivateKey) keys.getKey(alias, PASSWORD.toCharArray()));
        byte[] value = signer.sign();
        Signature verifier = Signature.getInstance("SHA256withRSA");
        Certificate certificate = keys.getCertificate(alias);
        long began = System.nanoTime();
        for (int i = 0; i < repetitions; i++) {
            verifier.initVerify(certificate.getPublicKey());
            if (!verifier.verify(value)) {
                throw new IllegalStateException("does not verify");
            }
        }
        return (System.nanoTime() - began) / repetitions;
    }

    private Document parse(byte[] octets) throws Exception {
        return builder.parse(new ByteArrayInputStream(octets));
    }

    private byte[] write(Document doc) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.transform(new DOMSource(doc), new StreamResult(out));
        return out.toByteArray();
    }
}

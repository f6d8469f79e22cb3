import java.net.InetAddress;
import java.net.URL;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Date;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.apache.xmlrpc.XmlRpcException;
import org.apache.xmlrpc.client.XmlRpcClient;
import org.apache.xmlrpc.client.XmlRpcClientConfigImpl;
import org.apache.xmlrpc.server.PropertyHandlerMapping;
import org.apache.xmlrpc.server.XmlRpcServerConfigImpl;
import org.apache.xmlrpc.webserver.WebServer;

/**
 * A client and a server of XML-RPC on Apache's library, as deployed actors and
 * controllers use it: Peer client URL extensions?, Peer server extensions?, and
 * Peer registry URL keys.p12 password arguments...
 */
public class Peer {
    /** What the server does. */
    public static class Handler {
        public Object echo(String x) { return x; }
        public Object echo(int x) { return x; }
        public Object echo(boolean x) { return x; }
        public Object echo(double x) { return x; }
        public Object echo(byte[] x) { return x; }
        public Object echo(Object[] x) { return x; }
        public Object echo(Map<?, ?> x) { return x; }
        public Object echo(long x) { return x; }
        public Object fault() throws XmlRpcException { throw new XmlRpcException(42, "on purpose"); }
    }

    static XmlRpcClient at(String url, boolean extensions) throws Exception {
        XmlRpcClientConfigImpl c = new XmlRpcClientConfigImpl();
        c.setServerURL(new URL(url));
        c.setEnabledForExtensions(extensions);
        XmlRpcClient client = new XmlRpcClient();
        client.setConfig(c);
        return client;
    }

    static void note(XmlRpcClient c, String name, Object value) {
        try {
            c.execute("test.note", new Object[] {name, value});
            System.out.println(name + " sent");
        } catch (XmlRpcException e) {
            System.out.println(name + " refused");
        }
    }

    static void client(String url, boolean extensions) throws Exception {
        XmlRpcClient c = at(url, extensions);
        Object types = c.execute("test.types", new Object[0]);
        System.out.println("same " + (((Boolean) c.execute("test.same", new Object[] {types})) ? 1 : 0));
        note(c, "zeros", "007");
        note(c, "latin", "caf\u00e9");
        note(c, "long", 3000000000L);
        note(c, "nil", null);
        note(c, "date", new Date(0));
        for (String m : new String[] {"fault", "none"}) {
            try {
                c.execute("test." + m, new Object[0]);
            } catch (XmlRpcException e) {
                System.out.println(m + " " + e.code + " " + e.getMessage());
            }
        }
        Object[] list = (Object[]) c.execute("system.listMethods", new Object[0]);
        System.out.println("methods " + (Arrays.asList(list).contains("test.types") ? "True" : "False"));
    }

    static void server(boolean extensions) throws Exception {
        WebServer w = new WebServer(0, InetAddress.getByName("127.0.0.1"));
        PropertyHandlerMapping m = new PropertyHandlerMapping();
        m.addHandler("peer", Handler.class);
        w.getXmlRpcServer().setHandlerMapping(m);
        ((XmlRpcServerConfigImpl) w.getXmlRpcServer().getConfig()).setEnabledForExtensions(extensions);
        w.start();
        System.out.println("ready http://127.0.0.1:" + w.getPort() + "/RPC2");
        System.out.flush();
        Thread.sleep(Long.MAX_VALUE);
    }

    /** As a container does it: its own certificate, any server, insert, heartbeat, query. */
    static void registry(String[] a) throws Exception {
        java.security.KeyStore store = java.security.KeyStore.getInstance("PKCS12");
        try (java.io.FileInputStream in = new java.io.FileInputStream(a[2])) {
            store.load(in, a[3].toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, a[3].toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), new TrustManager[] {new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] c, String t) {}
            public void checkServerTrusted(X509Certificate[] c, String t) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        }}, null);
        HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
        HttpsURLConnection.setDefaultHostnameVerifier((h, s) -> true);
        XmlRpcClient c = at(a[1] + "/", false);
        X509Certificate cert = (X509Certificate) store.getCertificate(store.aliases().nextElement());
        String base64 = java.util.Base64.getMimeEncoder(76, "\n".getBytes()).encodeToString(cert.getEncoded());
        String name = a[4], type = a[5], guid = a[6], url = a[7];
        System.out.println("insert " + c.execute("registryService.insert", new Object[] {
            name, type, guid, "a deployed actor", url, "orca.shirako.core.Broker", "policy", cert.getPublicKey().toString(), base64}));
        System.out.println("heartbeat " + c.execute("registryService.insert", new Object[] {guid}));
        System.out.println("ndl " + c.execute("registryService.insert", new Object[] {guid, "<abstract/>", "<full/>", "7"}));
        System.out.println("cert " + c.execute("registryService.testSSLCert", new Object[] {guid, base64}));
        Map<?, ?> found = (Map<?, ?>) c.execute("registryService.getActorsVerifiedOtherThan", new Object[] {new Object[] {guid}, true});
        for (Map.Entry<?, ?> e : new java.util.TreeMap<Object, Object>(found).entrySet()) {
            Map<?, ?> m = (Map<?, ?>) e.getValue();
            System.out.println("found " + e.getKey() + " " + m.get("NAME") + " " + m.get("TYPE") + " " + m.get("PROTOCOL") + " " + m.get("STATUS"));
        }
        Map<?, ?> all = (Map<?, ?>) c.execute("registryService.getAMs", new Object[] {false});
        System.out.println("sites " + all.size());
    }

    public static void main(String[] a) throws Exception {
        switch (a[0]) {
            case "client": client(a[1], a.length > 2); break;
            case "server": server(a.length > 1); break;
            default: registry(a);
        }
    }
}

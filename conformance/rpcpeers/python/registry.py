"""A stand-in for a deployed actor registry, written from its description (actor-registry):
registry.py CERTIFICATE KEY CLIENTS

CLIENTS is a file with the certificates that may connect: this library cannot take one
that nobody has vouched for. Actors are verified at once. Answers are written as Apache's
library writes them: texts without an element, no nil, no i8.
"""
import http.server
import ssl
import sys
import time
import xml.sax.saxutils
import xmlrpc.client

actors = {}
calls = []


def text(v):
    if isinstance(v, dict):
        return "<struct>" + "".join("<member><name>%s</name><value>%s</value></member>" % (k, text(x)) for k, x in v.items()) + "</struct>"
    return xml.sax.saxutils.escape(v)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        params, method = xmlrpc.client.loads(self.rfile.read(int(self.headers["Content-Length"])))
        calls.append((self.path, method, len(params)))
        der = self.connection.getpeercert(binary_form=True)
        answer = self.insert(params, der) if method == "registryService.insert" else self.query(method, params)
        body = ('<?xml version="1.0" encoding="UTF-8"?><methodResponse><params><param><value>%s</value></param></params></methodResponse>' % text(answer)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def insert(self, params, der):
        if not all(isinstance(p, str) for p in params):
            return "STATUS: ERROR; no method matching arguments"
        if not self.path.endswith("/") or self.path.endswith("//"):
            return "STATUS: ERROR; path " + self.path
        if len(params) == 1:
            if params[0] not in actors:
                return "STATUS ERROR; unknown guid"  # without the colon, as some do
            if actors[params[0]]["der"] != der:
                return "STATUS: ERROR; certificate mismatch"
            return "STATUS: SUCCESS"
        name, kind, guid, desc, url, _, _, _, cert = params
        lines = cert.split("\n")
        if any(len(line) > 76 for line in lines) or "" in lines:
            return "STATUS: ERROR; lines of the certificate"
        if ssl.DER_cert_to_PEM_cert(der).split("\n", 1)[1].rsplit("\n-----END", 1)[0].replace("\n", "") != "".join(lines):
            return "STATUS: ERROR; another certificate than that of the connection"
        if guid in actors and actors[guid]["CERT"] != cert:
            return "STATUS: ERROR; text of the certificate changed"
        actors[guid] = {"der": der, "NAME": name, "GUID": guid, "TYPE": {"1": "sm", "2": "broker", "3": "site"}[kind], "LOCATION": url, "CERT": cert,
                        "PROTOCOL": "soapaxis2", "LASTUPDATE": time.strftime("%Y-%m-%d %H:%M:%S"), "PRODUCTION": "True", "VERIFIED": "True"}
        return "STATUS: SUCCESS"

    def query(self, method, params):
        if method != "registryService.getActorsVerifiedOtherThan" or not isinstance(params[0], list) or params[1] is not True:
            return "STATUS: ERROR; " + method
        found = {g: {k: v for k, v in a.items() if k != "der"} for g, a in actors.items() if g not in params[0]}
        found["STATUS"] = {"STATUS": "STATUS: SUCCESS" if found else "No actors match the query"}
        return found


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.verify_mode = ssl.CERT_OPTIONAL
context.load_verify_locations(sys.argv[3])
context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print("ready https://127.0.0.1:%d/registry" % server.server_address[1], flush=True)
server.serve_forever()

"""A client and a server of XML-RPC on Python's own library.

peer.py client URL     what doc.go asks of clients
peer.py server         what it asks of servers
"""
import sys
import xmlrpc.client
import xmlrpc.server


def client(url):
    proxy = xmlrpc.client.ServerProxy(url)
    print("same", int(proxy.test.same(proxy.test.types())))
    proxy.test.note("zeros", "007")
    proxy.test.note("latin", "caf\u00e9")
    try:
        proxy.test.note("long", 3000000000)
        print("long sent")
    except OverflowError:
        print("long refused")
    try:
        proxy.test.note("nil", None)
        print("nil sent")
    except TypeError:
        print("nil refused")
    xmlrpc.client.ServerProxy(url, allow_none=True).test.note("nil", None)
    proxy.test.note("date", xmlrpc.client.DateTime("20200102T03:04:05"))
    for method in ("fault", "none"):
        try:
            getattr(proxy.test, method)()
        except xmlrpc.client.Fault as f:
            print(method, f.faultCode, f.faultString)
    print("methods", "test.types" in proxy.system.listMethods())
    many = xmlrpc.client.MultiCall(proxy)
    many.test.same(proxy.test.types())
    many.test.types()
    print("multicall", [type(r).__name__ for r in many()])


def server():
    s = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=False, use_builtin_types=False)

    def fault():
        raise xmlrpc.client.Fault(42, "on purpose")

    s.register_function(lambda x: x, "peer.echo")
    s.register_function(fault, "peer.fault")
    print("ready http://127.0.0.1:%d/RPC2" % s.server_address[1], flush=True)
    s.serve_forever()


if sys.argv[1] == "client":
    client(sys.argv[2])
else:
    server()

"""An authority of a node agent, written from its description (nodeagent 2, 3 and 5) with
Python's library and openssl: nodeagent.py URL TOKEN GUID IDENTITY.pem CERTIFICATE.pem

Gives the agent its first key, installs a driver package of its own making, runs it, and
removes it; checks who signed each answer, and for which call.
"""
import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
import xmlrpc.client


def canonical(v):
    if isinstance(v, int):
        return b"i%d;" % v
    if isinstance(v, str):
        return b"s%d:" % len(v.encode()) + v.encode()
    if isinstance(v, xmlrpc.client.Binary):
        return b"x%d:" % len(v.data) + v.data
    if isinstance(v, list):
        return b"a%d:" % len(v) + b"".join(canonical(x) for x in v)
    return b"m%d:" % len(v) + b"".join(canonical(k) + canonical(v[k]) for k in sorted(v, key=str.encode))


def octets(method, auth, content):
    return b"orca-xmlrpc-sig-1\n" + canonical([method, {k: v for k, v in auth.items() if k != "sig"}, content])


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


def der(path):
    return base64.b64decode("".join(open(path).read().split("\n")[1:-2]))


url, token, guid, identity, certificate = sys.argv[1:]
proxy = xmlrpc.client.ServerProxy(url)
own = der(certificate)
names = {"executeScript": "script arguments", "executeDriver": "driverId actionId properties", "uninstallDriver": "driverId",
         "executeObjectDriver": "driverId objectId actionId properties", "installDriver": "driverId className pkg",
         "upgradeDriver": "driverId className pkg", "registerKey": "alias certificate", "unregisterKey": "alias", "testFunc": "n"}

# The first key, as deployed authorities exchange it.
message = b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<keymastermessage><timestamp>NA</timestamp></keymastermessage>\n'
Binary = xmlrpc.client.Binary
reply = proxy.nodeagent.registerAuthorityKey("authoritykey", Binary(own), Binary(message), Binary(openssl("dgst", "-md5", "-sign", identity, data=message)))
secret = base64.b64decode(openssl("pkeyutl", "-decrypt", "-inkey", identity, data=reply["key"].data))
text = openssl("enc", "-d", "-des-ede3", "-K", secret.hex(), data=reply["response"].data).decode()
node = base64.b64decode(text.split("<nodecertificate>")[1].split("<")[0])
print("met", reply["code"], text.split("<nodetoken>")[1].split("<")[0] == token, proxy.nodeagent.getServiceKey()["key"].data == node)
callee = [w for w in openssl("x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline", data=node).decode().split() if len(w) == 36][0]
public = openssl("x509", "-inform", "DER", "-noout", "-pubkey", data=node)


def call(op, *params, key=identity, cert=own, who=guid, to=callee, again=None):
    auth = again or {"name": "authority", "guid": who, "to": to, "time": str(int(time.time() * 1000)), "nonce": str(uuid.uuid4()), "alg": "RSA-SHA256", "cert": Binary(cert)}
    content = dict(zip(names[op].split(), params))
    auth["sig"] = Binary(openssl("dgst", "-sha256", "-sign", key, data=octets("nodeagent." + op, auth, content)))
    try:
        result = getattr(proxy.nodeagent, op)(auth, *params)
    except xmlrpc.client.Fault as f:
        return auth, "fault %d %s" % (f.faultCode, f.faultString)
    if isinstance(result, int):
        return auth, result
    back = result.pop("auth")
    with tempfile.TemporaryDirectory() as d:
        for file, data in (("key", public), ("sig", back["sig"].data)):
            with open(os.path.join(d, file), "wb") as f:
                f.write(data)
        openssl("dgst", "-sha256", "-verify", d + "/key", "-signature", d + "/sig", data=octets("nodeagent." + op + "Response", back, result))
    if back["cert"].data != node or back["guid"] != callee or back["inReplyTo"] != auth["nonce"]:
        raise SystemExit("the answer to %s is somebody else's" % op)
    return auth, json.dumps(result, sort_keys=True)


def say(op, *params, **more):
    print(op, call(op, *params, **more)[1])


def package(version):
    program = b"#!/bin/sh\ncat\n"
    manifest = json.dumps({"id": "echo", "version": version, "actions": {"same": {"run": ["bin/same"]}, "fail": {"run": ["false"]}},
                           "files": {"bin/same": hashlib.sha256(program).hexdigest()}}).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, data, mode in (("./bin/same", program, 0o755), ("./manifest.json", manifest, 0o644), ("./manifest.crt", own, 0o644),
                                 ("./manifest.sig", openssl("dgst", "-sha256", "-sign", identity, data=manifest), 0o644)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            t.addfile(info, io.BytesIO(data))
    return Binary(out.getvalue())


say("testFunc", 7)
say("registerKey", "second", Binary(own))
say("registerKey", "second", Binary(own))
say("unregisterKey", "second")
say("installDriver", "echo", "x.Y", package("1"))
say("executeDriver", "echo", "same", {"unit.net.ip": "10.0.0.9", "text": "caf\u00e9 <&>\"' \ttwo\nlines", "empty": ""})
say("executeObjectDriver", "echo", "vm 1", "same", {})
say("upgradeDriver", "echo", "x.Y", package("2"))
say("executeScript", "printf", "a\\nb\\n")
say("uninstallDriver", "echo")
print("gone", json.loads(call("executeDriver", "echo", "same", {})[1])["code"])
auth, _ = call("testFunc", 1)
say("testFunc", 1, again=auth)
say("testFunc", 1, to="11111111-1111-4111-8111-111111111111")
with tempfile.TemporaryDirectory() as d:
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", d + "/key", "-out", d + "/cert", "-subj", "/CN=" + guid, "-days", "1")
    say("testFunc", 1, key=d + "/key", cert=der(d + "/cert"))

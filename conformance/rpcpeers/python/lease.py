"""One signed call of the leasing protocol, written from its description (xmlrpc-leasing 5)
with Python's library and openssl: lease.py URL GUID NAME CALLEE IDENTITY.pem CERTIFICATE.pem

Asks for what the actor has, and checks who signed the answer, and for which call.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
import xmlrpc.client


def canonical(v):
    if isinstance(v, bool):
        return b"b1;" if v else b"b0;"
    if isinstance(v, int):
        return b"i%d;" % v
    if isinstance(v, str):
        raw = v.encode()
        return b"s%d:" % len(raw) + raw
    if isinstance(v, xmlrpc.client.Binary):
        return b"x%d:" % len(v.data) + v.data
    if isinstance(v, list):
        return b"a%d:" % len(v) + b"".join(canonical(x) for x in v)
    return b"m%d:" % len(v) + b"".join(canonical(k) + canonical(v[k]) for k in sorted(v, key=str.encode))


def signed(method, auth, content):
    return b"orca-xmlrpc-sig-1\n" + canonical([method, {k: v for k, v in auth.items() if k != "sig"}, content])


url, guid, name, callee, identity, certificate = sys.argv[1:]
pem = open(certificate).read()
der = base64.b64decode("".join(pem.split("\n")[1:-2]))
kind = subprocess.run(["openssl", "pkey", "-in", identity, "-text", "-noout"], capture_output=True, check=True).stdout
auth = {
    "name": name, "guid": guid, "to": callee, "time": str(int(time.time() * 1000)), "nonce": str(uuid.uuid4()),
    "alg": "RSA-SHA256" if b"modulus" in kind else "ECDSA-SHA256", "cert": xmlrpc.client.Binary(der),
}
request = {"messageID": str(uuid.uuid4()), "callbackURL": "http://127.0.0.1:1/orca/xmlrpc/" + name, "properties": {"query.action": "discover.pools", "note": "caf\u00e9 <&>"}}
auth["sig"] = xmlrpc.client.Binary(subprocess.run(
    ["openssl", "dgst", "-sha256", "-sign", identity], input=signed("actor.query", auth, request), capture_output=True, check=True).stdout)
result = xmlrpc.client.ServerProxy(url).actor.query(auth, request)
back = result.pop("auth", None)
if back is None:
    print("unsigned", json.dumps(result))
    sys.exit(0)
with tempfile.TemporaryDirectory() as d:
    for file, data in (("der", back["cert"].data), ("sig", back["sig"].data), ("data", signed("actor.queryResponse", back, result))):
        with open(os.path.join(d, file), "wb") as f:
            f.write(data)
    key = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", d + "/der", "-pubkey", "-noout"], capture_output=True, check=True).stdout
    with open(d + "/key", "wb") as f:
        f.write(key)
    good = subprocess.run(["openssl", "dgst", "-sha256", "-verify", d + "/key", "-signature", d + "/sig", d + "/data"], capture_output=True).returncode == 0
print("signed", good, back["guid"] == callee, back["inReplyTo"] == auth["nonce"], json.dumps(result, sort_keys=True))

"""zeep as a peer of the tests. It reads our WSDL, builds and sends messages, and
signs and verifies with xmlsec. Questions and answers are framed as in
common/Frames.java; commands are the functions of Peer."""

import json
import logging
import struct
import sys

import xmlsec
import zeep
from lxml import etree
from zeep.wsse.signature import BinarySignature, Signature

ALGORITHMS = {
    "sha1": (xmlsec.Transform.RSA_SHA1, xmlsec.Transform.SHA1),
    "sha256": (xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA256),
}


class Peer:
    def __init__(self):
        self.client = None

    def load(self, url):
        """URL of a WSDL; answers service, port and the names of its operations."""
        url = url.decode()
        self.client = zeep.Client(url)
        (service,) = self.client.wsdl.services.values()
        (port,) = service.ports.values()
        operations = port.binding.all()
        return [service.name, port.name, port.binding.name.localname, port.binding.port_type.name.localname] + sorted(operations)

    def message(self, operation, arguments):
        """Operation and its parts as JSON; answers the envelope zeep would send."""
        envelope = self.client.create_message(self.client.service, operation.decode(), **json.loads(arguments))
        return [etree.tostring(envelope)]

    def call(self, operation, arguments):
        """As message, but calls the service; answers "answered" or the fault's code and text."""
        try:
            self.client.service[operation.decode()](**json.loads(arguments))
        except zeep.exceptions.Fault as fault:
            return ["fault", str(fault.code), str(fault.message)]
        return ["answered"]

    def sign(self, suite, key, cert, envelope):
        """PEM files of key and certificate, and an envelope; answers it signed."""
        signature, digest = ALGORITHMS[suite.decode()]
        doc = etree.fromstring(envelope)
        BinarySignature(key.decode(), cert.decode(), signature_method=signature, digest_method=digest).apply(doc, {})
        return [etree.tostring(doc)]

    def verify(self, key, cert, envelope):
        """PEM files of a key, which zeep wants and does not use, and the signer's certificate."""
        Signature(key.decode(), cert.decode()).verify(etree.fromstring(envelope))
        return []


def read(stream, count):
    octets = stream.read(count)
    if len(octets) != count:
        sys.exit(0)
    return octets


def main():
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    peer = Peer()

    def number():
        return struct.unpack(">I", read(source, 4))[0]

    while True:
        fields = [read(source, number()) for _ in range(number())]
        try:
            answer = ["ok"] + getattr(peer, fields[0].decode())(*fields[1:])
        except Exception as why:  # the test decides what a "no" means
            answer = ["no", f"{type(why).__name__}: {why}"]
        out = [f if isinstance(f, bytes) else f.encode() for f in answer]
        sink.write(struct.pack(">I", len(out)) + b"".join(struct.pack(">I", len(f)) + f for f in out))
        sink.flush()


main()

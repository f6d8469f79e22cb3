package serve_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// xmlsec1, which others wrote, checks what the agent signs and signs what the agent takes.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	tool := setup.Tool(t, "xmlsec1")
	w, _ := begin(t)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, answer := w.post(seal(t, w.authority, wire.Request{Op: wire.TestFunc, Number: 1}), "testFunc")
	_, _, answer12 := w.postAs(seal12(t, w.authority, wire.Request{Op: wire.TestFunc, Number: 1}), type12, "")
	cert := write("agent.pem", keys.CertificatePEM(w.agent.Identity().Cert))
	const body = "http://schemas.xmlsoap.org/soap/envelope/:Body"
	const confirmation = "http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd:SignatureConfirmation"
	for element, file := range map[string]string{body: write("answer.xml", answer), space12 + ":Body": write("answer12.xml", answer12)} {
		if out, err := exec.Command(tool, "--verify", "--pubkey-cert-pem", cert, "--id-attr:Id", element, "--id-attr:Id", confirmation, file).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(w.authority.Key)
	if err != nil {
		t.Fatal(err)
	}
	key := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	request := bytes.Clone(seal(t, w.authority, wire.Request{Op: wire.TestFunc, Number: 5}))
	// Emptied of its digest and its signature, it is a template to sign.
	for _, name := range []string{"DigestValue", "SignatureValue"} {
		i, j := bytes.Index(request, []byte("<ds:"+name+">")), bytes.Index(request, []byte("</ds:"+name+">"))
		request = append(bytes.Clone(request[:i+len(name)+5]), request[j:]...)
	}
	signed := filepath.Join(dir, "signed.xml")
	if out, err := exec.Command(tool, "--sign", "--privkey-pem", key, "--id-attr:Id", body, "--output", signed, write("template.xml", request)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	envelope, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	if status, data := w.post(envelope, "testFunc"); status != 200 || w.decode(data, wire.TestFunc, envelope).Code != 15 {
		t.Errorf("%d %s\n%s", status, data, envelope)
	}
}

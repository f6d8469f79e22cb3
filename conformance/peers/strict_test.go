package peers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec"
)

// TestStrict: messages of our own profile, request and response, are good
// WS-Security to others too, with RSA and with ECDSA.
func TestStrict(t *testing.T) {
	t.Parallel()
	p := use(t, startWSS4J)
	ids := signers(t, p)
	x := newXMLSec(t, ids)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"strict-rsa": ids[1].key, "strict-ec": ec} {
		now := time.Now()
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		}
		raw, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		p.ask(t, "key", []byte(name), der, raw)
		write(t, filepath.Join(x.dir, name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))

		s := wssec.Seal{
			Signer: key, Cert: cert, GUID: "33333333-3333-4333-8333-333333333333", Name: "sm",
			To: "11111111-1111-4111-8111-111111111111", MessageID: message(0).MessageID,
			Created: now, Expires: now.Add(5 * time.Minute), Profile: wssec.Strict,
		}
		request, confirm, err := s.RequestConfirm([]byte(body(t, message(3<<10))))
		if err != nil {
			t.Fatal(err)
		}
		response, err := s.Response([]byte(body(t, message(3<<10))), confirm)
		if err != nil {
			t.Fatal(err)
		}
		for kind, text := range map[string]string{"request": string(request), "response": string(response)} {
			var signed []string
			for _, n := range p.ask(t, "verify", []byte("bsp"), []byte(text)) {
				signed = append(signed, string(n))
			}
			want := []string{"AuthToken", "BinarySecurityToken", "Body", "MessageID", "Timestamp", "To"}
			if kind == "response" {
				want = []string{"AuthToken", "BinarySecurityToken", "Body", "RelatesTo", "SignatureConfirmation", "Timestamp", "To"}
			}
			slices.Sort(signed)
			if !slices.Equal(signed, want) {
				t.Errorf("%s %s: WSS4J found %q signed, not %q", name, kind, signed, want)
			}
			if _, err := p.try("verify", []byte("bsp"), []byte(tamper(t, text))); !refused(err) {
				t.Errorf("%s %s: WSS4J takes a changed body: %v", name, kind, err)
			}
			if log, err := x.run(t, "--verify", "--pubkey-cert-pem", name+".crt", text, strictIDs...); err != nil {
				t.Errorf("%s %s: xmlsec1 refuses it: %v\n%s", name, kind, err, log)
			}
			_, err := x.run(t, "--verify", "--pubkey-cert-pem", name+".crt", tamper(t, text), strictIDs...)
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
				t.Errorf("%s %s: xmlsec1 takes a changed body: %v", name, kind, err)
			}
		}
	}
}

// strictIDs is every element that our profile signs, as xmlsec1 wants it.
var strictIDs = []string{
	soapBody, secNS + ":AuthToken", wsseNS + ":BinarySecurityToken", wsuNS + ":Timestamp",
	"http://www.w3.org/2005/08/addressing:To", "http://www.w3.org/2005/08/addressing:MessageID",
	"http://www.w3.org/2005/08/addressing:RelatesTo",
	"http://docs.oasis-open.org/wss/2005/xx/oasis-2005xx-wss-wssecurity-secext-1.1.xsd:SignatureConfirmation",
}

package wssec_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
)

const soap12 = "http://www.w3.org/2003/05/soap-envelope"

// other is the namespace of the version that a message is not of.
func other(is12 bool) string {
	if is12 {
		return soapNS
	}
	return soap12
}

// A message that says nothing of its sender but its key: it opens for who knows the key, as
// it was and once for each time it was made.
func TestBare(t *testing.T) {
	t.Parallel()
	now := time.Now()
	id, err := keys.Generate(rand.Reader, "11111111-1111-1111-1111-111111111111", "n", keys.RSA2048, now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`<n:a xmlns:n="urn:n"><b>text</b></n:a>`)
	known := func(c *x509.Certificate) bool { return c.Equal(id.Cert) }
	open := func(envelope []byte, at time.Time, trusted func(*x509.Certificate) bool) (wssec.Verified, error) {
		doc, err := xmltree.Parse(envelope, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := wssec.OpenBare(doc, at, trusted, nil)
		return v, err
	}
	seen := map[string]bool{}
	for _, profile := range []wssec.Profile{wssec.Legacy, wssec.LegacyStrong} {
		for _, message := range []string{"m1", "m2", "1.2"} {
			seal := wssec.Seal{Signer: id.Key, Cert: id.Cert, MessageID: message, Profile: profile}
			envelope, err := seal.Bare(body, nil)
			if message == "1.2" {
				envelope, err = seal.Bare12(body, nil)
			}
			if bytes.Contains(envelope, []byte(soap12)) != (message == "1.2") || bytes.Contains(envelope, []byte(soapNS)) == (message == "1.2") {
				t.Errorf("%s: %s", message, envelope)
			}
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(envelope, []byte("AuthToken")) {
				t.Error("it says who sent it")
			}
			v, err := open(envelope, now, known)
			if err != nil || string(v.Body().Source()) != string(body) {
				t.Fatalf("%s, %v", v.Body().Source(), err)
			}
			seen[v.ReplayKey()] = true
			if _, err := open(envelope, now, func(*x509.Certificate) bool { return false }); !errors.Is(err, wssec.ErrUntrusted) {
				t.Error(err)
			}
			if _, err := open(envelope, now.Add(48*time.Hour), known); !errors.Is(err, wssec.ErrExpired) {
				t.Error(err)
			}
			if _, err := open(bytes.Replace(envelope, []byte("<b>text"), []byte("<b>test"), 1), now, known); !errors.Is(err, dsig.ErrDigest) {
				t.Error(err)
			}
			for name, bad := range map[string][]byte{
				"for a role": bytes.Replace(envelope, []byte(`mustUnderstand="1"`), []byte(`role="urn:r"`), 1),
				"of neither": bytes.ReplaceAll(bytes.ReplaceAll(envelope, []byte(soapNS), []byte("urn:s")), []byte(soap12), []byte("urn:s")),
				"of both":    bytes.Replace(envelope, []byte("<soapenv:Header>"), []byte(`<soapenv:Header xmlns:soapenv="`+other(message == "1.2")+`">`), 1),
			} {
				if _, err := open(bad, now, known); !errors.Is(err, wssec.ErrShape) {
					t.Errorf("%s %s: %v", message, name, err)
				}
			}
			i, j := bytes.Index(envelope, []byte("<ds:Signature ")), bytes.Index(envelope, []byte("</ds:Signature>"))
			if _, err := open(append(bytes.Clone(envelope[:i]), envelope[j+len("</ds:Signature>"):]...), now, known); !errors.Is(err, wssec.ErrUnsigned) {
				t.Error(err)
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d of 6 messages are told apart", len(seen))
	}
	if _, err := (wssec.Seal{Signer: id.Key, Cert: id.Cert, Profile: wssec.Strict}).Bare(body, nil); !errors.Is(err, wssec.ErrSeal) {
		t.Error(err)
	}
}

// An answer confirms the request that it is to, under its signature; one to another
// request, and one that confirms nothing, is none.
func TestBareConfirms(t *testing.T) {
	t.Parallel()
	now := time.Now()
	id, err := keys.Generate(rand.Reader, "11111111-1111-1111-1111-111111111111", "n", keys.RSA2048, now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	open := func(envelope, confirm []byte) error {
		doc, err := xmltree.Parse(envelope, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = wssec.OpenBare(doc, now, func(*x509.Certificate) bool { return true }, confirm)
		return err
	}
	seal := func(profile wssec.Profile, confirm []byte) []byte {
		envelope, err := wssec.Seal{Signer: id.Key, Cert: id.Cert, MessageID: rand.Text(), Profile: profile}.Bare([]byte(`<n:a xmlns:n="urn:n"></n:a>`), confirm)
		if err != nil {
			t.Fatal(err)
		}
		return envelope
	}
	for _, profile := range []wssec.Profile{wssec.Legacy, wssec.LegacyStrong} {
		answer := seal(profile, []byte("the request"))
		if err := open(answer, []byte("the request")); err != nil {
			t.Error(err)
		}
		if err := open(answer, []byte("another")); !errors.Is(err, wssec.ErrConfirmation) {
			t.Error(err)
		}
		if err := open(seal(profile, nil), []byte("the request")); !errors.Is(err, wssec.ErrUnsigned) {
			t.Error(err)
		}
		if err := open(bytes.Replace(answer, []byte(`Value="dGhl`), []byte(`Value="VGhl`), 1), []byte("The request")); !errors.Is(err, dsig.ErrDigest) {
			t.Error(err)
		}
	}
}

package wssec_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"os"
	"testing"

	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
)

func certificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	der, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Forged answers (wssec.md A24).
func TestResponseAttacks(t *testing.T) {
	t.Parallel()
	const empty = `<ns2:redeemResponse xmlns:ns2="urn:services"></ns2:redeemResponse>`
	_, confirm, err := seal(sm, siteGUID).RequestConfirm([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	answer := func(from keys.Identity, to string, confirm []byte) string {
		out, err := seal(from, to).Response([]byte(empty), confirm)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	good := answer(site, smGUID, confirm)
	value := base64.StdEncoding.EncodeToString(confirm)
	ids := []string{"sec-body", "sec-auth", "sec-token", "sec-timestamp", "sec-to", "sec-relates", "sec-confirmation"}
	again := func(old, new string) string { return resign(t, swap(t, good, old, new), site, ids...) }
	without := func(element string, ids ...string) string {
		rest, _ := cut(t, good, element)
		return resign(t, rest, site, ids...)
	}
	for _, tt := range []struct {
		name, src string
		cause     error
	}{
		{"good", good, nil},
		{"signed again", again(value, value[:40]+"\n"+value[40:]), nil},
		{"other payload", swap(t, good, empty, "<x></x>"), dsig.ErrDigest},
		{"by another pinned actor", answer(broker, smGUID, confirm), wssec.ErrIdentity},
		{"by another in its name", resign(t, good, evil, ids...), dsig.ErrSignature},
		{"by ourselves", answer(sm, siteGUID, confirm), wssec.ErrIdentity},
		{"to another actor", answer(site, brokerGUID, confirm), wssec.ErrDestination},
		{"to another request", answer(site, smGUID, []byte("another value")), wssec.ErrConfirmation},
		{"confirmation swapped", swap(t, good, value, "AAAA"), dsig.ErrDigest},
		{"confirmation without a value", again(` Value="`+value+`"`, ""), wssec.ErrConfirmation},
		{"confirmation not base64", again(value, "!"+value), wssec.ErrConfirmation},
		{"confirmation with content", again("</wsse11:", "x</wsse11:"), wssec.ErrShape},
		{"confirmation with attributes", again(` Value=`, ` x="" Value=`), wssec.ErrShape},
		{"confirmation in the other namespace", again(draftNS, finalNS), wssec.ErrShape},
		{"no confirmation", without("wsse11:SignatureConfirmation", ids[:6]...), wssec.ErrUnsigned},
		{"confirmation unsigned", resign(t, good, site, ids[:6]...), wssec.ErrUnsigned},
		{"Body unsigned", resign(t, good, site, ids[1:]...), wssec.ErrUnsigned},
		{"no RelatesTo", without("wsa:RelatesTo", "sec-body", "sec-auth", "sec-token", "sec-timestamp", "sec-to", "sec-confirmation"), wssec.ErrUnsigned},
		{"a request", request(t), wssec.ErrIdentity},
		{"a request of the peer", string(must(seal(site, smGUID).Request([]byte(payload)))), wssec.ErrShape},
		{"late", again("12:05:00.000Z</wsu:Expires>", "11:05:00.000Z</wsu:Expires>"), wssec.ErrStale},
	} {
		v, err := wssec.OpenResponse(parse(t, tt.src), atSM(), siteGUID, confirm)
		if !errors.Is(err, tt.cause) || (err == nil) != (tt.cause == nil) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.cause)
		}
		if err != nil && (v.Body().Valid() || !errors.Is(err, wssec.ErrRefused)) {
			t.Errorf("%s: a refusal gave something away, or is none: %v", tt.name, err)
		}
	}
	for _, bad := range []struct {
		peer    string
		confirm []byte
	}{{"", confirm}, {siteGUID, nil}} {
		if _, err := wssec.OpenResponse(parse(t, good), atSM(), bad.peer, bad.confirm); !errors.Is(err, wssec.ErrConfirmation) {
			t.Errorf("answer to no request: %v", err)
		}
	}
	if _, err := open(good, atSM()); !errors.Is(err, wssec.ErrUnsigned) {
		t.Errorf("an answer as a request: %v", err)
	}
}

func must(out []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return out
}

// BenchmarkOpen reports how many times the cost of the bare verification a
// whole message costs, from octets to Verified.
func BenchmarkOpen(b *testing.B) {
	body := body3K(b)
	for _, id := range []keys.Identity{sm, smRSA()} {
		b.Run(id.Cert.PublicKeyAlgorithm.String(), func(b *testing.B) {
			src := string(must(seal(id, siteGUID).Request(body)))
			o := atSite()
			o.Trust = wssec.Pins{id.Pin()}
			o.Cache = new(wssec.Certificates)
			info := []byte("as long as it hashes")
			value, err := dsig.Sign(id.Key, info)
			if err != nil {
				b.Fatal(err)
			}
			whole := func() {
				if _, err := open(src, o); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				whole()
			}
			b.ReportMetric(ratio(whole, func() { bareVerify(b, id.Key.Public(), info, value) }), "x-verification")
		})
	}
}

// bareVerify is the public-key operation alone.
func bareVerify(b *testing.B, key crypto.PublicKey, message, value []byte) {
	sum := sha256.Sum256(message)
	ok := false
	switch k := key.(type) {
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], value) == nil
	case *ecdsa.PublicKey:
		half := len(value) / 2
		ok = ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(value[:half]), new(big.Int).SetBytes(value[half:]))
	}
	if !ok {
		b.Fatal("does not verify")
	}
}

package translate_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
)

func identity(t *testing.T, guid string) (crypto.Signer, *x509.Certificate) {
	t.Helper()
	seed := sha256.Sum256([]byte(guid))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: guid},
		NotBefore: time.Unix(1700000000, 0), NotAfter: time.Unix(2000000000, 0),
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// A signed chain gives back the delegations it was made of.
func TestFromChain(t *testing.T) {
	siteKey, siteCert := identity(t, siteID)
	_, brokerCert := identity(t, brokerID)
	root := actors.Delegation{ID: "t0", Issuer: siteID, Holder: siteID, Type: "site1.node", Units: 8, Term: term}
	export := actors.Delegation{ID: "t1", Issuer: siteID, Holder: brokerID, Type: "site1.node", Units: 5,
		Term: actors.Term{Start: term.Start, NewStart: term.Start + 1, End: term.End}, Properties: actors.Properties{"pool.name": "nodes"}}
	base, err := ticket.Root(translate.Record(root), siteKey, siteCert)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ticket.Delegate(base, translate.Record(export), siteKey, brokerCert)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := ticket.Verify(text, func(string) []crypto.PublicKey { return []crypto.PublicKey{siteKey.Public()} })
	if err != nil {
		t.Fatal(err)
	}
	want := actors.Ticket{Delegation: export, Ancestors: []actors.Delegation{root}, Text: text}
	if got := translate.FromChain(chain, text); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := translate.FromChain(ticket.Chain{}, ""); !reflect.DeepEqual(got, actors.Ticket{}) {
		t.Errorf("the zero chain gives %+v", got)
	}
	if got := translate.Delegation(translate.Record(export)); !reflect.DeepEqual(got, export) {
		t.Errorf("got %+v", got)
	}
}

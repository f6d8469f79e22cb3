package evidence

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
)

type party struct {
	guid string
	key  crypto.Signer
	cert *x509.Certificate
}

// person is a party whose key follows from its number.
func person(t testing.TB, n int) party {
	t.Helper()
	guid := fmt.Sprintf("%08d-0000-4000-8000-000000000000", n)
	seed := sha256.Sum256([]byte(guid))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: guid}, NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return party{guid, key, cert}
}

// federation is a site with 100 units until the instant 1000, a broker who was
// given all of them, and managers.
type federation struct {
	site, broker, broker2, sm, sm2 party
	root, export                   string
}

func newFederation(t testing.TB) federation {
	t.Helper()
	f := federation{site: person(t, 1), broker: person(t, 2), broker2: person(t, 3), sm: person(t, 4), sm2: person(t, 5)}
	var err error
	if f.root, err = ticket.Root(record("root", f.site, f.site, 100, 1, 1, 1000), f.site.key, f.site.cert); err != nil {
		t.Fatal(err)
	}
	f.export = f.give(t, f.root, record("export", f.site, f.broker, 100, 1, 1, 1000), f.site, f.broker)
	return f
}

func record(guid string, from, to party, units int, start, newStart, end int64) ticket.Record {
	return ticket.Record{GUID: guid, Issuer: from.guid, Holder: to.guid, Units: units, Type: "node", Start: start, NewStart: newStart, End: end}
}

func (f federation) give(t testing.TB, parent string, r ticket.Record, from, to party) string {
	t.Helper()
	text, err := ticket.Delegate(parent, r, from.key, to.cert)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sell is a ticket of the broker for a manager.
func (f federation) sell(t testing.TB, to party, guid string, units int, start, newStart, end int64) ticket.Chain {
	t.Helper()
	return f.chain(t, f.give(t, f.export, record(guid, f.broker, to, units, start, newStart, end), f.broker, to))
}

func (f federation) roots(guid string) []crypto.PublicKey {
	if guid == f.site.guid {
		return []crypto.PublicKey{f.site.key.Public()}
	}
	return nil
}

func (f federation) chain(t testing.TB, text string) ticket.Chain {
	t.Helper()
	c, err := ticket.Verify(text, f.roots)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// redeem presents tickets in order, each for a reservation of its own, and gives the
// first conflict.
func redeem(t testing.TB, chains ...ticket.Chain) actors.Evidence {
	t.Helper()
	var l ledger.Ledger
	for i, c := range chains {
		err := l.Redeem(0, actors.ReservationID(fmt.Sprint("r", i)), translate.FromChain(c, c.Text(0)))
		var conflict *ledger.Conflict
		if errors.As(err, &conflict) {
			return conflict.Evidence
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("no conflict")
	return actors.Evidence{}
}

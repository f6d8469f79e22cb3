package evidence

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// A proof accuses by the issuer's own signatures or not at all: whatever else is
// put together is refused.
func TestProofAttacks(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	sell := func(to party, guid string, units int, start, newStart, end int64) string {
		return f.sell(t, to, guid, units, start, newStart, end).Text(0)
	}
	a, b := sell(f.sm, "a", 60, 10, 10, 20), sell(f.sm2, "b", 60, 15, 15, 30)
	ours := func(texts ...string) Proof {
		var p Proof
		for _, text := range texts {
			p.branches = append(p.branches, branch{ticket.SHA256Chain, text})
		}
		return p
	}
	otherExport := f.give(t, f.root, record("other", f.site, f.broker, 100, 1, 1, 1000), f.site, f.broker)
	elsewhere := f.give(t, otherExport, record("c", f.broker, f.sm2, 60, 15, 15, 30), f.broker, f.sm2)
	evil := person(t, 9)
	foreign := func() string { // a site of the attacker's own, with a broker of the same name
		root, err := ticket.Root(record("root", evil, evil, 100, 1, 1, 1000), evil.key, evil.cert)
		if err != nil {
			t.Fatal(err)
		}
		export := f.give(t, root, record("export", evil, f.broker, 100, 1, 1, 1000), evil, f.broker)
		return f.give(t, export, record("d", f.broker, f.sm, 60, 10, 10, 20), f.broker, f.sm)
	}()
	for name, tt := range map[string]struct {
		proof Proof
		want  error
	}{
		"good":                               {ours(a, b), nil},
		"good, three of them":                {ours(sell(f.sm, "x", 40, 10, 10, 20), sell(f.sm2, "y", 40, 10, 10, 20), sell(f.sm, "z", 40, 11, 11, 20)), nil},
		"two first grants to one holder":     {ours(a, sell(f.sm, "a2", 60, 10, 10, 20)), nil},
		"nothing":                            {Proof{}, ErrProof},
		"one branch":                         {ours(a), ErrProof},
		"the same twice":                     {ours(a, a), ErrProof},
		"one that is not needed":             {ours(a, b, sell(f.sm, "c", 1, 10, 10, 20)), ErrProof},
		"one at another time":                {ours(a, b, sell(f.sm, "c", 60, 40, 40, 50)), ErrProof},
		"exactly all":                        {ours(a, sell(f.sm2, "c", 40, 10, 10, 20)), ledger.ErrWithin},
		"one after the other":                {ours(a, sell(f.sm2, "c", 60, 21, 21, 30)), ledger.ErrWithin},
		"an extension":                       {ours(a, sell(f.sm, "c", 60, 10, 21, 30)), ledger.ErrWithin},
		"an extension that began early":      {ours(a, sell(f.sm, "c", 60, 10, 15, 30)), ledger.ErrWithin},
		"two extensions of one beginning":    {ours(sell(f.sm, "c", 60, 10, 15, 30), sell(f.sm, "d", 60, 10, 15, 30)), ledger.ErrWithin},
		"of two parents":                     {ours(a, elsewhere), ErrProof},
		"roots":                              {ours(f.root, f.root), ErrProof},
		"parent and child":                   {ours(f.export, a), ErrProof},
		"units changed":                      {ours(a, strings.Replace(b, "<units>60<", "<units>99<", 1)), ticket.ErrSignature},
		"of a site nobody trusts":            {ours(foreign, a), ticket.ErrUntrusted},
		"no ticket":                          {ours(a, "x"), ticket.ErrMalformed},
		"in a scheme that does not exist":    {Proof{[]branch{{0, a}, {0, b}}}, ticket.ErrScheme},
		"in the wrong scheme":                {Proof{[]branch{{ticket.Sharp, a}, {ticket.Sharp, b}}}, ticket.ErrKey},
		"more branches than anybody wants":   {Proof{slices.Repeat([]branch{{ticket.SHA256Chain, a}}, MaxBranches+1)}, ErrProof},
		"tickets of different length chains": {ours(a, f.give(t, a, record("deep", f.sm, f.sm2, 60, 10, 10, 20), f.sm, f.sm2)), ErrProof},
	} {
		found, err := tt.proof.Verify(f.roots)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err == nil && (found.Issuer != f.broker.guid || found.Units <= found.Parent.Units || !found.Conclusive || len(found.Claims) != len(tt.proof.Tickets())) {
			t.Errorf("%s: found %+v", name, found)
		}
		if err != nil && found.Issuer != "" {
			t.Errorf("%s: an accusation in spite of %v", name, err)
		}
	}
	if _, err := ours(a, b).Verify(nil); !errors.Is(err, ticket.ErrUntrusted) {
		t.Errorf("nobody trusted: %v", err)
	}
}

// Evidence against a legacy broker holds as far as it goes, and says how far.
func TestLegacyProof(t *testing.T) {
	t.Parallel()
	legacy := func(n int) party {
		p := person(t, n)
		key, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: p.guid}, NotAfter: time.Unix(1<<32, 0)}
		der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		if p.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		p.key = key
		return p
	}
	site, broker, sm, sm2 := legacy(1), legacy(2), legacy(4), legacy(5)
	roots := func(string) []crypto.PublicKey { return []crypto.PublicKey{site.key.Public()} }
	give := func(parent string, r ticket.Record, from, to party) string {
		text, err := ticket.Sharp.Delegate(parent, r, from.key, to.cert)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	root, err := ticket.Sharp.Root(record("root", site, site, 100, 1, 1, 1000), site.key, site.cert)
	if err != nil {
		t.Fatal(err)
	}
	export := give(root, record("export", site, broker, 100, 1, 1, 1000), site, broker)
	sell := func(guid string, to party) ticket.Chain {
		c, err := ticket.Sharp.Verify(give(export, record(guid, broker, to, 60, 10, 10, 20), broker, to), roots)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	p, err := Of(redeem(t, sell("a", sm), sell("b", sm2)))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = ParseProof(p.Text()); err != nil {
		t.Fatal(err)
	}
	if found, err := p.Verify(roots); err != nil || found.Conclusive || found.Issuer != broker.guid {
		t.Errorf("found %+v, %v", found, err)
	}
	// To one holder for one start, legacy tickets could be versions.
	if _, err := Of(redeem(t, sell("a", sm), sell("c", sm))); !errors.Is(err, ErrProof) || !errors.Is(err, ledger.ErrWithin) {
		t.Errorf("a proof that only the reservations show: %v", err)
	}
}

// TT10: two exports of the full pool, found out when parts of them are redeemed. A
// third party verifies the proof knowing the site's key only: its branches are the
// exports, cut out of what was presented.
func TestProofOfAncestors(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	again := f.give(t, f.root, record("export2", f.site, f.broker2, 100, 1, 1, 1000), f.site, f.broker2)
	e := redeem(t, f.sell(t, f.sm, "a", 1, 10, 10, 20), f.chain(t, f.give(t, again, record("b", f.broker2, f.sm2, 1, 10, 10, 20), f.broker2, f.sm2)))
	proof, err := Of(e)
	if err != nil {
		t.Fatal(err)
	}
	if texts := proof.Tickets(); len(texts) != 2 || texts[0] != again || texts[1] != f.export {
		t.Errorf("branches %q", texts)
	}
	copied, err := ParseProof(proof.Text())
	if err != nil {
		t.Fatal(err)
	}
	found, err := copied.Verify(f.roots)
	if err != nil {
		t.Fatal(err)
	}
	if found.Site != f.site.guid || found.Issuer != f.site.guid || found.Units != 200 || found.At != 1 || !found.Conclusive ||
		found.Parent.GUID != "root" || len(found.Claims) != 2 {
		t.Errorf("found %+v", found)
	}
}

// Who redeems his ticket and sells parts of it has signed only the parts.
func TestNoProofOfOwnRedemption(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	if _, err := Of(redeem(t, f.chain(t, f.export), f.sell(t, f.sm, "a", 1, 10, 10, 20))); !errors.Is(err, ErrProof) {
		t.Errorf("proof without a ticket: %v", err)
	}
}

func TestParseProof(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	p := Proof{[]branch{{ticket.SHA256Chain, f.sell(t, f.sm, "a", 60, 10, 10, 20).Text(0)}, {ticket.SHA256Chain, f.sell(t, f.sm2, "b", 60, 10, 10, 20).Text(0)}}}
	text := string(p.Text())
	again, err := ParseProof([]byte(text))
	if err != nil || !slices.Equal(again.branches, p.branches) || !bytes.Equal(again.Text(), p.Text()) {
		t.Fatalf("read back: %v", err)
	}
	if !json.Valid([]byte(text)) || !strings.Contains(text, "<sharpTicket") {
		t.Errorf("text:\n%s", text)
	}
	for name, bad := range map[string]string{
		"nothing": "", "a ticket": f.root, "half": text[:len(text)/2], "more": text + "{}", "another kind": strings.Replace(text, kind, "x", 1),
		"unknown field": strings.Replace(text, `"evidence"`, `"x":1,"evidence"`, 1), "unknown scheme": strings.Replace(text, "sha256-chain-1", "md5", 1),
		"null": "null", "a list": "[]", "no branches": `{"evidence":"` + kind + `","branches":[]}`, "too long": strings.Repeat(" ", MaxProof+1),
		"too many": `{"evidence":"` + kind + `","branches":[` + strings.Repeat(`{},`, MaxBranches) + `{}]}`,
	} {
		if _, err := ParseProof([]byte(bad)); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	w := newFederation(f)
	a, b := w.sell(f, w.sm, "a", 60, 10, 10, 20).Text(0), w.sell(f, w.sm2, "b", 60, 10, 10, 20).Text(0)
	f.Add(Proof{[]branch{{ticket.SHA256Chain, a}, {ticket.SHA256Chain, b}}}.Text())
	f.Add(Proof{[]branch{{ticket.Sharp, a}, {ticket.SharpLenient, b}}}.Text())
	f.Add([]byte(`{"evidence":"` + kind + `","branches":[{},{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProof(text)
		if err != nil {
			return
		}
		again, err := ParseProof(p.Text())
		if err != nil || !slices.Equal(again.branches, p.branches) {
			t.Errorf("not read back: %v", err)
		}
		if found, err := p.Verify(w.roots); err == nil && (found.Issuer != w.broker.guid || found.Units <= found.Parent.Units) {
			t.Errorf("accepted %+v", found)
		}
	})
}

// TT11 with tickets of the legacy broker: an extension is no conflict, whether the
// reservation is known or not.
func TestLegacyExtension(t *testing.T) {
	t.Parallel()
	der, err := os.ReadFile("testdata/site.der")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := func(string) []crypto.PublicKey { return []crypto.PublicKey{cert.PublicKey} }
	var redeemed, seen ledger.Ledger
	for _, file := range []string{"sharp-sm.xml", "sharp-sm-extended.xml"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ticket.Sharp.Verify(string(text), roots)
		if err != nil {
			t.Fatal(err)
		}
		held := translate.FromChain(c, c.Text(0))
		if !held.Loose {
			t.Errorf("%s: a legacy ticket whose records name their parents", file)
		}
		if err := redeemed.Redeem(0, "r1", held); err != nil {
			t.Errorf("redeemed: %v", err)
		}
		if err := seen.See(0, held); err != nil {
			t.Errorf("seen: %v", err)
		}
	}
	if redeemed.Len() != 4 || seen.Len() != 4 {
		t.Errorf("%d and %d claims", redeemed.Len(), seen.Len())
	}
}

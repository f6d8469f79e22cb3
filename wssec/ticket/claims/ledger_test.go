package claims

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/leasehold/leasehold/wssec/ticket"
	"pgregory.net/rapid"
)

// TT9, first part: one ticket is one lease.
func TestDoubleRedeem(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	var l Ledger
	c := f.sell(t, f.sm, "a", 1, 10, 10, 20)
	for range 2 {
		if err := l.Redeem("r1", c); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Redeem("r2", c); !errors.Is(err, ErrTwice) {
		t.Errorf("for another reservation: %v", err)
	}
	if err := l.Redeem("r2", f.sell(t, f.sm, "a", 2, 10, 10, 20)); !errors.Is(err, ErrTwice) {
		t.Errorf("another record under the same guid: %v", err)
	}
	if err := l.Redeem("r2", ticket.Chain{}); err == nil {
		t.Error("the zero chain was redeemed")
	}
	if l.Len() != 3 {
		t.Errorf("%d claims, want root, export and leaf", l.Len())
	}
}

// TT10: two exports of the full pool. The second redeemer is refused, with a
// proof that a third party verifies knowing the site's key only.
func TestOversoldByTheSite(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	again := f.give(t, f.root, record("export2", f.site, f.broker2, 100, 1, 1, 1000), f.site, f.broker2)
	first := f.sell(t, f.sm, "a", 1, 10, 10, 20)
	second := f.chain(t, f.give(t, again, record("b", f.broker2, f.sm2, 1, 10, 10, 20), f.broker2, f.sm2))
	var l Ledger
	if err := l.Redeem("r1", first); err != nil {
		t.Fatal(err)
	}
	err := l.Redeem("r2", second)
	var c *Conflict
	if !errors.As(err, &c) || !errors.Is(err, ErrOversold) {
		t.Fatalf("second redeemer: %v", err)
	}
	if c.Parent.GUID != "root" || c.Units != 200 || c.At != 1 || len(c.Claims) != 2 || c.Claims[0].GUID != "export2" {
		t.Errorf("conflict %+v", c)
	}
	if l.Len() != 3 {
		t.Errorf("a refused redeem left %d claims", l.Len())
	}
	proof, ok := c.Proof()
	if !ok {
		t.Fatal("no proof")
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
	if err := l.Redeem("r1", first); err != nil {
		t.Errorf("the first redeemer afterwards: %v", err)
	}
}

// A broker who sells 101 of 100 units, and the fewest claims that show it.
func TestOversoldByTheBroker(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	var l Ledger
	for i, units := range []int{1, 60, 2, 30, 7} {
		if err := l.Redeem(fmt.Sprint("r", i), f.sell(t, f.sm, fmt.Sprint("t", i), units, 10, 10, 20)); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []ticket.Chain{f.sell(t, f.sm, "before", 100, 1, 1, 9), f.sell(t, f.sm, "after", 100, 21, 21, 30)} {
		if err := l.Redeem(fmt.Sprint("other", i), c); err != nil {
			t.Errorf("at another time: %v", err)
		}
	}
	err := l.Redeem("late", f.sell(t, f.sm2, "late", 15, 5, 5, 12))
	var c *Conflict
	if !errors.As(err, &c) {
		t.Fatal(err)
	}
	if c.At != 5 || c.Units != 115 || len(c.Claims) != 2 { // at 5 the lease before is still there
		t.Errorf("conflict %+v", c)
	}
	err = l.Redeem("late", f.sell(t, f.sm2, "late", 15, 12, 12, 18))
	if !errors.As(err, &c) {
		t.Fatal(err)
	}
	if c.At != 12 || c.Units != 105 || len(c.Claims) != 3 || c.Claims[0].GUID != "late" || c.Claims[1].GUID != "t1" || c.Claims[2].GUID != "t3" {
		t.Errorf("conflict %+v", c)
	}
	if err := l.Redeem("late", f.sell(t, f.sm2, "late", 1, 12, 12, 18)); !errors.As(err, &c) || len(c.Claims) != 6 {
		t.Errorf("one unit too many needs all claims: %v", err)
	}
	l.Release("r0", 15)
	if err := l.Redeem("late", f.sell(t, f.sm2, "late", 1, 14, 14, 18)); !errors.As(err, &c) {
		t.Errorf("before a unit was given back: %v", err)
	}
	if err := l.Redeem("late", f.sell(t, f.sm2, "late", 1, 15, 15, 18)); err != nil {
		t.Errorf("after a unit was given back: %v", err)
	}
	l.Expire(21)
	if l.Len() != 3 { // root, export, "after"
		t.Errorf("%d claims are left", l.Len())
	}
}

// TT11: extensions are versions of one holding.
func TestExtensions(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	var l Ledger
	steps := []struct {
		reservation, guid    string
		units                int
		start, newStart, end int64
		want                 error
	}{
		{"r1", "a1", 100, 10, 10, 20, nil},
		{"r1", "a2", 100, 10, 21, 40, nil},        // extended, without a gap
		{"r1", "a3", 40, 10, 31, 60, nil},         // extended early, and shrunk
		{"r2", "b1", 60, 31, 31, 60, nil},         // what was given back
		{"r3", "c1", 1, 30, 30, 30, ErrOversold},  // held in the old size until 30
		{"r3", "c1", 1, 31, 31, 35, ErrOversold},  // all are held
		{"r1", "a4", 41, 10, 50, 60, ErrOversold}, // grown again, one too many
		{"r1", "a4", 40, 10, 61, 70, nil},
	}
	for _, s := range steps {
		if s.end == s.start {
			s.end++
		}
		if err := l.Redeem(s.reservation, f.sell(t, f.sm, s.guid, s.units, s.start, s.newStart, s.end)); !errors.Is(err, s.want) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	// The same as ancestors only: no reservation is known, and no one is accused.
	var seen Ledger
	for _, s := range steps {
		if s.reservation == "r1" && s.want == nil {
			if err := seen.See(f.sell(t, f.sm, s.guid, s.units, s.start, s.newStart, s.end)); err != nil {
				t.Errorf("seen %+v: %v", s, err)
			}
		}
	}
	// First grants to one holder for the same start are not versions.
	var twice Ledger
	if err := twice.See(f.sell(t, f.sm, "x", 60, 10, 10, 20)); err != nil {
		t.Fatal(err)
	}
	if err := twice.See(f.sell(t, f.sm, "y", 60, 10, 10, 30)); !errors.Is(err, ErrOversold) {
		t.Errorf("two first grants: %v", err)
	}
}

// TT11 with tickets of the legacy broker, whatever is known of the reservation.
func TestLegacyExtension(t *testing.T) {
	t.Parallel()
	f := legacyRoots(t)
	var chains []ticket.Chain
	for _, file := range []string{"sharp-sm.xml", "sharp-sm-extended.xml"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ticket.Sharp.Verify(string(text), f)
		if err != nil {
			t.Fatal(err)
		}
		chains = append(chains, c)
	}
	var redeemed, seen Ledger
	for _, c := range chains {
		if err := redeemed.Redeem("r1", c); err != nil {
			t.Errorf("redeemed: %v", err)
		}
		if err := seen.See(c); err != nil {
			t.Errorf("seen: %v", err)
		}
	}
	if redeemed.Len() != 4 || seen.Len() != 4 {
		t.Errorf("%d and %d claims", redeemed.Len(), seen.Len())
	}
	if err := redeemed.Redeem("r2", chains[1]); !errors.Is(err, ErrTwice) {
		t.Errorf("extension redeemed elsewhere: %v", err)
	}
}

func legacyRoots(t testing.TB) func(string) []crypto.PublicKey {
	t.Helper()
	der, err := os.ReadFile("testdata/site.der")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(string) []crypto.PublicKey { return []crypto.PublicKey{cert.PublicKey} }
}

// Who redeems his whole ticket has nothing left for others, and the other way
// round. No ticket shows that, so there is no proof to pass on.
func TestOwnRedemption(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	sold, own := f.sell(t, f.sm, "a", 1, 10, 10, 20), f.chain(t, f.export)
	var l Ledger
	if err := l.Redeem("own", own); err != nil {
		t.Fatal(err)
	}
	err := l.Redeem("r1", sold)
	var c *Conflict
	if !errors.As(err, &c) || c.Units != 101 {
		t.Fatalf("sold after it was redeemed: %v", err)
	}
	if _, ok := c.Proof(); ok {
		t.Error("proof without a ticket")
	}
	l = Ledger{}
	if err := l.Redeem("r1", sold); err != nil {
		t.Fatal(err)
	}
	if err := l.Redeem("own", own); !errors.Is(err, ErrOversold) || l.Len() != 3 {
		t.Errorf("redeemed after part of it was sold: %v", err)
	}
	l.Release("r1", 1)
	if err := l.Redeem("own", own); err != nil {
		t.Errorf("after the part was given back: %v", err)
	}
}

// What was only seen becomes a version when it is redeemed.
func TestSeenThenRedeemed(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	var l Ledger
	first, longer := f.sell(t, f.sm, "a", 60, 10, 10, 20), f.sell(t, f.sm, "b", 60, 10, 15, 30)
	for _, err := range []error{l.See(first), l.Redeem("r1", first), l.Redeem("r1", longer), l.See(longer)} {
		if err != nil {
			t.Error(err)
		}
	}
	if l.Len() != 4 {
		t.Errorf("%d claims", l.Len())
	}
}

// A ledger accepts exactly what a naive count at every instant accepts, its
// conflicts are minimal, and its proofs verify.
func TestConservation(t *testing.T) {
	t.Parallel()
	f := newFederation(t)
	export := f.give(t, f.root, record("small", f.site, f.broker, 10, 1, 1, 1000), f.site, f.broker)
	managers := []party{f.sm, f.sm2, actor(t, 6)}
	rapid.Check(t, func(rt *rapid.T) {
		var l Ledger
		type version struct {
			units              int
			start, begins, end int64
		}
		books := map[int][]version{} // by reservation, in order
		at := func(v []version, i int64) int {
			for k := len(v) - 1; k >= 0; k-- {
				if i >= v[k].begins {
					if i <= v[k].end {
						return v[k].units
					}
					return 0
				}
			}
			return 0
		}
		most := func() (sum int) {
			for i := int64(1); i <= 40; i++ {
				here := 0
				for _, v := range books {
					here += at(v, i)
				}
				sum = max(sum, here)
			}
			return sum
		}
		for n := range rapid.IntRange(2, 10).Draw(rt, "redeems") {
			r := rapid.IntRange(0, 5).Draw(rt, "reservation")
			v := version{units: rapid.IntRange(1, 9).Draw(rt, "units"), start: int64(rapid.IntRange(1, 20).Draw(rt, "start"))}
			v.begins = v.start
			if old := books[r]; len(old) > 0 {
				v.start = old[0].start
				v.begins = old[len(old)-1].begins + int64(rapid.IntRange(1, 6).Draw(rt, "later"))
			}
			v.end = v.begins + int64(rapid.IntRange(1, 10).Draw(rt, "length"))
			to := managers[r%len(managers)]
			c := f.chain(t, f.give(t, export, record(fmt.Sprint("t", n), f.broker, to, v.units, v.start, v.begins, v.end), f.broker, to))
			before := l.Len()
			err := l.Redeem(fmt.Sprint(r), c)
			books[r] = append(books[r], v)
			if fits := most() <= 10; fits != (err == nil) {
				rt.Fatalf("redeem %d of %+v: the count says it fits: %v, the ledger says %v", n, v, fits, err)
			}
			if err == nil {
				continue
			}
			books[r] = books[r][:len(books[r])-1]
			var conflict *Conflict
			if !errors.As(err, &conflict) || l.Len() != before {
				rt.Fatalf("%v; %d claims, before %d", err, l.Len(), before)
			}
			sum := 0
			for _, claim := range conflict.Claims {
				sum += claim.Units
			}
			if sum != conflict.Units || sum <= 10 {
				rt.Fatalf("conflict of %d units: %+v", sum, conflict)
			}
			for _, claim := range conflict.Claims {
				if sum-claim.Units > 10 {
					rt.Fatalf("claim %s is not needed: %+v", claim.GUID, conflict)
				}
			}
			if p, ok := conflict.Proof(); ok {
				if found, err := p.Verify(f.roots); err != nil || found.Units != sum || found.At != conflict.At && found.At > conflict.At {
					rt.Fatalf("proof: %+v, %v", found, err)
				}
			}
		}
	})
}

func BenchmarkRedeem(b *testing.B) {
	f := newFederation(b)
	var l Ledger
	for i := range 1000 {
		if err := l.Redeem(fmt.Sprint(i), f.sell(b, f.sm, fmt.Sprint("t", i), 1, int64(1+i%900), int64(1+i%900), int64(2+i%900))); err != nil {
			b.Fatal(err)
		}
	}
	c := f.sell(b, f.sm2, "last", 1, 10, 10, 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Redeem("last", c); err != nil {
			b.Fatal(err)
		}
		l.Release("last", 1)
		l.Expire(0)
		b.StopTimer()
		l.drop(l.nodes[c.ID(0)])
		b.StartTimer()
	}
}

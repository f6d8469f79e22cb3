package ledger

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"pgregory.net/rapid"
)

// The federation of these tests: a site with 100 units until the instant 1000, a
// broker who was given all of them, and managers.
func delegation(id string, from, to actors.ActorID, units int, start, newStart, end actors.Millis) actors.Delegation {
	return actors.Delegation{ID: actors.TicketID(id), Issuer: from, Holder: to, Type: "node", Units: units,
		Term: actors.Term{Start: start, NewStart: newStart, End: end}}
}

var (
	root   = delegation("root", "site", "site", 100, 1, 1, 1000)
	export = delegation("export", "site", "br", 100, 1, 1, 1000)
)

func chained(records ...actors.Delegation) actors.Ticket {
	return actors.Ticket{Delegation: records[0], Ancestors: records[1:], Text: "signed " + string(records[0].ID)}
}

// sell is a ticket of the broker for a manager.
func sell(to actors.ActorID, id string, units int, start, newStart, end actors.Millis) actors.Ticket {
	return chained(delegation(id, "br", to, units, start, newStart, end), export, root)
}

// One ticket is one lease, however often it is presented.
func TestAgain(t *testing.T) {
	t.Parallel()
	var l Ledger
	c := sell("sm", "a", 1, 10, 10, 20)
	for range 2 {
		if err := l.Redeem(0, "r1", c); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Redeem(0, "r2", c); actors.KindOf(err) != actors.Denied {
		t.Errorf("for another reservation: %v", err)
	}
	if l.Len() != 3 {
		t.Errorf("%d claims, want root, export and leaf", l.Len())
	}
	// Another record under the same name is another claim.
	if err := l.Redeem(0, "r2", sell("sm", "a", 100, 10, 10, 20)); !errors.Is(err, actors.Oversold) {
		t.Errorf("another record of that name: %v", err)
	}
}

// TT10: two exports of the full pool. The second redeemer is refused.
func TestOversoldByTheSite(t *testing.T) {
	t.Parallel()
	first := sell("sm", "a", 1, 10, 10, 20)
	second := chained(delegation("b", "br2", "sm2", 1, 10, 10, 20), delegation("export2", "site", "br2", 100, 1, 1, 1000), root)
	var l Ledger
	if err := l.Redeem(0, "r1", first); err != nil {
		t.Fatal(err)
	}
	err := l.Redeem(0, "r2", second)
	var c *Conflict
	if !errors.As(err, &c) || actors.KindOf(err) != actors.Oversold {
		t.Fatalf("second redeemer: %v", err)
	}
	if c.Parent.ID != "root" || c.Units != 200 || c.At != 1 || len(c.Claims) != 2 || c.Claims[0].ID != "export2" {
		t.Errorf("conflict %+v", c)
	}
	if c.Claims[0].Text != "signed b" || c.Claims[0].Newer != 1 || c.Claims[1].Text != "signed a" || c.Claims[1].Newer != 1 {
		t.Errorf("branches %+v", c.Claims)
	}
	if l.Len() != 3 {
		t.Errorf("a refused redeem left %d claims", l.Len())
	}
	if err := l.Redeem(0, "r1", first); err != nil {
		t.Errorf("the first redeemer afterwards: %v", err)
	}
}

// A broker in the middle who sells more than it bought is found out, though the one
// above it has kept within what it held.
func TestOversoldInTheMiddle(t *testing.T) {
	t.Parallel()
	middle := delegation("middle", "br", "br2", 10, 1, 1, 1000)
	var l Ledger
	for i, units := range []int{6, 5} {
		err := l.Redeem(0, actors.ReservationID(fmt.Sprint("r", i)),
			chained(delegation(fmt.Sprint("t", i), "br2", "sm", units, 10, 10, 20), middle, export, root))
		var c *Conflict
		if want := i == 1; errors.As(err, &c) != want {
			t.Fatalf("sale %d: %v", i, err)
		}
		if c != nil && (c.Parent.Holder != "br2" || c.Units != 11) {
			t.Errorf("conflict %+v", c)
		}
	}
}

// A broker who sells 101 of 100 units, and the fewest claims that show it.
func TestOversoldByTheBroker(t *testing.T) {
	t.Parallel()
	var l Ledger
	for i, units := range []int{1, 60, 2, 30, 7} {
		if err := l.Redeem(0, actors.ReservationID(fmt.Sprint("r", i)), sell("sm", fmt.Sprint("t", i), units, 10, 10, 20)); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []actors.Ticket{sell("sm", "before", 100, 1, 1, 9), sell("sm", "after", 100, 21, 21, 30)} {
		if err := l.Redeem(0, actors.ReservationID(fmt.Sprint("other", i)), c); err != nil {
			t.Errorf("at another time: %v", err)
		}
	}
	err := l.Redeem(0, "late", sell("sm2", "late", 15, 5, 5, 12))
	var c *Conflict
	if !errors.As(err, &c) {
		t.Fatal(err)
	}
	if c.At != 5 || c.Units != 115 || len(c.Claims) != 2 { // at 5 the lease before is still there
		t.Errorf("conflict %+v", c)
	}
	err = l.Redeem(0, "late", sell("sm2", "late", 15, 12, 12, 18))
	if !errors.As(err, &c) {
		t.Fatal(err)
	}
	if c.At != 12 || c.Units != 105 || len(c.Claims) != 3 || c.Claims[0].ID != "late" || c.Claims[1].ID != "t1" || c.Claims[2].ID != "t3" {
		t.Errorf("conflict %+v", c)
	}
	if err := l.Redeem(0, "late", sell("sm2", "late", 1, 12, 12, 18)); !errors.As(err, &c) || len(c.Claims) != 6 {
		t.Errorf("one unit too many needs all claims: %v", err)
	}
	l.Release("r0", 15)
	if err := l.Redeem(0, "late", sell("sm2", "late", 1, 14, 14, 18)); !errors.As(err, &c) {
		t.Errorf("before a unit was given back: %v", err)
	}
	if err := l.Redeem(15, "late", sell("sm2", "late", 1, 14, 14, 18)); err != nil {
		t.Errorf("nobody can use what is past: %v", err)
	}
	if got := l.Redeemed(export, 10, 14); got != 101 { // the past is not judged
		t.Errorf("%d units are redeemed", got)
	}
	for i := range 5 {
		l.Forget(actors.ReservationID(fmt.Sprint("r", i)))
	}
	l.Forget("late")
	l.Forget("other0")
	if l.Len() != 3 { // root, export, "after"
		t.Errorf("%d claims are left", l.Len())
	}
	l.Forget("other1")
	if l.Len() != 0 {
		t.Errorf("%d claims are left of nobody", l.Len())
	}
}

// TT11: extensions are versions of one holding.
func TestExtensions(t *testing.T) {
	t.Parallel()
	var l Ledger
	steps := []struct {
		reservation          actors.ReservationID
		guid                 string
		units                int
		start, newStart, end actors.Millis
		want                 error
	}{
		{"r1", "a1", 100, 10, 10, 20, nil},
		{"r1", "a2", 100, 10, 21, 40, nil},                 // extended, without a gap
		{"r1", "a3", 40, 10, 31, 60, nil},                  // extended early, and shrunk
		{"r2", "b1", 60, 31, 31, 60, nil},                  // what was given back
		{"r3", "c1", 1, 30, 30, 30, actors.Oversold},       // held in the old size until 30
		{"r3", "c1", 1, 31, 31, 35, actors.Oversold},       // all are held
		{"r1", "a4", 41, 10, 50, 60, actors.Oversold},      // grown again, one too many
		{"r1", "a4", 40, 10, 61, 70, nil},                  // and again as it was
		{"r4", "d1", 100, 60, 60, 80, actors.Oversold},     // not before the last version is over
		{"r4", "d1", 100, 100, 100, 110, nil},              //
		{"r1", "a5", 100, 10, 90, 105, actors.Oversold},    // an extension meets what was sold behind it
		{"r1", "a5", 100, 10, 71, 99, nil},                 // and fits before it
		{"r5", "e1", 1, 71, 71, 99, actors.Oversold},       //
		{"r5", "e1", 100, 111, 111, 1000, nil},             //
		{"r6", "f1", 1, 1000, 1000, 2000, actors.Oversold}, //
	}
	for _, s := range steps {
		if s.end == s.start {
			s.end++
		}
		if err := l.Redeem(0, s.reservation, sell("sm", s.guid, s.units, s.start, s.newStart, s.end)); !errors.Is(err, s.want) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	// The same as ancestors only: no reservation is known, and no one is accused.
	var seen Ledger
	for _, s := range steps {
		if s.reservation == "r1" && s.want == nil {
			if err := seen.See(0, sell("sm", s.guid, s.units, s.start, s.newStart, s.end)); err != nil {
				t.Errorf("seen %+v: %v", s, err)
			}
		}
	}
	// First grants to one holder for the same start are not versions, if their
	// records name their parent.
	for _, loose := range []bool{false, true} {
		var twice Ledger
		x, y := sell("sm", "x", 60, 10, 10, 20), sell("sm", "y", 60, 10, 10, 30)
		x.Loose, y.Loose = loose, loose
		if err := twice.See(0, x); err != nil {
			t.Fatal(err)
		}
		if err := twice.See(0, y); errors.Is(err, actors.Oversold) == loose {
			t.Errorf("two first grants, loose %v: %v", loose, err)
		}
	}
}

// Who redeems his whole ticket has nothing left for others, and the other way
// round.
func TestOwnRedemption(t *testing.T) {
	t.Parallel()
	sold, own := sell("sm", "a", 1, 10, 10, 20), chained(export, root)
	var l Ledger
	if err := l.Redeem(0, "own", own); err != nil {
		t.Fatal(err)
	}
	err := l.Redeem(0, "r1", sold)
	var c *Conflict
	if !errors.As(err, &c) || c.Units != 101 || !c.Own {
		t.Fatalf("sold after it was redeemed: %v", err)
	}
	l = Ledger{}
	if err := l.Redeem(0, "r1", sold); err != nil {
		t.Fatal(err)
	}
	if err := l.Redeem(0, "own", own); !errors.Is(err, actors.Oversold) || l.Len() != 3 {
		t.Errorf("redeemed after part of it was sold: %v", err)
	}
	l.Release("r1", 1)
	if err := l.Redeem(0, "own", own); err != nil {
		t.Errorf("after the part was given back: %v", err)
	}
	l.Release("own", 500)
	if err := l.Redeem(0, "r2", sell("sm", "b", 1, 500, 500, 600)); err != nil {
		t.Errorf("after the own lease has ended: %v", err)
	}
	l.Forget("own")
	l.Forget("r1")
	l.Forget("r2")
	if l.Len() != 0 {
		t.Errorf("%d claims are left", l.Len())
	}
}

// Nobody fills a store by overselling, and what was kept is there again after a
// restart.
func TestArchive(t *testing.T) {
	t.Parallel()
	var l Ledger
	if err := l.Redeem(0, "r1", sell("sm", "a", 100, 10, 10, 20)); err != nil {
		t.Fatal(err)
	}
	var a, b Archive
	for i := range most + 10 {
		var c *Conflict
		if !errors.As(l.Redeem(0, "r2", sell("sm2", fmt.Sprint("t", i), 1, 10, 10, 20)), &c) {
			t.Fatal("no conflict")
		}
		records := a.Keep(actors.Cycle(i), "sm2", "r2", c)
		if again := a.Keep(actors.Cycle(i), "sm2", "r2", c); (len(records) == 1) != (i < most) || len(again) != 0 {
			t.Fatalf("%d: %d records, and %d for the same again", i, len(records), len(again))
		}
		for _, r := range records {
			data, err := r.Value.AppendRecord(nil)
			if err != nil {
				t.Fatal(err)
			}
			id := strings.TrimPrefix(r.Key, actors.EvidencePrefix)
			if err := b.Restore(id, data); err != nil {
				t.Fatal(err)
			}
			for name, bad := range map[string]string{"another": "x", "none": `{"id":"` + id + `"}`, "nothing": ""} {
				if b.Restore(id, []byte(bad)) == nil {
					t.Errorf("%s was taken for evidence", name)
				}
			}
			if b.Restore("x", data) == nil {
				t.Error("evidence under another name")
			}
		}
	}
	if !reflect.DeepEqual(a.List(), b.List()) || len(a.List()) != most {
		t.Errorf("kept %+v, restored %+v", a.List(), b.List())
	}
}

// What was only seen becomes a version when it is redeemed.
func TestSeenThenRedeemed(t *testing.T) {
	t.Parallel()
	var l Ledger
	first, longer := sell("sm", "a", 60, 10, 10, 20), sell("sm", "b", 60, 10, 15, 30)
	for _, err := range []error{l.See(0, first), l.Redeem(0, "r1", first), l.Redeem(0, "r1", longer), l.See(0, longer)} {
		if err != nil {
			t.Error(err)
		}
	}
	if l.Len() != 4 {
		t.Errorf("%d claims", l.Len())
	}
	l.Forget("r1")
	if l.Len() != 4 {
		t.Errorf("%d claims after the reservation was forgotten: they were seen", l.Len())
	}
}

// version is what one redeem of the naive twin says.
type version struct {
	units              int
	start, begins, end actors.Millis
	until              actors.Millis
}

// holds is how many units a list of versions holds at an instant.
func holdsAt(v []version, i actors.Millis) int {
	for k := len(v) - 1; k >= 0; k-- {
		if i >= v[k].begins {
			if i <= min(v[k].end, v[k].until) {
				return v[k].units
			}
			return 0
		}
	}
	return 0
}

// A ledger accepts exactly what a naive count at every instant accepts, its
// conflicts are minimal, and a ledger put back from what it took is the same.
func TestConservation(t *testing.T) {
	t.Parallel()
	small := delegation("small", "site", "br", 10, 1, 1, 1000)
	managers := []actors.ActorID{"sm", "sm2", "sm3"}
	rapid.Check(t, func(rt *rapid.T) {
		l := new(Ledger)
		books := map[int][]version{} // by reservation, in order
		most := func(from actors.Millis) (sum int) {
			for i := from; i <= 60; i++ {
				here := 0
				for _, v := range books {
					here += holdsAt(v, i)
				}
				sum = max(sum, here)
			}
			return sum
		}
		now := actors.Millis(1)
		ticketOf := func(r, n int, v version) actors.Ticket {
			to := managers[r%len(managers)]
			return chained(delegation(fmt.Sprint("t", r, "-", n), "br", to, v.units, v.start, v.begins, v.end), small, root)
		}
		for range rapid.IntRange(2, 14).Draw(rt, "steps") {
			r := rapid.IntRange(0, 5).Draw(rt, "reservation")
			id := actors.ReservationID(fmt.Sprint(r))
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				now += actors.Millis(rapid.IntRange(0, 5).Draw(rt, "later"))
				continue
			case 1:
				at := now + actors.Millis(rapid.IntRange(0, 10).Draw(rt, "at"))
				l.Release(id, at)
				for k := range books[r] {
					books[r][k].until = min(books[r][k].until, at-1)
				}
				continue
			case 2: // restart
				again := new(Ledger)
				for k := range 6 {
					for n, v := range books[k] {
						again.Restore(actors.ReservationID(fmt.Sprint(k)), ticketOf(k, n, v), v.until)
					}
				}
				l = again
				continue
			}
			v := version{units: rapid.IntRange(1, 9).Draw(rt, "units"), start: now + actors.Millis(rapid.IntRange(0, 20).Draw(rt, "start")), until: actors.Forever}
			v.begins = v.start
			if old := books[r]; len(old) > 0 {
				v.start = old[0].start
				v.begins = old[len(old)-1].begins + actors.Millis(rapid.IntRange(1, 6).Draw(rt, "later"))
			}
			v.end = v.begins + actors.Millis(rapid.IntRange(1, 10).Draw(rt, "length"))
			c := ticketOf(r, len(books[r]), v)
			before := l.Len()
			err := l.Redeem(now, id, c)
			books[r] = append(books[r], v)
			if fits := most(now) <= 10; fits != (err == nil) {
				rt.Fatalf("redeem of %+v: the count says it fits: %v, the ledger says %v", v, fits, err)
			}
			if err == nil {
				if got := l.Redeemed(small, now, 60); got != most(now) {
					rt.Fatalf("the ledger says %d units are held, the count %d", got, most(now))
				}
				continue
			}
			books[r] = books[r][:len(books[r])-1]
			var conflict *Conflict
			if !errors.As(err, &conflict) || l.Len() != before && before != 0 {
				rt.Fatalf("%v; %d claims, before %d", err, l.Len(), before)
			}
			sum := 0
			var claims []actors.Delegation
			for _, claim := range conflict.Claims {
				sum += claim.Units
				claims = append(claims, claim.Delegation)
			}
			if sum != conflict.Units || sum <= 10 || conflict.At < now || conflict.Claims[0].ID != c.ID {
				rt.Fatalf("at %d a conflict of %d units: %+v", now, sum, conflict)
			}
			for _, claim := range conflict.Claims {
				if sum-claim.Units > 10 {
					rt.Fatalf("claim %s is not needed: %+v", claim.ID, conflict)
				}
			}
			if at, err := Judge(conflict.Parent, false, claims); err == nil && at > conflict.At {
				rt.Fatalf("judged at %d, %+v", at, conflict)
			}
		}
	})
}

func BenchmarkRedeem(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var l Ledger
			big, all := root, export
			big.Units, all.Units = n, n
			give := func(id string, units int, start, end actors.Millis) actors.Ticket {
				return chained(delegation(id, "br", "sm", units, start, start, end), all, big)
			}
			for i := range n {
				at := actors.Millis(1 + i%900)
				if err := l.Redeem(0, actors.ReservationID(fmt.Sprint(i)), give(fmt.Sprint("t", i), 1, at, at+1)); err != nil {
					b.Fatal(err)
				}
			}
			c := give("last", 1, 10, 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := l.Redeem(0, "last", c); err != nil {
					b.Fatal(err)
				}
				l.Forget("last")
			}
		})
	}
}

// What a reseller has given back early may be given to somebody else, although the
// claim is remembered because leases once rested on it (leasing 1.8). Who sells of it
// all the same is refused.
func TestGivenBackEarly(t *testing.T) {
	t.Parallel()
	middle := delegation("middle", "br", "br2", 60, 1, 1, 1000)
	other := delegation("other", "br", "br3", 60, 100, 100, 1000)
	of := func(id string, from actors.ActorID, under actors.Delegation, start, end actors.Millis) actors.Ticket {
		return chained(delegation(id, from, "sm", 1, start, start, end), under, export, root)
	}
	first, again := of("t1", "br2", middle, 10, 500), of("t3", "br2", middle, 150, 600)
	instead := of("t2", "br3", other, 100, 400)
	var l Ledger
	if err := l.Redeem(10, "r1", first); err != nil {
		t.Fatal(err)
	}
	if err := l.Redeem(99, "r2", instead); !errors.Is(err, actors.Oversold) {
		t.Errorf("while the reseller's customer holds a unit: %v", err)
	}
	l.Release("r1", 100)
	if got := l.Redeemed(export, 1, 1000); got != 60 { // until 99
		t.Errorf("%d units are redeemed", got)
	}
	if err := l.Redeem(100, "r2", instead); err != nil {
		t.Errorf("after it was given back: %v", err)
	}
	before := l.Len()
	var c *Conflict
	if err := l.Redeem(150, "r3", again); !errors.As(err, &c) || c.Parent.ID != "export" || c.Units != 120 || c.Claims[0].ID != "middle" {
		t.Errorf("sold on after it was given back: %v", err)
	}
	if l.Len() != before {
		t.Errorf("a refused redeem left %d claims of %d", l.Len(), before)
	}
	l.Release("r2", 200)
	if err := l.Redeem(200, "r3", again); err != nil {
		t.Errorf("when the other one holds nothing: %v", err)
	}
	if err := l.Redeem(200, "r4", of("t4", "br3", other, 200, 300)); !errors.Is(err, actors.Oversold) {
		t.Errorf("and the other way round: %v", err)
	}
	// A claim that its holder redeemed himself counts on while others hold parts of it.
	l = Ledger{}
	if err := errors.Join(l.Redeem(1, "own", chained(delegation("middle", "br", "br2", 60, 1, 1, 1000), export, root))); err != nil {
		t.Fatal(err)
	}
	l.Release("own", 20)
	if err := l.Redeem(20, "r1", of("t5", "br2", middle, 20, 300)); err != nil {
		t.Fatal(err)
	}
	if err := l.Redeem(100, "r2", instead); !errors.Is(err, actors.Oversold) {
		t.Errorf("beside a part of what its holder redeemed before: %v", err)
	}
	for _, id := range []actors.ReservationID{"own", "r1"} {
		l.Forget(id)
	}
	if l.Len() != 0 {
		t.Errorf("%d claims are left", l.Len())
	}
}

// With resellers in between, a ledger accepts exactly what a naive count accepts in
// which a reseller's claim counts whole from its start until the last instant at which
// anybody holds a part of it.
func TestConservationOfResellers(t *testing.T) {
	t.Parallel()
	small := delegation("small", "site", "br", 10, 1, 1, 1000)
	type part struct {
		under, units int
		from, until  actors.Millis
		end          actors.Millis
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := new(Ledger)
		units, parts := []int{4, 6, 5, 10}, map[int]part{}
		fits := func(from actors.Millis) bool {
			var until [4]actors.Millis
			for _, p := range parts {
				until[p.under] = max(until[p.under], p.until)
			}
			for i := from; i <= 80; i++ {
				sum := 0
				var under [4]int
				for _, p := range parts {
					if p.from <= i && i <= p.until {
						under[p.under] += p.units
					}
				}
				for m, n := range units {
					if i <= until[m] {
						sum += n
					}
					if under[m] > n {
						return false
					}
				}
				if sum > 10 {
					return false
				}
			}
			return true
		}
		ticketOf := func(r int, p part) actors.Ticket {
			broker := actors.ActorID(fmt.Sprint("br", p.under))
			return chained(delegation(fmt.Sprint("t", r), broker, "sm", p.units, p.from, p.from, p.end),
				delegation(fmt.Sprint("m", p.under), "br", broker, units[p.under], 1, 1, 1000), small, root)
		}
		now := actors.Millis(1)
		for step := range rapid.IntRange(2, 20).Draw(rt, "steps") {
			if len(parts) > 0 && rapid.IntRange(0, 2).Draw(rt, "what") == 0 {
				ids := make([]int, 0, len(parts))
				for id := range parts {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				id := rapid.SampledFrom(ids).Draw(rt, "which")
				p := parts[id]
				switch rapid.IntRange(0, 2).Draw(rt, "end") {
				case 0:
					l.Release(actors.ReservationID(fmt.Sprint(id)), now)
					p.until = min(p.until, now-1)
					parts[id] = p
				case 1:
					l.Forget(actors.ReservationID(fmt.Sprint(id)))
					delete(parts, id)
				case 2: // restart
					l = new(Ledger)
					for _, id := range ids {
						l.Restore(actors.ReservationID(fmt.Sprint(id)), ticketOf(id, parts[id]), parts[id].until)
					}
				}
				continue
			}
			now += actors.Millis(rapid.IntRange(0, 4).Draw(rt, "later"))
			p := part{under: rapid.IntRange(0, 3).Draw(rt, "under"), units: rapid.IntRange(1, 4).Draw(rt, "units"), from: now + actors.Millis(rapid.IntRange(0, 10).Draw(rt, "from"))}
			p.end = p.from + actors.Millis(rapid.IntRange(1, 20).Draw(rt, "length"))
			p.until = p.end
			before := l.Len()
			err := l.Redeem(now, actors.ReservationID(fmt.Sprint(step)), ticketOf(step, p))
			if err != nil && l.Len() != before {
				rt.Fatalf("a refused redeem left %d claims of %d", l.Len(), before)
			}
			parts[step] = p
			if ok := fits(now); ok != (err == nil) {
				rt.Fatalf("%+v at %d beside %+v: fits %v, the ledger says %v", p, now, parts, ok, err)
			}
			if err != nil {
				delete(parts, step)
			}
		}
	})
}

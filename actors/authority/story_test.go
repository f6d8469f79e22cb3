package authority

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy/match"
	"pgregory.net/rapid"
)

func play(t testing.TB, a *Actor, now actors.Cycle, ev actors.Event) actors.Effects {
	t.Helper()
	fx, err := a.Step(now, ev)
	if err != nil {
		t.Fatalf("%T at %d: %v", ev, now, err)
	}
	return fx
}

// A host whose teardown keeps failing is tried again with growing pauses, then
// put aside: the lease ends, and the host is not leased again.
func TestQuarantine(t *testing.T) {
	a := world(t, sample(closingLease))
	now, seq, tries := actors.Cycle(9), 1, 0
	for a.book["R1"].Status != closed {
		tries++
		fx := play(t, a, now, done("u2", seq, 1))
		if a.book["R1"].Status == closed {
			break
		}
		if fx.Wake <= now {
			t.Fatalf("after try %d at %d it wakes at %d", tries, now, fx.Wake)
		}
		now = fx.Wake
		fx = play(t, a, now, actors.Tick{})
		if len(fx.Run) != 1 || fx.Run[0].Verb != actors.Teardown || fx.Run[0].Sequence != seq+1 {
			t.Fatalf("at %d it runs %+v", now, fx.Run)
		}
		seq++
	}
	if tries != 5 || now-9 != 2+4+8+16 {
		t.Errorf("%d tries until cycle %d", tries, now)
	}
	if got := free(a); got != "13 " {
		t.Errorf("free hosts %q, want h1 and h3", got)
	}
	h := a.hosts.hosts["h2"]
	data, err := h.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := world(t)
	if err := b.Restore(actors.Stored{Key: hostKey("h2"), Data: data}); err != nil {
		t.Fatal(err)
	}
	if got := free(b); got != "13 " {
		t.Errorf("after a restart the quarantined host is free: %q", got)
	}
	play(t, b, 9, actors.AddHosts{Hosts: []actors.Host{{Name: "h2", Type: "node"}}})
	if got := free(b); got != "13 " {
		t.Errorf("declaring the host again released it: %q", got)
	}
}

// A broker that sells the same units twice: the second buyer is refused as such, and
// what both signed is kept, once, also over a restart. When the first lease is given
// up, its units may be sold again.
func TestOversold(t *testing.T) {
	a := world(t)
	play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)))
	second := from("sm", actors.OpRedeem, 1, ticket("T2", 2, term)).(actors.Receive)
	second.Message.Reservation = "R2"
	for i := range 2 {
		fx, err := a.Step(9, second)
		if actors.KindOf(err) != actors.Oversold || len(a.book) != 1 || len(fx.Send)+len(fx.Run)+len(fx.Moved) != 0 || len(fx.Save) != 1-i {
			t.Fatalf("try %d: %v, %+v", i, err, fx)
		}
	}
	kept := a.Evidence()
	if len(kept) != 1 || kept[0].Parent.Holder != "br" || kept[0].Units != 4 || kept[0].At != term.Start || kept[0].Peer != "sm" ||
		kept[0].Reservation != "R2" || len(kept[0].Claims) != 2 || kept[0].Claims[0].ID != "T2" || kept[0].Claims[1].Text != "signed" {
		t.Fatalf("evidence %+v", kept)
	}
	a = restart(t, a)
	if again := a.Evidence(); !reflect.DeepEqual(again, kept) {
		t.Errorf("after a restart: %+v", again)
	}
	if _, err := a.Step(9, second); actors.KindOf(err) != actors.Oversold {
		t.Errorf("after a restart: %v", err)
	}
	play(t, a, 10, actors.Tick{})
	play(t, a, 11, from("sm", actors.OpClose, 2, ticket("T1", 2, term)))
	play(t, a, 11, second)
	if got := a.book["R2"].Status; got != redeeming {
		t.Errorf("R2 is %v after the share returned", got)
	}
}

// An extension that does not fit is refused the same way, and the lease goes on
// as it was.
func TestOversoldExtension(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		a := world(t, sample(active))
		behind := from("sm", actors.OpRedeem, 1, ticket("B", 2, actors.NewTerm(20_000, 29_999))).(actors.Receive)
		behind.Message.Reservation = "R2"
		play(t, a, 12, behind)
		if restarts {
			a = restart(t, a)
		}
		before := fmt.Sprintf("%+v", a.book)
		if _, err := a.Step(12, from("sm", actors.OpExtendLease, 2, ticket("T2", 2, longer))); actors.KindOf(err) != actors.Oversold {
			t.Errorf("extended into what was sold: %v", err)
		}
		if after := fmt.Sprintf("%+v", a.book); after != before || len(a.Evidence()) != 1 {
			t.Errorf("a refused extension changed %s to %s", before, after)
		}
		play(t, a, 12, from("sm", actors.OpExtendLease, 2, ticket("T3", 1, longer)))
		if r := a.book["R1"]; len(r.Earlier) != 1 || r.Earlier[0].ID != "T1" {
			t.Errorf("the present version is lost: %+v", r)
		}
		if restarts {
			a = restart(t, a)
		}
		now := from("sm", actors.OpRedeem, 1, ticket("N", 2, actors.NewTerm(13_000, 18_000))).(actors.Receive)
		now.Message.Reservation = "R3"
		if _, err := a.Step(12, now); actors.KindOf(err) != actors.Oversold {
			t.Errorf("the present version does not count any more: %v", err)
		}
	}
}

// Two sellers may give their tickets the same name; neither spoils the other's.
func TestNamesOfTwoSellers(t *testing.T) {
	a := world(t)
	other := sale
	other.Holder = "br2"
	play(t, a, 1, other)
	play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 1, term)))
	tk := ticket("T1", 1, term)
	tk.Issuer, tk.Ancestors = "br2", []actors.Delegation{Delegate("am", other)}
	m := from("sm", actors.OpRedeem, 1, tk).(actors.Receive)
	m.Message.Reservation = "R2"
	play(t, a, 9, m)
	// But an extension comes from the one who sold the lease.
	longer := ticket("T2", 1, longer)
	longer.Issuer = "br2"
	longer.Ancestors = append([]actors.Delegation{{ID: "M", Issuer: "br", Holder: "br2", Type: "node", Units: 3, Term: sale.Term}}, longer.Ancestors...)
	if _, err := world(t, sample(active)).Step(12, from("sm", actors.OpExtendLease, 2, longer)); actors.KindOf(err) != actors.Invalid {
		t.Errorf("extended by another seller: %v", err)
	}
}

// One ticket redeems one reservation.
func TestDoubleRedeem(t *testing.T) {
	a := world(t)
	play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 1, term)))
	again := from("sm", actors.OpRedeem, 1, ticket("T1", 1, term)).(actors.Receive)
	again.Message.Reservation = "R2"
	if _, err := a.Step(9, again); actors.KindOf(err) != actors.Denied {
		t.Fatalf("the same ticket under another name: %v", err)
	}
	other := from("sm", actors.OpRedeem, 1, ticket("T1", 1, actors.NewTerm(30_000, 39_999))).(actors.Receive)
	other.Message.Reservation = "R2"
	if _, err := a.Step(9, other); actors.KindOf(err) != actors.Denied {
		t.Errorf("another record that its seller gave the same name: %v", err)
	}
}

// A broker fetches what was exported to it, as often as it likes; nobody else does.
func TestClaimed(t *testing.T) {
	a := world(t)
	d := Delegate("am", sale)
	for range 2 {
		ev := from("br", actors.OpClaim, 1, nil).(actors.Receive)
		ev.Message.Reservation = actors.ReservationID(d.ID)
		fx := play(t, a, 5, ev)
		if len(fx.Send) != 1 || len(fx.Save) != 0 {
			t.Fatalf("%+v", fx)
		}
		if m := fx.Send[0]; m.Op != actors.OpUpdateTicket || m.To != "br" || m.Ticket == nil || m.Ticket.ID != d.ID || m.Units != 3 || m.ReplyTo != "http://sm" {
			t.Errorf("%+v", m)
		}
		ev.Message.From = "xx"
		if _, err := a.Step(5, ev); actors.KindOf(err) != actors.Denied {
			t.Errorf("claimed by a stranger: %v", err)
		}
	}
	if _, err := a.Step(5, from("br", actors.OpClaim, 1, nil)); actors.KindOf(err) != actors.NotFound {
		t.Errorf("claimed what nobody exported: %v", err)
	}
}

func TestForeignTickets(t *testing.T) {
	for name, change := range map[string]func(*actors.Message){
		"another holder":      func(m *actors.Message) { m.Ticket.Holder = "xx" },
		"another site":        func(m *actors.Message) { m.Ticket.Ancestors[0].Issuer = "xx" },
		"never issued":        func(m *actors.Message) { m.Ticket.Ancestors[0].ID = "xx" },
		"issued for less":     func(m *actors.Message) { m.Ticket.Ancestors[0].Units = 9 },
		"more than on ticket": func(m *actors.Message) { m.Units = 3 },
		"another type":        func(m *actors.Message) { m.Type = "disk" },
		"beyond the ticket":   func(m *actors.Message) { m.Term.End += 1 },
		"no slice":            func(m *actors.Message) { m.Slice = actors.Slice{} },
		"over":                func(m *actors.Message) { m.Term = actors.NewTerm(1000, 8000); m.Ticket.Term = m.Term },
	} {
		a := world(t)
		ev := from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)).(actors.Receive)
		change(&ev.Message)
		if fx, err := a.Step(9, ev); err == nil || len(fx.Save) != 0 || len(a.book) != 0 {
			t.Errorf("%s: accepted with %+v, %v", name, fx, err)
		}
	}
}

// A grown lease gets more hosts, a shrunk one gives some back, and the units in
// between stay the same ones.
func TestFlex(t *testing.T) {
	a := world(t, sample(active))
	grown := ticket("T2", 3, longer)
	play(t, a, 12, from("sm", actors.OpExtendLease, 2, grown))
	fx := play(t, a, 20, actors.Tick{})
	if len(fx.Run) != 3 || fx.Run[2].Unit.Host != "h3" {
		t.Fatalf("growing ran %+v", fx.Run)
	}
	for _, r := range fx.Run {
		fx = play(t, a, 21, actors.ActionDone{Reservation: "R1", Unit: r.Unit.ID, Sequence: r.Sequence})
	}
	if len(fx.Send) != 1 || fx.Send[0].Units != 3 || fx.Send[0].Term != longer {
		t.Fatalf("after growing it said %+v", fx.Send)
	}
	shrunk := ticket("T3", 1, longer.Extended(39_999))
	play(t, a, 22, from("sm", actors.OpExtendLease, 3, shrunk))
	fx = play(t, a, 30, actors.Tick{})
	var torn []string
	for _, r := range fx.Run {
		if r.Verb == actors.Teardown {
			torn = append(torn, r.Unit.Host)
		}
	}
	if !slices.Equal(torn, []string{"h2", "h3"}) || a.book["R1"].Units.List()[0].ID != "u1" {
		t.Fatalf("shrinking ran %+v", fx.Run)
	}
}

// TestOneHolder plays random leases, completions, failures and restarts. No host
// ever has two units, and a restart changes nothing.
func TestOneHolder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := world(t)
		a.config.Paging = actors.Paging{Page: uint16(rapid.IntRange(0, 2).Draw(rt, "page")), Whole: uint16(rapid.IntRange(0, 1).Draw(rt, "whole"))}
		now := actors.Cycle(1)
		running := map[actors.UnitID]actors.Task{}
		seq := map[actors.ReservationID]int{}
		tickets := 0
		drive := func(ev actors.Event) {
			fx, err := a.Step(now, ev)
			if err != nil {
				return
			}
			for _, r := range fx.Run {
				running[r.Unit.ID] = r
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			id := actors.ReservationID(rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "id"))
			what := rapid.IntRange(0, 5).Draw(rt, "what")
			switch what {
			case 0, 1, 2:
				seq[id]++
				tickets++
				start := actors.Millis(now+1) * 1000
				tk := ticket("T"+string(rune('a'+tickets)), rapid.IntRange(1, 3).Draw(rt, "units"), actors.NewTerm(start, start+7999))
				op := []actors.Op{actors.OpRedeem, actors.OpExtendLease, actors.OpClose}[what]
				if r, ok := a.book[id]; ok && op == actors.OpExtendLease {
					tk.Term = r.Term.Extended(r.Term.End + 8000)
				}
				ev := from("sm", op, seq[id], tk).(actors.Receive)
				ev.Message.Reservation = id
				drive(ev)
			case 3:
				now++
				drive(actors.Tick{})
			case 4:
				ids := make([]actors.UnitID, 0, len(running))
				for u := range running {
					ids = append(ids, u)
				}
				if len(ids) == 0 {
					continue
				}
				slices.Sort(ids)
				r := running[rapid.SampledFrom(ids).Draw(rt, "unit")]
				delete(running, r.Unit.ID)
				drive(actors.ActionDone{Reservation: r.Reservation, Unit: r.Unit.ID, Sequence: r.Sequence,
					Code: rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(rt, "code")})
			case 5:
				b := restart(t, a)
				// Who waits for hosts is noticed again at the next tick.
				if x, y := written(rt, a), written(rt, b); x != y || free(a) != free(b) {
					rt.Fatalf("a restart changed\n%s\nto\n%s\nfree %s to %s", x, y, free(a), free(b))
				}
				a = b
				running = map[actors.UnitID]actors.Task{}
				for _, r := range a.Recover(now).Run {
					running[r.Unit.ID] = r
				}
			}
			holder := map[string]actors.UnitID{}
			for _, r := range a.book {
				for u := range r.Units.All() {
					if other, twice := holder[u.Host]; twice {
						rt.Fatalf("host %s has units %s and %s", u.Host, other, u.ID)
					}
					holder[u.Host] = u.ID
				}
			}
			for h := range a.hosts.free("node") {
				if u, taken := holder[h.Name]; taken {
					rt.Fatalf("host %s is free and has unit %s", h.Name, u)
				}
			}
		}
	})
}

// restart stores everything an actor knows and makes a new one from it.
func restart(t testing.TB, a *Actor) *Actor {
	t.Helper()
	b := New(a.config)
	put := func(key string, v actors.Value) {
		data, err := v.AppendRecord(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Restore(actors.Stored{Key: key, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	for id, x := range a.exports {
		put(exportKey(id), exported(x))
	}
	for _, e := range a.Evidence() {
		put(actors.EvidencePrefix+e.ID, e)
	}
	for name, h := range a.hosts.hosts {
		put(hostKey(name), *h)
	}
	for kind, p := range a.paces {
		put(pacePrefix+string(kind), p)
	}
	for id, r := range a.book {
		for _, part := range r.Units.Records(nil, id, actors.Units{}) {
			put(part.Key, part.Value)
		}
		put(key(id), r)
	}
	return b
}

// What an export says of its hosts is certified with it, is part of its name, and
// holds for every lease under it; a legacy broker that claims it can read it.
func TestSizedExport(t *testing.T) {
	big := sale
	big.Units, big.Properties = 2, actors.Properties{"memory": "64", "owner": "lab 3"}
	a := New(Config{Self: actors.Location{ID: "am", Name: "site"}, Cycles: actors.Cycles{Length: 1000}, Policy: match.Policy{}})
	play(t, a, 1, actors.AddHosts{Hosts: []actors.Host{
		{Name: "h1", Type: "node", Properties: actors.Properties{"memory": "16"}}, {Name: "h2", Type: "node", Properties: actors.Properties{"memory": "64"}}}})
	play(t, a, 1, big)
	d := Delegate("am", big)
	if d.ID == Delegate("am", actors.Export{Holder: big.Holder, Type: big.Type, Units: 2, Term: big.Term}).ID || d.Properties["owner"] != "lab 3" {
		t.Errorf("delegation %+v", d)
	}
	a = restart(t, a)
	claim := from("br", actors.OpClaim, 1, nil).(actors.Receive)
	claim.Message.Reservation = actors.ReservationID(d.ID)
	m := play(t, a, 2, claim).Send[0]
	if m.Ticket.Properties["memory"] != "64" || m.Properties["attribute.0.key"] != "resource.memory" || m.Properties["resource.memory.value"] != "64" || m.Properties["type"] != "node" {
		t.Errorf("claimed %+v", m)
	}
	tk := ticket("T1", 1, term)
	tk.Ancestors = []actors.Delegation{d}
	play(t, a, 9, from("sm", actors.OpRedeem, 1, tk))
	fx := play(t, a, 10, actors.Tick{})
	if len(fx.Run) != 1 || fx.Run[0].Unit.Host != "h2" {
		t.Errorf("a host of 64 was sold, it ran %+v", fx.Run)
	}
	// Somebody who says that the same delegation promises more is not believed.
	forged := ticket("T2", 1, term)
	forged.Ancestors = []actors.Delegation{d}
	forged.Ancestors[0].Properties = actors.Properties{"memory": "128"}
	again := from("sm", actors.OpRedeem, 1, forged).(actors.Receive)
	again.Message.Reservation = "R2"
	if _, err := a.Step(10, again); actors.KindOf(err) != actors.Denied {
		t.Errorf("another size than was delegated: %v", err)
	}
	for name, p := range map[string]actors.Properties{"a word": {"cpu": "two"}, "too many hosts": {"cpu": "2", "hosts": "3"}, "no size": {"hosts": "2"}} {
		big.Properties = p
		if _, err := a.Step(10, big); actors.KindOf(err) != actors.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A client names the units to give back, and exactly those go.
func TestVictims(t *testing.T) {
	for named, want := range map[string]string{"u1": "h1", "u9 u2 u2": "h2", "": "h2", "u1 u2": "h1"} {
		a := world(t, sample(active))
		ev := from("sm", actors.OpExtendLease, 2, ticket("T2", 1, longer)).(actors.Receive)
		ev.Message.Properties = actors.Properties{actors.PropVictims: named, "host.prefix": "web"}
		play(t, a, 12, ev)
		if _, kept := a.book["R1"].Config[actors.PropVictims]; kept || a.book["R1"].Config["host.prefix"] != "web" {
			t.Errorf("the configuration is %v", a.book["R1"].Config)
		}
		a = restart(t, a)
		var torn []string
		for _, r := range play(t, a, 20, actors.Tick{}).Run {
			if r.Verb == actors.Teardown {
				torn = append(torn, r.Unit.Host)
			}
		}
		if !slices.Equal(torn, []string{want}) {
			t.Errorf("victims %q: %v torn down, want %s", named, torn, want)
		}
		if len(a.book["R1"].Victims) != 0 {
			t.Error("the victims of one extension are kept for the next")
		}
	}
}

// A lease whose record cannot be read may still use its hosts: nobody else gets them
// until the record is mended, or an operator says that it will not be.
func TestSpared(t *testing.T) {
	r := sample(active)
	data, err := r.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	torn := actors.Stored{Key: key("R1"), Data: data[:len(data)-1]}
	for name, then := range map[string]func(*Actor) error{
		"mended":  func(a *Actor) error { return a.Restore(actors.Stored{Key: torn.Key, Data: data}) },
		"dropped": func(a *Actor) error { a.LetGo(12, torn.Key); return nil },
		"again":   func(a *Actor) error { return a.Restore(torn) },
	} {
		a := world(t)
		if a.Restore(torn) == nil {
			t.Fatal("half a record was read")
		}
		if got := free(a); got != "3  " {
			t.Fatalf("free hosts %q, want h3 only", got)
		}
		play(t, a, 9, func() actors.Event {
			m := from("sm", actors.OpRedeem, 1, ticket("T9", 1, term)).(actors.Receive)
			m.Message.Reservation = "R9"
			return m
		}())
		if fx := play(t, a, 10, actors.Tick{}); len(fx.Run) != 1 || fx.Run[0].Unit.Host != "h3" {
			t.Errorf("%s: it ran %+v", name, fx.Run)
		}
		err := then(a)
		if want := map[string]string{"mended": "   ", "dropped": "12 ", "again": "   "}[name]; free(a) != want || (err != nil) != (name == "again") {
			t.Errorf("%s: %v, free hosts %q, want %q", name, err, free(a), want)
		}
		if r, ok := a.book["R1"]; ok != (name == "mended") || ok && r.Status != active {
			t.Errorf("%s: the lease is %+v", name, r.Status)
		}
	}
	// What has gone to somebody else meanwhile is not taken from him.
	a := world(t)
	other := sample(active)
	other.ID, other.Ticket.ID, other.Tickets, other.Units = "R2", "T2", []actors.TicketID{"T2"}, actors.UnitsOf(other.Units.List()[1])
	a.put(other, nil)
	if err := a.Restore(actors.Stored{Key: torn.Key, Data: data}); err == nil || a.book["R1"].ID != "" || free(a) != "3  " {
		t.Errorf("a host with two units: %v, free %q", err, free(a))
	}
}

// more is a second delegation: a site may delegate more than it has.
var more = actors.Export{Holder: "br", Type: "node", Units: 4, Term: actors.NewTerm(1, 99_999)}

// besides redeems a ticket that rests on it.
func besides(tk *actors.Ticket) actors.Event {
	tk.Ancestors[0] = Delegate("am", more)
	return from("sm", actors.OpRedeem, 1, tk)
}

// At a boundary leases that shrink go first, then those that grow, then new ones: a
// growing lease gets the hosts that come free, however early a new one asked.
func TestBoundaryOrder(t *testing.T) {
	a := world(t)
	as := func(id string, ev actors.Event) actors.Event {
		r := ev.(actors.Receive)
		r.Message.Reservation = actors.ReservationID(id)
		return r
	}
	finish := func(now actors.Cycle, fx actors.Effects) {
		for _, r := range fx.Run {
			play(t, a, now, actors.ActionDone{Reservation: r.Reservation, Unit: r.Unit.ID, Sequence: r.Sequence})
		}
	}
	play(t, a, 8, as("grows", from("sm", actors.OpRedeem, 1, ticket("G1", 1, term))))
	play(t, a, 8, as("shrinks", from("sm", actors.OpRedeem, 1, ticket("S1", 2, term))))
	finish(10, play(t, a, 10, actors.Tick{}))
	play(t, a, 12, more)
	// Its name comes first: only the order of the stages puts it last.
	play(t, a, 12, as("anew", besides(ticket("N1", 1, actors.NewTerm(20_000, 29_999)))))
	play(t, a, 13, as("grows", from("sm", actors.OpExtendLease, 2, ticket("G2", 2, longer))))
	play(t, a, 14, as("shrinks", from("sm", actors.OpExtendLease, 2, ticket("S2", 1, longer))))
	fx := play(t, a, 20, actors.Tick{})
	if got := fmt.Sprint(a.book["shrinks"].Status, a.book["grows"].Status, a.book["anew"].Status); got != "Active,Priming Active,ExtendingLease Ticketed,Redeeming" {
		t.Fatalf("at the boundary: %s", got)
	}
	finish(20, fx)
	fx = play(t, a, 21, actors.Tick{})
	if got := fmt.Sprint(a.book["grows"].Status, a.book["anew"].Status); got != "Active,Priming Ticketed,Redeeming" {
		t.Fatalf("when a host came free: %s", got)
	}
	finish(21, fx)
	// Nobody grows any more, and nothing is left for the new one: it is told so.
	if v, _ := a.View("anew"); v.Waiting == "" || v.NextAt == 0 {
		t.Errorf("%+v", v)
	}
}

// While a growing lease waits for more hosts than are free, a new one does not take
// those that are; when it has waited long enough it takes what there is.
func TestGrowingGoesFirst(t *testing.T) {
	a := world(t)
	play(t, a, 8, from("sm", actors.OpRedeem, 1, ticket("T1", 1, term)))
	fx := play(t, a, 10, actors.Tick{})
	play(t, a, 10, actors.ActionDone{Reservation: "R1", Unit: fx.Run[0].Unit.ID, Sequence: 1})
	play(t, a, 11, actors.AddHosts{Hosts: []actors.Host{{Name: "x1", Type: "other"}}})
	play(t, a, 12, from("sm", actors.OpExtendLease, 2, ticket("T2", 3, longer)))
	for _, name := range []string{"h3"} { // one host is out of order: two are needed, one is free
		a.hosts.hosts[name].Quarantined = true
		a.hosts.mark(a.hosts.hosts[name])
	}
	play(t, a, 12, more)
	late := besides(ticket("N1", 1, actors.NewTerm(20_000, 29_999))).(actors.Receive)
	late.Message.Reservation = "R2"
	play(t, a, 12, late)
	for now := actors.Cycle(20); now < 28; now++ {
		play(t, a, now, actors.Tick{})
		if a.book["R2"].Status != redeeming || a.book["R1"].Status != extending {
			t.Fatalf("at %d: R1 %v, R2 %v", now, a.book["R1"].Status, a.book["R2"].Status)
		}
	}
	play(t, a, 28, actors.Tick{})
	if a.book["R1"].Status != repriming {
		t.Errorf("R1 is %v after it has waited long enough", a.book["R1"].Status)
	}
}

// written is the durable form of all reservations.
func written(t *rapid.T, a *Actor) string {
	var all []byte
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		var err error
		if all, err = a.book[id].AppendRecord(all); err != nil {
			t.Fatal(err)
		}
	}
	return string(all)
}

package authority

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
)

var update = flag.Bool("update", false, "write golden files anew")

// The world of the matrix: cycles of 1000 ms that begin at 0, three hosts, all
// delegated to a broker, and a ticket for two units over cycles 10..19.
var (
	term   = actors.NewTerm(10_000, 19_999)
	longer = term.Extended(29_999)
	slice  = actors.Slice{ID: "S", Name: "slice"}
	sale   = actors.Export{Holder: "br", Type: "node", Units: 3, Term: actors.NewTerm(1, 99_999)}
)

func ticket(id string, units int, t actors.Term) *actors.Ticket {
	return &actors.Ticket{
		Delegation: actors.Delegation{ID: actors.TicketID(id), Issuer: "br", Holder: "sm", Type: "node", Units: units, Term: t},
		Ancestors:  []actors.Delegation{Delegate("am", sale)}, Authority: actors.Location{ID: "am", Name: "site"}, Text: "signed"}
}

// world is a site with three hosts and the given reservations restored.
func world(t testing.TB, rs ...Reservation) *Actor {
	t.Helper()
	a := New(Config{Self: actors.Location{ID: "am", Name: "site"}, Cycles: actors.Cycles{Length: 1000}, Policy: firstfit.Policy{}})
	for _, ev := range []actors.Event{sale, actors.AddHosts{Hosts: []actors.Host{
		{Name: "h1", Type: "node", Properties: actors.Properties{"mac": "02:00:00:00:00:01"}}, {Name: "h2", Type: "node"}, {Name: "h3", Type: "node"}}}} {
		if _, err := a.Step(0, ev); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range rs {
		data, err := r.AppendRecord(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Restore(actors.Stored{Key: key(r.ID), Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// sample is a plausible reservation in a status.
func sample(s Status) Reservation {
	r := Reservation{ID: "R1", Slice: slice, Client: "sm", ReplyTo: "http://sm", Status: s, Type: "node",
		Ticket: *ticket("T1", 2, term), Tickets: []actors.TicketID{"T1"}, Export: Delegate("am", sale).ID,
		Term: term, Wanted: term, Sequence: 1, Start: 10, Since: 8}
	if s == redeeming {
		return r
	}
	r.Made = 2
	second := actors.Unit{ID: "u2", Host: "h2", State: actors.UnitActive, Sequence: 1}
	both := func() actors.Units {
		return actors.UnitsOf(actors.Unit{ID: "u1", Host: "h1", State: actors.UnitActive, Sequence: 1}, second)
	}
	r.Units = both()
	switch {
	case s == priming:
		second.State = actors.UnitPriming
		r.Units = both()
	case s == extending, s == repriming:
		r.Served, r.Sequence = true, 2
		r.Ticket, r.Tickets, r.Wanted, r.Start = *ticket("T2", 2, longer), []actors.TicketID{"T1", "T2"}, longer, 20
		r.Earlier = []actors.Ticket{*ticket("T1", 2, term)}
		if s == repriming {
			r.Term, second.State = longer, actors.UnitModifying
			r.Units = both()
		}
	case s == modifying:
		r.Served, r.Sequence, r.Modify = true, 2, 1
	case s == failed:
		r.Units, r.Error = actors.Units{}, "no unit could be set up"
	case s.Pending == actors.Closing:
		second.State = actors.UnitClosing
		r.Units = actors.UnitsOf(second)
		r.Served = s == closingLease
	case s == closed:
		r.Units, r.Served = actors.Units{}, true
	default:
		r.Served = true
	}
	return r
}

func from(who actors.ActorID, op actors.Op, seq int, tk *actors.Ticket) actors.Event {
	m := actors.Message{Op: op, From: who, To: "am", Reservation: "R1", Slice: slice, Sequence: seq, Type: "node", ReplyTo: "http://sm"}
	if tk != nil {
		m.Ticket, m.Units, m.Term = tk, tk.Units, tk.Term
	}
	return actors.Receive{Message: m}
}

func modify(seq, n int, subcommand string, units int, t actors.Term) actors.Event {
	ev := from("sm", actors.OpModifyLease, seq, ticket("T1", units, t)).(actors.Receive)
	ev.Message.Properties = actors.Properties{}.Modified(actors.Modification{Number: n, Subcommand: subcommand})
	return ev
}

func done(unit string, seq, code int) actors.Event {
	return actors.ActionDone{Reservation: "R1", Unit: actors.UnitID(unit), Sequence: seq, Code: code, Note: "said so"}
}

var events = []struct {
	name string
	ev   actors.Event
}{
	{"redeem#1", from("sm", actors.OpRedeem, 1, ticket("T1", 2, term))},
	{"redeem#1 without a ticket", from("sm", actors.OpRedeem, 1, nil)},
	{"redeem by a stranger", from("xx", actors.OpRedeem, 1, ticket("T1", 2, term))},
	{"extendLease#2", from("sm", actors.OpExtendLease, 2, ticket("T2", 2, longer))},
	{"extendLease#3", from("sm", actors.OpExtendLease, 3, ticket("T3", 2, longer))},
	{"extendLease#3 to one", from("sm", actors.OpExtendLease, 3, ticket("T3", 1, longer))},
	{"extendLease#3 old term", from("sm", actors.OpExtendLease, 3, ticket("T3", 2, term))},
	{"modifyLease#2", modify(2, 1, "modify.restart", 2, term)},
	{"modifyLease#3", modify(3, 1, "modify.restart", 2, term)},
	{"modifyLease#3 of fewer", modify(3, 1, "modify.restart", 1, term)},
	{"modifyLease#3 longer", modify(3, 1, "modify.restart", 2, longer)},
	{"modifyLease#3, nonsense", modify(3, 1, "restart", 2, term)},
	{"close#1", from("sm", actors.OpClose, 1, ticket("T1", 2, term))},
	{"close#9", from("sm", actors.OpClose, 9, ticket("T1", 2, term))},
	{"close by a stranger", from("xx", actors.OpClose, 9, ticket("T1", 2, term))},
	{"ticket#9", from("sm", actors.OpTicket, 9, nil)},
	{"u2 done", done("u2", 1, 0)},
	{"u2 failed", done("u2", 1, 7)},
	{"u2 done, stale", done("u2", 9, 0)},
	{"u1 changed", actors.UnitChanged{Reservation: "R1", Unit: "u1", Properties: actors.Properties{"address": "10.0.0.9"}}},
	{"close by the operator", actors.Close{Reservation: "R1"}},
	{"tick", actors.Tick{}},
}

// TestMatrix shows every status, and a reservation that is not there, against
// every event. The golden file is the behaviour of this role. It also fails when
// Moves allows a move that nothing here makes.
func TestMatrix(t *testing.T) {
	var got bytes.Buffer
	taken := map[[2]string]bool{}
	one := func(label string, rs []Reservation) {
		for _, e := range events {
			nows := []actors.Cycle{9}
			if e.name == "tick" {
				nows = []actors.Cycle{9, 10, 20, 30, 31, 700}
			}
			for _, now := range nows {
				a := world(t, rs...)
				fx, err := a.Step(now, e.ev)
				for _, m := range fx.Moved {
					taken[[2]string{m.From, m.To}] = true
				}
				after := "absent"
				if r, ok := a.book["R1"]; ok {
					after = r.Status.String()
				}
				fmt.Fprintf(&got, "%-22s @%-3d %-25s -> %-22s free=%s %s\n", label, now, e.name, after, free(a), effects(fx, err))
			}
		}
	}
	one("absent", nil)
	for _, row := range Moves.Rows() {
		if row.State != accepted && row.State != modifying { // passed through within a step
			one(row.State.String(), []Reservation{sample(row.State)})
		}
	}
	r := sample(repriming)
	r.Term, r.Wanted, r.Ticket, r.Modify = term, term, *ticket("T1", 2, term), 1
	one("Active,Priming modify", []Reservation{r})
	// The last unit is on its way and fails: nothing is left.
	for _, s := range []Status{priming, repriming} {
		r := sample(s)
		last := r.Units.List()[1]
		last.State = actors.UnitPriming
		r.Units = actors.UnitsOf(last)
		one(s.String()+" last", []Reservation{r})
	}
	for _, row := range Moves.Rows() {
		for _, to := range row.To {
			if !taken[[2]string{row.State.String(), to.String()}] {
				t.Errorf("Moves allows %v to %v, which nothing does", row.State, to)
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/matrix.txt", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/matrix.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("testdata/matrix.txt changed; run with -update and read the diff. Got:\n%s", got.Bytes())
	}
}

func free(a *Actor) string {
	s := ""
	for h := range a.hosts.free("node") {
		s += h.Name[1:]
	}
	return fmt.Sprintf("%-3s", s)
}

func effects(fx actors.Effects, err error) string {
	if err != nil {
		return "refused: " + actors.KindOf(err).Error()
	}
	var b bytes.Buffer
	for _, m := range fx.Send {
		fmt.Fprintf(&b, "send=%v#%d>%s units=%d failed=%v ", m.Op, m.Sequence, m.To, m.Units, m.Failed)
	}
	for _, r := range fx.Run {
		fmt.Fprintf(&b, "run=%v:%s#%d ", r.Verb, r.Unit.Host, r.Sequence)
	}
	for _, r := range fx.Save {
		if r.Value == nil {
			b.WriteString("removed ")
		} else {
			b.WriteString("saved ")
		}
	}
	if fx.Wake != actors.Never {
		fmt.Fprintf(&b, "wake=%d", fx.Wake)
	}
	return b.String()
}

package manager

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

var update = flag.Bool("update", false, "write golden files anew")

// The world of the matrix: cycles of 1000 ms that begin at 0, a ticket for cycles
// 10..19 and its extension to 29.
var (
	rules = Rules{Self: "sm", Cycles: actors.Cycles{Length: 1000}, Margins: LegacyMargins()}
	term  = actors.NewTerm(10_000, 19_999)
	slice = actors.Slice{ID: "S", Name: "slice"}
	root  = actors.Delegation{ID: "T0", Issuer: "am", Holder: "br", Type: "node", Units: 8, Term: actors.NewTerm(1, actors.Forever)}
)

func ticket(id string, t actors.Term) *actors.Ticket {
	return &actors.Ticket{Delegation: actors.Delegation{ID: actors.TicketID(id), Issuer: "br", Holder: "sm", Type: "node", Units: 2, Term: t},
		Ancestors: []actors.Delegation{root}, Authority: actors.Location{ID: "am", Name: "site"}, Text: "signed"}
}

// sample is a plausible reservation in a status.
func sample(s Status) Reservation {
	r := Reservation{ID: "R1", Slice: slice, Broker: "br", Status: s, Type: "node", Units: 2, Term: term, Renewable: true, Since: 5}
	switch s.Join {
	case actors.BlockedRedeem:
		r.After = []actors.Predecessor{{Reservation: "P", Gate: actors.RedeemGate, Required: true}}
	case actors.BlockedJoin:
		r.After = []actors.Predecessor{{Reservation: "P", Gate: actors.JoinGate, Required: true}}
	}
	if s == asked {
		return r
	}
	r.TicketSeq, r.Sent = 1, 5
	if s == ticketing {
		return r
	}
	r.Ticket, r.Authority = ticket("T1", term), actors.Location{ID: "am", Name: "site"}
	if s == ticketed || s == blockedRedeem {
		return r
	}
	r.LeaseSeq = 1
	if s == redeeming {
		return r
	}
	r.LeaseTerm = term
	first := actors.Unit{ID: "u1", State: actors.UnitActive, Sequence: 1}
	second := actors.Unit{ID: "u2", State: actors.UnitActive, Sequence: 1}
	switch {
	case s.Join == actors.BlockedJoin:
		first.State, second.State = actors.UnitDefault, actors.UnitDefault
	case s.Join == actors.Joining:
		second.State = actors.UnitPriming
	case s == closing:
		second.State = actors.UnitClosing
	}
	switch {
	case s == closing:
		r.Held = actors.UnitsOf(second)
	case s != closeWait && s != closed && s != failed:
		r.Held = actors.UnitsOf(first, second)
	}
	if s.Pending == actors.ExtendingTicket {
		r.TicketSeq, r.Term = 2, term.Extended(29_999)
	}
	if s.State == actors.ActiveTicketed {
		r.TicketSeq, r.Term, r.Ticket = 2, term.Extended(29_999), ticket("T2", term.Extended(29_999))
	}
	if s.Pending == actors.ExtendingLease || s.Pending == actors.ModifyingLease || s == closeWait {
		r.LeaseSeq = 2
	}
	if s.Pending == actors.ModifyingLease {
		r.Config = r.Config.Modified(actors.Modification{Number: 1, Subcommand: "modify.restart"})
	}
	if s.State.Final() {
		r.Relinquished = true
	}
	return r
}

func lease(t actors.Term, seq int, units ...string) actors.Event {
	m := actors.Message{Op: actors.OpUpdateLease, From: "am", To: "sm", Reservation: "R1", Sequence: seq, Term: t, Lease: &actors.Lease{}}
	for _, id := range units {
		m.Lease.Units = append(m.Lease.Units, actors.Unit{ID: actors.UnitID(id), State: actors.UnitActive})
	}
	m.Units = len(units)
	return actors.Receive{Message: m}
}

// modifiedLease answers the modify of sample.
func modifiedLease(code int) actors.Event {
	ev := lease(term, 2, "u1", "u2").(actors.Receive)
	units := ev.Message.Lease.Units
	for i := range units {
		units[i].Properties = units[i].Properties.ModifyResult(1, code, "said so")
	}
	return ev
}

func granted(seq int, t *actors.Ticket) actors.Event {
	return actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: "br", To: "sm", Reservation: "R1",
		Sequence: seq, Type: "node", Units: t.Units, Term: t.Term, Ticket: t}}
}

func refused(op actors.Op, from actors.ActorID, seq int) actors.Event {
	return actors.Receive{Message: actors.Message{Op: op, From: from, To: "sm", Reservation: "R1", Sequence: seq,
		Term: term, Failed: true, Note: "no"}}
}

func failedRPC(op actors.Op, from actors.ActorID) actors.Event {
	return actors.Receive{Message: actors.Message{Op: actors.OpFailedRPC, From: from, To: "sm", Reservation: "R1",
		RequestID: "m1", RequestOp: op, Failed: true, Note: "broken"}}
}

// moved is the word that predecessor P is in another status.
type moved struct {
	actors.Event
	to Status
}

// behind is rules for a reservation that comes after P.
func behind(p Status) Rules {
	k := rules
	k.look = func(id actors.ReservationID) (Reservation, bool) {
		if id != "P" {
			return Reservation{}, false
		}
		r := sample(p)
		r.ID = "P"
		return r, true
	}
	return k
}

// happen gives r an event of the list below.
func happen(r Reservation, now actors.Cycle, ev actors.Event) (Reservation, actors.Effects, error) {
	if m, ok := ev.(moved); ok {
		return run(r, behind(m.to), now, func(s *step) error { s.orphaned(); return nil })
	}
	return Step(r, behind(ticketed), now, ev)
}

// events is everything that can happen, in its variants.
var events = []struct {
	name string
	ev   actors.Event
}{
	{"predecessor leased", moved{to: joining}},
	{"predecessor active", moved{to: active}},
	{"predecessor failed", moved{to: failed}},
	{"ticket granted", granted(1, ticket("T1", term))},
	{"extension granted", granted(2, ticket("T2", term.Extended(29_999)))},
	{"legacy extension granted", granted(0, ticket("T2", term.Extended(29_999)))},
	{"wrong ticket", granted(0, ticket("T9", actors.NewTerm(50_000, 59_999)))},
	{"ticket refused", refused(actors.OpUpdateTicket, "br", 0)},
	{"ticket from a stranger", refused(actors.OpUpdateTicket, "xx", 0)},
	{"lease of two", lease(term, 1, "u1", "u2")},
	{"lease of one", lease(term, 0, "u1")},
	{"extended lease", lease(term.Extended(29_999), 2, "u1", "u2", "u3")},
	{"modified lease", modifiedLease(0)},
	{"lease, its modify failed", modifiedLease(17)},
	{"empty lease", lease(term, 0)},
	{"lease refused", refused(actors.OpUpdateLease, "am", 0)},
	{"lease from a stranger", refused(actors.OpUpdateLease, "xx", 0)},
	{"u2 done", actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 1}},
	{"u2 failed", actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 1, Code: 1, Note: "broken"}},
	{"u2 done, stale", actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 9}},
	{"ticket undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpTicket, Sequence: 1}, Kind: actors.Denied}},
	{"extendTicket undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpExtendTicket, Sequence: 2}, Kind: actors.Invalid}},
	{"redeem undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpRedeem, Sequence: 1}, Kind: actors.Denied}},
	{"extendLease undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpExtendLease, Sequence: 2}, Kind: actors.Denied}},
	{"modifyLease undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpModifyLease, Sequence: 2}, Kind: actors.Stale}},
	{"close undeliverable", actors.SendFailed{Message: actors.Message{Op: actors.OpClose, Sequence: 2}, Kind: actors.NotFound}},
	{"redeem failed at the site", failedRPC(actors.OpRedeem, "am")},
	{"redeem failed at a stranger", failedRPC(actors.OpRedeem, "xx")},
	{"modify failed at the site", failedRPC(actors.OpModifyLease, "am")},
	{"ticket failed at the broker", failedRPC(actors.OpTicket, "br")},
	{"extend to 40", actors.Extend{Reservation: "R1", End: 40_999}},
	{"extend to 15", actors.Extend{Reservation: "R1", End: 15_000}},
	{"modify 1", actors.Modify{Reservation: "R1", Number: 1, Subcommand: "restart"}},
	{"modify 2", actors.Modify{Reservation: "R1", Number: 2, Subcommand: "restart"}},
	{"modify, nonsense", actors.Modify{Reservation: "R1", Subcommand: "rm -rf /"}},
	{"close", actors.Close{Reservation: "R1"}},
	{"tick", actors.Tick{}},
}

// TestMatrix shows every status against every event. The golden file is the
// behaviour of this role: read its diff in review. It also fails when a status
// that is not over has nothing that will ever end it, and when Moves allows a
// move that nothing here makes.
func TestMatrix(t *testing.T) {
	var got bytes.Buffer
	taken := map[[2]string]bool{}
	one := func(label string, r Reservation, pick func(name string) bool) {
		for _, e := range events {
			if !pick(e.name) {
				continue
			}
			nows := []actors.Cycle{8}
			if e.name == "tick" {
				nows = []actors.Cycle{8, 9, 16, 18, 19, 20, 28, 29, 40, 700}
			}
			for _, now := range nows {
				before := fmt.Sprintf("%+v", r)
				next, fx, err := happen(r, now, e.ev)
				if after := fmt.Sprintf("%+v", r); after != before {
					t.Fatalf("%s, %s: Step changed its argument:\n%s\n%s", label, e.name, before, after)
				}
				if err != nil && len(fx.Save)+len(fx.Send)+len(fx.Run) > 0 {
					t.Fatalf("%s, %s: refused, yet with effects %+v", label, e.name, fx)
				}
				for _, m := range fx.Moved {
					taken[[2]string{m.From, m.To}] = true
				}
				fmt.Fprintf(&got, "%-36s @%-3d %-27s -> %-36v %s\n", label, now, e.name, next.Status, effects(fx, err))
			}
		}
	}
	for _, row := range Moves.Rows() {
		if at := sample(row.State).next(rules); at.do == doNothing && row.State != asked {
			t.Errorf("%v waits for ever", row.State)
		}
		one(row.State.String(), sample(row.State), func(name string) bool { return true })
	}
	// The same with a predecessor that is still to be waited for.
	for _, s := range []Status{ticketing, ticketed, redeeming} {
		r := sample(s)
		r.After = []actors.Predecessor{{Reservation: "P", Gate: actors.RedeemGate, Required: true}, {Reservation: "P", Gate: actors.JoinGate, Required: true}}
		one(s.String()+", after P", r, func(name string) bool {
			return strings.HasPrefix(name, "predecessor") || name == "tick" || name == "lease of two"
		})
	}
	for _, row := range Moves.Rows() {
		for _, to := range row.To {
			if !taken[[2]string{row.State.String(), to.String()}] {
				t.Errorf("Moves allows %v to %v, which nothing does", row.State, to)
			}
		}
	}
	golden(t, "testdata/matrix.txt", got.Bytes())
}

func effects(fx actors.Effects, err error) string {
	if err != nil {
		return "refused: " + actors.KindOf(err).Error()
	}
	var b bytes.Buffer
	for _, m := range fx.Send {
		fmt.Fprintf(&b, "send=%v#%d>%s ", m.Op, m.Sequence, m.To)
	}
	for _, a := range fx.Run {
		fmt.Fprintf(&b, "run=%v:%s#%d ", a.Verb, a.Unit.ID, a.Sequence)
	}
	if len(fx.Save) > 0 {
		b.WriteString("saved")
	}
	return b.String()
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s changed; run with -update and read the diff. Got:\n%s", path, got)
	}
}

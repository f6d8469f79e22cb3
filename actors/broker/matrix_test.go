package broker

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
)

var update = flag.Bool("update", false, "write golden files anew")

// The world of the matrix: cycles of 1000 ms that begin at 0, a source of four
// units, a reservation of two for cycles 10..19.
var (
	term    = actors.NewTerm(10_000, 19_999)
	longer  = term.Extended(29_999)
	slice   = actors.Slice{ID: "S", Name: "slice"}
	source1 = actors.Ticket{
		Delegation: actors.Delegation{ID: "T0", Issuer: "am", Holder: "br", Type: "node", Units: 4, Term: actors.NewTerm(1, 99_999)},
		Authority:  actors.Location{ID: "am", Name: "site"}, Text: "signed"}
)

func world(t testing.TB, rs ...Reservation) *Actor {
	t.Helper()
	a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: fcfs.Policy{}})
	if _, err := a.Step(0, actors.Donate{Ticket: source1}); err != nil {
		t.Fatal(err)
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
	r := Reservation{ID: "R1", Slice: slice, Client: "sm", ReplyTo: "http://sm", Status: s, Type: "node", Units: 2, Term: term,
		Sequence: 1, Arrived: 1, Since: 5}
	if s == ticketed || s == extending || s == closed {
		r.Source, r.Grants = "T0", 1
		r.Granted = &actors.Delegation{ID: "T1", Issuer: "br", Holder: "sm", Type: "node", Units: 2, Term: term}
		r.Holds = []calendar.Hold{{From: term.Start, To: term.End, Units: 2}}
	}
	if s == extending {
		r.Sequence, r.Term = 2, longer
	}
	if s == failed {
		r.Error = "no"
	}
	return r
}

func ask(op actors.Op, from actors.ActorID, seq int, t actors.Term) actors.Event {
	return actors.Receive{Message: actors.Message{Op: op, From: from, To: "br", Reservation: "R1", Slice: slice, Sequence: seq,
		Type: "node", Units: 2, Term: t, ReplyTo: "http://sm"}}
}

var events = []struct {
	name string
	ev   actors.Event
}{
	{"ticket#1", ask(actors.OpTicket, "sm", 1, term)},
	{"ticket#3", ask(actors.OpTicket, "sm", 3, term)},
	{"ticket#0", ask(actors.OpTicket, "sm", 0, term)},
	{"ticket from a stranger", ask(actors.OpTicket, "xx", 1, term)},
	{"extendTicket#2", ask(actors.OpExtendTicket, "sm", 2, longer)},
	{"extendTicket#3 shorter", ask(actors.OpExtendTicket, "sm", 3, actors.NewTerm(10_000, 15_000))},
	{"extendTicket#3", ask(actors.OpExtendTicket, "sm", 3, longer)},
	{"relinquish#1", ask(actors.OpRelinquish, "sm", 1, term)},
	{"relinquish#9", ask(actors.OpRelinquish, "sm", 9, term)},
	{"relinquish from a stranger", ask(actors.OpRelinquish, "xx", 9, term)},
	{"redeem#9", ask(actors.OpRedeem, "sm", 9, term)},
	{"close", actors.Close{Reservation: "R1"}},
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
			nows := []actors.Cycle{8}
			if e.name == "tick" {
				nows = []actors.Cycle{8, 18, 19, 700}
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
				fmt.Fprintf(&got, "%-29s @%-3d %-26s -> %-24s free=%d %s\n", label, now, e.name, after,
					a.sources["T0"].calendar.Free(term.Start, term.End), effects(fx, err))
			}
		}
	}
	one("absent", nil)
	for _, row := range Moves.Rows() {
		if row.State != asked && row.State != priming { // passed through within a step
			one(row.State.String(), []Reservation{sample(row.State)})
		}
	}
	for _, s := range []Status{ticketing, extending} {
		r := sample(s)
		r.Units = 9
		one(s.String()+" of 9", []Reservation{r})
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

func effects(fx actors.Effects, err error) string {
	if err != nil {
		return "refused: " + actors.KindOf(err).Error()
	}
	var b bytes.Buffer
	for _, m := range fx.Send {
		fmt.Fprintf(&b, "send=%v>%s units=%d failed=%v ", m.Op, m.To, m.Units, m.Failed)
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

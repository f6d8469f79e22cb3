package broker

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/manual"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
)

// under is a broker with one source and another policy.
func under(t *testing.T, p policy.Broker, props actors.Properties) *Actor {
	t.Helper()
	a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: p})
	source := source1
	source.Properties = props
	if _, err := a.Step(0, actors.Donate{Ticket: source}); err != nil {
		t.Fatal(err)
	}
	return a
}

func asks(id string, units int, props actors.Properties) actors.Event {
	return actors.Receive{Message: actors.Message{Op: actors.OpTicket, From: "sm", To: "br", Reservation: actors.ReservationID(id), Slice: slice,
		Sequence: 1, Type: "node", Units: units, Term: term, Properties: props}}
}

func do(t *testing.T, a *Actor, now actors.Cycle, ev actors.Event) actors.Effects {
	t.Helper()
	fx, err := a.Step(now, ev)
	if err != nil {
		t.Fatal(err)
	}
	return fx
}

// restarted is a broker after a restart from what it saved.
func restarted(t *testing.T, a *Actor, p policy.Broker) *Actor {
	t.Helper()
	b := under(t, p, a.sources["T0"].ticket.Properties)
	for id, r := range a.book {
		data, err := r.AppendRecord(nil)
		if err == nil {
			err = b.Restore(actors.Stored{Key: key(id), Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(a.Views(), b.Views()) {
		t.Fatalf("a restart changed the views:\n%+v\n%+v", a.Views(), b.Views())
	}
	return b
}

// An ask that may wait is asked again every cycle, is written down once, says what
// it waits for, and is granted when units come back.
func TestAskThatWaits(t *testing.T) {
	a := under(t, edf.Policy{}, nil)
	do(t, a, 5, asks("first", 3, nil))
	do(t, a, 6, actors.Tick{})
	do(t, a, 7, asks("second", 2, actors.Properties{"deferrable": "true", "deadline": "60000"}))
	saved := 0
	for now := actors.Cycle(8); now < 14; now++ {
		saved += len(do(t, a, now, actors.Tick{}).Save)
	}
	if saved > 2 {
		t.Errorf("written %d times in six rounds of waiting", saved)
	}
	a = restarted(t, a, edf.Policy{})
	v, _ := a.View("second")
	if v.Pending != "Ticketing" || !strings.Contains(v.Waiting, "have the units") || len(v.Decision) == 0 || !strings.HasPrefix(v.Decision[0], "queued until 1970-01-01T00:00:20Z") {
		t.Errorf("%+v", v)
	}
	if v.Deadline != 60 {
		t.Errorf("it is given up at %d, its deadline is in 60", v.Deadline)
	}
	do(t, a, 14, actors.Receive{Message: actors.Message{Op: actors.OpRelinquish, From: "sm", Reservation: "first", Slice: slice, Sequence: 2}})
	fx := do(t, a, 15, actors.Tick{})
	if len(fx.Send) != 1 || fx.Send[0].Failed || fx.Send[0].Term != actors.NewTerm(16_000, 25_999) {
		t.Errorf("%+v", fx.Send)
	}
	if w, ok := a.Explain("second"); !ok || w.Outcome != policy.Queued || !strings.HasPrefix(w.Text, "queued until 1970-01-01T00:00:16Z") {
		t.Errorf("%+v", w)
	}
}

// Nothing is granted by hand before somebody says yes; a no is told to the client.
func TestApproval(t *testing.T) {
	for _, yes := range []bool{true, false} {
		a := under(t, manual.Policy{}, nil)
		do(t, a, 5, asks("R", 2, nil))
		if fx := do(t, a, 6, actors.Tick{}); len(fx.Send) != 0 {
			t.Fatalf("granted without a word: %+v", fx.Send)
		}
		do(t, a, 7, actors.Approve{Reservation: "R", Grant: yes, Note: "by Ada"})
		a = restarted(t, a, manual.Policy{})
		fx := do(t, a, 8, actors.Tick{})
		if len(fx.Send) != 1 || fx.Send[0].Failed == yes || !yes && !strings.Contains(fx.Send[0].Note, "by Ada") {
			t.Errorf("after %v: %+v", yes, fx.Send)
		}
		if _, err := a.Step(9, actors.Approve{Reservation: "R", Grant: true}); actors.KindOf(err) != actors.Stale {
			t.Errorf("a word on what is decided: %v", err)
		}
		if _, err := a.Step(9, actors.Approve{Reservation: "nobody"}); actors.KindOf(err) != actors.NotFound {
			t.Errorf("a word on nothing: %v", err)
		}
	}
}

// Slivers stay on their hosts over a restart and an extension, their tickets say
// where they are, and their hosts are not sold twice.
func TestSlivers(t *testing.T) {
	a := under(t, worstfit.Policy{}, actors.Properties{"cpu": "4", "hosts": "2"})
	do(t, a, 5, asks("R", 2, actors.Properties{"cpu": "3"}))
	fx := do(t, a, 6, actors.Tick{})
	if len(fx.Send) != 1 || fx.Send[0].Ticket == nil || fx.Send[0].Ticket.Delegation.Properties["Identifiers"] != "1,2" ||
		fx.Send[0].Ticket.Delegation.Properties["cpu"] != "3" {
		t.Fatalf("%+v", fx.Send)
	}
	a = restarted(t, a, worstfit.Policy{})
	do(t, a, 7, asks("S", 1, actors.Properties{"cpu": "2"}))
	do(t, a, 7, actors.Receive{Message: actors.Message{Op: actors.OpExtendTicket, From: "sm", Reservation: "R", Slice: slice, Sequence: 2,
		Type: "node", Units: 2, Term: longer}})
	fx = do(t, a, 8, actors.Tick{})
	if len(fx.Send) != 2 || fx.Send[0].Failed || fx.Send[0].Ticket.Delegation.Properties["Identifiers"] != "1,2" || !fx.Send[1].Failed {
		t.Fatalf("%+v", fx.Send)
	}
	if room := a.sources["T0"].calendar.Room(1, term.Start, longer.End); room[0] != 1 {
		t.Errorf("host 1 has %v left", room)
	}
}

// A plan is the policy's answer and leaves no trace.
func TestPlan(t *testing.T) {
	a := under(t, edf.Policy{}, nil)
	do(t, a, 5, asks("first", 3, nil))
	before := a.Views()
	wish := func(id string, units int) actors.Message { return asks(id, units, nil).(actors.Receive).Message }
	v := a.Plan(6, []actors.Message{wish("x", 2), wish("y", 1), wish("z", 5)})
	if v[0].Outcome != policy.Later || v[1].Outcome != policy.Granted || v[2].Outcome != policy.Impossible {
		t.Errorf("%+v", v)
	}
	if !reflect.DeepEqual(a.Views(), before) || a.sources["T0"].calendar.Free(term.Start, term.End) != 4 {
		t.Error("a plan changed the broker")
	}
}

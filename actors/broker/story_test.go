package broker

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"pgregory.net/rapid"
)

// A refused extension is over for the broker, but the client's lease runs on: its
// units stay taken until the old term ends.
func TestRefusedExtensionKeepsUnits(t *testing.T) {
	r := sample(extending)
	r.Units = 9
	a := world(t, r)
	if _, err := a.Step(9, actors.Tick{}); err != nil {
		t.Fatal(err)
	}
	if got := a.book["R1"].Status; got != failed {
		t.Fatalf("status %v", got)
	}
	if free := a.sources["T0"].calendar.Free(term.Start, term.End); free != 2 {
		t.Fatalf("%d units free in the old term, want 2", free)
	}
	if _, err := a.Step(19, actors.Tick{}); err != nil {
		t.Fatal(err)
	}
	if got := a.book["R1"].Status; got != closed {
		t.Fatalf("after the old term: %v", got)
	}
}

// An extension granted before the old term ends holds both intervals, also after
// a restart: nothing between now and the new interval may be sold again.
func TestRestartKeepsBothIntervals(t *testing.T) {
	a := world(t, sample(extending))
	fx, err := a.Step(9, actors.Tick{})
	if err != nil || len(fx.Save) != 1 {
		t.Fatalf("%+v, %v", fx, err)
	}
	b := world(t, a.book["R1"])
	for _, at := range []actors.Term{term, actors.NewTerm(longer.NewStart, longer.End)} {
		before, after := a.sources["T0"].calendar.Free(at.Start, at.End), b.sources["T0"].calendar.Free(at.Start, at.End)
		if before != 2 || after != 2 {
			t.Errorf("over %d..%d: %d free before the restart, %d after, want 2", at.Start, at.End, before, after)
		}
	}
}

// A relinquish that overtakes its ticket request on the wire takes nothing.
func TestRelinquishFirst(t *testing.T) {
	a := world(t)
	for _, ev := range []actors.Event{ask(actors.OpRelinquish, "sm", 2, term), ask(actors.OpTicket, "sm", 1, term)} {
		_, _ = a.Step(8, ev) // the late ticket request is refused as stale
	}
	if _, err := a.Step(9, actors.Tick{}); err != nil {
		t.Fatal(err)
	}
	if free := a.sources["T0"].calendar.Free(term.Start, term.End); free != 4 {
		t.Fatalf("%d units free, want all 4", free)
	}
}

// TestNeverTwice plays random requests, extensions, returns and restarts, and
// checks at every instant that no more is granted than was donated, and that a
// restart changes nothing.
func TestNeverTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := world(t)
		now := actors.Cycle(1)
		disk := map[string][]byte{}
		keep := func(fx actors.Effects) {
			for _, rec := range fx.Save {
				if rec.Value == nil {
					delete(disk, rec.Key)
					continue
				}
				data, err := rec.Value.AppendRecord(nil)
				if err != nil {
					rt.Fatal(err)
				}
				disk[rec.Key] = data
			}
		}
		seq := map[actors.ReservationID]int{}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			id := actors.ReservationID(rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(rt, "id"))
			seq[id]++
			m := actors.Message{From: "sm", To: "br", Reservation: id, Slice: slice, Sequence: seq[id], Type: "node",
				Units: rapid.IntRange(1, 4).Draw(rt, "units")}
			switch rapid.IntRange(0, 4).Draw(rt, "what") {
			case 0:
				start := actors.Millis(now+2) * 1000
				m.Op, m.Term = actors.OpTicket, actors.NewTerm(start, start+actors.Millis(rapid.IntRange(1, 20).Draw(rt, "length"))*1000-1)
			case 1:
				r := a.book[id]
				if r.Granted == nil {
					continue
				}
				m.Op, m.Term = actors.OpExtendTicket, r.Granted.Term.Extended(r.Granted.Term.End+7000)
			case 2:
				m.Op, m.Term = actors.OpRelinquish, actors.NewTerm(1000, 2000)
			case 3:
				now++
				fx, err := a.Step(now, actors.Tick{})
				if err != nil {
					rt.Fatal(err)
				}
				keep(fx)
				continue
			case 4:
				var rs []Reservation
				for _, rec := range a.book {
					rs = append(rs, rec)
				}
				b := world(t, rs...)
				if !reflect.DeepEqual(a.Views(), b.Views()) {
					rt.Fatalf("a restart changed the views:\n%+v\n%+v", a.Views(), b.Views())
				}
				a = b
				continue
			}
			if fx, err := a.Step(now, actors.Receive{Message: m}); err == nil {
				keep(fx)
			}
			audited(rt, a)
		}
		if len(disk) != len(a.book) {
			rt.Fatalf("%d records, %d reservations", len(disk), len(a.book))
		}
	})
}

// audited adds up what clients hold at every cycle.
func audited(t *rapid.T, a *Actor) {
	for at := actors.Millis(500); at < 99_000; at += 1000 {
		held := 0
		for _, r := range a.book {
			if r.holding() && r.Granted.Term.Contains(at) && at >= r.Granted.Term.NewStart {
				held += r.Granted.Units
			}
		}
		if held > source1.Units {
			t.Fatalf("at %d clients hold %d of %d units: %s", at, held, source1.Units, fmt.Sprint(a.book))
		}
	}
}

// Nothing revokes a ticket. Units of a reservation that an operator closed are not
// sold again until the client gives them back, or the term ends.
func TestOperatorsCannotUnsell(t *testing.T) {
	for _, givesBack := range []bool{false, true} {
		a := world(t, sample(ticketed))
		free := func(now actors.Cycle) int { return a.freeNow(now, "node") }
		if _, err := a.Step(12, actors.Close{Reservation: "R1"}); err != nil || free(12) != 2 {
			t.Fatalf("%v; %d units are free", err, free(12))
		}
		if givesBack {
			m := actors.Message{Op: actors.OpRelinquish, From: "sm", Reservation: "R1", Slice: slice, Sequence: 9, Type: "node", Units: 2, Term: term}
			if _, err := a.Step(13, actors.Receive{Message: m}); err != nil || free(13) != 4 {
				t.Errorf("%v; %d units are free after they were given back", err, free(13))
			}
		} else if free(19) != 2 || free(20) != 4 {
			t.Errorf("%d units are free in the term's last cycle, %d behind it", free(19), free(20))
		}
		for a.agenda.Next() != actors.Never {
			if _, err := a.Step(a.agenda.Next(), actors.Tick{}); err != nil {
				t.Fatal(err)
			}
		}
		if n := a.sources["T0"].grants; n != 0 || len(a.book) != 0 {
			t.Errorf("%d grants and %d reservations are left", n, len(a.book))
		}
	}
}

// A request that may wait for its deadline is remembered until then: forgotten with
// its term, a late repetition of it would begin again what is over.
func TestRemembersDeferrable(t *testing.T) {
	a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: world(t).config.Policy, Keep: 5})
	if _, err := a.Step(0, actors.Donate{Ticket: source1}); err != nil {
		t.Fatal(err)
	}
	m := actors.Message{Op: actors.OpTicket, From: "sm", To: "br", Reservation: "R1", Slice: slice, Sequence: 1, Type: "node", Units: 9, Term: term,
		Properties: actors.Properties{"deferrable": "true", "deadline": "60000"}}
	_, _ = a.Step(8, actors.Receive{Message: m})
	for _, now := range []actors.Cycle{9, 30, 50} {
		if _, err := a.Step(now, actors.Tick{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Step(51, actors.Receive{Message: m}); err != nil || a.book["R1"].Status != failed {
		t.Errorf("%+v, %v", a.book["R1"], err)
	}
	if _, err := a.Step(65, actors.Tick{}); err != nil || len(a.book) != 0 {
		t.Errorf("%v, %v", a.book, err)
	}
}

package timeline

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// life is one lease with a modify, a renewal and a close, to be disturbed.
func life(w *world) {
	w.give(sm, request("R", 2, 10, 29))
	w.until(14)
	w.now++
	_ = w.try(sm, actors.Modify{Reservation: "R", Subcommand: "restart"})
	w.until(24)
	w.now++
	_ = w.try(sm, actors.Extend{Reservation: "R", End: cycles.End(49)})
	w.until(60)
}

// TestCheck05Repeated: a request that arrives again, at once or later, changes no record
// and is answered once more at most. What becomes of the lease is the same.
func TestCheck05Repeated(t *testing.T) {
	calm := newWorld(t, 4)
	life(calm)
	w := newWorld(t, 4)
	var earlier []actors.Message
	w.deliver = func(w *world, to actors.ActorID, m actors.Message) {
		_ = w.try(to, actors.Receive{Message: m})
		if to == sm {
			return
		}
		earlier = append(earlier, m)
		for _, again := range earlier { // this one, and all before it
			if again.To != to {
				continue
			}
			before := fmt.Sprint(w.disk[to])
			fx, err := w.cast[to].Step(w.now, actors.Receive{Message: again})
			if len(fx.Save)+len(fx.Run)+len(fx.Moved) > 0 || len(fx.Send) > 1 || fmt.Sprint(w.disk[to]) != before {
				t.Errorf("cycle %d: %v#%d again: %+v, %v", w.now, again.Op, again.Sequence, fx, err)
			}
			w.carry(to, fx)
		}
	}
	life(w)
	if w.moves.String() != calm.moves.String() {
		t.Errorf("repetitions changed what happened:\n%s\nwithout them\n%s", w.moves.String(), calm.moves.String())
	}
	if w.sent[actors.OpRelinquish] != 1 {
		t.Errorf("%d relinquishes", w.sent[actors.OpRelinquish])
	}
}

// TestCheck06OneLease: a redeem that is repeated at any time, under any number, makes no
// second lease and no second unit.
func TestCheck06OneLease(t *testing.T) {
	w := newWorld(t, 4)
	var redeem actors.Message
	w.deliver = func(w *world, to actors.ActorID, m actors.Message) {
		if m.Op == actors.OpRedeem {
			redeem = m
		}
		_ = w.try(to, actors.Receive{Message: m})
	}
	w.give(sm, request("R", 2, 10, 29))
	for w.until(9); w.now < 40; w.until(w.now + 1) {
		for seq := range 4 {
			again := redeem
			again.Sequence = seq
			fx, _ := w.cast[am].Step(w.now, actors.Receive{Message: again})
			if len(fx.Save)+len(fx.Run) > 0 {
				t.Fatalf("cycle %d: redeem#%d did %+v", w.now, seq, fx)
			}
		}
		if views := w.cast[am].Views(); len(views) != 1 || len(views[0].Held) > 2 {
			t.Fatalf("cycle %d: %+v", w.now, views)
		}
	}
}

// TestCheck10NobodyJoins: units that all fail to join fail the reservation of the
// manager; the site's record is none the worse, and its hosts come free. (They come free
// at once, not at the end of the term: see L5 of the divergences.)
func TestCheck10NobodyJoins(t *testing.T) {
	w := newWorld(t, 4)
	w.done = func(a actors.Action) actors.ActionDone {
		d := actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence}
		if a.Verb == actors.Join {
			d.Code, d.Note = 1, "no"
		}
		return d
	}
	w.give(sm, request("R", 2, 10, 29))
	w.until(16)
	if got := w.is(sm, "R") + " " + w.is(am, "R") + " " + w.is(br, "R"); got != "Failed,None Closed,None Closed,None" {
		t.Errorf("%s\n%s", got, w.moves.String())
	}
	if strings.Contains(w.moves.String(), " am "+"Active,None > Failed") {
		t.Error("the site's record failed")
	}
}

// TestCheck15Crash: an actor that dies in any cycle, with all that was on its way to it,
// and starts again at once brings the lease to Active; one that comes back after twice
// the lease's length finds it over, and ends it (leasing 6.5).
func TestCheck15Crash(t *testing.T) {
	for _, who := range order {
		for at := actors.Cycle(1); at <= 18; at++ {
			w := newWorld(t, 4)
			w.give(sm, request("R", 2, 10, 39))
			w.until(at)
			w.crash(who)
			w.now++
			w.start(who)
			w.until(30)
			if got := w.is(sm, "R") + " " + w.is(am, "R"); got != "Active,None Active,None" {
				t.Errorf("%s dies in cycle %d: %s\n%s%s", who, at, got, w.log.String(), w.moves.String())
			}
			w.until(60)
			if got := w.is(sm, "R") + " " + w.is(br, "R") + " " + w.is(am, "R"); got != "Closed,None Closed,None Closed,None" {
				t.Errorf("%s died in cycle %d; at the end: %s", who, at, got)
			}
		}
		for at := actors.Cycle(1); at <= 24; at++ {
			w := newWorld(t, 4)
			w.give(sm, request("R", 2, 10, 39))
			w.until(at)
			if at == 20 {
				_ = w.try(sm, actors.Extend{Reservation: "R", End: cycles.End(69)})
			}
			w.crash(who)
			w.until(at + 75)
			w.now++
			w.start(who)
			w.until(200)
			for _, id := range order {
				if got := w.is(id, "R"); got != "Closed,None" && got != "Failed,None" && got != "" {
					t.Errorf("%s was away from cycle %d on; in the end %s has %s\n%s", who, at, id, got, w.moves.String())
				}
			}
			if free := request("next", 4, 210, 220); true {
				w.now++
				w.give(sm, free)
				w.until(213)
				if got := w.is(am, "next"); got != "Active,None" {
					t.Errorf("%s was away from cycle %d on; nothing is free: %s", who, at, got)
				}
			}
		}
	}
}

// TestCheck15Renewal: the same in the middle of a renewal and of a modify.
func TestCheck15Renewal(t *testing.T) {
	for _, who := range order {
		for at := actors.Cycle(15); at <= 33; at++ {
			w := newWorld(t, 4)
			w.give(sm, request("R", 2, 10, 29))
			w.until(14)
			w.now++
			w.give(sm, actors.Modify{Reservation: "R", Subcommand: "restart"})
			for w.now < at {
				w.until(w.now)
				w.now++
				if w.now == 20 {
					w.give(sm, actors.Extend{Reservation: "R", End: cycles.End(49)})
				}
			}
			w.crash(who)
			w.start(who)
			w.until(w.now)
			if at < 20 {
				w.until(19)
				w.now++
				w.give(sm, actors.Extend{Reservation: "R", End: cycles.End(49)})
			}
			w.until(40)
			v, _ := w.cast[sm].View("R")
			if got := w.is(sm, "R") + " " + w.is(am, "R"); got != "Active,None Active,None" || v.Term.End != cycles.End(49) || len(v.Held) != 2 {
				t.Errorf("%s dies in cycle %d: %s until %d\n%s%s", who, at, got, cycles.Of(v.Term.End), w.log.String(), w.moves.String())
				continue
			}
			if code, _, ok := v.Held[0].Properties.ModifyOutcome(1); !ok || code != 0 {
				t.Errorf("%s dies in cycle %d: the modify came to nothing: %+v", who, at, v.Held[0])
			}
		}
	}
}

package manager

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestActionsTogether: the ends of several actions taken in one step move a reservation as
// they do one after another.
func TestActionsTogether(t *testing.T) {
	t.Parallel()
	for _, s := range []Status{joining, active, extending, extendingJ, activeTicketedJ, extendingLeaseJ, closing, failed} {
		r := sample(s)
		var units []actors.Unit
		for i, state := range []actors.UnitState{actors.UnitPriming, actors.UnitActive, actors.UnitClosing} {
			if s == closing || s == failed {
				state = actors.UnitClosing
			}
			units = append(units, actors.Unit{ID: actors.UnitID(rune('u' + i)), State: state, Sequence: 2})
		}
		r.Held = actors.UnitsOf(units...)
		for outcomes := range 3 * 3 * 3 {
			evs := actors.ActionsDone{Reservation: r.ID}
			for i, n := 0, outcomes; i < 3; i, n = i+1, n/3 {
				if n%3 < 2 { // succeeds, fails, or has not ended yet
					evs.Done = append(evs.Done, actors.ActionDone{Reservation: r.ID, Unit: units[i].ID, Sequence: 2, Code: n % 3, Note: "so"})
				}
			}
			for range 2 { // in either order
				one, all := r, actors.Effects{}
				for _, ev := range evs.Done {
					next, fx, err := Step(one, rules, 12, ev)
					if err != nil {
						t.Fatal(err)
					}
					one = next
					all.Join(fx)
				}
				other, got, err := Step(r, rules, 12, evs)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := one.AppendRecord(nil)
				have, _ := other.AppendRecord(nil)
				if !bytes.Equal(want, have) || !reflect.DeepEqual(all.Run, got.Run) || !reflect.DeepEqual(all.Send, got.Send) || !reflect.DeepEqual(all.Moved, got.Moved) {
					t.Errorf("%v, %+v:\none by one: %s\n  %+v\ntogether:   %s\n  %+v", s, evs.Done, want, all, have, got)
				}
				for i, j := 0, len(evs.Done)-1; i < j; i, j = i+1, j-1 {
					evs.Done[i], evs.Done[j] = evs.Done[j], evs.Done[i]
				}
			}
		}
	}
}

package authority

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestActionsTogether: the ends of several actions taken in one step move a lease as they do
// one after another.
func TestActionsTogether(t *testing.T) {
	t.Parallel()
	for _, s := range []Status{priming, repriming, active, closingTicket, closingLease, closingFailed} {
		r := sample(s)
		var units []actors.Unit
		for i, state := range []actors.UnitState{actors.UnitPriming, actors.UnitModifying, actors.UnitClosing} {
			if s.Pending == actors.Closing {
				state = actors.UnitClosing
			}
			units = append(units, actors.Unit{ID: actors.UnitID(rune('u' + i)), Host: []string{"h1", "h2", "h3"}[i], State: state, Sequence: 2})
		}
		r.Units = actors.UnitsOf(units...)
		for outcomes := range 3 * 3 * 3 {
			evs := actors.ActionsDone{Reservation: r.ID}
			for i, n := 0, outcomes; i < 3; i, n = i+1, n/3 {
				if n%3 < 2 { // succeeds, fails, or has not ended yet
					evs.Done = append(evs.Done, actors.ActionDone{Reservation: r.ID, Unit: units[i].ID, Sequence: 2, Code: n % 3, Note: "so"})
				}
			}
			for range 2 { // in either order
				one, other := world(t, r), world(t, r)
				var all actors.Effects
				for _, ev := range evs.Done {
					fx, err := one.Step(12, ev)
					if err != nil {
						t.Fatal(err)
					}
					all.Join(fx)
				}
				got, err := other.Step(12, evs)
				if err != nil {
					t.Fatal(err)
				}
				slices.SortFunc(all.Run, func(x, y actors.Task) int { return strings.Compare(string(x.Unit.ID), string(y.Unit.ID)) })
				want, _ := one.book[r.ID].AppendRecord(nil)
				have, _ := other.book[r.ID].AppendRecord(nil)
				if !bytes.Equal(want, have) || !reflect.DeepEqual(all.Run, got.Run) || !reflect.DeepEqual(one.hosts, other.hosts) {
					t.Errorf("%v, %+v:\none by one: %s\n  %+v\ntogether:   %s\n  %+v", s, evs.Done, want, all.Run, have, got.Run)
				}
				for i, j := 0, len(evs.Done)-1; i < j; i, j = i+1, j-1 {
					evs.Done[i], evs.Done[j] = evs.Done[j], evs.Done[i]
				}
			}
		}
	}
}

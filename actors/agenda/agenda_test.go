package agenda_test

import (
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/agenda"
	"pgregory.net/rapid"
)

// TestAgainstMap compares the heap with the plainest thing that could work.
func TestAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a agenda.Agenda
		model := map[actors.ReservationID]actors.Cycle{}
		ids := rapid.SampledFrom([]actors.ReservationID{"a", "b", "c", "d", "e"})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "due") {
				now := actors.Cycle(rapid.IntRange(0, 12).Draw(t, "now"))
				var want []actors.ReservationID
				for c := actors.Cycle(0); c <= now; c++ {
					for _, id := range []actors.ReservationID{"a", "b", "c", "d", "e"} {
						if at, ok := model[id]; ok && at == c {
							want = append(want, id)
							delete(model, id)
						}
					}
				}
				if got := a.Due(now); !slices.Equal(got, want) {
					t.Fatalf("Due(%d) = %v, want %v", now, got, want)
				}
				continue
			}
			id, at := ids.Draw(t, "id"), actors.Cycle(rapid.IntRange(0, 12).Draw(t, "at"))
			if at == 12 {
				at = actors.Never
				delete(model, id)
			} else {
				model[id] = at
			}
			a.Set(id, at)
			next := actors.Never
			for _, c := range model {
				next = min(next, c)
			}
			if got := a.Next(); got != next {
				t.Fatalf("Next() = %d, want %d", got, next)
			}
		}
	})
}

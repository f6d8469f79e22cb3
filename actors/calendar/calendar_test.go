package calendar_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"pgregory.net/rapid"
)

func ExampleCalendar() {
	c := calendar.New(10, actors.NewTerm(1, 100))
	fmt.Println(c.Take("a", calendar.Hold{From: 10, To: 19, Units: 6}))
	fmt.Println(c.Take("b", calendar.Hold{From: 15, To: 30, Units: 5}))
	fmt.Println(c.Free(1, 9), c.Free(1, 10), c.Free(20, 100), c.Free(20, 101))
	fmt.Println(c.Find(1, 15, 100, 5))
	// Output:
	// <nil>
	// calendar: 5 units asked, 4 free over 15..30
	// 10 4 10 0
	// 20 true
}

// TestNaive compares every answer with one computed instant by instant, under
// random takes, releases and questions: never above capacity, nothing lost.
func TestNaive(t *testing.T) {
	const days = 24
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 6).Draw(t, "capacity")
		c := calendar.New(capacity, actors.NewTerm(1, days))
		held := map[actors.ReservationID][]calendar.Hold{}
		used := func(at actors.Millis) (n int) {
			for _, hs := range held {
				for _, h := range hs {
					if h.From <= at && at <= h.To {
						n += h.Units
					}
				}
			}
			return n
		}
		free := func(from, to actors.Millis) int {
			if from > to || from < 1 || to > days {
				return 0
			}
			least := capacity
			for at := from; at <= to; at++ {
				least = min(least, capacity-used(at))
			}
			return least
		}
		when := rapid.Map(rapid.IntRange(1, days), func(n int) actors.Millis { return actors.Millis(n) })
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			id := rapid.SampledFrom([]actors.ReservationID{"a", "b", "c", "d"}).Draw(t, "id")
			from, to, units := when.Draw(t, "from"), when.Draw(t, "to"), rapid.IntRange(0, 7).Draw(t, "units")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				h := calendar.Hold{From: from, To: to, Units: units}
				fits := units > 0 && from <= to && units <= free(from, to)
				if err := c.Take(id, h); (err == nil) != fits {
					t.Fatalf("Take(%s, %+v) = %v, want fits=%v", id, h, err, fits)
				}
				if fits {
					held[id] = append(held[id], h)
				}
			case 2:
				if got, want := c.Release(id), len(held[id]) > 0; got != want {
					t.Fatalf("Release(%s) = %v, want %v", id, got, want)
				}
				delete(held, id)
			case 4:
				want := actors.Millis(0)
				for at := actors.Millis(1); at <= days; at++ {
					if used(at) > 0 {
						want = at
					}
				}
				if got, some := c.Last(); some != (want > 0) || got != want {
					t.Fatalf("Last() = %d, %v, want %d", got, some, want)
				}
			case 3:
				length := actors.Millis(rapid.IntRange(1, 10).Draw(t, "length"))
				want, found := actors.Millis(0), false
				for s := from; s+length-1 <= days && !found; s++ {
					if free(s, s+length-1) >= units {
						want, found = s, true
					}
				}
				if got, ok := c.Find(from, length, days, units); ok != found || got != want {
					t.Fatalf("Find(%d, %d, %d) = %d, %v, want %d, %v", from, length, units, got, ok, want, found)
				}
			}
			if got, want := c.Free(from, to), free(from, to); got != want {
				t.Fatalf("Free(%d, %d) = %d, want %d", from, to, got, want)
			}
		}
		for at := actors.Millis(1); at <= days; at++ {
			if used(at) > capacity {
				t.Fatalf("at %d %d units are held of %d", at, used(at), capacity)
			}
		}
		mid := actors.Millis(days / 2)
		want := free(mid, days)
		c.Forget(mid)
		if got := c.Free(mid, days); got != want {
			t.Fatalf("after Forget(%d): Free = %d, want %d", mid, got, want)
		}
	})
}

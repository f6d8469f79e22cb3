package broker

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestCheck08Holding: a ticket that grew or shrank counts for its old number before the
// new interval starts, and for the new one from then on (leasing 3.3).
func TestCheck08Holding(t *testing.T) {
	for _, units := range []int{1, 2, 4} {
		a := world(t)
		step := func(now actors.Cycle, ev actors.Event) {
			if _, err := a.Step(now, ev); err != nil {
				t.Fatal(err)
			}
		}
		step(5, ask(actors.OpTicket, "sm", 1, term))
		step(6, actors.Tick{})
		more := ask(actors.OpExtendTicket, "sm", 2, longer).(actors.Receive)
		more.Message.Units = units
		step(12, more)
		step(13, actors.Tick{})
		if got := a.book["R1"].Granted; got.Units != units || got.Term != longer {
			t.Fatalf("granted %+v", got)
		}
		free := func(at actors.Millis) int { return a.sources["T0"].calendar.Free(at, at) }
		for at, want := range map[actors.Millis]int{9_999: 4, 15_000: 2, 19_999: 2, 20_000: 4 - units, 29_999: 4 - units, 30_000: 4} {
			if got := free(at); got != want {
				t.Errorf("extended to %d units: %d of 4 are free at %d, want %d", units, got, at, want)
			}
		}
	}
}

package broker

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// BenchmarkStep plays a ticket from request to its return, and reports the cost of
// one event.
func BenchmarkStep(b *testing.B) {
	evs := []struct {
		now actors.Cycle
		ev  actors.Event
	}{
		{5, ask(actors.OpTicket, "sm", 1, term)},
		{6, actors.Tick{}},
		{12, ask(actors.OpExtendTicket, "sm", 2, longer)},
		{13, actors.Tick{}},
		{28, ask(actors.OpRelinquish, "sm", 3, longer)},
		{2000, actors.Tick{}},
	}
	b.ReportAllocs()
	for b.Loop() {
		a := world(b)
		for _, e := range evs {
			if _, err := a.Step(e.now, e.ev); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(evs)), "ns/event")
}

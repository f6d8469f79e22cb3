package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// BenchmarkStep plays the life of a lease of two units, from request to the
// site's last word, and reports the cost of one event.
func BenchmarkStep(b *testing.B) {
	evs := []struct {
		now actors.Cycle
		ev  actors.Event
	}{
		{5, actors.Request{Reservation: "R1", Slice: slice, Type: "node", Units: 2, Term: term}},
		{6, granted(1, ticket("T1", term))},
		{9, actors.Tick{}},
		{11, lease(term, 1, "u1", "u2")},
		{11, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 1}},
		{11, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 1}},
		{18, actors.Tick{}},
		{18, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 2}},
		{18, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 2}},
		{20, lease(term, 2)},
		{2000, actors.Tick{}},
	}
	b.ReportAllocs()
	for b.Loop() {
		a := New(Config{Rules: rules, Broker: "br"})
		for _, e := range evs {
			if _, err := a.Step(e.now, e.ev); err != nil {
				b.Fatal(err)
			}
		}
		if len(a.book) != 0 {
			b.Fatal("the lease is not over")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(evs)), "ns/event")
}

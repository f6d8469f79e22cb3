package authority

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// BenchmarkStep plays the life of a lease of two units at a site, from redeem to
// the last teardown, and reports the cost of one event.
func BenchmarkStep(b *testing.B) {
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		a := world(b)
		events = 0
		step := func(now actors.Cycle, ev actors.Event) actors.Effects {
			events++
			fx, err := a.Step(now, ev)
			if err != nil {
				b.Fatal(err)
			}
			return fx
		}
		step(9, from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)))
		for _, now := range []actors.Cycle{10, 20} {
			for _, r := range step(now, actors.Tick{}).Run {
				step(now, actors.ActionDone{Reservation: "R1", Unit: r.Unit.ID, Sequence: r.Sequence})
			}
		}
		if a.book["R1"].Status != closed {
			b.Fatal("the lease is not over")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}

// BenchmarkIdleTick is a tick with nothing due. Its cost must not depend on how
// many leases there are.
func BenchmarkIdleTick(b *testing.B) {
	for _, leases := range []int{10, 10_000} {
		b.Run(fmt.Sprint(leases), func(b *testing.B) {
			a := world(b)
			for i := range leases {
				r := sample(active)
				r.ID = actors.ReservationID(fmt.Sprint("R", i))
				r.Units = actors.Units{}
				a.put(r, nil)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Step(12, actors.Tick{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package worstfit_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
)

func TestBroker(t *testing.T) { policytest.Broker(t, worstfit.Policy{}) }

// Worst fit spreads a grant and lets its units grow; best fit packs it.
func ExamplePolicy() {
	for _, p := range []policy.Broker{worstfit.Policy{}, bestfit.Policy{}} {
		c := calendar.New(12, actors.NewTerm(1, 1000), calendar.Vector{8, 16}, calendar.Vector{4, 16}, calendar.Vector{8, 8})
		r := policy.Round{Cycles: actors.Cycles{Begin: 1, Length: 1}, Sources: []policy.Source{{ID: "T", Type: "vm", Calendar: c}}}
		for i, props := range []actors.Properties{{"cpu": "2", "memory": "4"}, {"cpu.min": "2", "cpu.max": "4", "memory": "2"}, {"cpu": "9"}} {
			r.Asks = append(r.Asks, policy.Ask{Reservation: actors.ReservationID(fmt.Sprint(i)), Type: "vm", Units: 3,
				Term: actors.NewTerm(10, 19), Properties: props})
		}
		for _, d := range p.Allocate(r) {
			fmt.Println(d.Granted, d.Slivers, d.Size, len(d.Cut()), d.Cut()["Identifiers"] != "")
		}
	}
	// Output:
	// true [{1 1} {3 1} {2 1}] cpu=2 memory=4 3 true
	// true [{1 1} {3 1} {2 1}] cpu=2 memory=2 3 true
	// false [] nothing 0 false
	// true [{2 2} {3 1}] cpu=2 memory=4 3 true
	// true [{3 2} {1 1}] cpu=3 memory=2 3 true
	// false [] nothing 0 false
}

/*
Package adaptive follows a guest's signal: load, queue length, or whatever says how
much it needs (paper B 5.2).

Each observation passes a filter, if there is one, so that short swings do not
lease and return units for nothing; the estimate, divided by what one unit serves
and kept within bounds, is the number of units wanted. While the signal is silent
the last estimate stands: a broken gauge takes nothing from a guest. Before the
first observation nothing is asked for.
*/
package adaptive

import (
	"fmt"
	"math"

	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/supply"
)

// Policy is a demand that follows a signal.
type Policy struct{ policy.GuestSettings }

// Bid covers the present estimate (policy.Manager). Its memory is the filter's.
func (p Policy) Bid(o policy.Outlook) policy.Bids {
	s := load(o.Memory)
	for _, n := range o.Signal {
		s = s.observe(p.Filter, float64(n))
	}
	if !s.begun {
		return policy.Bids{Why: "the signal has not said anything yet"}
	}
	want := p.units(s.estimate)
	out := supply.Cover(o, p.GuestSettings, want)
	out.Memory = s.save()
	out.Why = fmt.Sprintf("the signal is estimated at %.4g, which takes %d", s.estimate, want)
	return out
}

// units is how many an estimate takes.
func (p Policy) units(estimate float64) int {
	want := int(math.Round(estimate))
	if p.PerUnit > 1 {
		want = int(math.Ceil(estimate / float64(p.PerUnit)))
	}
	if p.Most > 0 {
		want = min(want, p.Most)
	}
	return max(want, p.Least, 0)
}

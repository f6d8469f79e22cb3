/*
Package fcfs serves asks in the order they came: first come, first served.

An early ask is never passed by a later one for the same units and time, because
each is decided when its turn comes, from what is left. An ask that says it is
deferrable gets the earliest start that fits; one that says it is elastic takes
what there is, down to its least. Anything else that does not fit is refused at
once, so that the guest can look elsewhere.
*/
package fcfs

import (
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "first come, first served"})
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

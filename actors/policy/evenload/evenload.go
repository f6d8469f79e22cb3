/*
Package evenload balances the load of several sites: an ask goes to the site that
will then be the least loaded (leasing 4.8.3; paper B 5.2).

Load is what is allocated of the ask's type over its term, this ask included,
divided by all there is. Of sites with equal load the one with less allocated is
taken, then the one whose name comes first. An ask that no site can fill gets what
the site with the most free units has, if it is elastic. An extension stays where
it is, and an ask is never split; whoever wants finer balance asks several times.
*/
package evenload

import (
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is even load, first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "even load over sites", Sources: desk.Idlest})
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

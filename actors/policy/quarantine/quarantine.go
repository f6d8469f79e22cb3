/*
Package quarantine keeps leases away from hosts on which setup failed lately.

After a failure a host is left alone for a while, and twice as long for every
further one, until a setup on it succeeds. Meanwhile another policy chooses among
the rest; a lease for which they are too few waits, and after the site's patience
goes with fewer units. A host that cannot even be torn down is not this policy's
business: the site itself never leases it again until an operator says so.
*/
package quarantine

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/match"
)

// Policy is assignment among hosts that did not fail lately.
type Policy struct {
	Then  policy.Authority // chooses among them; nil is by attributes and sizes
	First actors.Cycle     // how long a host is left alone after one failure; 0 means 60
}

// maxDoublings keeps a host that fails for ever from being forgotten for ever.
const maxDoublings = 8

// Assign names hosts in good standing (policy.Authority).
func (p Policy) Assign(n policy.Need) []string {
	then := p.Then
	if then == nil {
		then = match.Policy{}
	}
	if n.Trouble == nil {
		return then.Assign(n)
	}
	free := n.Free
	n.Free = func(yield func(actors.Host) bool) {
		for h := range free {
			if !p.quarantined(n.Now, n.Trouble(h.Name)) && !yield(h) {
				return
			}
		}
	}
	return then.Assign(n)
}

func (p Policy) quarantined(now actors.Cycle, t policy.Trouble) bool {
	first := p.First
	if first == 0 {
		first = 60
	}
	return t.Failures > 0 && now < t.Last+first<<min(t.Failures-1, maxDoublings)
}

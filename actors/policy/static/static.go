/*
Package static keeps a fixed number of units for a guest: it asks for them once,
prolongs them, and asks anew for what was refused or lost (leasing 4.3).
*/
package static

import (
	"fmt"

	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/supply"
)

// Policy is a demand that does not change. A signal means nothing to it.
type Policy struct{ policy.GuestSettings }

// Bid asks for what is missing of the fixed number (policy.Manager).
func (p Policy) Bid(o policy.Outlook) policy.Bids {
	out := supply.Cover(o, p.GuestSettings, p.Units)
	out.Why = fmt.Sprintf("a fixed demand of %d", p.Units)
	return out
}

/*
Package priority serves asks of a higher class before those of a lower one, and
within a class in the order they came (leasing 4.5.3).

Extensions are served before new asks, each by class; or, if the operator wants
it so, those of a class before the new asks of that class only. Request groups go
before single asks. What is granted is never taken away: priority decides who is
asked first, every round anew, and an ask that does not fit is refused, deferred or
cut as with first come, first served. A stream of important asks can keep the
others out for ever; package propshare cannot.
*/
package priority

import (
	"cmp"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is classes of asks. A larger number goes first; the zero Policy takes
// each ask at its word, the number in its request property priority.
type Policy struct {
	// Clients gives a client's asks a priority whatever they say.
	Clients map[actors.ActorID]int
	// Classes gives a priority to the class that an ask names in its request
	// property requestType; others have 0. Nil lets the property priority count.
	Classes map[string]int
	// Balance takes units from the site that will then be the least loaded, as package
	// evenload does.
	Balance bool
	// ByClass serves new asks of a higher class before extensions of a lower one.
	ByClass bool
}

// New is priorities as an operator sets them. Without any, asks are taken at their
// word; with some, nobody is.
func New(s policy.Settings) Policy {
	if len(s.Priorities) == 0 {
		return Policy{ByClass: s.Renewals == policy.RenewalsByClass, Balance: s.Balance}
	}
	p := Policy{Clients: map[actors.ActorID]int{}, Classes: map[string]int{}, ByClass: s.Renewals == policy.RenewalsByClass, Balance: s.Balance}
	for client, n := range s.Priorities {
		p.Clients[actors.ActorID(client)] = n
	}
	return p
}

// Allocate decides every ask of the round (policy.Broker).
func (p Policy) Allocate(r policy.Round) []policy.Decision {
	rules := desk.Rules{
		Name:  "by priority, then first come, first served",
		Order: func(x, y policy.Ask) int { return cmp.Compare(p.of(y), p.of(x)) },
		Mixed: p.ByClass,
	}
	if p.Balance {
		rules.Name += ", even load over sites"
		rules.Sources = desk.Idlest
	}
	d := desk.New(r, rules)
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

func (p Policy) of(a policy.Ask) int {
	if n, ok := p.Clients[a.Client]; ok {
		return n
	}
	if p.Classes == nil {
		return a.Priority()
	}
	return p.Classes[a.Properties["requestType"]]
}

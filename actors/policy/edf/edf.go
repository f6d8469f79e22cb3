/*
Package edf serves the ask with the earliest deadline first (leasing 4.8.1).

It keeps a queue: an ask that may wait, because it is deferrable, is asked again
every round until it fits or its deadline cannot be met any more, and is then
refused at once. An ask that may not wait is granted its own start or refused when
that has come. Nobody who fits has to wait for somebody who does not: the queue is
work conserving, and a wide ask may wait long while narrow ones pass. Asks without
a deadline come last; equal deadlines keep the order of arrival.
*/
package edf

import (
	"cmp"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is earliest deadline first.
type Policy struct {
	// Horizon is how many cycles ahead of its start a deferrable ask is served; 0
	// means in the round before it. Asks that cannot be deferred are served as soon
	// as they come.
	Horizon actors.Cycle
}

// Allocate decides what fits and what never will (policy.Broker).
func (p Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{
		Name:  "earliest deadline first",
		Order: func(x, y policy.Ask) int { return cmp.Compare(x.Deadline(), y.Deadline()) },
	})
	for _, a := range d.Open() {
		p.serve(d, a)
	}
	return d.Decisions()
}

func (p Policy) serve(d *desk.Desk, a policy.Ask) {
	t := d.Turn(a)
	term := a.Term
	deadline, mayWait := a.Deferrable()
	if mayWait {
		term = desk.Shifted(term, max(term.Start, d.Slot()))
	}
	least, _ := a.Elastic()
	switch {
	case t.Never(least):
		t.Refuse("")
	case term.End > a.Deadline():
		t.Refuse(fmt.Sprintf("its deadline cannot be met: it would be over %d ms late", term.End-a.Deadline()))
	case mayWait && a.Impatient(d.Round):
		t.Refuse("it has waited longer than it may")
	case mayWait && term.Start > d.Cycles.Start(d.Now+1+p.Horizon):
		t.Look = d.Cycles.Of(term.Start) - 1 - p.Horizon
		t.Wait("its start is not near enough", term.Start)
	case t.Try(least, term):
	case !mayWait && d.Slot() >= term.Start:
		t.Refuse("")
	default:
		earliest := term.Start
		if mayWait {
			earliest, _ = t.Earliest(least, term.Start, deadline)
		}
		t.Wait("those with earlier deadlines, and those already here, have the units", earliest)
	}
}

/*
Package manual grants nothing that an operator has not approved (leasing 4.5.1,
requireApproval).

A new ask waits until somebody has said yes or no; the word is kept in the
broker's record of the ask, so that the policy itself remembers nothing. What was
approved is decided by another policy, and can still be refused for want of units:
nothing is reserved while an ask waits. The reason of an ask that waits says what
that other policy would do, so that the operator knows what a yes would mean. An
extension goes on without being asked about, unless an operator has said no to it.
*/
package manual

import (
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
)

// Policy is grants by hand.
type Policy struct {
	Then policy.Broker // decides what was approved; nil is first come, first served
}

// Allocate decides what an operator has decided (policy.Broker).
func (p Policy) Allocate(r policy.Round) []policy.Decision {
	then := p.Then
	if then == nil {
		then = fcfs.Policy{}
	}
	d := desk.New(r, desk.Rules{Name: "by an operator's word"})
	approved := r
	approved.Asks = nil
	var open []policy.Ask
	for _, a := range r.Asks {
		switch {
		case a.Approval.Given && !a.Approval.Granted:
			why := "an operator said no"
			if a.Approval.Note != "" {
				why += ": " + a.Approval.Note
			}
			d.Turn(a).Refuse(why)
		case a.Approval.Given || a.Held != nil:
			approved.Asks = append(approved.Asks, a)
		default:
			open = append(open, a)
		}
	}
	out := then.Allocate(approved)
	for _, a := range open {
		t := d.Turn(a)
		dry := r.Sketch()
		dry.Asks = []policy.Ask{a}
		for _, would := range then.Allocate(dry) {
			t.Note = "if approved now: " + policy.Explain(a, would).Text
		}
		t.Wait("an operator has to approve it", 0)
	}
	return append(out, d.Decisions()...)
}

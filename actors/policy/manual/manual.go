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
	word := words(r.Asks)
	for _, a := range r.Asks {
		w := a.Approval
		if g := a.Group(); g != "" {
			w = word[g]
		}
		switch {
		case w.Given && !w.Granted:
			why := "an operator said no"
			if w.Note != "" {
				why += ": " + w.Note
			}
			d.Turn(a).Refuse(why)
		case w.Given || a.Held != nil:
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
		d.Last().Operator = true
	}
	return append(out, d.Decisions()...)
}

// words is what was said about groups: one no is a no to all of a group, and a yes
// takes a yes to each.
func words(asks []policy.Ask) map[string]policy.Approval {
	out := map[string]policy.Approval{}
	for _, a := range asks {
		g := a.Group()
		w, known := out[g]
		switch no := a.Approval.Given && !a.Approval.Granted; {
		case !known || no:
			out[g] = a.Approval
		case w.Granted && !a.Approval.Granted:
			out[g] = policy.Approval{}
		}
	}
	return out
}

package manual_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/manual"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) {
	policytest.Broker(t, manual.Policy{})
	policytest.Broker(t, manual.Policy{Then: edf.Policy{}})
}

func ExamplePolicy() {
	yes, no := policy.Approval{Given: true, Granted: true}, policy.Approval{Given: true, Note: "not today"}
	ask := func(id string, a policy.Approval, group string) policy.Ask {
		p := actors.Properties{}
		if group != "" {
			p["groupID"], p["leaseCount"] = group, "2"
		}
		return policy.Ask{Reservation: actors.ReservationID(id), Type: "node", Units: 1, Term: actors.NewTerm(100, 199), Properties: p, Approval: a}
	}
	held := ask("longer", policy.Approval{}, "")
	held.Held = &policy.Held{Source: "T", Units: 1, Term: actors.NewTerm(100, 149)}
	held.Term = held.Held.Term.Extended(199)
	for _, d := range (manual.Policy{}).Allocate(policy.Round{Cycles: actors.Cycles{Begin: 1, Length: 1},
		Sources: []policy.Source{{ID: "T", Type: "node", Calendar: calendar.New(4, actors.NewTerm(1, 1000))}},
		Asks: []policy.Ask{held, ask("asked", policy.Approval{}, ""), ask("granted", yes, ""), ask("denied", no, ""),
			ask("pair 1", yes, "half said"), ask("pair 2", policy.Approval{}, "half said"),
			ask("pair 3", yes, "half denied"), ask("pair 4", no, "half denied")}}) {
		fmt.Printf("%s %v %v %q\n", d.Reservation, d.Granted, d.Waits, d.Why)
	}
	// Output:
	// longer true false ""
	// granted true false ""
	// denied false false "an operator said no: not today"
	// pair 3 false false "an operator said no: not today"
	// pair 4 false false "an operator said no: not today"
	// asked false true "an operator has to approve it"
	// pair 1 false true "an operator has to approve it"
	// pair 2 false true "an operator has to approve it"
}

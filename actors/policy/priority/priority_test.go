package priority_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/priority"
)

func TestBroker(t *testing.T) {
	policytest.Broker(t, priority.Policy{})
	policytest.Broker(t, priority.Policy{Balance: true, ByClass: true})
	policytest.Broker(t, priority.Policy{Classes: map[string]int{"a": 1, "b": 2}})
}

func ExamplePolicy() {
	ask := func(id, client string, props actors.Properties) policy.Ask {
		return policy.Ask{Reservation: actors.ReservationID(id), Client: actors.ActorID(client), Type: "node", Units: 2,
			Term: actors.NewTerm(100, 199), Properties: props}
	}
	asks := []policy.Ask{
		ask("first", "sm", nil),
		ask("batch", "sm", actors.Properties{"requestType": "batch", "priority": "1"}),
		ask("web", "sm", actors.Properties{"requestType": "web", "priority": "7"}),
		ask("friend", "boss", nil),
	}
	for _, p := range []priority.Policy{
		{},
		{Classes: map[string]int{"batch": 3, "web": 2}, Clients: map[actors.ActorID]int{"boss": 9}},
	} {
		for _, d := range p.Allocate(policy.Round{Cycles: actors.Cycles{Begin: 1, Length: 1}, Asks: asks,
			Sources: []policy.Source{{ID: "T", Type: "node", Calendar: calendar.New(4, actors.NewTerm(1, 1000))}}}) {
			fmt.Print(d.Reservation, "=", d.Granted, " ")
		}
		fmt.Println(".")
	}
	// Output:
	// web=true batch=true first=false friend=false .
	// friend=true batch=true web=false first=false .
}

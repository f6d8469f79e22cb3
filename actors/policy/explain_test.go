package policy_test

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/manual"
)

// The same words serve an operator who plans and one who asks afterwards.
func ExampleExplain() {
	ask := func(id string, units int, props actors.Properties) policy.Ask {
		return policy.Ask{Reservation: actors.ReservationID(id), Type: "node", Units: units, Term: actors.NewTerm(60_000, 119_999), Properties: props}
	}
	round := policy.Round{Cycles: actors.Cycles{Length: 1000}}
	for i, site := range []string{"east", "west"} {
		round.Sources = append(round.Sources, policy.Source{ID: actors.TicketID(fmt.Sprint("T", i)), Type: "node",
			Site: actors.Location{ID: actors.ActorID(site), Name: site}, Calendar: calendar.New(6-i, actors.NewTerm(1, 900_000))})
	}
	asks := []policy.Ask{ask("a", 3, nil), ask("b", 4, nil), ask("c", 5, actors.Properties{"elastic": "1"}), ask("d", 2, nil),
		ask("e", 3, actors.Properties{"deferrable": "1"}), ask("f", 9, nil), ask("g", 1, actors.Properties{"deferrable": "1"})}
	round.Asks = asks
	for _, v := range plan(evenload.Policy{}, round.Sketch(), asks) {
		fmt.Println(v.Reservation, v.Outcome, "-", v.Text)
	}
	v := plan(evenload.Policy{}, round.Sketch(), asks)[1]
	fmt.Printf("%q\n", v.Details)

	round.Asks = asks[:1]
	v = plan(manual.Policy{}, round.Sketch(), asks[:1])[0]
	fmt.Printf("%s\n%s\n", v.Text, v.Details[1])
	late := ask("late", 1, actors.Properties{"deferrable": "1", "deadline": "100000"})
	round.Asks = []policy.Ask{late}
	fmt.Println(plan(edf.Policy{}, round.Sketch(), round.Asks)[0].Text)
	// Output:
	// a granted - granted: 3 units of node, from 1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z, at east
	// b granted - granted: 4 units of node, from 1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z, at west
	// c granted - granted: 3 of 5 units of node, from 1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z, at east
	// d smaller - refused: it would fit with 1 unit of node, or from 1970-01-01T00:02:00Z
	// e queued - queued until 1970-01-01T00:02:00Z: 3 units of node, from 1970-01-01T00:02:00Z to 1970-01-01T00:03:00Z, at east
	// f impossible - impossible: only 6 exist
	// g granted - granted: 1 unit of node, from 1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z, at west
	// ["even load over sites; turn 2 of 7" "west: all 4 units free; site loaded 0 of 5" "east: 3 of 6 units free; site loaded 3 of 6"]
	// queued: an operator has to approve it
	// if approved now: granted: 3 units of node, from 1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z, at east
	// refused: its deadline cannot be met: it would be over 19999 ms late
}

// plan is what a policy decides about some of a round's asks, in words.
func plan(p policy.Broker, r policy.Round, about []policy.Ask) []policy.Verdict {
	decided := map[actors.ReservationID]policy.Decision{}
	for _, d := range p.Allocate(r) {
		decided[d.Reservation] = d
	}
	out := make([]policy.Verdict, len(about))
	for i, a := range about {
		out[i] = policy.Explain(a, decided[a.Reservation])
	}
	return out
}

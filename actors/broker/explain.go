package broker

import (
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// ask is the reservation as a policy sees it.
func (r Reservation) ask() policy.Ask {
	ask := policy.Ask{Reservation: r.ID, Client: r.Client, Slice: r.Slice.ID, Type: r.Type, Units: r.Units, Term: r.Term,
		Properties: r.Request, Since: r.Asked, Approval: r.Approval, Memory: r.Memory}
	if r.Granted != nil {
		ask.Held = &policy.Held{Source: r.Source, Units: r.Granted.Units, Term: r.Granted.Term, Slivers: r.Slivers, Size: r.Size}
	}
	return ask
}

// note keeps what a decision says of itself. A record that would say nothing new
// is not written again: an ask may wait for thousands of rounds.
func (s *step) note(d policy.Decision) {
	if d.Waits && s.Why == d.Why && s.Memory == d.Memory && s.Operator == d.Operator {
		return
	}
	s.Operator = d.Operator
	s.Reason, s.Memory, s.Why, s.changed = d.Reason, d.Memory, d.Why, true
}

// approve keeps an operator's word on an ask for the policy to read.
func (a *Actor) approve(now actors.Cycle, ev actors.Approve) (actors.Effects, error) {
	r, ok := a.book[ev.Reservation]
	switch {
	case !ok:
		return actors.Effects{}, a.refuse("approve", ev.Reservation, actors.NotFound, "no such reservation")
	case !a.asks[r.ID]:
		return actors.Effects{}, a.refuse("approve", r.ID, actors.Stale, "it does not wait for a decision")
	}
	return a.step(now, r, func(s *step) error {
		s.Operator = false
		s.Approval, s.changed = policy.Approval{Given: true, Granted: ev.Grant, Note: ev.Note}, true
		return nil
	})
}

// snapshot is what a policy is shown at now.
func (a *Actor) snapshot(now actors.Cycle, waiting []Reservation) policy.Round {
	r := policy.Round{Now: now, Cycles: a.config.Cycles, Asks: make([]policy.Ask, len(waiting)), Grants: a.grants}
	known := map[string]int{}
	for i, w := range waiting {
		r.Asks[i] = w.ask()
		a.quotas.show(&r, known, w, &r.Asks[i])
	}
	for _, id := range slices.Sorted(maps.Keys(a.sources)) {
		s := a.sources[id]
		if s.shut {
			continue
		}
		r.Sources = append(r.Sources, policy.Source{ID: id, Type: s.ticket.Type, Site: s.ticket.Authority, Calendar: s.calendar.Sketch()})
	}
	return r
}

// grants yields what was granted, as far as it is remembered.
func (a *Actor) grants(yield func(policy.Grant) bool) {
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		r := a.book[id]
		if r.Granted == nil {
			continue
		}
		g := policy.Grant{Reservation: id, Client: r.Client, Slice: r.Slice.ID, Source: r.Source, Type: r.Type,
			Units: r.Granted.Units, Term: r.Granted.Term, Over: !r.holding(), Memory: r.Memory}
		if !yield(g) {
			return
		}
	}
}

// Explain says in words what the policy last decided about a reservation, from
// what it weighed then; false if there is no such reservation or no decision yet.
func (a *Actor) Explain(id actors.ReservationID) (policy.Verdict, bool) {
	r, ok := a.book[id]
	if !ok {
		return policy.Verdict{}, false
	}
	return r.explain(a.asks[id])
}

func (r Reservation) explain(waits bool) (policy.Verdict, bool) {
	if r.Reason == nil {
		return policy.Verdict{}, false
	}
	ask := r.ask()
	ask.Held = nil
	d := policy.Decision{Reservation: r.ID, Why: r.Why, Reason: r.Reason, Waits: waits}
	if r.Granted != nil && !d.Waits && r.Status != failed {
		d.Granted, d.Source, d.Units, d.Term = true, r.Source, r.Granted.Units, r.Granted.Term
	}
	return policy.Explain(ask, d), true
}

/*
Package fcfs serves asks in the order they came: first come, first served.

An early ask is never passed by a later one for the same units and time, because
each is decided when its turn comes, from what is left. An ask that says it is
deferrable gets the earliest start that fits; one that says it is elastic takes
what there is, down to its least. Anything else that does not fit is refused at
once, so that the guest can look elsewhere.
*/
package fcfs

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// Policy is first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	out := make([]policy.Decision, 0, len(r.Asks))
	for _, a := range r.Asks {
		out = append(out, decide(r, a))
	}
	return out
}

func decide(r policy.Round, a policy.Ask) policy.Decision {
	known := 0
	for _, s := range r.Sources {
		if s.Type != a.Type || a.Held != nil && a.Held.Source != s.ID {
			continue
		}
		known = max(known, s.Calendar.Capacity())
		if d, ok := place(r, s, a); ok {
			return d
		}
	}
	return policy.Decision{Reservation: a.Reservation, Why: why(a, known)}
}

// place tries one source: as asked, then with fewer units, then later.
func place(r policy.Round, s policy.Source, a policy.Ask) (policy.Decision, bool) {
	least, _ := a.Elastic()
	term := a.Term
	for _, units := range []int{a.Units, least} {
		if d, ok := take(s, a, units, term); ok {
			return d, true
		}
	}
	deadline, ok := a.Deferrable()
	if !ok {
		return policy.Decision{}, false
	}
	earliest := max(term.Start, r.Cycles.Start(r.Now+1))
	start, ok := s.Calendar.Find(earliest, term.Length(), deadline, a.Units)
	if !ok {
		return policy.Decision{}, false
	}
	return take(s, a, a.Units, actors.NewTerm(start, start+term.Length()-1))
}

// take grants as many units as are free, if that is at least least.
func take(s policy.Source, a policy.Ask, least int, term actors.Term) (policy.Decision, bool) {
	units := a.Units
	for _, need := range a.Needs(a.Units, term) {
		free := s.Calendar.Free(need.From, need.To)
		if need.Units != a.Units { // growth before the old end
			free += a.Held.Units
		}
		units = min(units, free)
	}
	if units < least || units <= 0 {
		return policy.Decision{}, false
	}
	for _, need := range a.Needs(units, term) {
		if err := s.Calendar.Take(a.Reservation, need); err != nil {
			return policy.Decision{}, false
		}
	}
	return policy.Decision{Reservation: a.Reservation, Granted: true, Source: s.ID, Units: units, Term: term}, true
}

func why(a policy.Ask, capacity int) string {
	switch {
	case capacity == 0:
		return fmt.Sprintf("no units of type %q here", a.Type)
	case a.Units > capacity:
		return fmt.Sprintf("insufficient resources: %d units asked, only %d exist", a.Units, capacity)
	default:
		return fmt.Sprintf("insufficient resources: %d units are not free over the whole term", a.Units)
	}
}

package sim

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/calendar"
)

// account is what was taken from one delegation, by whom: a naive twin of the
// machines' calendars.
type account struct {
	delegation actors.Delegation
	taken      map[actors.ReservationID][]calendar.Hold
}

// most is the largest number of units taken at once, from now on, and when.
func (a *account) most(now actors.Millis) (int, actors.Millis) {
	most, when := 0, now
	for _, id := range sortedKeys(a.taken) {
		for _, h := range a.taken[id] {
			at := max(h.From, now)
			if sum := a.at(at); h.To >= now && sum > most {
				most, when = sum, at
			}
		}
	}
	return most, when
}

func (a *account) at(t actors.Millis) int {
	sum := 0
	for _, holds := range a.taken {
		for _, h := range holds {
			if h.From <= t && t <= h.To {
				sum += h.Units
			}
		}
	}
	return sum
}

// set replaces what one reservation takes.
func (a *account) set(id actors.ReservationID, holds []calendar.Hold) {
	if len(holds) == 0 {
		delete(a.taken, id)
		return
	}
	a.taken[id] = slices.Clone(holds)
}

// delegated begins the accounts of a delegation.
func (w *world) delegated(d actors.Delegation) {
	w.accounts[d.ID] = &account{d, map[actors.ReservationID][]calendar.Hold{}}
	w.shares[d.ID] = &account{d, map[actors.ReservationID][]calendar.Hold{}}
}

// judgeGrants checks a broker's record against what was delegated to it.
func (w *world) judgeGrants(p *process, v broker.Reservation) {
	if v.Granted == nil {
		return
	}
	a := w.accounts[v.Source]
	if a == nil {
		w.fail(saysOversold, "%s grants %s from %s, which nobody delegated", p.Name, v.ID, v.Source)
		return
	}
	w.latest = max(w.latest, v.Granted.Term.End)
	if v.Status.State == actors.Closed {
		a.set(v.ID, nil)
		return
	}
	// What was granted counts, not what the broker wrote down as taken.
	holds := slices.DeleteFunc(slices.Clone(v.Holds), func(h calendar.Hold) bool { return h.From >= v.Granted.Term.NewStart })
	a.set(v.ID, append(holds, calendar.Hold{From: v.Granted.Term.NewStart, To: v.Granted.Term.End, Units: v.Granted.Units}))
	if n, at := a.most(w.now); n > a.delegation.Units {
		w.fail(saysOversold, "%s has granted %d of %d units of %s at %.3f", p.Name, n, a.delegation.Units, a.delegation.Type, seconds(at))
	}
	if t := a.delegation.Term; !t.Covers(v.Granted.Term) {
		w.fail(saysOversold, "%s grants %s over %s from %s", p.Name, v.ID, span(v.Granted.Term), span(t))
	}
}

// judgeHolds checks a site's record against what the site delegated.
func (s *site) judgeHolds(v authority.Reservation) {
	w := s.p.w
	a := w.shares[v.Export]
	if a == nil {
		w.fail(saysShare, "%s leases %s under %s, which it never delegated", s.p.Name, v.ID, v.Export)
		return
	}
	if v.Status.State == actors.Closed {
		a.set(v.ID, nil)
		return
	}
	a.set(v.ID, v.Holds)
	if n, at := a.most(w.now); n > a.delegation.Units {
		w.fail(saysShare, "%s has leased %d of %d units at %.3f", s.p.Name, n, a.delegation.Units, seconds(at))
	}
}

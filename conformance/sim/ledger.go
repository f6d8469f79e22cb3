package sim

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/calendar"
)

// account is what was taken from one delegation, by whom: a naive twin of the
// machines' calendars and ledgers.
type account struct {
	broken     sentence // when more is taken than there is
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

// judge wants no more to be taken, at any instant from now on, than there is.
func (a *account) judge(w *world, p *process) {
	if n, at := a.most(w.now); n > a.delegation.Units {
		w.fail(a.broken, "%s has given %d of %d units of %s at %.3f", p.Name, n, a.delegation.Units, a.delegation.Type, seconds(at))
	}
}

// delegated begins the accounts of a delegation.
func (w *world) delegated(d actors.Delegation) {
	w.accounts[d.ID] = &account{saysOversold, d, map[actors.ReservationID][]calendar.Hold{}}
	w.shares[d.ID] = &account{saysShare, d, map[actors.ReservationID][]calendar.Hold{}}
}

// noteGrant takes in a broker's record: what was granted counts, not what the
// broker wrote down as taken.
func (w *world) noteGrant(p *process, v broker.Reservation) *account {
	if v.Granted == nil {
		return nil
	}
	a := w.accounts[v.Source]
	if a == nil {
		w.fail(saysOversold, "%s grants %s from %s, which nobody delegated", p.Name, v.ID, v.Source)
		return nil
	}
	term := v.Granted.Term
	w.latest = max(w.latest, term.End)
	if !a.delegation.Term.Covers(term) {
		w.fail(saysOversold, "%s grants %s over %s from %s", p.Name, v.ID, span(term), span(a.delegation.Term))
	}
	if v.Status.State == actors.Closed && len(v.Holds) == 0 { // given back, or over
		a.set(v.ID, nil)
		return a
	}
	before := slices.DeleteFunc(slices.Clone(v.Holds), func(h calendar.Hold) bool { return h.From >= term.NewStart })
	a.set(v.ID, append(before, calendar.Hold{From: term.NewStart, To: term.End, Units: v.Granted.Units}))
	return a
}

// noteHolds takes in a site's record.
func (s *site) noteHolds(v authority.Reservation) *account {
	w := s.p.w
	a := w.shares[v.Export]
	if a == nil {
		w.fail(saysShare, "%s leases %s under %s, which it never delegated", s.p.Name, v.ID, v.Export)
		return nil
	}
	a.set(v.ID, counted(v))
	return a
}

// counted is what a lease's tickets take from the delegation they rest on: each from
// its new start on, until the next one, its end, or the end of the lease.
func counted(v authority.Reservation) []calendar.Hold {
	var out []calendar.Hold
	until := actors.Forever
	if v.Released != 0 {
		until = v.Released - 1
	}
	for _, t := range slices.Backward(append(slices.Clone(v.Earlier), v.Ticket)) {
		h := calendar.Hold{From: t.Term.NewStart, To: min(t.Term.End, until), Units: t.Units}
		if until = min(until, h.From-1); h.From <= h.To {
			out = append(out, h)
		}
	}
	return out
}

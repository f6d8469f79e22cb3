package sim

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/calendar"
)

// account is what was taken from one delegation, or from one holding, by whom: a
// naive twin of the machines' calendars and ledgers.
type account struct {
	broken     sentence // when more is taken than there is
	delegation actors.Delegation
	stock      []calendar.Hold // what there is, and when; intervals do not overlap
	taken      map[actors.ReservationID][]calendar.Hold
	given      bool // back: what is left of it is nobody's business
}

// supply adds what a ticket gives: that much from its new start on (leasing 3.3),
// from its start on if it is the first.
func (a *account) supply(term actors.Term, units int) {
	from := term.Start
	if len(a.stock) > 0 {
		from = term.NewStart
	}
	a.cut(from)
	a.stock = append(a.stock, calendar.Hold{From: from, To: term.End, Units: units})
}

// cut ends what there is at an instant.
func (a *account) cut(at actors.Millis) {
	var stock []calendar.Hold
	for _, h := range a.stock {
		if h.To = min(h.To, at-1); h.From <= h.To {
			stock = append(stock, h)
		}
	}
	a.stock = stock
}

// short is the first instant, from now on, at which more is taken than there is.
func (a *account) short(now actors.Millis) (taken, there int, at actors.Millis, found bool) {
	var points []actors.Millis
	for _, id := range sortedKeys(a.taken) {
		for _, h := range a.taken[id] {
			points = append(points, h.From)
		}
	}
	for _, h := range a.stock {
		points = append(points, h.From, h.To+1)
	}
	points = append(points, now)
	slices.Sort(points)
	for _, t := range slices.Compact(points) {
		if t < now {
			continue
		}
		if taken, there := a.at(t); taken > there {
			return taken, there, t, true
		}
	}
	return 0, 0, 0, false
}

// at is what is taken at an instant, and what there is.
func (a *account) at(t actors.Millis) (taken, there int) {
	for _, holds := range a.taken {
		for _, h := range holds {
			if h.From <= t && t <= h.To {
				taken += h.Units
			}
		}
	}
	for _, h := range a.stock {
		if h.From <= t && t <= h.To {
			there += h.Units
		}
	}
	return taken, there
}

// set replaces what one reservation takes.
func (a *account) set(id actors.ReservationID, holds []calendar.Hold) {
	if len(holds) == 0 {
		delete(a.taken, id)
		return
	}
	a.taken[id] = slices.Clone(holds)
}

// judge wants no more to be taken than there is, at any instant that is still to come
// by the clock of the one who gives.
func (a *account) judge(w *world, p *process) {
	if n, of, at, found := a.short(p.present()); found {
		w.fail(a.broken, "%s has given %d of %d units of %s at %.3f", p.Name, n, of, a.delegation.Type, seconds(at))
	}
}

// delegated begins the accounts of a delegation.
func (w *world) delegated(d actors.Delegation) {
	w.accounts[d.ID] = &account{broken: saysOversold, delegation: d, taken: map[actors.ReservationID][]calendar.Hold{}}
	w.shares[d.ID] = &account{broken: saysShare, delegation: d, taken: map[actors.ReservationID][]calendar.Hold{}}
	w.accounts[d.ID].supply(d.Term, d.Units)
	w.shares[d.ID].supply(d.Term, d.Units)
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

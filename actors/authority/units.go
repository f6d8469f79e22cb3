package authority

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
)

// begin puts a new unit on each host and starts its setup; for an extension it
// tells the units that stay about their new term and takes away those too many.
func (s *step) begin(hosts []*host, why string) {
	s.taken = hosts
	s.Term, s.Modify = s.Wanted, 0
	surplus := map[actors.UnitID]bool{}
	if s.missing() < 0 {
		for _, id := range actors.Surplus(s.inUse(), s.Ticket.Units, s.Victims) {
			surplus[id] = true
		}
	}
	s.Units.Change(inUse, func(u *actors.Unit) {
		if surplus[u.ID] {
			teardown(u)
			return
		}
		u.State, u.Sequence = actors.UnitModifying, u.Sequence+1
	})
	s.Victims = nil
	s.Units.Grow(len(hosts))
	for _, h := range hosts {
		s.Made++
		s.Units.Append(actors.Unit{
			ID:   actors.UnitID(actors.DeriveID("unit", string(s.config.Self.ID), string(s.Client), string(s.ID), strconv.Itoa(s.Made))),
			Host: h.Name, State: actors.UnitPriming, Sequence: 1, Properties: h.Properties,
		})
	}
	s.move(Status{s.Status.State, actors.Priming}, why)
}

// inUse reports whether a unit is set up and stays so until somebody takes it away.
func inUse(u *actors.Unit) bool {
	return u.State == actors.UnitActive || u.State == actors.UnitModifying
}

// stays reports whether a unit is not on its way out.
func stays(u *actors.Unit) bool { return u.State != actors.UnitClosing }

// inUse is the units that are in use.
func (r Reservation) inUse() []actors.UnitID {
	var out []actors.UnitID
	for u := range r.Units.All() {
		if inUse(u) {
			out = append(out, u.ID)
		}
	}
	return out
}

// missing is how many hosts a lease needs beyond the units it has; negative when it
// has too many.
func (r Reservation) missing() int {
	n := r.Ticket.Units
	for u := range r.Units.All() {
		if inUse(u) {
			n--
		}
	}
	return n
}

// teardown starts a unit's way out, once.
func teardown(u *actors.Unit) {
	if stays(u) {
		u.State, u.Sequence, u.Attempts = actors.UnitClosing, u.Sequence+1, 0
	}
}

// actionDone takes the result of an action. A result that does not echo the
// unit's present sequence is about an action since overtaken.
func (s *step) actionDone(ev actors.ActionDone) {
	at, held := s.Units.Find(ev.Unit)
	if !held || s.Units.At(at).Sequence != ev.Sequence || !s.Units.At(at).State.Pending() {
		return
	}
	s.changed = true
	s.measured(s.Units.At(at).State, ev)
	if u := s.Units.At(at); u.State == actors.UnitClosing && ev.Code == 0 {
		s.freed = append(s.freed, u.Host)
		s.Units.Remove(at)
		return
	}
	u := s.Units.Edit(at)
	u.Notice = ev.Note
	switch {
	case u.State == actors.UnitClosing:
		s.again(at, ev)
	case u.State == actors.UnitModifying && s.Modify > 0:
		s.modified(u, ev)
	case ev.Code == 0:
		if u.State == actors.UnitPriming {
			s.tried = append(s.tried, try{u.Host, false})
		}
		u.State, u.Properties = actors.UnitActive, u.Properties.Merged(ev.Properties)
	case u.State == actors.UnitModifying: // it was usable before and still is
		u.State = actors.UnitActive
		s.Error = fmt.Sprintf("host %s: %s", u.Host, ev.Note)
	default:
		s.tried = append(s.tried, try{u.Host, true})
		s.Error = fmt.Sprintf("host %s was not set up: %s", u.Host, ev.Note)
		teardown(u)
	}
}

// again plans another try of a failed teardown, or gives the host up: a host
// that may still run somebody's work is not leased to anybody else.
func (s *step) again(at actors.Spot, ev actors.ActionDone) {
	u := s.Units.Edit(at)
	u.Attempts++
	s.Error = fmt.Sprintf("host %s was not torn down: %s", u.Host, ev.Note)
	if u.Attempts >= s.config.Attempts {
		s.quarantined = append(s.quarantined, u.Host)
		s.Units.Remove(at)
		return
	}
	when := s.now + 1<<min(u.Attempts, 10)
	if s.Retry == 0 || when < s.Retry {
		s.Retry = when
	}
}

// retry runs the failed teardowns once more.
func (s *step) retry() {
	s.Retry, s.changed = 0, true
	s.Units.Change(func(u *actors.Unit) bool { return u.State == actors.UnitClosing && u.Attempts > 0 },
		func(u *actors.Unit) { u.Sequence++ })
}

// overdue fails the actions that have not ended in all this time. Teardowns that wait
// for another try have ended.
func (s *step) overdue() {
	s.Begun, s.changed = 0, true
	for _, u := range slices.Clone(s.Units.List()) {
		if u.State.Pending() && (u.Attempts == 0 || s.Retry == 0) {
			s.actionDone(actors.ActionDone{Unit: u.ID, Sequence: u.Sequence, Code: -1, Note: "its handler has not answered"})
		}
	}
}

// owed lists the actions r's units wait for, beyond those before waited for; with
// a nil before, all of them. It depends on the two reservations only. Units keep
// their order from one to the next, so that one walk over both finds what is new.
func (r Reservation) owed(before *Reservation) []actors.Task {
	var out []actors.Task
	var was actors.Units
	if before != nil {
		was = before.Units
	}
	var order *actors.Order
	r.Units.News(was, func(units, old []actors.Unit) {
		for i := range units {
			u := &units[i]
			for len(old) > 0 && old[0].ID != u.ID {
				old = old[1:] // it has gone; behind the last one, all are new
			}
			same := false
			if len(old) > 0 {
				same, old = old[0].Sequence == u.Sequence, old[1:]
			}
			if same || !u.State.Pending() {
				continue
			}
			if out == nil {
				out = make([]actors.Task, 0, len(units)-i)
				order = &actors.Order{Reservation: r.ID, Slice: r.Slice, Type: r.Type, Term: r.Term,
					Properties: r.Ticket.Properties.Merged(r.Config), Ticket: r.Ticket.Properties}
			}
			out = append(out, actors.Task{Order: order, Unit: u, Verb: r.verb(u), Sequence: u.Sequence})
		}
	})
	return out
}

// verb is the action that a pending unit waits for. A unit that is kept by an
// extension is set up again, which tells everybody concerned its new end.
func (r Reservation) verb(u *actors.Unit) actors.Verb {
	switch {
	case u.State == actors.UnitClosing:
		return actors.Teardown
	case u.State == actors.UnitModifying && r.Modify > 0:
		return actors.ModifyUnit
	}
	return actors.Setup
}

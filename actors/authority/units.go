package authority

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
)

// begin puts a new unit on each host and starts its setup; for an extension it
// tells the units that stay about their new term and takes away those too many.
func (s *step) begin(hosts []actors.Host, why string) {
	s.Term, s.Modify = s.Wanted, 0
	s.own()
	surplus := map[actors.UnitID]bool{}
	if s.missing() < 0 {
		for _, id := range actors.Surplus(s.inUse(), s.Ticket.Units, s.Victims) {
			surplus[id] = true
		}
	}
	for i := range s.Units {
		u := &s.Units[i]
		switch {
		case u.State != actors.UnitActive && u.State != actors.UnitModifying:
		case surplus[u.ID]:
			s.teardown(u)
		default:
			u.State, u.Sequence = actors.UnitModifying, u.Sequence+1
		}
	}
	s.Victims = nil
	s.Units = slices.Grow(s.Units, len(hosts))
	for _, h := range hosts {
		s.Made++
		s.Units = append(s.Units, actors.Unit{
			ID:   actors.UnitID(actors.DeriveID("unit", string(s.config.Self.ID), string(s.Client), string(s.ID), strconv.Itoa(s.Made))),
			Host: h.Name, State: actors.UnitPriming, Sequence: 1, Properties: h.Properties,
		})
	}
	s.move(Status{s.Status.State, actors.Priming}, why)
}

// inUse is the units that are set up and stay so until somebody takes them away.
func (r Reservation) inUse() []actors.UnitID {
	var out []actors.UnitID
	for _, u := range r.Units {
		if u.State == actors.UnitActive || u.State == actors.UnitModifying {
			out = append(out, u.ID)
		}
	}
	return out
}

// missing is how many hosts a lease needs beyond the units it has; negative when it
// has too many.
func (r Reservation) missing() int {
	n := r.Ticket.Units
	for _, u := range r.Units {
		if u.State == actors.UnitActive || u.State == actors.UnitModifying {
			n--
		}
	}
	return n
}

// teardown starts a unit's way out, once.
func (s *step) teardown(u *actors.Unit) {
	if u.State != actors.UnitClosing {
		u.State, u.Sequence, u.Attempts = actors.UnitClosing, u.Sequence+1, 0
	}
}

// own makes the units the step's own to change; the reservation before the step
// keeps its own. It costs what there are units, once in a step.
func (s *step) own() {
	if !s.owned {
		s.Units, s.owned = slices.Clone(s.Units), true
	}
	s.changed = true
}

// find is the place of a unit, or -1. Actions mostly end in the order in which they
// began, so it looks behind the last one first.
func (s *step) find(id actors.UnitID) int {
	for n := range s.Units {
		i := s.at + n
		if i >= len(s.Units) {
			i -= len(s.Units)
		}
		if s.Units[i].ID == id {
			s.at = i + 1
			return i
		}
	}
	return -1
}

// actionDone takes the result of an action. A result that does not echo the
// unit's present sequence is about an action since overtaken.
func (s *step) actionDone(ev actors.ActionDone) {
	i := s.find(ev.Unit)
	if i < 0 || s.Units[i].Sequence != ev.Sequence || !s.Units[i].State.Pending() {
		return
	}
	s.own()
	u := &s.Units[i]
	u.Notice = ev.Note
	switch {
	case u.State == actors.UnitClosing && ev.Code == 0:
		s.drop(i, &s.freed)
	case u.State == actors.UnitClosing:
		s.again(i, ev)
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
		s.teardown(u)
	}
}

// again plans another try of a failed teardown, or gives the host up: a host
// that may still run somebody's work is not leased to anybody else.
func (s *step) again(i int, ev actors.ActionDone) {
	u := &s.Units[i]
	u.Attempts++
	s.Error = fmt.Sprintf("host %s was not torn down: %s", u.Host, ev.Note)
	if u.Attempts >= s.config.Attempts {
		s.drop(i, &s.quarantined)
		return
	}
	at := s.now + 1<<min(u.Attempts, 10)
	if s.Retry == 0 || at < s.Retry {
		s.Retry = at
	}
}

// retry runs the failed teardowns once more.
func (s *step) retry() {
	s.own()
	s.Retry = 0
	for i := range s.Units {
		if u := &s.Units[i]; u.State == actors.UnitClosing && u.Attempts > 0 {
			u.Sequence++
		}
	}
}

// overdue fails the actions that have not ended in all this time. Teardowns that wait
// for another try have ended.
func (s *step) overdue() {
	s.Begun, s.changed = 0, true
	for _, u := range slices.Clone(s.Units) {
		if u.State.Pending() && (u.Attempts == 0 || s.Retry == 0) {
			s.actionDone(actors.ActionDone{Unit: u.ID, Sequence: u.Sequence, Code: -1, Note: "its handler has not answered"})
		}
	}
}

// drop takes a unit away and notes its host in to. The units behind it move up when
// the step is over, all at once.
func (s *step) drop(i int, to *[]string) {
	*to = append(*to, s.Units[i].Host)
	s.Units[i].State = actors.UnitClosed
	s.gone++
}

// compact moves units up to where others have gone.
func (s *step) compact() {
	if s.gone > 0 {
		s.Units = slices.DeleteFunc(s.Units, func(u actors.Unit) bool { return u.State == actors.UnitClosed })
		s.gone, s.at = 0, 0
	}
}

// owed lists the actions r's units wait for, beyond those before waited for; with
// a nil before, all of them. It depends on the two reservations only. Units keep
// their order from one to the next, so that one walk over both finds what is new.
func (r Reservation) owed(before *Reservation) []actors.Action {
	var out []actors.Action
	var old []actors.Unit
	if before != nil {
		old = before.Units
	}
	var config actors.Properties
	for i := range r.Units {
		u := &r.Units[i]
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
			out = make([]actors.Action, 0, len(r.Units)-i)
			config = r.Ticket.Properties.Merged(r.Config)
		}
		out = append(out, actors.Action{Reservation: r.ID, Slice: r.Slice, Type: r.Type, Term: r.Term, Unit: *u,
			Verb: r.verb(*u), Sequence: u.Sequence, Properties: config, Ticket: r.Ticket.Properties})
	}
	return out
}

// verb is the action that a pending unit waits for. A unit that is kept by an
// extension is set up again, which tells everybody concerned its new end.
func (r Reservation) verb(u actors.Unit) actors.Verb {
	switch {
	case u.State == actors.UnitClosing:
		return actors.Teardown
	case u.State == actors.UnitModifying && r.Modify > 0:
		return actors.ModifyUnit
	}
	return actors.Setup
}

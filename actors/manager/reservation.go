package manager

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// Reservation is one lease as its guest's side sees it: plain data, stored as it
// is. Step makes the next one; nothing changes a Reservation in place.
type Reservation struct {
	ID        actors.ReservationID `json:"id"`
	Slice     actors.Slice         `json:"slice"`
	Broker    actors.ActorID       `json:"broker"`
	Authority actors.Location      `json:"authority"` // learned from the ticket
	Status    Status               `json:"status"`
	Type      actors.ResourceType  `json:"type"`
	Units     int                  `json:"units"` // asked for last
	Term      actors.Term          `json:"term"`  // asked for last
	Request   actors.Properties    `json:"request,omitempty"`
	Config    actors.Properties    `json:"config,omitempty"`
	Local     actors.Properties    `json:"local,omitempty"`
	Resource  actors.Properties    `json:"resource,omitempty"` // what the broker said about the units

	After     []actors.Predecessor `json:"after,omitempty"`
	Hold      string               `json:"hold,omitempty"` // why the gatekeeper does not let it pass
	HoldUntil actors.Cycle         `json:"holdUntil,omitempty"`

	Ticket    *actors.Ticket `json:"ticket,omitempty"`    // newest ticket
	LeaseTerm actors.Term    `json:"leaseTerm,omitzero"`  // what the site confirmed
	Held      actors.Units   `json:"held,omitzero"`       // what the site reported
	Parts     int            `json:"parts,omitempty"`     // records that hold the units, if they are too many for this one
	TicketSeq int            `json:"ticketSeq,omitempty"` // requests sent to the broker
	LeaseSeq  int            `json:"leaseSeq,omitempty"`  // requests sent to the site

	Guest  string `json:"guest,omitempty"`  // whose policy asked for it; empty for people
	Number int    `json:"number,omitempty"` // which of that guest's it is

	Victims []actors.UnitID `json:"victims,omitempty"` // to give back first, if the extension shrinks
	Shed    []actors.UnitID `json:"shed,omitempty"`    // given back for it: they leave, and the site is told

	Renewable    bool `json:"renewable,omitempty"`
	RenewRefused bool `json:"renewRefused,omitempty"` // the broker refused an extension: run to the end
	CloseAsked   bool `json:"closeAsked,omitempty"`   // close as soon as the lease arrives
	Unclosed     bool `json:"unclosed,omitempty"`     // over here, but the site may have units for it and has not answered the close
	Relinquished bool `json:"relinquished,omitempty"` // told the broker, once

	Since actors.Cycle `json:"since"`           // cycle of the last move
	Sent  actors.Cycle `json:"sent,omitempty"`  // cycle of the last request
	Tries int          `json:"tries,omitempty"` // repetitions of the present request
	Error string       `json:"error,omitempty"` // last thing that went wrong
}

// Rules is what a step needs to know besides the reservation.
type Rules struct {
	Self    actors.ActorID
	Cycles  actors.Cycles
	Margins Margins
	Gate    Gatekeeper    // asked before a gate opens; nil lets everybody pass
	Paging  actors.Paging // how the units of large leases are kept

	look      func(actors.ReservationID) (Reservation, bool) // finds predecessors; nil when there are none
	recovered actors.Cycle                                   // when all that was owed was last asked for again
}

// Step moves one reservation by one event. An error leaves it as it was, and so
// does an event that says nothing new; then the effects are empty.
func Step(r Reservation, k Rules, now actors.Cycle, ev actors.Event) (Reservation, actors.Effects, error) {
	return run(r, k, now, func(s *step) error { return s.apply(ev) })
}

// run is a step that begins with do.
func run(r Reservation, k Rules, now actors.Cycle, do func(*step) error) (Reservation, actors.Effects, error) {
	s := step{Reservation: r, Rules: k, now: now}
	s.Held.Begin(k.Paging)
	if err := do(&s); err != nil {
		return r, actors.Effects{}, err
	}
	for s.probe() {
	}
	s.Held.Settle()
	s.Parts = s.Held.Parts()
	if s.illegal != nil {
		return r, actors.Effects{}, &actors.Error{Op: "manager.step", Reservation: r.ID, Kind: actors.Other, Err: s.illegal}
	}
	if !s.changed {
		return r, actors.Effects{}, nil
	}
	fx := s.Reservation.owed(k, &r)
	fx.Moved = s.moved
	fx.Save = s.records(r)
	return s.Reservation, fx, nil
}

// step is one reservation on its way from one status to the next.
type step struct {
	Reservation
	Rules
	now     actors.Cycle
	moved   []actors.Transition
	changed bool
	illegal error
}

func (s *step) apply(ev actors.Event) error {
	switch ev := ev.(type) {
	case actors.Request:
		s.changed = true
		return nil // the reservation was made from it; probe begins
	case actors.Receive:
		switch ev.Message.Op {
		case actors.OpUpdateTicket:
			return s.updateTicket(ev.Message)
		case actors.OpFailedRPC:
			return s.failedRPC(ev.Message)
		}
		return s.updateLease(ev.Message)
	case actors.ActionDone:
		s.actionDone(ev)
	case actors.ActionsDone:
		for _, done := range ev.Done {
			s.actionDone(done)
			for s.probe() {
			}
		}
	case actors.SendFailed:
		s.sendFailed(ev)
	case actors.Extend:
		return s.extend(ev)
	case actors.Modify:
		return s.modify(ev)
	case actors.Close:
		s.close("asked to close")
	case actors.Tick:
		s.act()
	}
	return nil
}

// move changes the status, notes it for watchers and checks it against Moves.
func (s *step) move(to Status, why string) {
	if err := Moves.Check(s.Status, to); err != nil {
		s.illegal = err
		return
	}
	if s.Status != to {
		s.moved = append(s.moved, actors.Transition{Reservation: s.ID, From: s.Status.String(), To: to.String(), Why: why})
	}
	s.Status, s.Since, s.changed = to, s.now, true
}

// ask moves to a status that waits for a peer: its request goes out anew.
func (s *step) ask(to Status, why string) {
	s.move(to, why)
	s.Sent, s.Tries = s.now, 0
	if to.Pending == actors.Ticketing || to.Pending == actors.ExtendingTicket {
		s.TicketSeq++
	} else {
		s.LeaseSeq++
	}
}

// probe takes a step that needs no event, if there is one.
func (s *step) probe() bool {
	before := s.Status
	switch s.Status {
	case asked:
		s.ask(ticketing, "policy approved")
	case blockedRedeem:
		if s.pass(actors.RedeemGate) {
			s.ask(redeeming, "predecessors are ready")
		}
	case blockedJoin, extendingB, activeTicketedB, extendingLeaseB, modifyingB:
		if s.pass(actors.JoinGate) {
			s.join()
			s.move(at(s.Status.State, s.Status.Pending, actors.Joining), "predecessors are ready")
		}
	case joining, extendingJ, activeTicketedJ, extendingLeaseJ, modifyingJ:
		s.settle()
	case closing:
		if s.Held.Len() == 0 {
			s.ask(closeWait, "all units have left")
		}
	}
	return s.Status != before && s.illegal == nil
}

// join starts the join of every unit that has not begun.
func (s *step) join() {
	s.changed = true
	s.Held.Change(func(u *actors.Unit) bool { return u.State == actors.UnitDefault },
		func(u *actors.Unit) { u.State, u.Sequence = actors.UnitPriming, u.Sequence+1 })
}

// settle ends joining when no unit is on its way in or out.
func (s *step) settle() {
	if s.Held.Waits(underWay...) {
		return
	}
	if s.Held.Len() == 0 {
		s.fail("no unit joined")
		return
	}
	s.move(at(s.Status.State, s.Status.Pending, actors.NoJoin), "all units have joined")
}

// underWay is the states of units on their way in or out.
var underWay = []actors.UnitState{actors.UnitPriming, actors.UnitModifying, actors.UnitClosing}

// stays reports whether a unit is not on its way out.
func stays(u *actors.Unit) bool { return u.State != actors.UnitClosing }

// leave starts a unit's way out.
func leave(u *actors.Unit) { u.State, u.Sequence = actors.UnitClosing, u.Sequence+1 }

// actionDone takes the result of a join or leave. A result that does not echo
// the unit's present sequence is about an action since overtaken.
func (s *step) actionDone(ev actors.ActionDone) {
	at, held := s.Held.Find(ev.Unit)
	if !held || s.Held.At(at).Sequence != ev.Sequence || !s.Held.At(at).State.Pending() {
		return
	}
	s.changed = true
	u := s.Held.At(at)
	switch {
	case u.State == actors.UnitPriming && ev.Code == 0:
		u = s.Held.Edit(at)
		u.State, u.Notice = actors.UnitActive, ev.Note
	case u.State == actors.UnitPriming:
		s.Error = fmt.Sprintf("unit %s did not join: %s", u.ID, ev.Note)
		s.Held.Remove(at)
	default: // it left, or could not: the site takes it back either way
		s.Held.Remove(at)
	}
}

// extend asks the broker for a longer ticket because somebody wants one.
func (s *step) extend(ev actors.Extend) error {
	refuse := func(format string, args ...any) error {
		return &actors.Error{Op: "manager.extend", Reservation: s.ID, Kind: actors.Invalid, Err: fmt.Errorf(format, args...)}
	}
	switch {
	case s.Status != active && s.Status != joining && s.Status != blockedJoin:
		return refuse("a reservation in %v cannot be extended; it must be Active with nothing pending", s.Status)
	case ev.Units != 0 && check.Units(ev.Units) != nil:
		return refuse("%w", check.Units(ev.Units))
	case check.Longer(0, s.Ticket.Term.Extended(ev.End), s.Ticket.Term) != nil:
		return refuse("%w", check.Longer(0, s.Ticket.Term.Extended(ev.End), s.Ticket.Term))
	case len(ev.Victims) > 0 && (ev.Units == 0 || len(ev.Victims) > s.Ticket.Units-ev.Units):
		return refuse("%d units are named to go, but the number is to go from %d to %d", len(ev.Victims), s.Ticket.Units, max(ev.Units, 1))
	}
	for _, id := range ev.Victims {
		if _, held := s.Held.Find(id); !held {
			return refuse("unit %s is not held", id)
		}
	}
	s.prolong(ev.End, ev.Units, "asked to extend")
	s.Victims = ev.Victims
	return nil
}

func (s *step) prolong(end actors.Millis, units int, why string) {
	s.Term = s.Ticket.Term.Extended(end)
	s.Units, s.Victims, s.Shed = s.Ticket.Units, nil, nil
	if units > 0 {
		s.Units = units
	}
	s.ask(at(actors.Active, actors.ExtendingTicket, s.Status.Join), why)
}

// close gives everything back, as far as there is something to give.
func (s *step) close(why string) {
	switch s.Status {
	case closing, closeWait, closed:
	case redeeming:
		if s.Cycles.Of(s.Ticket.Term.End) < s.now { // no lease can come of it any more
			s.unclose()
			s.finish(why)
			return
		}
		// The site may be setting units up; the lease must arrive to be closed.
		s.changed = s.changed || !s.CloseAsked
		s.CloseAsked = true
	case asked, ticketing, ticketed, blockedRedeem, failed:
		s.finish(why)
	case blockedJoin, extendingB, activeTicketedB, extendingLeaseB, modifyingB:
		s.Held.Clear() // nothing has joined, so nothing has to leave
		s.ask(closeWait, why)
	default:
		s.leave()
		s.move(closing, why)
	}
}

// leave starts the leave of every unit that is not on its way out.
func (s *step) leave() {
	s.Held.Keep(func(u *actors.Unit) bool { return u.State != actors.UnitDefault }) // those never joined
	s.Held.Change(stays, leave)
	s.changed = true
}

// finish ends the reservation and tells the broker.
func (s *step) finish(why string) {
	s.move(closed, why)
	s.Held.Clear()
	s.settled()
}

// settled gives the ticket back unless the site has yet to answer: the broker may sell
// the units again at once, and an honest one would be accused if somebody held them.
func (s *step) settled() {
	if !s.Unclosed {
		s.relinquish()
	}
}

// relinquish gives the ticket back, once.
func (s *step) relinquish() {
	if s.TicketSeq > 0 && !s.Relinquished {
		s.Relinquished = true
		s.TicketSeq++
	}
}

// unclose asks the site to take back what it may have, now that the reservation is
// over here without its word.
func (s *step) unclose() {
	if s.LeaseSeq > 0 {
		s.LeaseSeq++
		s.Unclosed, s.Sent, s.Tries, s.changed = true, s.now, 0, true
	}
}

// taken ends the wait for a site that was asked to take units back behind the end of
// the reservation.
func (s *step) taken() {
	s.Unclosed, s.changed = false, true
	s.relinquish()
}

// fail ends the reservation because of an error. Whoever may hold something for
// it is told, so that nothing stays allocated until the term ends.
func (s *step) fail(why string) {
	s.Error = why
	s.leave()
	s.unclose()
	s.move(failed, why)
	s.settled()
}

// refused ends the reservation because the site says that it has nothing for it, or
// nothing any more. The broker need not wait until the site has cleared away the rest.
func (s *step) refused(why string) {
	s.fail(why)
	s.relinquish()
}

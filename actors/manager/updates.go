package manager

import (
	"fmt"
	"maps"

	"github.com/leasehold/leasehold/actors"
)

// updateTicket takes a broker's answer (wire contract 5.5). What does not answer
// the present request is a repetition or came late: it changes nothing.
func (s *step) updateTicket(m actors.Message) error {
	if m.From != s.Broker {
		return &actors.Error{Op: "manager.updateTicket", Peer: m.From, Reservation: s.ID, Kind: actors.Denied,
			Err: fmt.Errorf("the broker of this reservation is %s", s.Broker)}
	}
	waiting := s.Status.Pending == actors.Ticketing || s.Status.Pending == actors.ExtendingTicket
	if !waiting || m.Sequence != 0 && m.Sequence != s.TicketSeq {
		return nil
	}
	if s.Status == ticketing {
		return s.firstTicket(m)
	}
	back := at(actors.Active, actors.None, s.Status.Join)
	switch {
	case m.Failed:
		s.RenewRefused, s.Error = true, "extension refused: "+m.Note
		s.move(back, "the broker refused to extend")
	case m.Ticket == nil || m.Ticket.Term == s.Ticket.Term:
		return nil // the first answer once more
	default:
		if err := s.acceptable(m); err != nil || !m.Ticket.Term.Extends(s.Ticket.Term) {
			s.RenewRefused, s.Error = true, fmt.Sprintf("the broker's extension %+v does not prolong %+v", m.Ticket.Term, s.Ticket.Term)
			s.move(back, "the extended ticket is not what was asked for")
			return nil
		}
		s.Ticket, s.Term = m.Ticket, m.Ticket.Term
		s.move(at(actors.ActiveTicketed, actors.None, s.Status.Join), "the broker extended the ticket")
	}
	return nil
}

func (s *step) firstTicket(m actors.Message) error {
	if m.Failed {
		s.fail("ticket refused: " + m.Note)
		return nil
	}
	if err := s.acceptable(m); err != nil {
		s.fail(err.Error())
		return nil
	}
	s.Ticket, s.Term, s.Authority, s.Resource = m.Ticket, m.Ticket.Term, m.Ticket.Authority, m.Properties
	s.move(ticketed, "the broker granted a ticket")
	return nil
}

// acceptable says why a ticket is not an answer to what was asked.
func (s *step) acceptable(m actors.Message) error {
	t := m.Ticket
	switch {
	case t == nil:
		return fmt.Errorf("the broker's grant carries no ticket")
	case t.Holder != s.Self:
		return fmt.Errorf("the ticket is made out to %s", t.Holder)
	case t.Type != s.Type:
		return fmt.Errorf("asked for %q, granted %q", s.Type, t.Type)
	case t.Units < 1 || t.Units > s.Units || m.Units != t.Units:
		return fmt.Errorf("asked for %d units, granted %d, ticket for %d", s.Units, m.Units, t.Units)
	case t.Authority.ID != t.Root().Issuer:
		return fmt.Errorf("the ticket names %s as its site but was issued by %s", t.Authority.ID, t.Root().Issuer)
	}
	return t.Term.Validate()
}

// updateLease takes what a site says about the lease (wire contract 5.5). It may
// come unasked: a site reports units it lost.
func (s *step) updateLease(m actors.Message) error {
	if s.Ticket == nil || m.From != s.Authority.ID {
		return &actors.Error{Op: "manager.updateLease", Peer: m.From, Reservation: s.ID, Kind: actors.Denied,
			Err: fmt.Errorf("the site of this reservation is %q", s.Authority.ID)}
	}
	old := m.Sequence != 0 && m.Sequence < s.LeaseSeq // it answers an earlier request
	empty := m.Lease == nil || len(m.Lease.Units) == 0
	switch {
	case s.Status == closeWait:
		if !old || m.Failed || empty {
			s.finish("the site took the units back")
		}
	case s.Unclosed:
		if !old || m.Failed || empty {
			s.taken()
		}
	case s.Status == redeeming && !old:
		s.firstLease(m, empty)
	case s.Status.State != actors.Active && s.Status.State != actors.ActiveTicketed, s.Status == closing, old:
		// Nothing is held yet, or any more, or the news is older than our request.
	case m.Failed:
		s.refused("the site gave the lease up: " + m.Note)
	case m.Lease != nil && empty:
		s.Error = "the site ended the lease: " + m.Note
		s.close("the site ended the lease")
	default:
		s.absorb(m)
	}
	return nil
}

func (s *step) firstLease(m actors.Message, empty bool) {
	switch {
	case m.Failed:
		s.refused("redeem refused: " + m.Note)
	case empty:
		s.refused("the site has no units for this ticket")
	default:
		s.LeaseTerm = m.Term
		s.gain(m.Lease.Units)
		s.move(blockedJoin, "the site set the lease up")
		if s.CloseAsked {
			s.close("closed while it was being redeemed")
		}
	}
}

// absorb takes over what the site reports of a lease that is already held.
func (s *step) absorb(m actors.Message) {
	confirmed := m.Term.End > s.LeaseTerm.End && s.Status.Pending == actors.ExtendingLease
	modified := s.Status.Pending == actors.ModifyingLease // whose answer this is, see updateLease
	if m.Term.End >= s.LeaseTerm.End {
		s.LeaseTerm = m.Term
	}
	if confirmed {
		s.Victims, s.Shed = nil, nil
	}
	if m.Lease != nil {
		had, out := s.Held.Len(), leavers(s.Held)
		s.gain(s.reported(m.Lease.Units))
		if n := leavers(s.Held) - out; n > 0 && !confirmed {
			s.Error = fmt.Sprintf("the site took %d of %d units away: %s", n, had, m.Note)
		}
	}
	s.changed = true
	blocked := s.Status.Join == actors.BlockedJoin
	if !blocked {
		s.join()
	}
	switch {
	case confirmed && blocked:
		s.move(blockedJoin, "the site extended the lease")
	case confirmed:
		s.move(joining, "the site extended the lease")
	case modified:
		s.modified()
	case s.Held.In(underWay...):
		s.move(at(s.Status.State, s.Status.Pending, actors.Joining), "the site reported other units")
	}
}

// leavers counts the units that are on their way out.
func leavers(units actors.Units) int {
	n := 0
	for u := range units.All() {
		if !stays(u) {
			n++
		}
	}
	return n
}

// gain makes what is held follow a site's report: units it no longer names leave,
// units it names anew will join, the rest take over the reported properties.
func (s *step) gain(reported []actors.Unit) {
	var place map[actors.UnitID]int // in reported, of those that are not held
	if s.Held.Len() > 0 {
		place = make(map[actors.UnitID]int, len(reported))
		for i := range reported {
			place[reported[i].ID] = i
		}
		s.follow(reported, place)
	}
	s.Held.Grow(len(reported) - s.Held.Len())
	for i := range reported {
		n := &reported[i]
		if at, fresh := place[n.ID]; place == nil || fresh && at == i {
			s.Held.Append(actors.Unit{ID: n.ID, State: actors.UnitDefault, Properties: n.Properties, Notice: n.Notice})
		}
	}
}

// follow does so with the units that are held, and takes them out of place.
func (s *step) follow(reported []actors.Unit, place map[actors.UnitID]int) {
	named := func(u *actors.Unit) (*actors.Unit, bool) {
		i, ok := place[u.ID]
		if !ok {
			return nil, false
		}
		return &reported[i], true
	}
	s.Held.Keep(func(u *actors.Unit) bool { _, ok := named(u); return ok || u.State != actors.UnitDefault })
	s.Held.Change(func(u *actors.Unit) bool {
		n, ok := named(u)
		return !ok && stays(u) || ok && (u.Notice != n.Notice || !maps.Equal(u.Properties, n.Properties))
	}, func(u *actors.Unit) {
		if n, ok := named(u); ok {
			u.Properties, u.Notice = n.Properties, n.Notice
		} else {
			leave(u)
		}
	})
	for u := range s.Held.All() {
		delete(place, u.ID)
	}
}

// sendFailed hears that a peer refused a request for good.
func (s *step) sendFailed(ev actors.SendFailed) {
	m := ev.Message
	if ev.Kind == actors.Transient {
		return // the retry timer asks again
	}
	why := fmt.Sprintf("%v refused: %s", m.Op, ev.Kind.Error())
	if ev.Note != "" {
		why += " (" + ev.Note + ")"
	}
	switch {
	case m.Op == actors.OpTicket && s.Status == ticketing && m.Sequence == s.TicketSeq,
		m.Op == actors.OpRedeem && s.Status == redeeming && m.Sequence == s.LeaseSeq:
		s.fail(why)
	case m.Op == actors.OpExtendTicket && s.Status.Pending == actors.ExtendingTicket && m.Sequence == s.TicketSeq:
		s.RenewRefused, s.Error = true, why
		s.move(at(actors.Active, actors.None, s.Status.Join), why)
	case m.Op == actors.OpExtendLease && s.Status.Pending == actors.ExtendingLease && m.Sequence == s.LeaseSeq:
		s.Error = why
		s.close(why)
	case m.Op == actors.OpModifyLease && s.Status.Pending == actors.ModifyingLease && m.Sequence == s.LeaseSeq:
		s.Error = why // the units are as they were
		s.move(at(actors.Active, actors.None, s.Status.Join), why)
	case m.Op == actors.OpClose && s.Status == closeWait && m.Sequence == s.LeaseSeq:
		s.Error = why
		s.finish(why)
	case m.Op == actors.OpClose && s.Unclosed && m.Sequence == s.LeaseSeq:
		s.taken()
	}
}

// failedRPC hears from a peer that it could not process a request. Legacy peers
// have the message and never send it; from anybody, it counts as a refusal of the
// request that is under way, if it is about that one (wire contract 5.6).
func (s *step) failedRPC(m actors.Message) error {
	op, seq, _ := s.request()
	to := s.Broker
	if op != actors.OpTicket && op != actors.OpExtendTicket {
		to = s.Authority.ID
	}
	if op == 0 || m.RequestOp != op {
		return nil
	}
	if m.From != to {
		return &actors.Error{Op: "manager.failedRPC", Peer: m.From, Reservation: s.ID, Kind: actors.Denied,
			Err: fmt.Errorf("the request went to %s", to)}
	}
	s.sendFailed(actors.SendFailed{Message: actors.Message{Op: op, Sequence: seq}, Kind: actors.Invalid, Note: m.Note})
	return nil
}

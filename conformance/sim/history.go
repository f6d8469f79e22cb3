package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
)

// past is what the judges remember of one reservation at one actor.
type past struct {
	first, second int // sequence numbers: taken, or sent to broker and site
	over          bool
}

// remember compares a saved record with those before it. A record that was removed
// in between, because it was past remembering, may only come back to say so; unless
// the clock was set back behind that, and a restart believed it.
func (w *world) remember(p *process, id actors.ReservationID, state actors.State, first, second int) {
	key := p.Name + " " + string(id)
	was := w.pasts[key]
	forgotten := w.forgot[p.Name+" reservation/"+string(id)]
	if forgotten && w.cfg.SetBack && p.cycle() < p.highest {
		was = past{} // it lives again in a time from before it forgot
	}
	switch {
	case was.over && state != actors.Closed:
		w.fail(saysAgain, "%s: %s was Closed and is %v", p.Name, id, state)
	case !forgotten && (first < was.first || second < was.second):
		w.fail(saysSequence, "%s: %s goes from #%d, #%d to #%d, #%d", p.Name, id, was.first, was.second, first, second)
	}
	w.pasts[key] = past{first, second, was.over || state == actors.Closed}
}

// judgeTickets wants each ticket to be redeemed for one reservation.
func (s *site) judgeTickets(v authority.Reservation) {
	for _, t := range v.Tickets {
		if other, ok := s.tickets[t]; ok && other != v.ID {
			s.p.w.fail(saysOnce, "%s: ticket %s for %s and %s", s.p.Name, t, other, v.ID)
		}
		s.tickets[t] = v.ID
	}
}

// judgeTakenBack wants the site to have no units of a lease that its manager has
// heard to be over.
func (w *world) judgeTakenBack(p *process, id actors.ReservationID) {
	for _, s := range w.sites {
		v, ok := s.p.disk["reservation/"+string(id)].value.(authority.Reservation)
		if ok && v.Client == p.ID && v.Units.Len() > 0 && v.Status.State != actors.Failed {
			w.fail(saysTakenBack, "%s: %s, but %s is %v with %d units", p.Name, id, s.p.Name, v.Status, v.Units.Len())
		}
	}
}

// obeyed judges a message that an actor took.
func (w *world) obeyed(to, from *process, m actors.Message) {
	var whose actors.ActorID
	switch v := to.disk["reservation/"+string(m.Reservation)].value.(type) {
	case manager.Reservation:
		whose = v.Broker
		if m.Op == actors.OpUpdateLease {
			whose = v.Authority.ID
		}
	case broker.Reservation:
		whose = v.Client
	case authority.Reservation:
		whose = v.Client
	default:
		b := w.bought[boughtKey{to.ID, m.Reservation}]
		if b == nil {
			return
		}
		whose = b.from
	}
	if whose != from.ID {
		w.fail(saysClient, "%s takes %s from %s, its peer is %s", to.Name, about(m), from.Name, w.nameOf(whose))
	}
}

// judgeOwed wants everything that a process finds on its disk to be under way once
// it has recovered: requests that wait for an answer, and actions for a result.
func (w *world) judgeOwed(p *process) {
	for _, k := range p.disk.keys() {
		var units actors.Units
		switch v := p.disk[k].value.(type) {
		case manager.Reservation:
			units = v.Held
			switch v.Status.Pending {
			case actors.Ticketing, actors.ExtendingTicket, actors.Redeeming, actors.ExtendingLease, actors.ModifyingLease:
				w.judgeAsked(p, v.ID, v.Status)
			}
			if v.Status.State == actors.CloseWait || v.Unclosed {
				w.judgeAsked(p, v.ID, v.Status)
			}
		case authority.Reservation:
			units = v.Units
		case broker.Holding:
			if v.Status.Pending != actors.None {
				w.judgeAsked(p, v.ID(), v.Status)
			}
		}
		for u := range units.All() {
			if u.State.Pending() && !p.hands.owes(*u) {
				w.fail(saysOwed, "%s: %s of %s is %v #%d, and nothing is under way", p.Name, short(u.ID), k, u.State, u.Sequence)
			}
		}
	}
}

func (w *world) judgeAsked(p *process, id actors.ReservationID, status fmt.Stringer) {
	for _, l := range p.lanes {
		for _, it := range l.waiting {
			if it.msg.Reservation == id {
				return
			}
		}
	}
	w.fail(saysOwed, "%s: %s is %v, and nobody was asked", p.Name, id, status)
}

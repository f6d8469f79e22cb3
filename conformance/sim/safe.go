package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/fsm"
	"github.com/leasehold/leasehold/actors/manager"
)

// legal is the moves of each role as they are shown to watchers: "from > to".
func legalMoves() map[actors.Role]map[string]bool {
	return map[actors.Role]map[string]bool{
		actors.RoleManager: moveNames(manager.Moves), actors.RoleBroker: moveNames(broker.Moves, broker.HoldingMoves),
		actors.RoleAuthority: moveNames(authority.Moves),
	}
}

func moveNames[S comparable](tables ...fsm.Table[S]) map[string]bool {
	out := map[string]bool{}
	for _, t := range tables {
		for _, row := range t.Rows() {
			for _, to := range row.To {
				out[fmt.Sprintf("%v > %v", row.State, to)] = true
			}
		}
	}
	return out
}

// moved judges a transition that a machine reports.
func (w *world) moved(p *process, t actors.Transition) {
	if !w.legal[p.role][t.From+" > "+t.To] || strings.HasPrefix(t.Why, "defect") {
		w.fail(saysLegal, "%s: %s moves from %s to %s: %s", p.Name, t.Reservation, t.From, t.To, t.Why)
	}
	w.counts.Moves++
	w.judgeClock(p, t)
	if s := w.siteOf[p.ID]; s != nil && strings.HasSuffix(t.To, ","+actors.Closing.String()) {
		s.ended[t.Reservation] = p.cycle()
	}
	if p.role != actors.RoleManager {
		return
	}
	w.judgeTurn(p, t)
	switch {
	case t.Why == "the site took the units back":
		w.judgeTakenBack(p, t.Reservation)
	case strings.Contains(t.From, "ModifyingLease") && t.To != "Failed,None,NoJoin":
		w.counts.Modified++
	case t.Why == "the site extended the lease":
		w.counts.Extended++
	case strings.HasPrefix(t.From, "Ticketed,Redeeming") && strings.HasPrefix(t.To, "Active"):
		w.counts.Leases++
	}
}

// refused judges an event that a machine did not take. A kind that is none means
// that the machine contradicted itself.
func (w *world) refused(p *process, ev actors.Event, err error) {
	if actors.KindOf(err) == actors.Other {
		w.fail(saysLegal, "%s: %s: %v", p.Name, describe(ev), err)
	}
}

// saved judges records that were made durable together.
func (w *world) saved(p *process, records []actors.Record) {
	var touched []*account
	for _, rec := range records {
		switch v := rec.Value.(type) {
		case nil:
			w.forgot[p.Name+" "+rec.Key] = true
			w.forgets(p, actors.ReservationID(strings.TrimPrefix(rec.Key, "reservation/")))
			if s := w.siteOf[p.ID]; s != nil {
				id := actors.ReservationID(strings.TrimPrefix(rec.Key, "reservation/"))
				maps.DeleteFunc(s.tickets, func(_ actors.TicketID, by actors.ReservationID) bool { return by == id })
			}
		case manager.Reservation:
			w.remember(p, v.ID, v.Status.State, v.TicketSeq, v.LeaseSeq)
		case broker.Reservation:
			w.remember(p, v.ID, v.Status.State, v.Sequence, 0)
			touched = append(touched, w.noteGrant(p, v))
		case broker.Holding:
			w.noteHolding(p, v)
		case actors.Evidence:
			w.judgeAccusation(p, v)
		case authority.Reservation:
			w.remember(p, v.ID, v.Status.State, v.Sequence, 0)
			s := w.siteOf[p.ID]
			s.judgeTickets(v)
			touched = append(touched, s.noteHolds(v))
			s.judgeUnits(v)
		}
	}
	for i, a := range touched {
		if a != nil && !slices.Contains(touched[:i], a) {
			a.judge(w, p)
		}
	}
}

// said is the last request of one reservation in one direction.
type said struct {
	sequence int
	what     string
}

// emitted judges a message that an actor sends: the numbers of its requests, and
// that its disk knows what it says.
func (w *world) emitted(p *process, m actors.Message) {
	w.explained(p, m)
	if p.role == actors.RoleManager && m.Op == actors.OpRelinquish {
		w.judgeGivenBack(p, m.Reservation)
	}
	if p.role != actors.RoleManager && !asksOthers(p, m) {
		return
	}
	key := fmt.Sprintf("%s %s %s", p.ID, m.To, m.Reservation)
	what := fmt.Sprintf("%v %s %d %v %v", m.Op, m.Type, m.Units, m.Term, m.Slice)
	if m.Ticket != nil {
		what += " " + string(m.Ticket.ID)
	}
	for _, k := range m.Properties.Keys() {
		what += " " + k + "=" + m.Properties[k]
	}
	last, ok := w.said[key]
	switch {
	case ok && m.Sequence < last.sequence:
		w.fail(saysSequence, "%s sends %s after #%d", p.Name, about(m), last.sequence)
	case ok && m.Sequence == last.sequence && what != last.what:
		w.fail(saysSequence, "%s sends %q and %q both as #%d", p.Name, last.what, what, m.Sequence)
	}
	w.said[key] = said{m.Sequence, what}
	if p.role == actors.RoleBroker && m.Op == actors.OpRelinquish {
		w.gaveBack(p, m.Reservation)
	}
}

// explained wants the record behind a message on the disk of its sender, at least
// as far as the message goes.
func (w *world) explained(p *process, m actors.Message) {
	if b := w.bought[boughtKey{p.ID, m.Reservation}]; b != nil && asksOthers(p, m) {
		if m.Sequence > b.sequence {
			w.fail(saysExplained, "%s says %s, but its record knows #%d", p.Name, about(m), b.sequence)
		}
		return
	}
	key := "reservation/" + string(m.Reservation)
	switch {
	case m.Op == actors.OpClaim:
		key = "claim/" + string(m.Reservation)
	case m.Op == actors.OpUpdateTicket && p.role == actors.RoleAuthority:
		key = "export/" + string(m.Reservation)
	}
	rec, ok := p.disk[key]
	switch {
	case w.forgot[p.Name+" "+key]: // perhaps it began anew meanwhile
		return
	case !ok:
		w.fail(saysExplained, "%s says %s and has no record of it", p.Name, about(m))
		return
	}
	fail := func(what string) { w.fail(saysExplained, "%s says %s, but %s", p.Name, about(m), what) }
	switch v := rec.value.(type) {
	case manager.Reservation:
		seq := v.TicketSeq
		switch m.Op {
		case actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose:
			seq = v.LeaseSeq
		}
		if m.Sequence > seq {
			fail(fmt.Sprintf("its record knows #%d", seq))
		}
	case broker.Reservation:
		if m.Sequence > v.Sequence {
			fail(fmt.Sprintf("its record knows #%d", v.Sequence))
		}
		if m.Ticket == nil {
			return
		}
		for n := 1; n <= v.Grants; n++ {
			if m.Ticket.ID == actors.TicketID(actors.DeriveID("ticket", string(p.ID), string(v.Client), string(v.ID), fmt.Sprint(n))) {
				return
			}
		}
		fail(fmt.Sprintf("its record knows no such ticket among %d", v.Grants))
	case authority.Reservation:
		if m.Sequence > v.Sequence {
			fail(fmt.Sprintf("its record knows #%d", v.Sequence))
		}
		if m.Lease == nil {
			return
		}
		made := map[actors.UnitID]bool{}
		for n := 1; n <= v.Made; n++ {
			made[actors.UnitID(actors.DeriveID("unit", string(p.ID), string(v.Client), string(v.ID), fmt.Sprint(n)))] = true
		}
		for _, u := range m.Lease.Units {
			if !made[u.ID] {
				fail("its record knows no unit " + short(u.ID))
			}
		}
	}
}

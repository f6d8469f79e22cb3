package sim

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/manager"
)

// judgeWaits wants every reservation that has moved to say what it waits for, until when,
// and what it does next by itself; and its actor to have asked to be woken for that.
func (w *world) judgeWaits(p *process, now actors.Cycle, moves []actors.Transition) {
	for i, t := range moves {
		if i+1 < len(moves) && moves[i+1].Reservation == t.Reservation {
			continue
		}
		v, known := p.machine.View(t.Reservation)
		if !known || v.State == actors.Closed.String() {
			continue
		}
		waits := v.Pending != actors.None.String() || v.Join != "" && v.Join != actors.NoJoin.String() || v.State == actors.CloseWait.String()
		failed := v.State == actors.Failed.String() && p.role != actors.RoleAuthority
		switch {
		case waits && !failed && v.Waiting == "", v.Next == "", v.NextAt == actors.Never,
			!failed && (v.Deadline == actors.Never || v.Deadline == 0 && w.cycles().Of(v.Term.End) > firstCycles):
			w.fail(saysWaits, "%s: %s is %s,%s,%s, waits for %q until cycle %d, and then %q at %d",
				p.Name, v.Reservation, v.State, v.Pending, v.Join, v.Waiting, v.Deadline, v.Next, v.NextAt)
		case p.wake > max(v.NextAt, now+1):
			w.fail(saysWaits, "%s: %s is to %q at cycle %d, and is not woken before %d", p.Name, v.Reservation, v.Next, v.NextAt, p.wake)
		}
	}
}

// firstCycles is so many that no deadline of a term that ends behind them is in cycle 0.
const firstCycles actors.Cycle = 8

// judgeGivenBack wants what a manager gives back to be out of use at its site: the broker
// may sell it at once. A site that has not answered is waited for until its term has long
// been over by the manager's clock.
func (w *world) judgeGivenBack(p *process, id actors.ReservationID) {
	r, _ := p.disk["reservation/"+string(id)].value.(manager.Reservation)
	s := w.siteOf[r.Authority.ID]
	if s == nil || r.Ticket == nil || p.cycle() > w.cycles().Of(r.Ticket.Term.End)+w.cfg.Margins.Grace {
		return
	}
	if v, ok := s.p.disk["reservation/"+string(id)].value.(authority.Reservation); ok && v.Client == p.ID && v.Released == 0 && v.Units.Len() > 0 {
		w.fail(saysGivenBack, "%s gives %s back in %v, and %s has it as %s with %d units", p.Name, id, r.Status, s.p.Name, v.Status, v.Units.Len())
	}
}

package sim

import (
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// joint is where one reservation stands at all who know it: the three machines of a
// lease, or the buyer's and the seller's of a holding (leasing 1.11). A machine that
// does not know it has a hyphen.
type joint struct {
	manager, broker, site string
}

const nowhere = "-"

// String is "manager / broker / site", each as the machines write their status.
func (j joint) String() string { return j.manager + " / " + j.broker + " / " + j.site }

// joints is every combination that a world was in, and when it was first.
type joints struct {
	now  map[actors.ReservationID]joint
	held map[actors.ReservationID]joint // of holdings, by their buyers' names for them; the buyer is "manager"
	seen map[string]float64             // seconds since the world's start
}

func newJoints() joints {
	return joints{now: map[actors.ReservationID]joint{}, held: map[actors.ReservationID]joint{}, seen: map[string]float64{}}
}

// stepped takes in the moves of one step of one actor. What a broker or a site passes
// through within a step is nowhere to be seen, neither on a disk nor by a peer, and
// does not count; a manager's does, because its documents name it (leasing 1.3.2 S4).
func (w *world) stepped(p *process, moves []actors.Transition) {
	for i, t := range moves {
		last := true
		for _, later := range moves[i+1:] {
			last = last && later.Reservation != t.Reservation
		}
		if p.role != actors.RoleManager && !last {
			continue
		}
		if p.role == actors.RoleManager {
			if _, known := w.joints.now[t.Reservation]; !known {
				w.stands(p, t.Reservation, t.From)
			}
		}
		w.stands(p, t.Reservation, t.To)
	}
}

// stands notes where an actor has a reservation.
func (w *world) stands(p *process, id actors.ReservationID, status string) {
	of, buys := w.joints.now, w.buyer[id] == p
	if name, sold := w.wire[id]; buys || sold {
		of = w.joints.held
		if !buys {
			id = name
		}
	}
	j, ok := of[id]
	if !ok {
		j = joint{nowhere, nowhere, nowhere}
	}
	switch {
	case buys && status == "Nascent,None": // another turn, of which the seller knows nothing
		j = joint{status, nowhere, nowhere}
	case buys || p.role == actors.RoleManager:
		j.manager = status
	case p.role == actors.RoleBroker:
		j.broker = status
	default:
		j.site = status
	}
	of[id] = j
	text := j.String()
	if j.manager == nowhere { // nobody's: an attacker's, or its client has forgotten it
		return
	}
	if buys || w.buyer[id] != nil {
		text = "buyer " + strings.TrimSuffix(text, " / "+nowhere)
	}
	if _, seen := w.joints.seen[text]; !seen {
		w.joints.seen[text] = seconds(w.now)
	}
}

// forgets notes that an actor knows a reservation no more.
func (w *world) forgets(p *process, id actors.ReservationID) {
	if j, ok := w.joints.now[id]; ok {
		switch p.role {
		case actors.RoleManager:
			delete(w.joints.now, id)
			return
		case actors.RoleBroker:
			j.broker = nowhere
		case actors.RoleAuthority:
			j.site = nowhere
		}
		w.joints.now[id] = j
	}
}

// returns takes in what a machine knows after a restart.
func (w *world) returns(p *process) {
	for _, v := range p.machine.Views() {
		status := v.State + "," + v.Pending
		if v.Join != "" {
			status += "," + v.Join
		}
		w.stands(p, v.Reservation, status)
	}
}

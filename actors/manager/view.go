package manager

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// View shows one reservation (actors.Viewer).
func (a *Actor) View(id actors.ReservationID) (actors.View, bool) {
	r, ok := a.book[id]
	if !ok {
		return actors.View{}, false
	}
	return a.view(r), true
}

// Views shows all reservations in order of their names (actors.Viewer).
func (a *Actor) Views() []actors.View {
	out := make([]actors.View, 0, len(a.book))
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		out = append(out, a.view(a.book[id]))
	}
	return out
}

func (a *Actor) view(r Reservation) actors.View {
	v := actors.View{Reservation: r.ID, Slice: r.Slice, Role: actors.RoleManager.String(),
		State: r.Status.State.String(), Pending: r.Status.Pending.String(), Join: r.Status.Join.String(),
		Type: r.Type, Units: r.Units, Term: r.Term, Client: a.config.Self, Broker: r.Broker, Authority: r.Authority.ID,
		Held: r.Held.List(), TicketSeq: r.TicketSeq, LeaseSeq: r.LeaseSeq, Since: r.Since, Error: r.Error, After: r.After, Waiting: a.waiting(r)}
	if a.incomplete(r) {
		v.Waiting = "the tickets of its group"
	}
	if next := r.next(a.config.Rules); next.do != doNothing {
		v.Next, v.NextAt = deedNames[next.do], next.at
	}
	for _, t := range r.timers(a.config.Rules) {
		if ends := t.do == doGiveUp || t.do == doClose; ends && (v.Deadline == 0 || t.at < v.Deadline) {
			v.Deadline = t.at
		}
	}
	return v
}

// waiting says whom a reservation waits for.
func (a *Actor) waiting(r Reservation) string {
	if why := r.blocked(a.config.Rules); why != "" {
		return why
	}
	switch op, _, _ := r.request(); op {
	case actors.OpTicket, actors.OpExtendTicket:
		return "broker " + string(r.Broker)
	case actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose:
		return "site " + r.Authority.Name
	}
	switch r.Status {
	case ticketed:
		return "its start"
	case activeTicketed, activeTicketedB:
		return "its extension's start"
	case closing:
		return "units to leave"
	}
	return r.underway()
}

// underway says which units are on their way into the guest or out of it.
func (r Reservation) underway() string {
	in, out := 0, 0
	for u := range r.Held.All() {
		switch u.State {
		case actors.UnitPriming:
			in++
		case actors.UnitClosing:
			out++
		}
	}
	switch {
	case in > 0 && out > 0:
		return fmt.Sprintf("%d units to join and %d to leave", in, out)
	case in > 0:
		return fmt.Sprintf("%d units to join", in)
	case out > 0:
		return fmt.Sprintf("%d units to leave", out)
	}
	return ""
}

package manager

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// An extension may be granted for fewer units than are held. Those it is without leave
// the guest just before the old term ends, as all units do before a close, and the
// site is told which they are: it tears down no unit that somebody still uses
// (leasing 3.4, paper B 3.4).

// surplus is the units that the newest ticket is without and that have not begun to
// leave.
func (r Reservation) surplus() []actors.UnitID {
	if r.Ticket == nil || len(r.Held) <= r.Ticket.Units {
		return nil
	}
	stay := make([]actors.UnitID, 0, len(r.Held))
	for _, u := range r.Held {
		if u.State != actors.UnitClosing {
			stay = append(stay, u.ID)
		}
	}
	return actors.Surplus(stay, r.Ticket.Units, r.Victims)
}

// shed lets the surplus leave.
func (s *step) shed() {
	gone := s.surplus()
	if len(gone) == 0 {
		return
	}
	s.Shed, s.changed = append(slices.Clone(s.Shed), gone...), true
	held := make([]actors.Unit, 0, len(s.Held))
	leaves := make(map[actors.UnitID]bool, len(gone))
	for _, id := range gone {
		leaves[id] = true
	}
	for _, u := range s.Held {
		if leaves[u.ID] {
			if u.State == actors.UnitDefault {
				continue // it never joined
			}
			u.State, u.Sequence = actors.UnitClosing, u.Sequence+1
		}
		held = append(held, u)
	}
	s.Held, s.owned = held, true
	if s.Status.Join == actors.NoJoin {
		s.move(at(s.Status.State, s.Status.Pending, actors.Joining), "the extension is for fewer units")
	}
}

// reported is what a site says of a lease, without the units that were shed: until it
// has taken the extension in, it goes on naming them.
func (s *step) reported(units []actors.Unit) []actors.Unit {
	if len(s.Shed) == 0 {
		return units
	}
	away := make(map[actors.UnitID]bool, len(s.Shed))
	for _, id := range s.Shed {
		away[id] = true
	}
	for _, u := range s.Held {
		delete(away, u.ID) // it has not left yet
	}
	return slices.DeleteFunc(slices.Clone(units), func(u actors.Unit) bool { return away[u.ID] })
}

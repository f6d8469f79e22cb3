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
	if r.Ticket == nil || r.Held.Len() <= r.Ticket.Units {
		return nil
	}
	stay := make([]actors.UnitID, 0, r.Held.Len())
	for u := range r.Held.All() {
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
	leaves := make(map[actors.UnitID]bool, len(gone))
	for _, id := range gone {
		leaves[id] = true
	}
	s.Held.Keep(func(u *actors.Unit) bool { return !leaves[u.ID] || u.State != actors.UnitDefault }) // those never joined
	s.Held.Change(func(u *actors.Unit) bool { return leaves[u.ID] }, leave)
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
	for u := range s.Held.All() {
		delete(away, u.ID) // it has not left yet
	}
	return slices.DeleteFunc(slices.Clone(units), func(u actors.Unit) bool { return away[u.ID] })
}

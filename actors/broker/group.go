package broker

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// A request group is granted as one, or not at all (leasing 4.8.4). The policy
// finds the start; what is here keeps the promise when a member goes away, comes
// late, or is decided otherwise than the rest. Which members there are follows from
// the reservations, so that a restart remembers it.

// groups lists the reservations that are or were members of each group.
type groups map[string]map[actors.ReservationID]bool

// put moves a reservation from the group it was in to the one it is in.
func (g groups) put(id actors.ReservationID, was, is string) {
	if was == is {
		return
	}
	if delete(g[was], id); len(g[was]) == 0 {
		delete(g, was)
	}
	if is == "" {
		return
	}
	if g[is] == nil {
		g[is] = map[actors.ReservationID]bool{}
	}
	g[is][id] = true
}

// members lists a group's, in order of their names.
func (g groups) members(name string) []actors.ReservationID {
	return slices.Sorted(maps.Keys(g[name]))
}

// late says why a new member cannot be part of its group any more; nothing if it
// still can.
func (a *Actor) late(r Reservation) string {
	for _, id := range a.groups.members(r.Group) {
		switch o := a.book[id]; {
		case id == r.ID:
		case o.Granted != nil:
			return fmt.Sprintf("group %q has been granted without it; another one needs another groupID", r.Request["groupID"])
		case o.Status == failed || o.Status == closed:
			return fmt.Sprintf("%s of group %q was refused or withdrawn before; try again with another groupID", id, r.Request["groupID"])
		}
	}
	return ""
}

// short reports whether a reservation waits for other members of its group.
func (a *Actor) short(r Reservation) bool {
	if r.Group == "" || r.Granted != nil {
		return false
	}
	waiting, count := 0, 0
	for id := range a.groups[r.Group] {
		count = max(count, a.book[id].ask().LeaseCount())
		if a.asks[id] {
			waiting++
		}
	}
	return count == 0 || waiting < count
}

// disband refuses those who wait for a member that is no longer there.
func (a *Actor) disband(now actors.Cycle, r Reservation) actors.Effects {
	var fx actors.Effects
	if r.Group == "" || r.Granted != nil || r.Status != failed && r.Status != closed {
		return fx
	}
	for _, id := range a.groups.members(r.Group) {
		if !a.asks[id] || a.book[id].Granted != nil {
			continue
		}
		why := fmt.Sprintf("%s, of its group, was refused or withdrawn", r.ID)
		fx.Join(a.must(now, a.book[id], func(s *step) { s.decide(a.config.Self, policy.Decision{Reservation: id, Why: why}, "", 0) }))
	}
	return fx
}

// whole makes a round's decisions about groups agree: all members of a group are
// granted and fit together, with one start, or none is. A mistaken policy can
// refuse too much, but it cannot break a group.
func (a *Actor) whole(decided []policy.Decision) []policy.Decision {
	if len(a.groups) == 0 {
		return decided
	}
	byGroup := map[string][]int{}
	for i, d := range decided {
		if r := a.book[d.Reservation]; r.Group != "" && r.Granted == nil && a.asks[r.ID] && !d.Waits {
			byGroup[r.Group] = append(byGroup[r.Group], i)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(byGroup)) {
		members := byGroup[group]
		if why := a.apart(group, decided, members); why != "" {
			for _, i := range members {
				decided[i] = policy.Decision{Reservation: decided[i].Reservation, Why: why, Reason: decided[i].Reason}
			}
		}
	}
	return decided
}

// apart says why the decisions about a group's members are not one; nothing if
// they are, or if nobody is granted anything.
func (a *Actor) apart(group string, decided []policy.Decision, members []int) string {
	granted, count := 0, 0
	for _, id := range a.groups.members(group) {
		count = max(count, a.book[id].ask().LeaseCount())
	}
	b := a.trial()
	start := actors.Millis(0)
	for _, i := range members {
		d := decided[i]
		if !d.Granted {
			continue
		}
		if granted++; granted > 1 && d.Term.Start != start {
			return "its group was not granted with one start"
		}
		start = d.Term.Start
		if !b.fits(a.book[d.Reservation], d) {
			return "insufficient resources for its group"
		}
	}
	switch {
	case granted == 0:
		return ""
	case granted < len(members), granted < count, count == 0:
		return "its group was not granted as a whole"
	}
	return ""
}

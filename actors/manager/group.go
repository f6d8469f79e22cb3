package manager

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// A request group is leases that are granted with one start, or not at all. Their
// broker sees to that (leasing 4.8.4); the manager asks for all of them in one
// step, redeems none before each has its ticket, and takes the rest back when one
// is refused or withdrawn (leasing 4.4). Which members there are follows from the
// reservations' own properties.

// groups lists the members of each group.
type groups map[string]map[actors.ReservationID]bool

func groupOf(r Reservation) string { return r.Request["groupID"] }

func (g groups) put(r Reservation) {
	name := groupOf(r)
	if name == "" {
		return
	}
	if g[name] == nil {
		g[name] = map[actors.ReservationID]bool{}
	}
	g[name][r.ID] = true
}

func (g groups) drop(r Reservation) {
	name := groupOf(r)
	if delete(g[name], r.ID); len(g[name]) == 0 {
		delete(g, name)
	}
}

func (g groups) members(name string) []actors.ReservationID {
	return slices.Sorted(maps.Keys(g[name]))
}

// requestGroup opens all members of a group, or none.
func (a *Actor) requestGroup(now actors.Cycle, ev actors.RequestGroup) (actors.Effects, error) {
	refuse := func(format string, args ...any) (actors.Effects, error) {
		return actors.Effects{}, a.refuse("requestGroup", "", actors.Invalid, fmt.Sprintf(format, args...))
	}
	if ev.Group == "" {
		return refuse("a group needs a name")
	}
	if n := len(ev.Requests); n < 1 || n > policy.MaxGroup {
		return refuse("a group of %d requests; it has 1 to %d", n, policy.MaxGroup)
	}
	named := map[actors.ReservationID]bool{}
	var fresh []Reservation
	for i, req := range ev.Requests {
		own := actors.Properties{"groupID": ev.Group}
		if i == 0 {
			own["leaseCount"] = strconv.Itoa(len(ev.Requests))
		}
		ask := policy.Ask{Units: req.Units, Properties: req.Request}
		if _, elastic := ask.Elastic(); elastic {
			return refuse("%s is elastic; members of a group cannot be", req.Reservation)
		}
		req.Request = req.Request.Merged(own)
		if named[req.Reservation] {
			return refuse("%s is named twice", req.Reservation)
		}
		named[req.Reservation] = true
		r, known, err := a.check(now, Reservation{}, req)
		if err != nil {
			return actors.Effects{}, err
		}
		if known && groupOf(a.book[req.Reservation]) != ev.Group {
			return refuse("%s is there already, and not of group %q", req.Reservation, ev.Group)
		}
		if !known {
			fresh = append(fresh, r)
		}
		if b := brokerOf(req.Broker, a.config.Broker); b != brokerOf(ev.Requests[0].Broker, a.config.Broker) {
			return refuse("%s is for another broker than %s; one broker grants a group, over as many types and sites as it sells",
				req.Reservation, ev.Requests[0].Reservation)
		}
	}
	if len(fresh) == 0 {
		return actors.Effects{}, nil // asked twice
	}
	for _, id := range a.groups.members(ev.Group) {
		if !named[id] {
			return refuse("there is another group %q, with %s in it", ev.Group, id)
		}
	}
	if len(fresh) < len(ev.Requests) {
		return refuse("only some of group %q are there already", ev.Group)
	}
	var fx actors.Effects
	for _, r := range fresh {
		one, err := a.step(now, r, actors.Request{})
		if err != nil {
			one = actors.Defect(r.ID, r.Status.String(), err)
		}
		fx.Join(one)
	}
	return fx, nil
}

// brokerOf is the broker a request goes to.
func brokerOf(named, usual actors.ActorID) actors.ActorID {
	if named == "" {
		return usual
	}
	return named
}

// disband gives back what the other members of a group have, when one of them came
// to nothing before its ticket.
func (a *Actor) disband(now actors.Cycle, r Reservation) actors.Effects {
	var fx actors.Effects
	if r.Ticket != nil || r.Status != failed && r.Status != closed {
		return fx
	}
	for _, id := range a.groups.members(groupOf(r)) {
		if o := a.book[id]; id != r.ID && (o.Status == ticketing || o.Status == ticketed) {
			one, err := a.step(now, o, actors.Close{Reservation: id})
			if err != nil {
				one = actors.Defect(id, o.Status.String(), err)
			}
			fx.Join(one)
		}
	}
	return fx
}

// incomplete reports whether a ticket has to wait for those of its group.
func (a *Actor) incomplete(r Reservation) bool {
	name := groupOf(r)
	if r.Status != ticketed || name == "" {
		return false
	}
	for id := range a.groups[name] {
		if a.book[id].Status == ticketing || a.book[id].Status == asked {
			return true
		}
	}
	return false
}

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

// together makes the requests of an event members of its group, or says why they
// cannot be.
func (a *Actor) together(ev actors.RequestGroup) ([]actors.Request, error) {
	refuse := func(format string, args ...any) ([]actors.Request, error) {
		return nil, a.refuse("requestGroup", "", actors.Invalid, fmt.Sprintf(format, args...))
	}
	if len(ev.Requests) == 0 {
		return refuse("a group of nobody")
	}
	out := slices.Clone(ev.Requests)
	named, known := map[actors.ReservationID]bool{}, 0
	for i := range out {
		req := &out[i]
		if _, elastic := (policy.Ask{Units: req.Units, Properties: req.Request}).Elastic(); elastic {
			return refuse("%s is elastic; members of a group cannot be", req.Reservation)
		}
		own := actors.Properties{"groupID": ev.Together}
		if i == 0 {
			own["leaseCount"] = strconv.Itoa(len(out))
		}
		req.Request = req.Request.Merged(own)
		if req.Broker == "" {
			req.Broker = a.config.Broker
		}
		if req.Broker != out[0].Broker {
			return refuse("%s is for another broker than %s; one broker grants a group, over as many types and sites as it sells",
				req.Reservation, out[0].Reservation)
		}
		named[req.Reservation] = true
		if old, ok := a.book[req.Reservation]; ok {
			if known++; groupOf(old) != ev.Together {
				return refuse("%s is there already, and not of group %q", req.Reservation, ev.Together)
			}
		}
	}
	for _, id := range a.groups.members(ev.Together) {
		if !named[id] {
			return refuse("there is another group %q, with %s in it", ev.Together, id)
		}
	}
	if known > 0 && known < len(out) {
		return refuse("only some of group %q are there already", ev.Together)
	}
	return out, nil
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

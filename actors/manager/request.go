package manager

import (
	"cmp"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/policy"
)

// maxGroup bounds one group of requests.
const maxGroup = policy.MaxGroup

// request opens a reservation.
func (a *Actor) request(now actors.Cycle, ev actors.Request) (actors.Effects, error) {
	return a.open(now, Reservation{}, []actors.Request{ev})
}

// requestGroup opens reservations, all of them or none.
func (a *Actor) requestGroup(now actors.Cycle, ev actors.RequestGroup) (actors.Effects, error) {
	if ev.Together == "" {
		return a.open(now, Reservation{}, ev.Requests)
	}
	members, err := a.together(ev)
	if err != nil {
		return actors.Effects{}, err
	}
	return a.open(now, Reservation{}, members)
}

// open opens reservations, all of them or none. Those it knows are as asked before,
// or another one has their name. Whose they are beside the requests is in from.
func (a *Actor) open(now actors.Cycle, from Reservation, group []actors.Request) (actors.Effects, error) {
	if len(group) > maxGroup {
		return actors.Effects{}, a.refuse("request", "", actors.Invalid, fmt.Sprintf("%d requests are over the limit of %d", len(group), maxGroup))
	}
	fresh := make([]actors.Request, 0, len(group))
	named := map[actors.ReservationID]bool{}
	for _, ev := range group {
		if ev.Broker == "" {
			ev.Broker = a.config.Broker
		}
		if named[ev.Reservation] {
			return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, "two requests of the group have this name")
		}
		named[ev.Reservation] = true
		if old, ok := a.book[ev.Reservation]; ok {
			if old.Slice != ev.Slice || old.Type != ev.Type || old.Broker != ev.Broker {
				return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, "another reservation has this name")
			}
			continue // asked twice
		}
		if a.parts[ev.Reservation] != nil {
			return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid,
				"a reservation of this name has been set aside: mend its record, or drop it")
		}
		fresh = append(fresh, ev)
	}
	for _, ev := range fresh {
		if why := a.impossible(now, ev, named); why != "" {
			return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, why)
		}
	}
	if cycle := actors.FindCycle(fresh); cycle != "" {
		return actors.Effects{}, a.refuse("request", "", actors.Invalid, "the group has a cycle: "+cycle)
	}
	var fx actors.Effects
	for _, ev := range fresh {
		one, err := a.step(now, Reservation{ID: ev.Reservation, Slice: ev.Slice, Broker: ev.Broker, Status: asked, Type: ev.Type,
			Units: ev.Units, Term: ev.Term, Request: ev.Request, Config: ev.Config, Local: ev.Local, After: ev.After,
			Renewable: ev.Renewable, Guest: from.Guest, Number: from.Number, Since: now}, ev)
		if err != nil { // nothing was left to refuse
			one = actors.Defect(ev.Reservation, asked.String(), err)
		}
		fx.Join(one)
	}
	return fx, nil
}

// impossible says why a request can never lead to anything; empty if it can.
func (a *Actor) impossible(now actors.Cycle, ev actors.Request, group map[actors.ReservationID]bool) string {
	if ev.Broker == "" {
		return "no broker was named and there is no default"
	}
	if err := cmp.Or(check.Named("reservation", string(ev.Reservation), "say what the request is called"),
		check.Named("slice", string(ev.Slice.ID), "say for whom the units are"), check.Units(ev.Units), check.Type(ev.Type, nil),
		check.Term(a.config.Cycles.End(now), ev.Term)); err != nil {
		return err.Error()
	}
	if err := policy.Check(ev.Request, ev.Units); err != nil {
		return err.Error()
	}
	if err := actors.CheckPredecessors(ev.Reservation, ev.After); err != nil {
		return err.Error()
	}
	for _, e := range ev.After {
		if p, ok := a.book[e.Reservation]; !ok && !group[e.Reservation] {
			return fmt.Sprintf("it is to come after %s, and there is no such reservation", e.Reservation)
		} else if ok && e.Required && p.standing() == over {
			return fmt.Sprintf("it is to come after %s, which is %v", e.Reservation, p.Status.State)
		}
	}
	return ""
}

package manage

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// Group asks for several reservations at once: all are made, or none.
type Group struct {
	// Actor is the service manager, as in Ref. It may be empty if there is only one.
	// The orders name none.
	Actor  string  `json:"actor,omitempty"`
	Orders []Order `json:"orders"`
	// Together makes their broker grant all with one start, or none. They go to one
	// broker, and none of them is elastic.
	Together bool `json:"together,omitempty"`
}

// After says what an order waits for (leasing 1.4).
type After struct {
	// Order is the name of another order of the group; Reservation is one that the
	// manager has, as in Ref. Exactly one of them is given.
	Order       string `json:"order,omitempty"`
	Reservation string `json:"reservation,omitempty"`
	// Gate is "redeem", which is the default, or "join".
	Gate string `json:"gate,omitempty"`
	// Pass says which properties are passed on, from the predecessor's names to the
	// successor's, where an empty name keeps the name. Absent passes everything on
	// under "predecessor." and the name; an empty object passes nothing on.
	Pass map[string]string `json:"pass"`
	// Joined makes a redeem gate wait until the predecessor's units have joined.
	Joined bool `json:"joined,omitempty"`
	// Required ends the reservation when the predecessor is over before its gate
	// opens; without it such a predecessor is passed over.
	Required bool `json:"required,omitempty"`
}

// maxOrders bounds a group.
const maxOrders = 1000

// RequestGroup checks the orders, fills in what was left out and asks the manager.
func (l *Local) RequestGroup(ctx context.Context, g Group) ([]Reservation, error) {
	a, ev, err := l.group(ctx, "manage.requestGroup", g)
	if err != nil {
		return nil, err
	}
	events := ev.Requests
	if err := a.Host.Ask(ctx, ev); err != nil {
		return nil, err
	}
	out := make([]Reservation, len(events))
	n := l.names()
	for i, ev := range events {
		out[i] = proposed(n, a, ev)
	}
	err = l.inspect(ctx, a, func(v actors.Viewer) {
		for i, ev := range events {
			if view, ok := v.View(ev.Reservation); ok {
				out[i] = render(n, a, view)
			}
		}
	})
	return out, err
}

// group is the event that a group means, for which manager, or everything that is
// wrong with it.
func (l *Local) group(ctx context.Context, op string, g Group) (Actor, actors.RequestGroup, error) {
	fail := func(err error) (Actor, actors.RequestGroup, error) { return Actor{}, actors.RequestGroup{}, err }
	a, err := l.buyer(op, g.Actor)
	if err != nil {
		return fail(err)
	}
	if a.Role != actors.RoleManager {
		return fail(invalid(op, "only a service manager takes groups"))
	}
	if n := len(g.Orders); n < 1 || n > maxOrders {
		return fail(invalid(op, fmt.Sprintf("%d orders, not 1 to %d", n, maxOrders)))
	}
	var problems []string
	events := make([]actors.Request, len(g.Orders))
	ids := map[string]actors.ReservationID{} // by the order's name
	labels := make([]string, len(g.Orders))
	now := l.now()
	for i, o := range g.Orders {
		labels[i] = o.Name
		if o.Name == "" {
			labels[i] = fmt.Sprintf("order %d", i+1)
		}
		if _, twice := ids[labels[i]]; twice {
			problems = append(problems, fmt.Sprintf("two orders are called %q", labels[i]))
		}
		if o.Actor != "" {
			problems = append(problems, labels[i]+": the manager is named once, for the group")
		}
		o.After = nil // they name each other: see below
		ev, bad := l.request(ctx, a, o, now)
		for _, p := range bad {
			problems = append(problems, labels[i]+": "+p)
		}
		events[i], ids[labels[i]] = ev, ev.Reservation
	}
	for i, o := range g.Orders {
		for _, p := range o.After {
			e, err := l.predecessor(ctx, a, p, ids)
			if err != nil {
				problems = append(problems, labels[i]+": "+err.Error())
			}
			events[i].After = append(events[i].After, e)
		}
		if err := actors.CheckPredecessors(events[i].Reservation, events[i].After); err != nil && len(problems) == 0 {
			problems = append(problems, labels[i]+": "+err.Error())
		}
	}
	if cycle := named(events, ids); cycle != "" && len(problems) == 0 {
		problems = append(problems, "the group has a cycle: "+cycle)
	}
	if len(problems) > 0 {
		return fail(invalid(op, problems...))
	}
	ev := actors.RequestGroup{Requests: events}
	if g.Together {
		who := []string{"request group", string(a.Location.ID)} // given again, it is the same group
		for _, e := range events {
			who = append(who, string(e.Reservation))
		}
		ev.Together = actors.DeriveID(who...)
	}
	return a, ev, nil
}

// predecessor is what an order waits for, with the names resolved.
func (l *Local) predecessor(ctx context.Context, a Actor, p After, group map[string]actors.ReservationID) (actors.Predecessor, error) {
	e := actors.Predecessor{Gate: actors.Gate(p.Gate), Filter: maps.Clone(p.Pass), Joined: p.Joined, Required: p.Required}
	if p.Gate == "" {
		e.Gate = actors.RedeemGate
	}
	if err := properties("pass", p.Pass); err != nil {
		return e, err
	}
	switch {
	case (p.Order == "") == (p.Reservation == ""):
		return e, fmt.Errorf("after: give either an order of the group or a reservation")
	case p.Order != "":
		id, ok := group[p.Order]
		if !ok {
			return e, fmt.Errorf("after: no order is called %q%s", p.Order, check.Perhaps(p.Order, slices.Sorted(maps.Keys(group))))
		}
		e.Reservation = id
		return e, nil
	}
	_, r, err := l.find(ctx, "manage.request", Ref{Actor: string(a.Location.ID), Reservation: p.Reservation})
	if err != nil {
		return e, fmt.Errorf("after: %w", err)
	}
	e.Reservation = actors.ReservationID(r.Reservation)
	return e, nil
}

// named is a cycle among the requests in the words of their orders; empty if there is
// none.
func named(events []actors.Request, ids map[string]actors.ReservationID) string {
	names := map[actors.ReservationID]actors.ReservationID{}
	for label, id := range ids {
		names[id] = actors.ReservationID(label)
	}
	called := make([]actors.Request, len(events))
	for i, ev := range events {
		called[i].Reservation = names[ev.Reservation]
		for _, e := range ev.After {
			if label, ours := names[e.Reservation]; ours {
				called[i].After = append(called[i].After, actors.Predecessor{Reservation: label})
			}
		}
	}
	return actors.FindCycle(called)
}

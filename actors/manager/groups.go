package manager

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
)

// A reservation may come after others of the same manager: its redeem waits for
// predecessors to have leases, its units' join for predecessors to be active
// (leasing 1.4, paper B 3.5). Where a predecessor stands is looked up when it moves,
// so that nobody polls.

// standing is where a predecessor stands, for those behind it.
type standing uint8

const (
	onItsWay standing = iota // it will have a lease, or be over
	leased                   // it has a lease; its units have not all joined
	usable                   // and they have
	leaving                  // its units are leaving
	over                     // it has failed or is closed
)

func (r Reservation) standing() standing {
	switch r.Status.State {
	case actors.Active, actors.ActiveTicketed:
		switch {
		case r.Status.Pending == actors.Closing:
			return leaving
		case r.Status.Join == actors.NoJoin:
			return usable
		}
		return leased
	case actors.CloseWait:
		return leaving
	case actors.Closed, actors.Failed:
		return over
	}
	return onItsWay
}

// gate is the gate that a reservation stands before; empty for none.
func (r Reservation) gate() actors.Gate {
	switch r.Status.Join {
	case actors.BlockedRedeem:
		return actors.RedeemGate
	case actors.BlockedJoin:
		return actors.JoinGate
	}
	return ""
}

// opens reports whether a predecessor no longer keeps e's gate shut.
func opens(e actors.Predecessor, p Reservation) bool {
	switch p.standing() {
	case usable, over:
		return true
	case leased:
		return e.Gate == actors.RedeemGate && !e.Joined
	}
	return false
}

// blocked says what keeps a reservation's gate shut, for people; empty when nothing
// does. A predecessor that nobody knows any more was over long ago.
func (r Reservation) blocked(k Rules) string {
	gate := r.gate()
	if gate == "" {
		return ""
	}
	for _, e := range r.After {
		if e.Gate != gate || k.look == nil {
			continue
		}
		if p, ok := k.look(e.Reservation); ok && !opens(e, p) {
			what := "to be active"
			if gate == actors.RedeemGate && !e.Joined {
				what = "to be leased"
			}
			return fmt.Sprintf("reservation %s, which is %v, %s", e.Reservation, p.Status, what)
		}
	}
	return r.Hold
}

// pass reports whether the reservation may pass the gate it stands before. It then
// has what its predecessors pass on.
func (s *step) pass(gate actors.Gate) bool {
	var before []Reservation
	to := &s.Config
	if gate == actors.JoinGate {
		to = &s.Local
	}
	props := *to
	for _, e := range s.After {
		if e.Gate != gate || s.look == nil {
			continue
		}
		p, ok := s.look(e.Reservation)
		if ok && !opens(e, p) {
			return false
		}
		if ok && p.standing() != over {
			before = append(before, p)
			props = inherit(props, p, e.Filter)
		}
	}
	if !s.permit(gate, before, &props) {
		return false
	}
	*to, s.Hold, s.HoldUntil = props, "", 0
	return true
}

// orphaned ends a reservation whose predecessor was required and is over before the
// gate has opened.
func (s *step) orphaned() {
	for _, e := range s.After {
		if !e.Required || !s.before(e.Gate) || s.look == nil {
			continue
		}
		p, ok := s.look(e.Reservation)
		if !ok || p.standing() != over {
			continue
		}
		why := fmt.Sprintf("reservation %s, which it comes after, is %v", e.Reservation, p.Status.State)
		if s.Status == redeeming {
			s.Error = why
			s.close(why)
		} else {
			s.fail(why)
		}
		return
	}
}

// before reports whether the reservation has yet to pass the gate.
func (r Reservation) before(gate actors.Gate) bool {
	switch r.Status.State {
	case actors.Nascent:
		return true
	case actors.Ticketed:
		return r.Status != redeeming || gate == actors.JoinGate
	case actors.Active, actors.ActiveTicketed:
		return r.Status.Join == actors.BlockedJoin && gate == actors.JoinGate
	}
	return false
}

// passedPrefix stands before the names of what is passed on without a filter.
const passedPrefix = "predecessor."

// inherit is to with what a predecessor passes on (leasing 1.4): of its resource
// properties and its units', each name's values joined with commas, behind what to
// has under that name already.
func inherit(to actors.Properties, p Reservation, filter actors.Properties) actors.Properties {
	lists := []actors.Properties{p.Resource}
	for u := range p.Held.All() {
		if u.State != actors.UnitClosing {
			lists = append(lists, p.saved(*u))
		}
	}
	out := actors.Properties{}
	add := func(from, name string) {
		value, any := "", false
		for _, list := range lists {
			if v, ok := list[from]; ok {
				if any {
					value += ","
				}
				value, any = value+v, true
			}
		}
		if value == "" {
			return
		}
		if have, ok := out[name]; ok {
			value = have + "," + value
		} else if have, ok := to[name]; ok {
			value = have + "," + value
		}
		out[name] = value
	}
	if filter != nil {
		for _, from := range filter.Keys() {
			add(from, cmp.Or(filter[from], from))
		}
		return to.Merged(out)
	}
	var names []string
	for _, list := range lists {
		names = append(names, list.Keys()...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		add(name, passedPrefix+name)
	}
	return to.Merged(out)
}

// saved is a unit as its saved property list (leasing 5.3).
func (r Reservation) saved(u actors.Unit) actors.Properties {
	return u.Properties.Merged(actors.Properties{
		"unit.id": string(u.ID), "unit.state": strconv.Itoa(int(u.State)), "unit.resourceType": string(r.Type),
		"unit.rid": string(r.ID), "unit.sliceid": string(r.Slice.ID),
	})
}

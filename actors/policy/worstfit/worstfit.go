/*
Package worstfit takes units from where most is free.

Between sources that is the one with the most free units. On hosts of a source
(leasing 4.5.7) the units of a grant are spread, one on each host with the most
room, and again when there are more units than hosts. All units of a grant get the
same size: what they ask for at least, and as much more, up to what they can use,
as the fullest of their hosts has left.

Worst fit keeps load even and leaves every host a little room to grow into. It is
not for wide asks: the room is everywhere, and nowhere much of it.
*/
package worstfit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is worst fit, first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "worst fit: where most is free", Sources: emptiest, Hosts: Spread})
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

func emptiest(_ policy.Ask, term actors.Term, from []policy.Source) []string {
	free := func(s policy.Source) int { return s.Calendar.Free(term.NewStart, term.End) }
	slices.SortStableFunc(from, func(x, y policy.Source) int { return cmp.Compare(free(y), free(x)) })
	why := make([]string, len(from))
	for i, s := range from {
		why[i] = fmt.Sprintf("%d free", free(s))
	}
	return why
}

// Spread puts one unit at a time where the most room is left, a second on no host
// before all that can have a first (desk.Packing).
func Spread(room []calendar.Vector, size calendar.Vector, units int) []policy.Sliver {
	order := make([]int, len(room))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return room[j].Compare(room[i]) })
	placed := make([]int, len(room))
	for more := true; more && units > 0; {
		more = false
		for _, i := range order {
			if units > 0 && size.Times(room[i], placed[i]+1) > placed[i] {
				placed[i]++
				units--
				more = true
			}
		}
	}
	var out []policy.Sliver
	for _, i := range order {
		if placed[i] > 0 {
			out = append(out, policy.Sliver{Host: i + 1, Units: placed[i]})
		}
	}
	return out
}

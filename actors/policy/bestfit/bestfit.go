/*
Package bestfit takes units from where least is free that is still enough.

Between sources that is the one with the fewest free units that has them all; on
hosts of a source (leasing 4.5.7) it is the host with the least room, filled as far
as it goes before the next. What is free stays together, for asks that are wide.
*/
package bestfit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is best fit, first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "best fit: where least is free that is enough", Sources: fullest, Hosts: Tight})
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

func fullest(_ policy.Ask, term actors.Term, from []policy.Source) []string {
	free := func(s policy.Source) int { return s.Calendar.Free(term.NewStart, term.End) }
	slices.SortStableFunc(from, func(x, y policy.Source) int { return cmp.Compare(free(x), free(y)) })
	why := make([]string, len(from))
	for i, s := range from {
		why[i] = fmt.Sprintf("%d free", free(s))
	}
	return why
}

// Tight fills the fullest host first (desk.Packing).
func Tight(room []calendar.Vector, size calendar.Vector, units int) []policy.Sliver {
	order := make([]int, len(room))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return room[i].Compare(room[j]) })
	return desk.Fill(room, size, units, order)
}

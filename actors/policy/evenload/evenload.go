/*
Package evenload balances the load of several sites: an ask goes to the site that
will then be the least loaded (leasing 4.8.3; paper B 5.2).

Load is what is allocated of the ask's type over its term, this ask included,
divided by all there is. Of sites with equal load the one with less allocated is
taken, then the one whose name comes first. An ask that no site can fill gets what
the site with the most free units has, if it is elastic. An extension stays where
it is, and an ask is never split; whoever wants finer balance asks several times.
*/
package evenload

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is even load, first come, first served. It needs no settings.
type Policy struct{}

// Allocate decides every ask of the round (policy.Broker).
func (Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "even load over sites", Sources: idlest})
	for _, a := range d.Open() {
		d.Settle(a)
	}
	return d.Decisions()
}

// load is one site's over a term.
type load struct{ allocated, total int }

// idlest orders sources by their sites' load.
func idlest(a policy.Ask, term actors.Term, from []policy.Source) []string {
	loads := map[actors.ActorID]load{}
	for _, s := range from {
		if !s.Calendar.Term().Covers(term) {
			continue
		}
		l := loads[s.Site.ID]
		l.total += s.Calendar.Capacity()
		l.allocated += s.Calendar.Capacity() - s.Calendar.Free(term.NewStart, term.End)
		loads[s.Site.ID] = l
	}
	slices.SortStableFunc(from, func(x, y policy.Source) int {
		lx, ly := loads[x.Site.ID], loads[y.Site.ID]
		return cmp.Or(
			cmp.Compare((lx.allocated+a.Units)*ly.total, (ly.allocated+a.Units)*lx.total),
			cmp.Compare(lx.allocated, ly.allocated), cmp.Compare(x.Site.Name, y.Site.Name), cmp.Compare(x.ID, y.ID))
	})
	why := make([]string, len(from))
	for i, s := range from {
		l := loads[s.Site.ID]
		why[i] = fmt.Sprintf("site loaded %d of %d", l.allocated, l.total)
	}
	return why
}

package desk

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// load is one site's over a term.
type load struct{ allocated, total int }

// Idlest puts sources in the order of their sites' load over a term, this ask
// included: the share of the ask's type that would then be allocated (leasing 4.8.3).
// It is for Rules.Sources.
func Idlest(a policy.Ask, term actors.Term, from []policy.Source) []string {
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

package authority

import (
	"maps"

	"github.com/leasehold/leasehold/actors"
)

// unitChanged takes in what is now true of a unit. Its client hears of it in the next
// cycle, in an update it did not ask for (leasing 1.3.2 S27), together with whatever else
// has changed by then: somebody who edits a thousand nodes of one lease causes one
// message, not a thousand with all its units in each. While the client waits for an
// answer, it hears of it there.
func (a *Actor) unitChanged(now actors.Cycle, ev actors.UnitChanged) actors.Effects {
	r, ok := a.book[ev.Reservation]
	if !ok {
		return actors.Effects{}
	}
	return a.must(now, r, func(s *step) {
		at, held := s.Units.Find(ev.Unit)
		if !held || !stays(s.Units.At(at)) {
			return
		}
		is, news := revised(s.Units.At(at).Properties, ev.Properties)
		if !news {
			return
		}
		s.Units.Edit(at).Properties, s.changed = is, true
		if s.News == 0 {
			s.News = now + 1
		}
	})
}

// revised is p under what is now true, and whether they differ at all. P itself is what
// others may hold, and stays.
func revised(p, now actors.Properties) (actors.Properties, bool) {
	var out actors.Properties
	for _, k := range now.Keys() {
		v := now[k]
		if was, had := p[k]; was == v && (had || v == "") {
			continue
		}
		if out == nil {
			if out = maps.Clone(p); out == nil {
				out = actors.Properties{}
			}
		}
		if out[k] = v; v == "" {
			delete(out, k)
		}
	}
	return out, out != nil
}

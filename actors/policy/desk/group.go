package desk

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// group is asks that want one start, all or nothing (leasing 4.8.4).
type group struct {
	name    string
	members []policy.Ask
	count   int // how many there must be; 0 while nobody has said
	done    int // place in the round of the member that made it complete
}

// groups fills the complete groups, in the order in which they became complete,
// and gives back the asks that are in none. What is not complete waits.
func (d *Desk) groups(asks []policy.Ask) (rest []policy.Ask) {
	var all []*group
	byName := map[string]*group{}
	for _, a := range asks {
		name := a.Group()
		if name == "" {
			rest = append(rest, a)
			continue
		}
		g := byName[name]
		if g == nil {
			g = &group{name: name}
			byName[name] = g
			all = append(all, g)
		}
		g.members = append(g.members, a)
		g.count = max(g.count, a.LeaseCount())
	}
	var ready []*group
	for _, g := range all {
		if g.count > 0 && len(g.members) >= g.count {
			ready = append(ready, g)
			continue
		}
		d.incomplete(g)
	}
	for _, g := range ready {
		d.fill(g)
	}
	return rest
}

func (d *Desk) incomplete(g *group) {
	late := false
	for _, a := range g.members {
		late = late || a.Impatient(d.Round)
	}
	for _, a := range g.members {
		t := d.Turn(a)
		switch {
		case late:
			t.Refuse("its group was not complete in time")
		case g.count == 0:
			t.Wait("the leader of its group has not said how many belong to it", 0)
		default:
			t.Wait(fmt.Sprintf("its group has %d of %d members", len(g.members), g.count), 0)
		}
	}
}

// fill finds the earliest start at which every member fits beside the others.
func (d *Desk) fill(g *group) {
	turns := make([]*Turn, len(g.members))
	start := d.Slot()
	for i, a := range g.members {
		turns[i] = d.Turn(a)
		turns[i].Note = fmt.Sprintf("one of %d that start together", len(g.members))
		start = max(start, a.Term.Start)
	}
	why := "its group does not fit at any one time"
	for range tries {
		blocked, ok := d.together(turns, start)
		if ok {
			return
		}
		next, found := blocked.Earliest(blocked.Ask.Units, start, blocked.Ask.Deadline())
		if !found {
			why = fmt.Sprintf("%s, of its group: %s", blocked.Ask.Reservation, blocked.missing())
			break
		}
		if next == start { // alone it would fit; the others are in its way
			if next, found = d.next(start); !found {
				break
			}
		}
		start = next
	}
	for _, t := range turns {
		t.Refuse(why)
	}
}

// together grants every member from start on, or nothing, and then says who did
// not fit.
func (d *Desk) together(turns []*Turn, start actors.Millis) (blocked *Turn, ok bool) {
	granted := make([]policy.Decision, 0, len(turns))
	before := make([]policy.Reason, len(turns))
	for i, t := range turns {
		before[i] = t.reason
		term := Shifted(t.Ask.Term, start)
		dec, ok := policy.Decision{}, term.End <= t.Ask.Deadline()
		if ok {
			dec, ok = t.try(t.Ask.Units, term)
		}
		if !ok {
			for i, g := range granted {
				turns[i].reason = before[i]
				d.giveBack(turns[i].Ask, g.Source)
			}
			return t, false
		}
		granted = append(granted, dec)
	}
	d.out = append(d.out, granted...)
	return nil, true
}

// next is the first instant behind after at which any source has something begin
// or end.
func (d *Desk) next(after actors.Millis) (actors.Millis, bool) {
	first, found := actors.Millis(0), false
	for _, s := range d.Sources {
		if at, ok := s.Calendar.Next(after); ok && (!found || at < first) {
			first, found = at, true
		}
	}
	for _, q := range d.Quotas {
		if at, ok := q.Calendar.Next(after); ok && (!found || at < first) {
			first, found = at, true
		}
	}
	return first, found
}

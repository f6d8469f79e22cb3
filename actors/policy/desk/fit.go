package desk

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// Packing spreads units of one size over hosts. Room is what each host has free;
// the answer counts hosts from 1 and never puts more on one than fits.
type Packing func(room []calendar.Vector, size calendar.Vector, units int) []policy.Sliver

// FirstFit fills hosts in the order of their numbers.
func FirstFit(room []calendar.Vector, size calendar.Vector, units int) []policy.Sliver {
	order := make([]int, len(room))
	for i := range order {
		order[i] = i
	}
	return Fill(room, size, units, order)
}

// Fill fills hosts in the order given, an order of indices into room.
func Fill(room []calendar.Vector, size calendar.Vector, units int, order []int) []policy.Sliver {
	var out []policy.Sliver
	for _, i := range order {
		if n := size.Times(room[i], units); n > 0 {
			out = append(out, policy.Sliver{Host: i + 1, Units: n})
			units -= n
		}
	}
	return out
}

// fit is how much of an ask one source can serve over a term.
type fit struct {
	units   int // no more than the ask wants
	slivers []policy.Sliver
	size    calendar.Vector
	why     string
}

// most is how many of an ask's units are free over a term, when free is how many
// are over an interval.
func most(a policy.Ask, free func(from, to actors.Millis) int, term actors.Term) int {
	units := a.Units
	for _, need := range a.Needs(a.Units, term) {
		n := free(need.From, need.To)
		if a.Held != nil && need.To == a.Held.Term.End { // growth before the old end
			n += a.Held.Units
		}
		units = min(units, n)
	}
	return units
}

func (d *Desk) fit(s policy.Source, a policy.Ask, term actors.Term) fit {
	units := most(a, s.Calendar.Free, term)
	f := fit{units: max(units, 0), why: fmt.Sprintf("%d of %d units free", max(units, 0), s.Calendar.Capacity())}
	if units == a.Units {
		f.why = fmt.Sprintf("all %d units free", units)
	}
	for _, q := range d.quotas(a) {
		if left := most(a, q.Free, term); left < f.units {
			f.units = max(left, 0)
			f.why = fmt.Sprintf("%d units left of the quota of %s, %d", f.units, q.Name, q.Units)
		}
	}
	least, most := a.Sliver()
	switch {
	case !s.Calendar.Term().Covers(term):
		f.why = "not over the whole term"
	case f.units == 0:
	case s.Calendar.Hosts() > 0 && (least != calendar.Vector{} || a.Held != nil && len(a.Held.Slivers) > 0):
		return d.onHosts(s, a, term, f, least, most)
	case least != calendar.Vector{}:
		f.units, f.why = 0, "its hosts have no sizes to cut slivers from"
	}
	return f
}

// onHosts finds hosts for as many of f's units as fit, each at least of size
// least, and then lets all of them grow alike towards most. An extension keeps
// its hosts; when it shrinks the first ones go (leasing 4.5.7).
func (d *Desk) onHosts(s policy.Source, a policy.Ask, term actors.Term, f fit, least, most calendar.Vector) fit {
	from := term.NewStart
	room := make([]calendar.Vector, s.Calendar.Hosts())
	var kept []policy.Sliver
	if a.Held != nil {
		if (least == calendar.Vector{}) {
			least, most = a.Held.Size, a.Held.Size
		}
		if term.NewStart <= a.Held.Term.End {
			// One size and one place for the whole time: what changes, changes at the
			// old end only.
			least, most, f.units = a.Held.Size, a.Held.Size, min(f.units, a.Held.Units)
		}
		from = max(from, a.Held.Term.End+1)
		kept = keep(a.Held.Slivers, f.units)
	}
	for i := range room {
		room[i] = s.Calendar.Room(i+1, from, term.End)
	}
	for _, k := range kept {
		if k.Host > len(room) || least.Times(room[k.Host-1], k.Units) < k.Units {
			return fit{why: fmt.Sprintf("host %d has not %v for each of its %d units", k.Host, least, k.Units)}
		}
		room[k.Host-1] = room[k.Host-1].Plus(-k.Units, least)
		f.units -= k.Units
	}
	f.slivers = join(kept, d.rules.Hosts(room, least, f.units))
	for i := range room {
		room[i] = s.Calendar.Room(i+1, from, term.End)
	}
	f.units, f.size = 0, most
	for _, sl := range f.slivers {
		f.units += sl.Units
		for i := range f.size {
			f.size[i] = min(f.size[i], room[sl.Host-1][i]/sl.Units)
		}
	}
	f.why = fmt.Sprintf("room for %d units of %v on %d hosts", f.units, least, len(f.slivers))
	return f
}

// keep is the last units of the slivers an extension holds.
func keep(held []policy.Sliver, units int) []policy.Sliver {
	total := 0
	for _, s := range held {
		total += s.Units
	}
	var out []policy.Sliver
	for _, s := range held {
		drop := min(max(total-units, 0), s.Units)
		total -= drop
		if s.Units -= drop; s.Units > 0 {
			out = append(out, s)
		}
	}
	return out
}

// join adds slivers up, a host at most once.
func join(a, b []policy.Sliver) []policy.Sliver {
	for _, s := range b {
		found := false
		for i := range a {
			if a[i].Host == s.Host {
				a[i].Units, found = a[i].Units+s.Units, true
			}
		}
		if !found {
			a = append(a, s)
		}
	}
	return a
}

// tries bounds the search for a start where hosts, or the members of a group,
// must fit together.
const tries = 1000

// Earliest is the first start at or after from at which some source could serve
// so many units of a new ask, so that it is over by deadline.
func (t *Turn) Earliest(units int, from, deadline actors.Millis) (actors.Millis, bool) {
	best, found := actors.Millis(0), false
	for _, s := range t.desk.candidates(t.Ask) {
		if start, ok := t.earliestAt(s, units, from, deadline); ok && (!found || start < best) {
			best, found = start, true
		}
	}
	return best, found && t.Ask.Held == nil
}

func (t *Turn) earliestAt(s policy.Source, units int, from, deadline actors.Millis) (actors.Millis, bool) {
	least, _ := t.Ask.Sliver()
	if t.Never(units) || s.Calendar.Hosts() == 0 && least != (calendar.Vector{}) {
		return 0, false
	}
	length := t.Ask.Term.Length()
	start, ok := s.Calendar.Find(from, length, deadline, units)
	quotas := t.desk.quotas(t.Ask)
	if s.Calendar.Hosts() == 0 && len(quotas) == 0 {
		return start, ok
	}
	for range tries {
		if !ok || t.desk.fit(s, t.Ask, Shifted(t.Ask.Term, start)).units >= units {
			return start, ok
		}
		// There are units enough, but not on hosts with room for them, or not within
		// the quotas.
		next, more := s.Calendar.Next(start)
		for _, q := range quotas {
			if at, found := q.Calendar.Next(start); found && (!more || at < next) {
				next, more = at, true
			}
		}
		if !more {
			return 0, false
		}
		start, ok = s.Calendar.Find(next, length, deadline, units)
	}
	return 0, false
}

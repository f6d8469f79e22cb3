package authority

import (
	"maps"
	"math"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

var _ calendar.Keeper = (*Actor)(nil)

// Tables shows the site's hosts of every type and the leases that hold them, or
// will (calendar.Keeper). More may be held than there is: hosts fail and are taken
// away, and leases that find none wait.
func (a *Actor) Tables(from, to actors.Millis) []calendar.Table {
	tables := map[actors.ResourceType]*calendar.Table{}
	held := map[actors.ResourceType]*calendar.Calendar{}
	pool := func(t actors.ResourceType) {
		if tables[t] == nil {
			tables[t] = &calendar.Table{Name: string(t), Kind: calendar.Pool, Type: t, Site: a.config.Self}
			held[t] = calendar.New(math.MaxInt32, actors.NewTerm(1, actors.Forever))
		}
	}
	for t := range a.hosts.shelves {
		pool(t)
	}
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		r := a.book[id]
		holds := r.occupies()
		if len(holds) == 0 {
			continue
		}
		pool(r.Type)
		for _, h := range holds {
			_ = held[r.Type].Take(id, h) // there is no limit to what is shown
		}
		tables[r.Type].Book(calendar.Booking{Reservation: id, Slice: r.Slice, Client: r.Client}, holds, from, to)
	}
	out := make([]calendar.Table, 0, len(tables))
	for _, t := range slices.Sorted(maps.Keys(tables)) {
		shown := held[t].Show(*tables[t], from, to)
		shown.Units = a.hosts.count(t)
		shown.Sort()
		out = append(out, shown)
	}
	return out
}

// occupies is what a lease has of the site's hosts, as its tickets say.
func (r Reservation) occupies() []calendar.Hold {
	if r.Status == closed || r.Status == failed && r.Units.Len() == 0 {
		return nil
	}
	units := r.Ticket.Units
	if r.Wanted.End <= r.Term.End || r.Term.End == 0 { // nothing beyond the present lease
		return []calendar.Hold{{From: r.Ticket.Term.Start, To: r.Ticket.Term.End, Units: units}}
	}
	now := max(r.Units.Len(), 1) // until the new interval begins
	if r.Status == extending && r.Wanted.NewStart > r.Term.Start {
		return []calendar.Hold{{From: r.Term.Start, To: r.Wanted.NewStart - 1, Units: now}, {From: r.Wanted.NewStart, To: r.Wanted.End, Units: units}}
	}
	return []calendar.Hold{{From: r.Ticket.Term.Start, To: r.Wanted.End, Units: units}}
}

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

// occupies is what a lease has of the site's hosts, and will have: what is on hosts now
// until the interval under way is over, and then what its tickets say. A lease that is
// being torn down keeps its hosts, for all that is known, to the end of its term.
func (r Reservation) occupies() []calendar.Hold {
	onHosts := r.Units.Len()
	if r.Status == closed || r.Status == failed && onHosts == 0 {
		return nil
	}
	tickets := append(r.Earlier[:len(r.Earlier):len(r.Earlier)], r.Ticket)
	underway := len(tickets) - 1 // the one whose interval has begun; none of a lease that has no units yet
	switch r.Status {
	case extending:
		underway--
	case accepted, redeeming:
		underway = -1
	}
	var out []calendar.Hold
	until := actors.Forever
	for i, t := range slices.Backward(tickets) {
		h := calendar.Hold{From: t.Term.NewStart, To: min(t.Term.End, until), Units: t.Units}
		if i == len(tickets)-1 && r.Wanted.End != 0 {
			h.To = min(h.To, r.Wanted.End)
		}
		if i == underway {
			h.Units = onHosts
		}
		if until = min(until, h.From-1); h.From <= h.To && h.Units > 0 {
			out = append(out, h)
		}
	}
	slices.Reverse(out)
	return out
}

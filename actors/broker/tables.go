package broker

import (
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

var _ calendar.Keeper = (*Actor)(nil)

// Tables shows what the broker has of every source, and what is held under every
// quota that somebody uses (calendar.Keeper).
func (a *Actor) Tables(from, to actors.Millis) []calendar.Table {
	var out []calendar.Table
	place := map[actors.TicketID]int{}
	for _, id := range slices.Sorted(maps.Keys(a.sources)) {
		s := a.sources[id]
		place[id] = len(out)
		out = append(out, s.calendar.Show(calendar.Table{Name: string(id), Kind: calendar.Stock, Type: s.ticket.Type, Site: s.ticket.Authority}, from, to))
	}
	limits := map[string]int{}
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		r := a.book[id]
		b := calendar.Booking{Reservation: id, Slice: r.Slice, Client: r.Client}
		if i, ok := place[r.Source]; ok {
			out[i].Book(b, r.Holds, from, to)
		}
		if len(r.Holds) == 0 {
			continue
		}
		for _, q := range a.quotas.of(r) {
			i, ok := limits[q.name]
			if !ok {
				i = len(out)
				limits[q.name] = i
				t := q.book.Show(calendar.Table{Name: q.name, Kind: calendar.Limit}, from, to)
				t.Units = q.units
				out = append(out, t)
			}
			out[i].Book(b, r.Holds, from, to)
		}
	}
	for i := range out {
		out[i].Sort()
	}
	return out
}

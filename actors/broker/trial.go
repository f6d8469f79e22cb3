package broker

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// trial is sketches on which grants are tried, one beside the other.
type trial struct {
	*Actor
	sources map[actors.TicketID]*calendar.Calendar
	quotas  map[string]*calendar.Calendar
}

func (a *Actor) trial() *trial {
	return &trial{a, map[actors.TicketID]*calendar.Calendar{}, nil}
}

// fits checks a grant against what is really free beside those tried before it.
func (b *trial) fits(r Reservation, d policy.Decision) bool {
	ask := r.ask()
	src, ok := b.Actor.sources[d.Source]
	if !ok || src.shut || ask.Held != nil && ask.Held.Source != d.Source || src.ticket.Type != ask.Type ||
		d.Units < 1 || d.Term.Validate() != nil {
		return false
	}
	if _, ok := src.parent(d.Units, d.Term); !ok {
		return false
	}
	holds, err := ask.Holds(d)
	if err != nil {
		return false
	}
	if b.sources[d.Source] == nil {
		b.sources[d.Source] = src.calendar.Sketch()
	}
	for _, h := range holds {
		if b.sources[d.Source].Take(r.ID, h) != nil {
			return false
		}
	}
	for _, q := range b.Actor.quotas.of(r) {
		if b.quotas == nil {
			b.quotas = map[string]*calendar.Calendar{}
		}
		if b.quotas[q.name] == nil {
			b.quotas[q.name] = q.book.Sketch()
		}
		for _, h := range holds {
			left := policy.Quota{Units: q.units, Calendar: b.quotas[q.name]}.Free(h.From, h.To)
			if h.Units > left || b.quotas[q.name].Take(r.ID, calendar.Hold{From: h.From, To: h.To, Units: h.Units}) != nil {
				return false
			}
		}
	}
	return true
}

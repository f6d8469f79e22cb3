package calendar

import (
	"cmp"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// Table is one calendar for people: what there is, how much of it is held when, and
// by whom.
type Table struct {
	Name     string              // of the ticket, the pool or the quota it is about
	Kind     Kind                // which of these
	Type     actors.ResourceType // of the units; empty for a quota on all types
	Site     actors.Location     // whose units they are; empty for a quota
	Units    int                 // how many there are
	Term     actors.Term         // when they may be held
	Spans    []Span              // how many are held over the time asked about, without gaps
	Bookings []Booking           // by whom, in order of their beginning
}

// Kind is what a table is about.
type Kind string

// The kinds of tables.
const (
	Stock Kind = "stock" // a ticket that a broker sells from
	Pool  Kind = "pool"  // a site's hosts of one type
	Limit Kind = "quota" // what some client or slice may hold
)

// Booking is units that a reservation holds over a closed interval.
type Booking struct {
	Reservation actors.ReservationID
	Slice       actors.Slice
	Client      actors.ActorID
	From, To    actors.Millis
	Units       int
}

// Keeper is an actor that has calendars to show.
type Keeper interface {
	// Tables shows the calendars as they are over from..to.
	Tables(from, to actors.Millis) []Table
}

// Show fills a table in from the calendar: its size and term, and what is held over
// as much of from..to as lies within them.
func (c *Calendar) Show(t Table, from, to actors.Millis) Table {
	if t.Units == 0 {
		t.Units = c.capacity
	}
	t.Term = c.term
	for s := range c.Spans(max(from, c.term.Start), min(to, c.term.End)) {
		t.Spans = append(t.Spans, s)
	}
	return t
}

// Book adds a booking for every one of the holds that touches from..to. Holds that
// follow one another with the same number of units are one.
func (t *Table) Book(b Booking, holds []Hold, from, to actors.Millis) {
	first := len(t.Bookings)
	for _, h := range holds {
		if h.To < from || h.From > to {
			continue
		}
		merged := false
		for i := first; i < len(t.Bookings) && !merged; i++ {
			o := &t.Bookings[i]
			switch {
			case o.From == h.From && o.To == h.To: // on another host
				o.Units, merged = o.Units+h.Units, true
			case o.To+1 == h.From && o.Units == h.Units:
				o.To, merged = h.To, true
			}
		}
		if !merged {
			b.From, b.To, b.Units = h.From, h.To, h.Units
			t.Bookings = append(t.Bookings, b)
		}
	}
}

// Sort puts bookings in order of their beginning.
func (t *Table) Sort() {
	slices.SortStableFunc(t.Bookings, func(x, y Booking) int {
		return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.Slice.Name, y.Slice.Name), cmp.Compare(x.Reservation, y.Reservation))
	})
}

package calendar

import (
	"fmt"
	"iter"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// Calendar is capacity over a term, less what is held. Make one with New.
type Calendar struct {
	capacity int
	term     actors.Term
	holds    map[actors.ReservationID][]Hold
	units    *change
	hosts    []host
}

// host is one of the things units are cut from: its size and what is taken of it.
type host struct {
	size Vector
	used [len(Vector{})]*change
}

// Hold is units taken over a closed interval. Host and Size say where the units
// lie and how large each is; a hold without a host takes from the capacity only.
type Hold struct {
	From, To actors.Millis
	Units    int
	Host     int    `json:",omitempty"` // counted from 1; 0 is none
	Size     Vector `json:",omitzero"`  // of one unit
}

// New is an empty calendar of units over term, cut from hosts of these sizes if
// any are given.
func New(units int, term actors.Term, hosts ...Vector) *Calendar {
	c := &Calendar{capacity: units, term: term, holds: map[actors.ReservationID][]Hold{}}
	for _, size := range hosts {
		c.hosts = append(c.hosts, host{size: size})
	}
	return c
}

// Sketch is a copy to plan on: it knows what is taken but not by whom, and what
// is taken from it changes nothing elsewhere. It shares its parts with the
// original, so that it costs nothing to make.
func (c *Calendar) Sketch() *Calendar {
	return &Calendar{capacity: c.capacity, term: c.term,
		holds: map[actors.ReservationID][]Hold{}, units: c.units, hosts: slices.Clone(c.hosts)}
}

// Clone is a copy that knows by whom what is taken, and can give it back. It costs
// as much as there is; see Sketch.
func (c *Calendar) Clone() *Calendar {
	out := c.Sketch()
	for id, hs := range c.holds {
		out.holds[id] = slices.Clone(hs)
	}
	return out
}

// Capacity is the number of units the calendar may give out at once.
func (c *Calendar) Capacity() int { return c.capacity }

// Term is the interval over which it may give them out.
func (c *Calendar) Term() actors.Term { return c.term }

// Hosts is the number of hosts the units are cut from; 0 if it does not say.
func (c *Calendar) Hosts() int { return len(c.hosts) }

// Size is the size of a host, counted from 1.
func (c *Calendar) Size(n int) Vector { return c.hosts[n-1].size }

// Free is the smallest number of units that are free anywhere in from..to; 0 if
// the calendar's own term does not cover the interval.
func (c *Calendar) Free(from, to actors.Millis) int {
	if !c.covers(from, to) {
		return 0
	}
	return c.capacity - c.units.peak(from, to)
}

// Room is what is free of a host, counted from 1, all over from..to; nothing if
// the calendar's own term does not cover the interval.
func (c *Calendar) Room(n int, from, to actors.Millis) Vector {
	var room Vector
	if !c.covers(from, to) {
		return room
	}
	h := &c.hosts[n-1]
	for i := range room {
		room[i] = h.size[i] - h.used[i].peak(from, to)
	}
	return room
}

func (c *Calendar) covers(from, to actors.Millis) bool {
	return from <= to && from >= c.term.Start && to <= c.term.End
}

// Take holds units for id, beside what id holds already. It changes nothing and
// says why if they are not free.
func (c *Calendar) Take(id actors.ReservationID, h Hold) error {
	if h.Units <= 0 || h.From > h.To {
		return fmt.Errorf("calendar: cannot hold %d units over %d..%d", h.Units, h.From, h.To)
	}
	if h.Host < 0 || h.Host > len(c.hosts) || !(Vector{}).Fits(h.Size) {
		return fmt.Errorf("calendar: cannot hold units of %v on host %d of %d", h.Size, h.Host, len(c.hosts))
	}
	if free := c.Free(h.From, h.To); h.Units > free {
		return fmt.Errorf("calendar: %d units asked, %d free over %d..%d", h.Units, free, h.From, h.To)
	}
	if h.Host > 0 && h.Size != (Vector{}) {
		if room := c.Room(h.Host, h.From, h.To); h.Size.Times(room, h.Units) < h.Units {
			return fmt.Errorf("calendar: %d units of %v asked, host %d has %v over %d..%d", h.Units, h.Size, h.Host, room, h.From, h.To)
		}
	}
	c.holds[id] = append(c.holds[id], h)
	c.shift(h, +1)
	return nil
}

// Release gives back everything id holds. It reports whether it held anything.
func (c *Calendar) Release(id actors.ReservationID) bool {
	hs, ok := c.holds[id]
	for _, h := range hs {
		c.shift(h, -1)
	}
	delete(c.holds, id)
	return ok
}

// Holds lists what id holds, in the order it was taken.
func (c *Calendar) Holds(id actors.ReservationID) []Hold { return slices.Clone(c.holds[id]) }

// Forget drops holds that ended before t; nothing asks about the past.
func (c *Calendar) Forget(t actors.Millis) {
	for id, hs := range c.holds {
		hs = slices.DeleteFunc(hs, func(h Hold) bool {
			if h.To < t {
				c.shift(h, -1)
			}
			return h.To < t
		})
		c.holds[id] = hs
		if len(hs) == 0 {
			delete(c.holds, id)
		}
	}
}

// shift adds h to the profiles, or takes it out of them.
func (c *Calendar) shift(h Hold, sign int) {
	c.units = c.units.hold(h.From, h.To, sign*h.Units)
	if h.Host == 0 {
		return
	}
	on := &c.hosts[h.Host-1]
	for i, n := range h.Size {
		on.used[i] = on.used[i].hold(h.From, h.To, sign*h.Units*n)
	}
}

// Find is the earliest start at or after from at which units stay free for
// length milliseconds, ending no later than until; false if there is none. It
// looks at the capacity, not at hosts.
func (c *Calendar) Find(from, length, until actors.Millis, units int) (actors.Millis, bool) {
	if units > c.capacity || length < 1 {
		return 0, false
	}
	return c.units.gap(max(from, c.term.Start), length, min(until, c.term.End)-length+1, c.capacity-units)
}

// Next is the first instant behind after at which anything held begins or ends:
// where it is worth trying again what did not fit.
func (c *Calendar) Next(after actors.Millis) (actors.Millis, bool) {
	at, ok := c.units.next(after)
	for i := range c.hosts {
		for _, used := range c.hosts[i].used {
			if t, found := used.next(after); found && (!ok || t < at) {
				at, ok = t, true
			}
		}
	}
	return at, ok
}

// Last is the last instant at which anything is held; false if nothing is.
func (c *Calendar) Last() (actors.Millis, bool) { return c.units.last() }

// Span is a stretch of time over which the same number of units is held.
type Span struct {
	From, To actors.Millis
	Used     int
}

// Spans yields how many units are held over from..to, stretch by stretch and
// without gaps, for drawing and for adding up.
func (c *Calendar) Spans(from, to actors.Millis) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for at := from; at <= to; {
			s := Span{From: at, To: to, Used: c.units.level(at)}
			next, more := c.units.next(at)
			if more && next <= to {
				s.To = next - 1
			}
			if !yield(s) || s.To == to {
				return
			}
			at = next
		}
	}
}

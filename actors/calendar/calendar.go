/*
Package calendar answers how many units of something are free over time.

A Calendar has a capacity over one term and a set of holds, each a number of
units over an interval. It never lets the holds exceed the capacity at any
instant, which is the promise everything above it rests on: brokers grant from
calendars, and a site checks with one that no issuer has sold more than it was
given.

Instants are milliseconds and intervals are closed at both ends, as everywhere in
leasing (leasing 2.1).
*/
package calendar

import (
	"fmt"
	"slices"
	"sort"

	"github.com/leasehold/leasehold/actors"
)

// Calendar is capacity over a term, less what is held. Make one with New.
type Calendar struct {
	capacity int
	term     actors.Term
	holds    map[actors.ReservationID][]Hold
	steps    []step // usage as a step function: sorted, adjacent steps differ
}

// Hold is units taken over a closed interval.
type Hold struct {
	From, To actors.Millis
	Units    int
}

// step says that from at on, used units are held, until the next step.
type step struct {
	at   actors.Millis
	used int
}

// New is an empty calendar of units over term.
func New(units int, term actors.Term) *Calendar {
	return &Calendar{capacity: units, term: term, holds: map[actors.ReservationID][]Hold{}}
}

// Sketch is a copy to plan on: it knows what is taken but not by whom, and what
// is taken from it changes nothing elsewhere.
func (c *Calendar) Sketch() *Calendar {
	return &Calendar{capacity: c.capacity, term: c.term,
		holds: map[actors.ReservationID][]Hold{}, steps: slices.Clone(c.steps)}
}

// Capacity is the number of units the calendar may give out at once.
func (c *Calendar) Capacity() int { return c.capacity }

// Term is the interval over which it may give them out.
func (c *Calendar) Term() actors.Term { return c.term }

// Free is the smallest number of units that are free anywhere in from..to; 0 if
// the calendar's own term does not cover the interval.
func (c *Calendar) Free(from, to actors.Millis) int {
	if from > to || from < c.term.Start || to > c.term.End {
		return 0
	}
	return c.capacity - c.peak(from, to)
}

// peak is the largest number of units held anywhere in from..to.
func (c *Calendar) peak(from, to actors.Millis) int {
	used := 0
	for i := max(c.find(from), 0); i < len(c.steps) && c.steps[i].at <= to; i++ {
		used = max(used, c.steps[i].used)
	}
	return used
}

// find is the index of the step in force at t; -1 before the first.
func (c *Calendar) find(t actors.Millis) int {
	return sort.Search(len(c.steps), func(i int) bool { return c.steps[i].at > t }) - 1
}

// Take holds units for id over from..to, beside what id holds already. It
// changes nothing and says why if they are not free.
func (c *Calendar) Take(id actors.ReservationID, h Hold) error {
	if h.Units <= 0 || h.From > h.To {
		return fmt.Errorf("calendar: cannot hold %d units over %d..%d", h.Units, h.From, h.To)
	}
	if free := c.Free(h.From, h.To); h.Units > free {
		return fmt.Errorf("calendar: %d units asked, %d free over %d..%d", h.Units, free, h.From, h.To)
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

// Forget drops holds and steps that ended before t; nothing asks about the past.
func (c *Calendar) Forget(t actors.Millis) {
	for id, hs := range c.holds {
		hs = slices.DeleteFunc(hs, func(h Hold) bool { return h.To < t })
		if len(hs) == 0 {
			delete(c.holds, id)
		} else {
			c.holds[id] = hs
		}
	}
	c.steps = nil
	for _, hs := range c.holds {
		for _, h := range hs {
			c.shift(h, +1)
		}
	}
}

// Find is the earliest start at or after from at which units stay free for
// length milliseconds, ending no later than until; false if there is none.
func (c *Calendar) Find(from, length, until actors.Millis, units int) (actors.Millis, bool) {
	until = min(until, c.term.End)
	start := max(from, c.term.Start)
	for {
		if units > c.capacity || start > until-length+1 {
			return 0, false
		}
		// The last step in the interval with too many units held pushes the start
		// behind it; nothing before its end can work.
		end, blocked := start+length-1, -1
		for i := max(c.find(start), 0); i < len(c.steps) && c.steps[i].at <= end; i++ {
			if c.capacity-c.steps[i].used < units && (i+1 == len(c.steps) || c.steps[i+1].at > start) {
				blocked = i
			}
		}
		if blocked < 0 {
			return start, true
		}
		if blocked+1 == len(c.steps) {
			return 0, false
		}
		start = c.steps[blocked+1].at
	}
}

// shift adds or removes h from the step function.
func (c *Calendar) shift(h Hold, sign int) {
	i := c.cut(h.From)
	j := len(c.steps)
	if h.To < actors.Forever {
		j = c.cut(h.To + 1)
	}
	for k := i; k < j; k++ {
		c.steps[k].used += sign * h.Units
	}
	c.join(j)
	c.join(i)
}

// cut makes sure that a step begins at t and returns its index.
func (c *Calendar) cut(t actors.Millis) int {
	i := c.find(t)
	if i >= 0 && c.steps[i].at == t {
		return i
	}
	used := 0
	if i >= 0 {
		used = c.steps[i].used
	}
	c.steps = slices.Insert(c.steps, i+1, step{t, used})
	return i + 1
}

// join removes the step at i if it says nothing new.
func (c *Calendar) join(i int) {
	if i >= len(c.steps) {
		return
	}
	before := 0
	if i > 0 {
		before = c.steps[i-1].used
	}
	if c.steps[i].used == before {
		c.steps = slices.Delete(c.steps, i, i+1)
	}
}

package remote

import (
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// item is one message that waits for its peer.
type item struct {
	msg   actors.Message
	since time.Time // when it, or the first of those it took the place of, was handed over
	after time.Time // not to be tried before
	tries int       // attempts that failed
	under bool      // being tried
	gone  bool      // delivered, given up or superseded; skipped from then on
}

// slot is what at most one waiting message has: a request is overtaken by the
// next one of its kind, because each carries all there is to say. Answers to
// different messages are not of one kind.
type slot struct {
	reservation actors.ReservationID
	op          actors.Op
	answers     string
}

func slotOf(m actors.Message) slot { return slot{m.Reservation, m.Op, m.RequestID} }

// queue is the messages for one peer, in the order in which they were handed
// over. It knows neither locks nor clocks.
type queue struct {
	most  int // live messages at once
	live  int
	items []*item // oldest first, gone ones among them
	slots map[slot]*item
}

// push adds m. A waiting message of the same reservation and operation gives way
// to it, and m goes to the end: it must not overtake what was said in between.
// A repetition of that message keeps its age and its back-off. ok is false when
// the queue is full, which leaves it as it was.
func (q *queue) push(m actors.Message, now time.Time) (superseded, ok bool) {
	at := slotOf(m)
	it := &item{msg: m, since: now}
	old := q.slots[at]
	switch {
	case old != nil:
		if old.msg.Sequence == m.Sequence {
			it.since, it.after, it.tries = old.since, old.after, old.tries
		}
		q.drop(old)
	case q.live >= q.most:
		return false, false
	}
	if q.slots == nil {
		q.slots = make(map[slot]*item)
	}
	q.slots[at] = it
	q.items = append(q.items, it)
	q.live++
	return old != nil, true
}

// next is the oldest message that may go now, of a reservation that is not busy. What
// waits for its own back-off holds up later messages of its reservation and no
// others. Without one, at is when the first becomes ready; zero if nothing waits.
func (q *queue) next(now time.Time, busy map[actors.ReservationID]bool) (it *item, at time.Time) {
	var held map[actors.ReservationID]bool
	for _, it := range q.items {
		if it.gone || it.under || held[it.msg.Reservation] || busy[it.msg.Reservation] {
			continue
		}
		if !it.after.After(now) {
			return it, time.Time{}
		}
		if held == nil {
			held = make(map[actors.ReservationID]bool)
		}
		if it.msg.Reservation != "" {
			held[it.msg.Reservation] = true
		}
		if at.IsZero() || it.after.Before(at) {
			at = it.after
		}
	}
	return nil, at
}

// drop takes a message out, whatever became of it.
func (q *queue) drop(it *item) {
	if it.gone {
		return
	}
	it.gone = true
	q.live--
	if at := slotOf(it.msg); q.slots[at] == it {
		delete(q.slots, at)
	}
	for len(q.items) > 0 && q.items[0].gone {
		q.items[0], q.items = nil, q.items[1:]
	}
	if len(q.items) > 2*q.live+16 {
		q.items = slices.DeleteFunc(q.items, func(it *item) bool { return it.gone })
	}
}

/*
Package agenda remembers when each reservation of an actor is next due.

It is a heap with an index: setting, moving and clearing one reservation's cycle
costs the logarithm of their number, and asking what is due costs nothing while
nothing is. That is why an idle tick does not depend on how many leases there
are.
*/
package agenda

import (
	"container/heap"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// Agenda holds one cycle per reservation. The zero Agenda is empty and ready.
type Agenda struct{ h queue }

// Set makes id due at cycle at, replacing what was set before; Never clears it.
func (a *Agenda) Set(id actors.ReservationID, at actors.Cycle) {
	it, known := a.h.known[id]
	switch {
	case at == actors.Never && known:
		heap.Remove(&a.h, it.place)
	case at == actors.Never:
	case known && it.at != at:
		it.at = at
		heap.Fix(&a.h, it.place)
	case !known:
		heap.Push(&a.h, &item{id: id, at: at})
	}
}

// Next is the earliest cycle at which anything is due, or Never.
func (a *Agenda) Next() actors.Cycle {
	if len(a.h.items) == 0 {
		return actors.Never
	}
	return a.h.items[0].at
}

// Due removes and lists what is due at now or before: earliest first, ties in
// order of their names, so that the answer depends on nothing else.
func (a *Agenda) Due(now actors.Cycle) []actors.ReservationID {
	var due []*item
	for len(a.h.items) > 0 && a.h.items[0].at <= now {
		due = append(due, heap.Pop(&a.h).(*item))
	}
	slices.SortFunc(due, func(x, y *item) int {
		if x.before(y) {
			return -1
		}
		return 1
	})
	ids := make([]actors.ReservationID, len(due))
	for i, it := range due {
		ids[i] = it.id
	}
	return ids
}

type item struct {
	id    actors.ReservationID
	at    actors.Cycle
	place int // in the heap
}

func (x *item) before(y *item) bool {
	if x.at != y.at {
		return x.at < y.at
	}
	return x.id < y.id
}

type queue struct {
	items []*item
	known map[actors.ReservationID]*item
}

func (q *queue) Len() int           { return len(q.items) }
func (q *queue) Less(i, j int) bool { return q.items[i].before(q.items[j]) }
func (q *queue) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.items[i].place, q.items[j].place = i, j
}

func (q *queue) Push(x any) {
	if q.known == nil {
		q.known = map[actors.ReservationID]*item{}
	}
	it := x.(*item)
	q.known[it.id], it.place = it, len(q.items)
	q.items = append(q.items, it)
}

func (q *queue) Pop() any {
	last := len(q.items) - 1
	it := q.items[last]
	q.items[last] = nil // lets go of it
	q.items = q.items[:last]
	delete(q.known, it.id)
	return it
}

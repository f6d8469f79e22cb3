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
	i, known := a.h.where[id]
	switch {
	case at == actors.Never && known:
		heap.Remove(&a.h, i)
	case at == actors.Never:
	case known && a.h.items[i].at != at:
		a.h.items[i].at = at
		heap.Fix(&a.h, i)
	case !known:
		heap.Push(&a.h, item{id, at})
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
	var due []item
	for len(a.h.items) > 0 && a.h.items[0].at <= now {
		due = append(due, heap.Pop(&a.h).(item))
	}
	slices.SortFunc(due, func(x, y item) int {
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
	id actors.ReservationID
	at actors.Cycle
}

func (x item) before(y item) bool {
	if x.at != y.at {
		return x.at < y.at
	}
	return x.id < y.id
}

type queue struct {
	items []item
	where map[actors.ReservationID]int
}

func (q *queue) Len() int           { return len(q.items) }
func (q *queue) Less(i, j int) bool { return q.items[i].before(q.items[j]) }
func (q *queue) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.where[q.items[i].id], q.where[q.items[j].id] = i, j
}

func (q *queue) Push(x any) {
	if q.where == nil {
		q.where = map[actors.ReservationID]int{}
	}
	it := x.(item)
	q.where[it.id] = len(q.items)
	q.items = append(q.items, it)
}

func (q *queue) Pop() any {
	it := q.items[len(q.items)-1]
	q.items = q.items[:len(q.items)-1]
	delete(q.where, it.id)
	return it
}

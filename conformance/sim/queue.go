package sim

import (
	"container/heap"

	"github.com/leasehold/leasehold/actors"
)

// queue is what is going to happen, in order of time; what happens at one instant
// happens in the order in which it was arranged.
type queue struct {
	items  []happening
	serial uint64
}

type happening struct {
	at     actors.Millis
	serial uint64
	do     func()
}

func (q *queue) add(at actors.Millis, do func()) {
	q.serial++
	heap.Push((*byTime)(q), happening{at, q.serial, do})
}

func (q *queue) next() happening { return heap.Pop((*byTime)(q)).(happening) }

// byTime is the queue as container/heap sees it.
type byTime queue

func (q *byTime) Len() int { return len(q.items) }
func (q *byTime) Less(i, j int) bool {
	a, b := q.items[i], q.items[j]
	return a.at < b.at || a.at == b.at && a.serial < b.serial
}
func (q *byTime) Swap(i, j int) { q.items[i], q.items[j] = q.items[j], q.items[i] }

// Push is for container/heap alone.
func (q *byTime) Push(x any) { q.items = append(q.items, x.(happening)) }

// Pop is for container/heap alone.
func (q *byTime) Pop() any {
	last := len(q.items) - 1
	h := q.items[last]
	q.items[last] = happening{}
	q.items = q.items[:last]
	return h
}

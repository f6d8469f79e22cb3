package site

import (
	"context"
	"sync"
)

// queue is a line without end: putting never blocks, and what was put is taken in
// order, each thing once.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	some  chan struct{} // holds a token while there may be items
}

func newQueue[T any]() *queue[T] { return &queue[T]{some: make(chan struct{}, 1)} }

// put adds to the end.
func (q *queue[T]) put(items ...T) {
	if len(items) == 0 {
		return
	}
	q.mu.Lock()
	q.items = append(q.items, items...)
	q.mu.Unlock()
	q.signal()
}

func (q *queue[T]) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// all takes everything there is, perhaps nothing.
func (q *queue[T]) all() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}

// take waits for the first; false when ctx ended.
func (q *queue[T]) take(ctx context.Context) (T, bool) {
	for {
		if item, ok := q.first(); ok {
			return item, true
		}
		select {
		case <-ctx.Done():
			var none T
			return none, false
		case <-q.some:
		}
	}
}

// first takes one, and passes the token on to whoever waits for the next.
func (q *queue[T]) first() (T, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var item T
	if len(q.items) == 0 {
		return item, false
	}
	item = q.items[0]
	var none T
	q.items[0] = none
	if q.items = q.items[1:]; len(q.items) > 0 {
		q.signal()
	} else {
		q.items = nil
	}
	return item, true
}

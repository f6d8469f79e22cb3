package wssec

import (
	"container/heap"
	"crypto/sha256"
	"sync"
	"time"
)

// Replay remembers which messages have been opened, so that each is acted on
// once (wssec.md A6). It never forgets in a way that lets a message in again:
// whatever it had to drop raises a horizon, and everything created up to the
// horizon counts as seen. So a full cache refuses old messages, which a sender
// repeats under a new date, and never admits a repeated one.
//
// Its memory does not outlive the process. After a start, set Opening.NotBefore
// to the time of the start: older messages could have been opened before it.
//
// Replay is safe for use by several goroutines.
type Replay struct {
	max    int
	window time.Duration

	mu      sync.Mutex
	seen    map[fingerprint]struct{}
	order   oldestFirst
	newest  time.Time
	horizon time.Time
}

// fingerprint stands for a key of any length. At 128 bits a peer that works to
// find two equal ones gains the refusal of its own message.
type fingerprint [16]byte

// NewReplay remembers at most max messages, created at most window before the
// newest one. Window must be no less than [MaxLifetime] and twice the skew that
// receivers allow.
func NewReplay(max int, window time.Duration) *Replay {
	return &Replay{max: max, window: window, seen: make(map[fingerprint]struct{})}
}

// Seen reports whether the message may have been seen before, and remembers it.
// Key is [Verified.ReplayKey], at [Verified.Created].
func (r *Replay) Seen(key string, at time.Time) bool {
	sum := sha256.Sum256([]byte(key))
	f := fingerprint(sum[:len(fingerprint{})])

	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[f]; ok || !at.After(r.horizon) {
		return true
	}
	if at.After(r.newest) {
		r.newest = at
	}
	r.seen[f] = struct{}{}
	heap.Push(&r.order, entry{at, f})
	for len(r.order) > r.max || len(r.order) > 0 && r.newest.Sub(r.order[0].at) > r.window {
		oldest := heap.Pop(&r.order).(entry)
		delete(r.seen, oldest.key)
		if oldest.at.After(r.horizon) {
			r.horizon = oldest.at
		}
	}
	return false
}

// Len is the number of messages remembered.
func (r *Replay) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order)
}

type entry struct {
	at  time.Time
	key fingerprint
}

// oldestFirst is a heap by time of creation.
type oldestFirst []entry

func (h oldestFirst) Len() int           { return len(h) }
func (h oldestFirst) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h oldestFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *oldestFirst) Push(x any)        { *h = append(*h, x.(entry)) }
func (h *oldestFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

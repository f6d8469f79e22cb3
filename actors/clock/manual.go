package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Manual is a clock that moves only when told to. Timers fire in the order of
// their instants; those of one instant fire in the order in which they were
// set. Make one with NewManual.
type Manual struct {
	mu      sync.Mutex
	now     time.Time
	serial  uint64         // orders timers of one instant
	pending []*manualTimer // by instant, then serial
	waiting []waiter
}

// waiter is someone who waits until enough timers are pending.
type waiter struct {
	timers int
	ready  chan struct{}
}

type manualTimer struct {
	clock  *Manual
	at     time.Time
	serial uint64
	ch     chan time.Time // nil with f
	f      func()
}

// NewManual is a clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now is where the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// NewTimer makes a timer with a channel; one that is due already has fired when
// NewTimer returns.
func (m *Manual) NewTimer(d time.Duration) Timer {
	t := &manualTimer{clock: m, ch: make(chan time.Time, 1)}
	t.Reset(d)
	return t
}

// AfterFunc makes a timer that calls f. A function that is due already is called
// by the next Advance, even by Advance(0), so that f never runs inside AfterFunc.
func (m *Manual) AfterFunc(d time.Duration, f func()) Timer {
	t := &manualTimer{clock: m, f: f}
	t.Reset(d)
	return t
}

// Advance moves the clock by d, firing what falls due on the way: during each
// firing the clock shows that timer's instant. Functions may set further timers;
// those due before the end fire too. Advance returns when every function has.
func (m *Manual) Advance(d time.Duration) { m.AdvanceTo(m.Now().Add(d)) }

// AdvanceTo moves the clock to target as Advance does. The clock never goes
// back: a target in the past only fires what is due already.
func (m *Manual) AdvanceTo(target time.Time) {
	m.mu.Lock()
	for {
		if len(m.pending) == 0 || m.pending[0].at.After(target) && m.pending[0].at.After(m.now) {
			break
		}
		t := m.pending[0]
		m.pending = slices.Delete(m.pending, 0, 1)
		if t.at.After(m.now) {
			m.now = t.at
		}
		now := m.now
		if t.f == nil {
			t.ch <- now // has room: emptied whenever the timer is set
			continue
		}
		m.mu.Unlock()
		t.f()
		m.mu.Lock()
	}
	if target.After(m.now) {
		m.now = target
	}
	m.mu.Unlock()
}

// Next is the instant of the earliest pending timer; false if there is none.
func (m *Manual) Next() (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.pending) == 0 {
		return time.Time{}, false
	}
	return m.pending[0].at, true
}

// Pending is how many timers are set.
func (m *Manual) Pending() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pending)
}

// Await returns when at least n timers are set, or with ctx's error. Tests call
// it before Advance, to be sure that a goroutine has gone to sleep.
func (m *Manual) Await(ctx context.Context, n int) error {
	m.mu.Lock()
	if len(m.pending) >= n {
		m.mu.Unlock()
		return nil
	}
	w := waiter{timers: n, ready: make(chan struct{})}
	m.waiting = append(m.waiting, w)
	m.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// C is the timer's channel, nil for a function.
func (t *manualTimer) C() <-chan time.Time { return t.ch }

// Stop takes the timer out of the clock.
func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.remove()
}

// Reset sets the timer anew; it then comes after every timer already set for the
// same instant.
func (t *manualTimer) Reset(d time.Duration) bool {
	m := t.clock
	m.mu.Lock()
	defer m.mu.Unlock()
	was := t.remove()
	m.serial++
	t.at, t.serial = m.now.Add(max(d, 0)), m.serial
	if d <= 0 && t.f == nil {
		t.ch <- m.now
		return was
	}
	i, _ := slices.BinarySearchFunc(m.pending, t, func(a, b *manualTimer) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		if a.serial < b.serial {
			return -1
		}
		return 1
	})
	m.pending = slices.Insert(m.pending, i, t)
	m.waiting = slices.DeleteFunc(m.waiting, func(w waiter) bool {
		if len(m.pending) < w.timers {
			return false
		}
		close(w.ready)
		return true
	})
	return was
}

// remove forgets the timer and any firing nobody has received. The clock's lock
// is held.
func (t *manualTimer) remove() bool {
	if t.ch != nil {
		select {
		case <-t.ch:
		default:
		}
	}
	i := slices.Index(t.clock.pending, t)
	if i < 0 {
		return false
	}
	t.clock.pending = slices.Delete(t.clock.pending, i, i+1)
	return true
}

package host

import (
	"sync"
	"sync/atomic"

	"github.com/leasehold/leasehold/actors"
)

// mail is one thing waiting for the actor.
type mail struct {
	event actors.Event
	item  *item // nil when nobody waits for what becomes of it
}

// item is an event, or someone who wants to look (then event is nil), or to mend a
// record (then both are), and the caller who waits.
type item struct {
	event  actors.Event
	look   func(actors.Viewer)
	mend   func(now actors.Cycle) (actors.Effects, error)
	bound  bool       // holds one of the Mail places until it is taken
	answer chan error // has room for the one answer
	// state settles the race between a caller who gives up and the loop.
	state atomic.Int32
	done  bool // answered; used by the loop only
}

// States of an item.
const (
	waiting int32 = iota // nobody has touched it
	begun                // it is being carried out
	dropped              // its caller gave up in time; it never happens
)

// begin reports whether the item is still wanted and, if so, claims it.
func (it *item) begin() bool { return it.state.CompareAndSwap(waiting, begun) }

// drop takes the item back and reports whether that was still possible.
func (it *item) drop() bool { return it.state.CompareAndSwap(waiting, dropped) }

// reply answers once; later answers are ignored.
func (it *item) reply(err error) {
	if it.done {
		return
	}
	it.done = true
	it.answer <- err
}

// mailbox is an unbounded queue with one reader.
type mailbox struct {
	ready  chan struct{} // holds a token when something is waiting
	mu     sync.Mutex
	items  []mail // those before head have been taken
	head   int
	closed bool
}

// keepRoom is how many items' room a mailbox keeps when it is empty.
const keepRoom = 4096

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

// put appends one; false when the mailbox is closed.
func (m *mailbox) put(it mail) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	if m.head > len(m.items)/2 && len(m.items) == cap(m.items) {
		n := copy(m.items, m.items[m.head:])
		clear(m.items[n:])
		m.items, m.head = m.items[:n], 0
	}
	m.items = append(m.items, it)
	select {
	case m.ready <- struct{}{}:
	default:
	}
	m.mu.Unlock()
	return true
}

// take appends up to n items to dst, oldest first.
func (m *mailbox) take(dst []mail, n int) []mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	n = min(n, len(m.items)-m.head)
	taken := m.items[m.head : m.head+n]
	dst = append(dst, taken...)
	clear(taken)
	if m.head += n; m.head < len(m.items) {
		return dst
	}
	select {
	case <-m.ready: // nobody is woken for what has been taken
	default:
	}
	// The room is used again; that of a burst is let go.
	if m.items, m.head = m.items[:0], 0; cap(m.items) > keepRoom {
		m.items = nil
	}
	return dst
}

// takeLooks removes and returns those who only want to look.
func (m *mailbox) takeLooks() (looks []*item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.items[m.head:m.head]
	for _, it := range m.items[m.head:] {
		if it.item != nil && it.item.look != nil {
			looks = append(looks, it.item)
		} else {
			rest = append(rest, it)
		}
	}
	clear(m.items[m.head+len(rest):])
	m.items = m.items[:m.head+len(rest)]
	return looks
}

// close refuses further items and returns those that were waiting.
func (m *mailbox) close() []mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	left := m.items[m.head:]
	m.items, m.head = nil, 0
	return left
}

// waiting is how many items are in the mailbox.
func (m *mailbox) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.items) - m.head
}

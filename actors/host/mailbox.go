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

// mailbox is an unbounded queue with one reader. It is a chain of blocks, so that a
// burst of a hundred thousand items is neither copied while it gathers nor remembered
// when it is over.
type mailbox struct {
	ready       chan struct{} // holds a token when something is waiting
	mu          sync.Mutex
	first, last *block // nil when nothing is waiting
	spare       *block // for the next time that one is needed
	n           int    // items in all blocks
	closed      bool
}

// block is a few items in their order: those from head to tail are waiting.
type block struct {
	items      [256]mail
	head, tail int
	next       *block
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

// put appends one; false when the mailbox is closed.
func (m *mailbox) put(it mail) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.add(it)
	select {
	case m.ready <- struct{}{}:
	default:
	}
	return true
}

func (m *mailbox) add(it mail) {
	if m.last == nil || m.last.tail == len(m.last.items) {
		b := m.spare
		if m.spare = nil; b == nil {
			b = new(block)
		}
		if m.last == nil {
			m.first = b
		} else {
			m.last.next = b
		}
		m.last = b
	}
	m.last.items[m.last.tail] = it
	m.last.tail++
	m.n++
}

// take appends up to n items to dst, oldest first.
func (m *mailbox) take(dst []mail, n int) []mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	for b := m.first; b != nil && n > 0; b = m.first {
		some := b.items[b.head:min(b.tail, b.head+n)]
		dst = append(dst, some...)
		clear(some)
		b.head += len(some)
		n, m.n = n-len(some), m.n-len(some)
		if b.head < b.tail {
			break
		}
		m.first = b.next
		if b.head, b.tail, b.next = 0, 0, nil; m.first == nil {
			m.last = nil
		}
		m.spare = b
	}
	if m.n == 0 {
		select {
		case <-m.ready: // nobody is woken for what has been taken
		default:
		}
	}
	return dst
}

// takeLooks removes and returns those who only want to look.
func (m *mailbox) takeLooks() (looks []*item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, it := range m.empty() {
		if it.item != nil && it.item.look != nil {
			looks = append(looks, it.item)
		} else {
			m.add(it)
		}
	}
	return looks
}

// empty takes all that is waiting.
func (m *mailbox) empty() []mail {
	all := make([]mail, 0, m.n)
	for b := m.first; b != nil; b = b.next {
		all = append(all, b.items[b.head:b.tail]...)
	}
	m.first, m.last, m.n = nil, nil, 0
	return all
}

// close refuses further items and returns those that were waiting.
func (m *mailbox) close() []mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return m.empty()
}

// waiting is how many items are in the mailbox.
func (m *mailbox) waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

package server

import (
	"errors"
	"io"
	"sync/atomic"
)

// Budget bounds the octets of bodies that are held at once. It may be shared by
// servers. The zero Budget has no room; a nil one has no bound.
type Budget struct{ free atomic.Int64 }

// NewBudget has room for that many octets.
func NewBudget(octets int64) *Budget {
	b := new(Budget)
	b.free.Store(octets)
	return b
}

// ErrNoRoom says that too much of other bodies is held.
var ErrNoRoom = errors.New("no room for another body now")

// ErrTooLong says that a body is over its limit.
var ErrTooLong = errors.New("body over the limit")

// allowance is what every reader may hold without asking: most calls are no larger,
// and so go on when others have used the room up.
const allowance = 4 << 10

func (b *Budget) take(n int64) bool {
	if b == nil || n <= 0 {
		return true
	}
	if b.free.Add(-n) < 0 {
		b.free.Add(n)
		return false
	}
	return true
}

func (b *Budget) give(n int64) {
	if b != nil && n > 0 {
		b.free.Add(n)
	}
}

// Read reads all of r, at most most octets, and never reserves more memory than twice
// what has arrived. Call done when the octets are not needed any more, after an error
// too.
func (b *Budget) Read(r io.Reader, most int64) (data []byte, done func(), err error) {
	var held int64
	done = func() { b.give(held); held = 0 }
	data = make([]byte, 0, 512)
	for {
		if len(data) == cap(data) {
			size := min(2*int64(cap(data)), most+1)
			if need := max(size-allowance, 0) - held; need > 0 {
				if !b.take(need) {
					return nil, done, ErrNoRoom
				}
				held += need
			}
			data = append(make([]byte, 0, size), data...)
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > most:
			return nil, done, ErrTooLong
		case errors.Is(err, io.EOF):
			return data, done, nil
		case err != nil:
			return nil, done, err
		}
	}
}

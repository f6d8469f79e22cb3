package storetest

import (
	"context"
	"sync"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// Fault is what happens to one Save.
type Fault struct {
	// Err is what the caller gets.
	Err error
	// Written says that the batch was kept all the same: the answer was lost, not
	// the data.
	Written bool
	// Panic ends the caller's goroutine as a crash would. With Written the crash
	// comes after the data is durable, otherwise before.
	Panic bool
	// Block, if not nil, holds the call until it is closed or ctx ends, before
	// anything else happens.
	Block chan struct{}
}

// Crash is what a Fault with Panic panics with.
type Crash struct{ Save int }

// Faulty is a store that fails when told to. Its counters may be read at any time.
type Faulty struct {
	store.Store
	mu     sync.Mutex
	faults map[int]Fault
	always *Fault
	saves  int
}

// NewFaulty wraps s, which keeps working until Fail or FailAll says otherwise.
func NewFaulty(s store.Store) *Faulty { return &Faulty{Store: s, faults: map[int]Fault{}} }

// Fail makes the n-th Save from the start suffer f; the first is number 1.
func (s *Faulty) Fail(n int, f Fault) *Faulty {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[n] = f
	return s
}

// FailAll makes every Save suffer f from now on; nil ends that.
func (s *Faulty) FailAll(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = f
}

// Saves is how many times Save has been called.
func (s *Faulty) Saves() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saves
}

// Save does what the wrapped store does, or what was asked for with Fail.
func (s *Faulty) Save(ctx context.Context, batch []actors.Record) error {
	s.mu.Lock()
	s.saves++
	n := s.saves
	f, hit := s.faults[n]
	if s.always != nil {
		f, hit = *s.always, true
	}
	s.mu.Unlock()
	if !hit {
		return s.Store.Save(ctx, batch)
	}
	if f.Block != nil {
		select {
		case <-f.Block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Written {
		if err := s.Store.Save(ctx, batch); err != nil {
			return err
		}
	}
	if f.Panic {
		panic(Crash{Save: n})
	}
	if f.Err == nil && !f.Written {
		return s.Store.Save(ctx, batch)
	}
	return f.Err
}

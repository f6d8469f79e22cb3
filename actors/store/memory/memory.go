/*
Package memory keeps an actor's records in memory: for emulations, whose state
may end with the process, and for tests, which end and restart an actor without
ending the process.
*/
package memory

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// Store is a store in memory. Make one with New.
type Store struct {
	disk   *disk
	mu     sync.Mutex
	closed bool
}

// disk is what outlives a Store.
type disk struct {
	mu      sync.Mutex
	records map[string][]byte
}

// New is an empty store.
func New() *Store { return &Store{disk: &disk{records: map[string][]byte{}}} }

// Reopen closes s and opens what it kept, as a restarted process would.
func (s *Store) Reopen() *Store {
	s.Close()
	return &Store{disk: s.disk}
}

// Load gives out the records in order of their keys.
func (s *Store) Load(ctx context.Context, each func(actors.Stored) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	s.disk.mu.Lock()
	records := maps.Clone(s.disk.records) // values are never changed in place
	s.disk.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(actors.Stored{Key: key, Data: bytes.Clone(records[key])}); err != nil {
			return err
		}
	}
	return nil
}

// Save keeps the batch.
func (s *Store) Save(ctx context.Context, batch []actors.Record) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	writes, err := store.Encode(batch)
	if err != nil {
		return err
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	for _, w := range writes {
		if w.Remove {
			delete(s.disk.records, w.Key)
		} else {
			s.disk.records[w.Key] = w.Data
		}
	}
	return nil
}

// Close makes s refuse further use. What it kept stays for Reopen.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *Store) usable(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	return ctx.Err()
}

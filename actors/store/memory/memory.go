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
	rooms   []*[]byte // where the values of a batch are until all are written down
}

// spare is rooms that are not in use.
var spare = sync.Pool{New: func() any { room := make([]byte, 0, 256<<10); return &room }}

// stage copies a value into a room.
func (d *disk) stage(data []byte) []byte {
	var room *[]byte
	if n := len(d.rooms); n > 0 {
		room = d.rooms[n-1]
	}
	if room == nil || cap(*room)-len(*room) < len(data) {
		if room = spare.Get().(*[]byte); cap(*room) < len(data) {
			spare.Put(room)
			return bytes.Clone(data)
		}
		d.rooms = append(d.rooms, room)
	}
	begin := len(*room)
	*room = append(*room, data...)
	return (*room)[begin:len(*room):len(*room)]
}

// staged lets go of the rooms.
func (d *disk) staged() {
	for i, room := range d.rooms {
		*room = (*room)[:0]
		spare.Put(room)
		d.rooms[i] = nil
	}
	d.rooms = d.rooms[:0]
}

// keep makes data a record's value, in the place of the old one if there is room and
// not much too much.
func (d *disk) keep(key string, data []byte) {
	old, known := d.records[key]
	if !known || len(data) > cap(old) || cap(old) > 4*len(data)+64 {
		old = make([]byte, 0, len(data)+len(data)/16) // a record grows a little from state to state
	}
	d.records[key] = append(old[:0], data...)
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
	records := make(map[string][]byte, len(s.disk.records)) // values are changed in their places
	for key, data := range s.disk.records {
		records[key] = bytes.Clone(data)
	}
	s.disk.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(actors.Stored{Key: key, Data: records[key]}); err != nil {
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
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	defer s.disk.staged()
	writes, err := store.EncodeWith(batch, s.disk.stage)
	if err != nil {
		return err
	}
	for _, w := range writes {
		if w.Remove {
			delete(s.disk.records, w.Key)
		} else {
			s.disk.keep(w.Key, w.Data)
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

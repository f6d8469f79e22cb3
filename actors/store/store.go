/*
Package store says what keeps an actor's records.

A [Store] belongs to one actor. Its host loads everything once, at start, and
afterwards only saves: batches of records, each batch whole or not at all, each
durable before Save returns. Nothing else is asked, so that a file, a directory
or a database can serve.

Bodies: store/memory (emulation and tests), store/bbolt (one file for all actors
of a process), store/ldap (a directory server that is there anyway) and
store/postgres (a data base with a standby). Package store/storetest holds the
tests that every body passes and a wrapper that makes any of them fail on purpose.

The last two can be reached by several processes at once. Each has a fence: the
process that opened an actor last holds it, and whoever held it before can save
nothing any more and is told ErrFenced.

What is not here: what the records mean. Machines encode and decode them.
*/
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/leasehold/leasehold/actors"
)

// Limits on what a store takes. They hold for every body, so that records can
// move from one to another.
const (
	MaxKey   = 1024     // octets in a key
	MaxValue = 64 << 20 // octets in an encoded value
)

// Store keeps the records of one actor. It is safe for concurrent use, except
// that the function given to Load must not call the store.
type Store interface {
	// Load gives every record to each, in ascending order of the keys' octets,
	// and stops at each's first error, which it returns. The records are those of
	// one moment. The data may be kept.
	Load(ctx context.Context, each func(actors.Stored) error) error
	// Save makes the whole batch durable, or none of it. A nil Value removes its
	// record; if a key occurs twice the later one counts. After an error of ctx
	// the batch may or may not have been kept; after any other error it was not,
	// unless the medium itself failed while it answered, so saving the same
	// batch again must be harmless, and it is.
	Save(ctx context.Context, batch []actors.Record) error
	// Close lets go of the store. Saving and loading afterwards give ErrClosed.
	Close() error
}

// ErrClosed is what a closed store answers.
var ErrClosed = errors.New("store: closed")

// ErrFenced is what a store answers when another process has taken the actor
// over. Nothing of the batch was kept, and nothing ever will be.
var ErrFenced = errors.New("store: another process has taken the actor over")

// ErrInUse says that another process, or this one, holds the actor or the file.
var ErrInUse = errors.New("in use")

// ErrSchema says that the medium holds something this program cannot read.
var ErrSchema = errors.New("not a store this program can read")

// EncodeError says which record could not be written down, and why. Trying
// again cannot help.
type EncodeError struct {
	Key string
	Err error
}

// Error names the record and the cause.
func (e *EncodeError) Error() string { return fmt.Sprintf("store: record %q: %v", e.Key, e.Err) }

// Unwrap is the cause.
func (e *EncodeError) Unwrap() error { return e.Err }

// Permanent reports whether saving the same batch again must fail again.
func Permanent(err error) bool {
	var enc *EncodeError
	return errors.As(err, &enc) || errors.Is(err, ErrClosed) || errors.Is(err, ErrFenced)
}

// Write is one record as a store's body writes it.
type Write struct {
	Key    string
	Data   []byte // never nil unless Remove
	Remove bool
}

// rooms is where values are written down before it is known how long they are.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// maxRoom is the longest room that is kept.
const maxRoom = 1 << 20

// Encode asks every value for its durable form and checks the limits. Bodies
// call it before they touch anything; its only error is *EncodeError.
func Encode(batch []actors.Record) ([]Write, error) {
	return EncodeWith(batch, func(data []byte) []byte { return append(make([]byte, 0, len(data)), data...) })
}

// EncodeWith is Encode for a body that has room of its own: it copies each value to
// where keep says.
func EncodeWith(batch []actors.Record, keep func(data []byte) []byte) ([]Write, error) {
	out := make([]Write, len(batch))
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	for i, rec := range batch {
		switch {
		case rec.Key == "":
			return nil, &EncodeError{Err: errors.New("empty key")}
		case len(rec.Key) > MaxKey:
			return nil, &EncodeError{Key: rec.Key[:64] + "...", Err: fmt.Errorf("key of %d octets, limit %d", len(rec.Key), MaxKey)}
		}
		out[i].Key = rec.Key
		if rec.Value == nil {
			out[i].Remove = true
			continue
		}
		data, err := rec.Value.AppendRecord((*room)[:0])
		if err != nil {
			return nil, &EncodeError{Key: rec.Key, Err: err}
		}
		if cap(data) <= maxRoom {
			*room = data
		}
		if len(data) > MaxValue {
			return nil, &EncodeError{Key: rec.Key, Err: fmt.Errorf("value of %d octets, limit %d", len(data), MaxValue)}
		}
		out[i].Data = keep(data) // never nil: an empty value is a value
	}
	return out, nil
}

// Latest keeps the last write of each key, in the order in which the keys first
// appear: all that a batch comes to.
func Latest(writes []Write) []Write {
	place := make(map[string]int, len(writes))
	out := writes[:0:0]
	for _, w := range writes {
		if i, seen := place[w.Key]; seen {
			out[i] = w
			continue
		}
		place[w.Key] = len(out)
		out = append(out, w)
	}
	return out
}

// Raw is a value that is its own durable form.
type Raw []byte

// AppendRecord appends the octets themselves.
func (r Raw) AppendRecord(dst []byte) ([]byte, error) { return append(dst, r...), nil }

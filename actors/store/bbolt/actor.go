package bbolt

import (
	"bytes"
	"context"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// actorStore is the store of one actor: one bucket of the file.
type actorStore struct {
	file   *File
	name   string
	bucket []byte
	once   sync.Once
	closed chan struct{}
}

// Load reads the bucket in one transaction. The engine keeps keys in order.
func (s *actorStore) Load(ctx context.Context, each func(actors.Stored) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	var outcome error // each's own errors pass unchanged
	err := s.file.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(s.bucket).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if outcome = ctx.Err(); outcome != nil {
				return nil
			}
			// The engine's octets end with the transaction.
			if outcome = each(actors.Stored{Key: string(k), Data: bytes.Clone(v)}); outcome != nil {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return s.file.engineError(err)
	}
	return outcome
}

// Save encodes on the caller's goroutine and leaves the rest to the writer.
func (s *actorStore) Save(ctx context.Context, batch []actors.Record) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	writes, err := store.Encode(batch)
	if err != nil || len(writes) == 0 {
		return err
	}
	return s.file.save(ctx, s.bucket, writes)
}

// Close lets another Store be opened for the actor. The file stays open.
func (s *actorStore) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.file.mu.Lock()
		defer s.file.mu.Unlock()
		delete(s.file.open, s.name)
	})
	return nil
}

func (s *actorStore) usable(ctx context.Context) error {
	select {
	case <-s.closed:
		return store.ErrClosed
	case <-s.file.closing:
		return store.ErrClosed
	default:
		return ctx.Err()
	}
}

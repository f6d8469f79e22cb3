package registrar

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Store is the records of a registry, in one file. It is safe for concurrent use.
type Store struct{ db *bbolt.DB }

var bucket = []byte("actors")

// ErrUnknown says that no actor of that identity is registered.
var ErrUnknown = errors.New("no such actor is registered")

// OpenStore opens the file, which is made if need be. Another process must not have it
// open.
func OpenStore(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 2 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("registrar: %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("registrar: %s: %w", path, err), db.Close())
	}
	return &Store{db}, nil
}

// Close ends the store.
func (s *Store) Close() error { return s.db.Close() }

// key is what an actor is found by: deployed actors write their GUIDs in any case, and
// two spellings of one are one actor too many.
func key(guid string) []byte { return []byte(strings.ToLower(guid)) }

// All are the entries in the order of their GUIDs.
func (s *Store) All() (all []Entry, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			var e Entry
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("registrar: the record of %s: %w", k, err)
			}
			all = append(all, e)
			return nil
		})
	})
	return all, err
}

// Change makes a change to one entry durable: edit is given the entry as it is, or a
// zero one, and all others. An error of edit leaves everything as it was.
func (s *Store) Change(guid string, edit func(e *Entry, known bool, others func(func(Entry) bool) error) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		var e Entry
		have := tx.Bucket(bucket).Get(key(guid))
		if have != nil {
			if err := json.Unmarshal(have, &e); err != nil {
				return fmt.Errorf("registrar: the record of %s: %w", guid, err)
			}
		}
		others := func(yield func(Entry) bool) error {
			c := tx.Bucket(bucket).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				if string(k) == string(key(guid)) {
					continue
				}
				var o Entry
				if err := json.Unmarshal(v, &o); err != nil {
					return fmt.Errorf("registrar: the record of %s: %w", k, err)
				}
				if !yield(o) {
					return nil
				}
			}
			return nil
		}
		if err := edit(&e, have != nil, others); err != nil {
			return err
		}
		v, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return tx.Bucket(bucket).Put(key(guid), v)
	})
}

// Remove forgets an actor, or gives ErrUnknown.
func (s *Store) Remove(guid string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		if tx.Bucket(bucket).Get(key(guid)) == nil {
			return ErrUnknown
		}
		return tx.Bucket(bucket).Delete(key(guid))
	})
}

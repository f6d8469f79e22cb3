package bbolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// ErrInUse says that another process, or this one, has the file open.
var ErrInUse = store.ErrInUse

// ErrSchema says that the file is not one this program can read.
var ErrSchema = store.ErrSchema

const actorPrefix = "actor/"

// Options change how a file is opened. The zero value is what Open uses.
type Options struct {
	// LockWait is how long to wait for another process to let go of the file; 0
	// means two seconds.
	LockWait time.Duration
	// Migrated, when set, is told that the file was brought to a newer schema
	// version, and where the copy lies that was made of it before.
	Migrated func(from, to int, kept string)

	steps []step // of tests, in place of the program's own
}

// File is an open store of any number of actors. It is safe for concurrent use.
type File struct {
	path  string
	db    *bolt.DB
	queue chan *request

	closing chan struct{} // closed first: take no more
	exited  chan struct{} // closed when the writer has ended
	once    sync.Once

	mu   sync.Mutex
	open map[string]bool // actors whose Store is open
}

// Open opens or creates the file at path. Its directory must exist.
func Open(path string) (*File, error) { return Options{}.Open(path) }

// Open opens or creates the file at path. Errors are ErrInUse, ErrSchema, or
// what the operating system says.
func (o Options) Open(path string) (*File, error) {
	if o.LockWait <= 0 {
		o.LockWait = 2 * time.Second
	}
	_, err := os.Stat(path)
	fresh := errors.Is(err, os.ErrNotExist)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: o.LockWait, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("store %s: %w by another process (waited %v); stop it or choose another file", path, ErrInUse, o.LockWait)
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("store %s: %w: %v", path, ErrSchema, err)
	case err != nil:
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	steps := migrations
	if o.steps != nil {
		steps = o.steps
	}
	if err := migrate(db, path, steps, o.Migrated); err != nil {
		db.Close()
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	if fresh {
		if err := syncDir(filepath.Dir(path)); err != nil {
			db.Close()
			return nil, fmt.Errorf("store %s: %w", path, err)
		}
	}
	f := &File{
		path: path, db: db, queue: make(chan *request, maxGroup), open: map[string]bool{},
		closing: make(chan struct{}), exited: make(chan struct{}),
	}
	go f.write()
	return f, nil
}

// syncDir makes a new file's name durable; the engine flushes only its content.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Path is where the file lies.
func (f *File) Path() string { return f.path }

// Actors are the names that have a bucket, in order.
func (f *File) Actors() ([]string, error) {
	var names []string
	err := f.db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if actor, ok := strings.CutPrefix(string(name), actorPrefix); ok {
				names = append(names, actor)
			}
			return nil
		})
	})
	return names, f.engineError(err)
}

// Actor opens the store of the actor called name, creating it if it is new. Two
// open stores of one actor would overwrite each other, so the second is refused
// with ErrInUse until the first is closed.
func (f *File) Actor(name string) (store.Store, error) {
	if name == "" || len(name) > store.MaxKey {
		return nil, fmt.Errorf("store %s: an actor's name has 1 to %d octets, this one has %d", f.path, store.MaxKey, len(name))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open[name] {
		return nil, fmt.Errorf("store %s: actor %q is %w", f.path, name, ErrInUse)
	}
	bucket := []byte(actorPrefix + name)
	err := f.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return nil, f.engineError(err)
	}
	f.open[name] = true
	return &actorStore{file: f, name: name, bucket: bucket, closed: make(chan struct{})}, nil
}

// Snapshot gives each the records of all actors, by actor and key, as they are at
// one moment, whether their stores are open or not. each must not call the file;
// its first error ends the snapshot and is returned. The data may be kept.
func (f *File) Snapshot(ctx context.Context, each func(actor string, rec actors.Stored) error) error {
	var outcome error
	err := f.db.View(func(tx *bolt.Tx) error {
		stop := errors.New("stop")
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			actor, ok := strings.CutPrefix(string(name), actorPrefix)
			if !ok {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				if outcome = ctx.Err(); outcome == nil {
					outcome = each(actor, actors.Stored{Key: string(k), Data: bytes.Clone(v)})
				}
				if outcome != nil {
					return stop
				}
				return nil
			})
		})
	})
	if outcome != nil {
		return outcome
	}
	return f.engineError(err)
}

// WriteTo writes a copy of the whole file, as of one moment, while actors go on
// saving. The copy can be opened like any other.
func (f *File) WriteTo(w io.Writer) (n int64, err error) {
	err = f.db.View(func(tx *bolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	return n, f.engineError(err)
}

// Close commits what is waiting and closes the file and every store in it.
func (f *File) Close() error {
	var err error
	f.once.Do(func() {
		close(f.closing)
		<-f.exited
		err = f.engineError(f.db.Close())
	})
	return err
}

// engineError gives the engine's errors our names.
func (f *File) engineError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return store.ErrClosed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("store %s: %w", f.path, err)
}

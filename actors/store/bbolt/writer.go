package bbolt

import (
	"context"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors/store"
)

// Limits of one group commit. They bound the memory of a transaction and how
// long the first caller of a group waits for the last.
const (
	maxGroup      = 1024    // batches
	maxGroupBytes = 8 << 20 // octets of values; a larger batch goes alone
)

// request is one batch on its way to the file.
type request struct {
	bucket []byte
	writes []store.Write
	size   int
	done   chan error // receives the outcome, once
	// state settles the race between a caller who gives up and the writer.
	state atomic.Int32
}

// States of a request.
const (
	waiting int32 = iota // nobody has touched it
	taken                // it is part of a transaction
	dropped              // its caller gave up in time
)

// save hands a batch to the writer and waits for the transaction it is in.
func (f *File) save(ctx context.Context, bucket []byte, writes []store.Write) error {
	r := &request{bucket: bucket, writes: writes, done: make(chan error, 1)}
	for _, w := range writes {
		r.size += len(w.Key) + len(w.Data)
	}
	select {
	case f.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-f.closing:
		return store.ErrClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		r.state.CompareAndSwap(waiting, dropped)
		return ctx.Err()
	case <-f.exited:
	}
	select {
	case err := <-r.done: // the writer's last transaction had it
		return err
	default:
		return store.ErrClosed
	}
}

// write is the one writer: it commits whatever is waiting, then waits again.
func (f *File) write() {
	defer close(f.exited)
	var left *request // did not fit into the group before
	for {
		first := left
		if first == nil {
			select {
			case first = <-f.queue:
			case <-f.closing:
				if first = f.poll(); first == nil {
					return
				}
			}
		}
		var group []*request
		group, left = f.gather(first)
		f.commit(group)
	}
}

// gather takes what is waiting behind first, up to the limits, without waiting
// for more. What exceeds them is returned apart.
func (f *File) gather(first *request) (group []*request, left *request) {
	size := 0
	for r := first; r != nil; r = f.poll() {
		if len(group) > 0 && size+r.size > maxGroupBytes {
			return group, r
		}
		if !r.state.CompareAndSwap(waiting, taken) {
			continue
		}
		group, size = append(group, r), size+r.size
		if len(group) == maxGroup {
			break
		}
	}
	return group, nil
}

// poll is the next waiting request, or nil.
func (f *File) poll() *request {
	select {
	case r := <-f.queue:
		return r
	default:
		return nil
	}
}

// commit makes a group durable and tells every caller the same outcome: keys and
// sizes were checked before, so what fails here is the file, not one batch.
func (f *File) commit(group []*request) {
	if len(group) == 0 {
		return
	}
	err := f.engineError(f.db.Update(func(tx *bolt.Tx) error {
		for _, r := range group {
			if err := apply(tx.Bucket(r.bucket), r.writes); err != nil {
				return err
			}
		}
		return nil
	}))
	for _, r := range group {
		r.done <- err
	}
}

func apply(b *bolt.Bucket, writes []store.Write) error {
	for _, w := range writes {
		var err error
		if w.Remove {
			err = b.Delete([]byte(w.Key))
		} else {
			err = b.Put([]byte(w.Key), w.Data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

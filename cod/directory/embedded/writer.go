package embedded

import (
	"errors"

	"go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// maxBatch is how many writes share one commit at most.
const maxBatch = 256

// A job is one write on its way. do works on the tree as it stands when its turn
// comes; done hears the outcome once it is durable, or refused.
type job struct {
	who  ldapschema.DN
	do   func(tree.Tree) error
	done func(error)
}

// A writer is the one goroutine that changes the data base. It takes what has
// gathered while the last commit ran and commits it all at once, so that many
// clients share the price of one flush.
type writer struct {
	db     *bbolt.DB
	suffix tree.Key
	clock  *csnClock
	hub    hub
	jobs   chan job
	ended  chan struct{}
}

func newWriter(db *bbolt.DB, suffix tree.Key, clock *csnClock) *writer {
	w := &writer{db: db, suffix: suffix, clock: clock, jobs: make(chan job, maxBatch), ended: make(chan struct{})}
	go w.run()
	return w
}

// close ends the writer when everything handed to it is done. Nobody may hand it
// anything more.
func (w *writer) close() {
	close(w.jobs)
	<-w.ended
}

func (w *writer) run() {
	defer close(w.ended)
	for first := range w.jobs {
		batch := []job{first}
	gather:
		for len(batch) < maxBatch {
			select {
			case j, ok := <-w.jobs:
				if !ok {
					break gather
				}
				batch = append(batch, j)
			default:
				break gather
			}
		}
		for i, err := range w.commit(batch) {
			batch[i].done(err)
		}
	}
}

// commit carries a batch out. A refused job has changed nothing and holds nobody
// up; a failing data base fails the whole batch, and nothing of it is kept.
func (w *writer) commit(batch []job) []error {
	results := make([]error, len(batch))
	failAll := func(err error) []error {
		for i := range results {
			results[i] = &directory.Error{Op: "write", Code: directory.Unavailable, Err: err}
		}
		return results
	}
	tx, err := w.db.Begin(true)
	if err != nil {
		return failAll(err)
	}
	defer tx.Rollback() // does nothing after Commit
	var all, done []change
	s := storeOf(tx)
	s.done = &done
	t := tree.Tree{Store: s, Suffix: w.suffix}
	for i, j := range batch {
		t.Stamp = w.clock.stamp(j.who)
		done = done[:0]
		results[i] = j.do(t)
		all = append(all, renamed(done)...)
		if errors.Is(results[i], directory.ErrUnavailable) {
			return failAll(results[i])
		}
	}
	if err := tx.Bucket(metaBucket).Put(metaCSN, []byte(w.clock.last)); err != nil {
		return failAll(err)
	}
	if err := tx.Commit(); err != nil {
		return failAll(err)
	}
	w.hub.publish(all)
	return results
}

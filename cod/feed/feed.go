/*
Package feed is the loop of a process that keeps some daemon as the directory says.
Such a process works by itself: the daemon follows the directory while the site
authority is away.

It keeps nothing on disk. Whenever it starts, or has lost sight of the directory, it
is told everything that is there (RFC 4533) and compares that with what the daemon
has; then it is told of each change. A [Keeper] knows one kind of daemon: package
cod/dns feeds name servers and package cod/boot boot servers.

What every keeper obeys: nothing is taken away from a daemon before the directory
has told everything, and [TooMany] guards even then, so that a source which suddenly
shows nothing empties nothing.
*/
package feed

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Keeper makes one daemon as the directory says. One goroutine calls it. A new
// one is made for each time the directory comes in sight.
type Keeper interface {
	// Take notes an event of the directory.
	Take(directory.Event)
	// CompareAll makes everything due for a comparison.
	CompareAll()
	// Flush does what is due; what fails stays due. It is called when the directory
	// has told everything, and after that whenever something may be due.
	Flush(ctx context.Context)
	// Settled reports whether nothing is due.
	Settled() bool
}

// A Source is a directory that is followed. Its fields are set before use.
type Source struct {
	Directory directory.Watcher
	Base      ldapschema.DN // the entries lie below
	Filter    string        // which of them count (RFC 4515)
	// Verify is how often everything is compared although nothing happened; 0 means
	// an hour.
	Verify time.Duration
	// RetryFirst and RetryMost bound the pauses, which double, while a server is
	// away; 0 means 200 ms and 30 s.
	RetryFirst, RetryMost time.Duration
	Log                   logrus.FieldLogger
}

// burst is how many events are taken together before anything is done about them.
const burst = 1000

// Run follows until ctx ends.
func (s Source) Run(ctx context.Context, begin func() Keeper) {
	pause := newBackoff(s.RetryFirst, s.RetryMost)
	for ctx.Err() == nil {
		live, err := s.session(ctx, begin(), false)
		if ctx.Err() != nil {
			return
		}
		if live {
			pause.reset()
		}
		d := pause.next()
		s.Log.WithError(err).WithField("again_in", d.String()).Warn("the directory is out of sight; everything stays as it is")
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
}

// Once tells a keeper everything that is there and flushes it once. It fails when
// the directory cannot be seen; what the keeper could not do is its own to tell.
func (s Source) Once(ctx context.Context, k Keeper) error {
	_, err := s.session(ctx, k, true)
	return err
}

// session watches the directory once, until it goes out of sight, and reports
// whether it had told everything.
func (s Source) session(ctx context.Context, k Keeper, once bool) (live bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, end := make(chan directory.Event), make(chan error, 1)
	go func() {
		end <- s.Directory.Watch(ctx, s.Base, s.Filter, func(ev directory.Event) error {
			select {
			case events <- ev:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	verify := s.Verify
	if verify <= 0 {
		verify = time.Hour
	}
	due := time.NewTicker(verify)
	defer due.Stop()
	retry := newBackoff(s.RetryFirst, s.RetryMost)
	again := time.NewTimer(verify)
	defer again.Stop()
	take := func(ev directory.Event) {
		k.Take(ev)
		live = live || ev.Kind == directory.Refreshed
	}
	for {
		select {
		case ev := <-events:
			take(ev)
			drain(events, take)
		case err := <-end:
			return live, err
		case <-due.C:
			k.CompareAll()
		case <-again.C:
		}
		if !live {
			continue
		}
		k.Flush(ctx)
		if once {
			return live, nil
		}
		if k.Settled() {
			retry.reset()
			again.Stop()
		} else {
			again.Reset(retry.next())
		}
	}
}

// drain takes what has come meanwhile, so that a burst is one piece of work.
func drain(events <-chan directory.Event, take func(directory.Event)) {
	for range burst {
		select {
		case ev := <-events:
			take(ev)
		default:
			return
		}
	}
}

// few is how many things may go in a comparison whatever the share.
const few = 10

// DefaultShare is the share, in percent, of a daemon's things that one comparison
// may take away.
const DefaultShare = 30

// TooMany reports whether a comparison would take away so many things, beside those
// that stay, that a silent source is the likelier reason. Share is in percent; 0
// means [DefaultShare].
func TooMany(gone, stay, share int) bool {
	if share <= 0 {
		share = DefaultShare
	}
	return gone > few && gone*100 > (gone+stay)*share
}

// A backoff is pauses that double.
type backoff struct{ first, most, now time.Duration }

func newBackoff(first, most time.Duration) *backoff {
	if first <= 0 {
		first = 200 * time.Millisecond
	}
	if most <= 0 {
		most = 30 * time.Second
	}
	return &backoff{first: first, most: max(first, most)}
}

func (b *backoff) next() time.Duration {
	b.now = min(max(b.first, 2*b.now), b.most)
	return b.now
}

func (b *backoff) reset() { b.now = 0 }

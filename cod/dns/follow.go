package dns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Follower keeps a name server as a directory says. Set its fields before Run or
// Once and do not change them after.
type Follower struct {
	Directory directory.Watcher
	Base      ldapschema.DN // where the zones' entries lie
	Server    *Server
	Zones     *RNDC // adds and removes zones; nil leaves that to people
	// MaxRemoval is the share of a zone's names, in percent, that one comparison may
	// take away; 0 means 30. A few names may always go.
	MaxRemoval int
	// Verify is how often zones are compared although nothing happened; 0 means an
	// hour.
	Verify time.Duration
	// RetryFirst and RetryMost bound the pauses, which double, while a server is
	// away; 0 means 200 ms and 30 s.
	RetryFirst, RetryMost time.Duration
	Log                   *logrus.Logger
	// Settled, when set, is called whenever nothing is left to be done for now.
	Settled func(Report)
}

// few is how many names may go in a comparison whatever the share.
const few = 10

// burst is how many events are taken together before they are sent.
const burst = 1000

// filter selects what is watched.
const filter = "(objectClass=dNSZone)"

// Run follows until ctx ends, and returns nil then.
func (f *Follower) Run(ctx context.Context) error {
	b := newBackoff(f.RetryFirst, f.RetryMost)
	for ctx.Err() == nil {
		w := newWork(f, false)
		err := f.session(ctx, w, false)
		if ctx.Err() != nil {
			break
		}
		if w.live {
			b.reset()
		}
		pause := b.next()
		f.Log.WithError(err).WithField("again_in", pause.String()).Warn("the directory is out of sight; names stay as they are")
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// Once makes the server as the directory says now and reports what was different.
// With dry set it only reports. It fails when anything could not be done.
func (f *Follower) Once(ctx context.Context, dry bool) (Report, error) {
	w := newWork(f, dry)
	err := f.session(ctx, w, true)
	if err == nil {
		err = errors.Join(w.failures()...)
	}
	return w.report(), err
}

// session watches the directory once, until it goes out of sight.
func (f *Follower) session(ctx context.Context, w *work, once bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, end := make(chan directory.Event), make(chan error, 1)
	go func() {
		end <- f.Directory.Watch(ctx, f.Base, filter, func(ev directory.Event) error {
			select {
			case events <- ev:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	verify := f.Verify
	if verify <= 0 {
		verify = time.Hour
	}
	due := time.NewTicker(verify)
	defer due.Stop()
	retry := newBackoff(f.RetryFirst, f.RetryMost)
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		select {
		case ev := <-events:
			w.take(ev)
			drain(events, w)
		case err := <-end:
			return err
		case <-due.C:
			w.compareAll()
		case <-again.C:
		}
		if !w.live {
			continue
		}
		w.flush(ctx)
		if once {
			return nil
		}
		if w.settled() {
			retry.reset()
			again.Stop()
		} else {
			again.Reset(retry.next())
		}
		if f.Settled != nil && w.settled() {
			f.Settled(w.report())
		}
	}
}

// drain takes what has come meanwhile, so that a burst makes few updates.
func drain(events <-chan directory.Event, w *work) {
	for range burst {
		select {
		case ev := <-events:
			w.take(ev)
		default:
			return
		}
	}
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

// A Report is how a name server stands to the directory.
type Report struct {
	Zones    []ZoneReport `json:"zones"`
	Problems []string     `json:"problems,omitempty"` // values that are no records
}

// ZoneReport is a Report's line of one zone.
type ZoneReport struct {
	Zone    string   `json:"zone"`
	Names   int      `json:"names"`             // that the directory has
	Changed []string `json:"changed,omitempty"` // names that were different, or would be changed
	Added   bool     `json:"added,omitempty"`   // the server did not have the zone
	Held    int      `json:"held,omitempty"`    // names that would have gone, too many at once
	Error   string   `json:"error,omitempty"`
}

// String is one line for people.
func (z ZoneReport) String() string {
	s := fmt.Sprintf("%s: %d names, %d changed", z.Zone, z.Names, len(z.Changed))
	if z.Added {
		s += ", zone added"
	}
	if z.Held > 0 {
		s += fmt.Sprintf(", %d not removed", z.Held)
	}
	if z.Error != "" {
		s += ": " + z.Error
	}
	return s
}

package site

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/sirupsen/logrus"
)

// Config is what a Site needs. Fields without a stated default are required.
type Config struct {
	COD       cod.Config
	Directory directory.Directory
	Driver    handlers.Driver
	// Report hears the result of every action. It is called from one goroutine and
	// must not block for long; a host's Deliver will do.
	Report func(actors.ActionDone)

	Runner run.Runner         // the machine drivers speak to; nil means run.Nowhere
	Clock  clock.Clock        // nil means the real one
	Writes int                // directory operations under way at once; 0 means 8
	Calls  int                // driver calls under way at once; 0 means 64
	Limit  time.Duration      // longest a directory operation or a driver call may take; 0 means one minute
	Log    logrus.FieldLogger // nil discards
}

// Counts are totals since New.
type Counts struct {
	Written int `json:"written"` // changes the directory took
	Failed  int `json:"failed"`  // operations that failed because the directory was away
	Calls   int `json:"calls"`   // driver calls that ended
}

// Site runs one cod machine. Its methods may be called from any goroutine.
type Site struct {
	config  Config
	machine *cod.Machine // the loop's own
	ctx     context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup // the loop and its workers
	writes  chan struct{}
	calls   chan struct{}

	mu     sync.Mutex
	inbox  []any // cod.Event, or a func to run between two steps
	signal chan struct{}
	counts Counts
	ready  bool
}

// ErrClosed is the answer of a Site that was closed.
var ErrClosed = errors.New("site: closed")

// New makes a Site and starts it. The directory need not be there yet.
func New(c Config) (*Site, error) {
	m, err := cod.New(c.COD)
	if err != nil {
		return nil, err
	}
	if c.Directory == nil || c.Driver == nil || c.Report == nil {
		return nil, errors.New("site: Directory, Driver and Report are required")
	}
	if c.Runner == nil {
		c.Runner = run.Nowhere{}
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.Writes <= 0 {
		c.Writes = 8
	}
	if c.Calls <= 0 {
		c.Calls = 64
	}
	if c.Limit <= 0 {
		c.Limit = time.Minute
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Log = silent
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Site{config: c, machine: m, ctx: ctx, stop: stop, signal: make(chan struct{}, 1),
		writes: make(chan struct{}, c.Writes), calls: make(chan struct{}, c.Calls)}
	s.work.Go(s.loop)
	return s, nil
}

// Run takes an action and returns at once. Its result is reported; the same action
// may be asked for again.
func (s *Site) Run(a actors.Action) { s.post(cod.Do{Action: a}) }

// View shows the clusters between two steps.
func (s *Site) View(ctx context.Context) (v cod.View, err error) {
	done := make(chan struct{})
	s.post(func() { v = s.machine.View(); close(done) })
	select {
	case <-done:
		return v, nil
	case <-ctx.Done():
		return cod.View{}, ctx.Err()
	case <-s.ctx.Done():
		return cod.View{}, ErrClosed
	}
}

// Counts are the totals so far.
func (s *Site) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

// Ready reports whether the directory has been read.
func (s *Site) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

// Close ends the site. Operations under way are cut off; no goroutine is left when
// it returns. What was not finished is asked for again after a restart.
func (s *Site) Close() {
	s.stop()
	s.work.Wait()
}

// post puts something into the inbox. It never blocks.
func (s *Site) post(what any) {
	s.mu.Lock()
	s.inbox = append(s.inbox, what)
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *Site) take() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.inbox
	s.inbox = nil
	return out
}

// loop is the goroutine that steps the machine.
func (s *Site) loop() {
	if !s.begin() {
		return
	}
	wake := s.step(cod.Tick{})
	timer := s.config.Clock.NewTimer(s.until(wake))
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C():
			wake = s.step(cod.Tick{})
		case <-s.signal:
			for _, what := range s.take() {
				switch what := what.(type) {
				case cod.Event:
					wake = s.step(what)
				case func():
					what()
				}
			}
		}
		timer.Reset(s.until(wake))
	}
}

// aWhile is the pause of a machine that asks for no wake-up.
const aWhile = 24 * time.Hour

// until is the time from now to an instant the machine asked for.
func (s *Site) until(at actors.Millis) time.Duration {
	if at == actors.Forever {
		return aWhile
	}
	return max(0, min(aWhile, clock.Time(at).Sub(s.config.Clock.Now())))
}

// step moves the machine by one event, hands out what it asks for and returns when
// it wants to be woken.
func (s *Site) step(ev cod.Event) actors.Millis {
	fx := s.machine.Step(clock.Millis(s.config.Clock.Now()), ev)
	for _, w := range fx.Write {
		s.spawn(s.writes, func(ctx context.Context) cod.Event { return s.write(ctx, w) })
	}
	for _, r := range fx.Read {
		s.spawn(s.writes, func(ctx context.Context) cod.Event { return s.read(ctx, r) })
	}
	for _, d := range fx.Drive {
		s.spawn(s.calls, func(ctx context.Context) cod.Event { return s.drive(ctx, d) })
	}
	for _, d := range fx.Report {
		s.config.Report(d)
	}
	return fx.Wake
}

// spawn does some work when there is a slot for it, and posts the outcome.
func (s *Site) spawn(slots chan struct{}, do func(context.Context) cod.Event) {
	s.work.Go(func() {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-s.ctx.Done():
			return
		}
		ctx, cancel := context.WithTimeout(s.ctx, s.config.Limit)
		defer cancel()
		ev := do(ctx)
		if s.ctx.Err() == nil {
			s.post(ev)
		}
	})
}

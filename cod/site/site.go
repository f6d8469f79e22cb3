package site

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cod"
)

// Site is a running site. Make it with New; its methods may be called from any
// goroutine.
type Site struct {
	config Config
	base   cod.Config // with defaults filled in
	stop   context.CancelFunc
	over   sync.WaitGroup
	mail   *queue[cod.Event]
	jobs   *queue[job]
	calls  *queue[cod.Drive]
	counts counters
	away   atomic.Bool // the directory's last answer was none

	mu      sync.Mutex // held during a step, and by those who look
	machine *cod.Machine
	problem string // why there is no machine yet
}

// New starts a site. It does not wait for the directory.
func New(c Config) (*Site, error) {
	c, err := c.checked()
	if err != nil {
		return nil, err
	}
	m, err := cod.New(c.COD)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Site{
		config: c, base: m.Config(), stop: stop, problem: "the directory has not been read yet",
		mail: newQueue[cod.Event](), jobs: newQueue[job](), calls: newQueue[cod.Drive](),
	}
	s.over.Go(func() { s.serve(ctx) })
	for range c.Writers {
		s.over.Go(func() { s.carry(ctx) })
	}
	for range c.Drivers {
		s.over.Go(func() { s.drive(ctx) })
	}
	return s, nil
}

// Run takes an action and returns at once (host.Config.Run).
func (s *Site) Run(a actors.Action) { s.mail.put(cod.Do{Action: a}) }

// Forget takes an operator's word that a suspect unit is gone ([cod.Forget]).
func (s *Site) Forget(u actors.UnitID) { s.mail.put(cod.Forget{Unit: u}) }

// Close gives up what is under way and returns when nothing is. It may be called
// again.
func (s *Site) Close() error {
	s.stop()
	s.over.Wait()
	return nil
}

// serve loads the machine and then steps it.
func (s *Site) serve(ctx context.Context) {
	timer := s.config.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	if !s.load(ctx, timer) {
		return
	}
	s.step(cod.Tick{}, timer)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.mail.some:
			for _, ev := range s.mail.all() {
				if ctx.Err() != nil {
					return
				}
				s.step(ev, timer)
			}
		case <-timer.C():
			s.step(cod.Tick{}, timer)
		}
	}
}

// longest is the longest sleep; waking for nothing now and then costs nothing.
const longest = time.Hour

// step gives the machine one event and hands out what it asks for.
func (s *Site) step(ev cod.Event, timer clock.Timer) {
	now := clock.Millis(s.config.Clock.Now())
	s.mu.Lock()
	fx := s.machine.Step(now, ev)
	s.mu.Unlock()
	if len(fx.Moved) > 0 {
		s.note(fx.Moved)
		s.config.Moved(fx.Moved)
	}
	for _, w := range fx.Warn {
		s.config.Log.WithField("unit", string(w.Unit)).WithField("reservation", string(w.Reservation)).Info(w.Note)
	}
	for _, w := range fx.Write {
		s.jobs.put(job{write: w})
	}
	for _, r := range fx.Read {
		s.jobs.put(job{read: r})
	}
	s.calls.put(fx.Drive...)
	for _, done := range fx.Report {
		s.counts.reports.Add(1)
		s.config.Report(done)
	}
	pause := longest
	if fx.Wake < now+actors.Millis(longest.Milliseconds()) {
		pause = time.Duration(max(0, fx.Wake-now)) * time.Millisecond
	}
	timer.Reset(pause)
}

// note logs what happened to nodes, and louder what should not have.
func (s *Site) note(moved []cod.Transition) {
	for _, t := range moved {
		log := s.config.Log.WithField("unit", string(t.Unit)).WithField("from", t.From.String())
		if t.To == cod.Suspect {
			log.Warnf("node is suspect: %s", t.Why)
			continue
		}
		log.Debugf("node is %s: %s", t.To, t.Why)
	}
}

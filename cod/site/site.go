package site

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// Site is a running site. Make it with New; its methods may be called from any
// goroutine.
type Site struct {
	config  Config
	base    cod.Config // with defaults filled in
	stop    context.CancelFunc
	over    sync.WaitGroup
	mail    *queue[letter]
	jobs    *queue[job]
	calls   *queue[cod.Drive]
	zones   *queue[ldapschema.DN] // their serial numbers are to be raised
	counts  counters
	engaged engaged     // units that the driver is busy with
	away    atomic.Bool // the directory's last answer was none
	open    atomic.Bool // it is in sight, and we are not fenced off: writing is allowed

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
		config: c, base: m.Config(), stop: stop, problem: unread,
		mail: newQueue[letter](), jobs: newQueue[job](), calls: newQueue[cod.Drive](), zones: newQueue[ldapschema.DN](),
	}
	s.over.Go(func() { s.serve(ctx) })
	s.over.Go(func() { s.follow(ctx) })
	s.over.Go(func() { s.number(ctx) })
	for range c.Writers {
		s.over.Go(func() { s.carry(ctx) })
	}
	for range c.Drivers {
		s.over.Go(func() { s.drive(ctx) })
	}
	return s, nil
}

// Run takes an action and returns at once (host.Config.Run).
func (s *Site) Run(a actors.Action) { s.mail.put(letter{events: []cod.Event{cod.Do{Action: a}}}) }

// Forget takes an operator's word that a suspect unit is gone ([cod.Forget]).
func (s *Site) Forget(u actors.UnitID) {
	s.mail.put(letter{events: []cod.Event{cod.Forget{Unit: u}}})
}

// Sweep takes an operator's word that entries of a unit without a node may go
// ([cod.Sweep]).
func (s *Site) Sweep(u actors.UnitID) {
	s.mail.put(letter{events: []cod.Event{cod.Sweep{Unit: u}}})
}

// Close gives up what is under way and returns when nothing is. It may be called
// again.
func (s *Site) Close() error {
	s.stop()
	s.over.Wait()
	return nil
}

// serve steps the machine, once there is one.
func (s *Site) serve(ctx context.Context) {
	timer := s.config.Clock.NewTimer(longest)
	defer timer.Stop()
	var early []cod.Event // came before the machine
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.mail.some:
			for _, l := range s.mail.all() {
				if l.machine != nil {
					s.mu.Lock()
					s.machine = l.machine
					s.mu.Unlock()
					l.events = append(append(l.events, cod.Tick{}), early...)
					early = nil
				}
				if s.machine == nil {
					early = append(early, l.events...)
					l.events = nil
				}
				for _, ev := range l.events {
					if ctx.Err() != nil {
						return
					}
					s.step(ev, timer)
				}
				s.see(l)
			}
		case <-timer.C():
			if s.machine != nil {
				s.step(cod.Tick{}, timer)
			}
		}
	}
}

// see notes whether the directory is in sight.
func (s *Site) see(l letter) {
	if l.lost == nil && !l.sight {
		return
	}
	problem := ""
	switch {
	case l.sight && s.open.Swap(s.machine.Fenced() == ""):
	case l.sight:
		s.config.Log.Info("the site's directory is in sight")
	case s.open.Swap(false) || s.problem == unread:
		s.config.Log.WithError(l.lost).Warn("the site's directory is out of sight; nothing is written until it is back")
	}
	if l.lost != nil {
		problem = l.lost.Error()
	}
	s.mu.Lock()
	s.problem = problem
	s.mu.Unlock()
}

// unread is the problem of a site that has just been started.
const unread = "the directory has not been read yet"

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
	s.tell(fx.Notice)
	for _, c := range fx.Changed {
		s.config.Changed(c)
	}
	if why := s.machine.Fenced(); why != "" && s.open.Swap(false) {
		s.config.Log.Error(why)
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
		if t.To == cod.Suspect || t.To == cod.Quarantined {
			log.Warnf("node is %s: %s", t.To, t.Why)
			continue
		}
		log.Debugf("node is %s: %s", t.To, t.Why)
	}
}

// tell logs what others did to our entries.
func (s *Site) tell(all []cod.Notice) {
	for _, n := range all {
		log := s.config.Log.WithFields(logrus.Fields{"entry": string(n.Entry), "unit": string(n.Unit), "by": string(n.By)})
		if n.Attr != "" {
			log = log.WithField("value", n.Value)
		}
		if n.Kind == cod.TakenOver {
			s.counts.takenOver.Add(1)
			log.Info(n.Text())
		} else {
			log.Warn(n.Text())
		}
	}
	if len(all) > 0 {
		s.config.Noticed(all)
	}
}

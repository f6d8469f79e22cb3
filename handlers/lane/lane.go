/*
Package lane runs actions through a driver, one lane to a unit.

It is the plainest way to carry out what an actor asks of machines: a service
manager's joins and leaves, and the setups and teardowns of a site that keeps no
clusters. Actions on one unit run one at a time in the order of their sequence
numbers; actions on different units run side by side, a bounded number at once.
A driver that answers "not yet" is asked again after the pause it names.

One call of a driver may take as long as Config.Limit says. Then it is called off, by
the end of its context, and other units get its slot; the driver is asked again, at
longer and longer intervals, when the call has ended. A driver that does not even end
then keeps its own unit's lane and nothing else: two calls about one unit never
overlap, and when patience ends the action is reported as failed.

A driver that panics has failed that one call: the action is reported as failed, and
everything else goes on.

When a newer action for a unit arrives while an older one has not begun, the
older one is dropped: nobody waits for its result any more.
*/
package lane

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Config is what Lanes need. Fields without a stated default are required.
type Config struct {
	Driver handlers.Driver
	// Runner is the machine that a unit's driver speaks to; nil means run.Nowhere, for
	// drivers that need none.
	Runner   func(actors.Unit) run.Runner
	Report   func(actors.ActionDone)                        // hears every result; called from several goroutines, must not block for long
	Clock    clock.Clock                                    // nil means the real one
	Patience time.Duration                                  // how long a driver may say "not yet"; 0 means 30 minutes
	Limit    time.Duration                                  // how long one call of the driver may take; 0 means 10 minutes
	Slow     func(actors.Action, time.Duration)             // hears of a call that took longer and was called off; nil means nobody
	Panicked func(a actors.Action, value any, stack []byte) // hears of a driver's panic; nil means nobody
	Pause    time.Duration                                  // before asking again a driver that named no pause; 0 means 1 s
	Reserved []string                                       // what of a driver's parameters a lessee may not give (handlers.Given)
	AtOnce   int                                            // driver calls under way at once; 0 means 64
}

// Lanes carries actions out. Make it with New; Run may be called from any
// goroutine.
type Lanes struct {
	config Config
	ctx    context.Context
	stop   context.CancelFunc
	slots  chan struct{}
	done   sync.WaitGroup

	mu    sync.Mutex
	lanes map[actors.UnitID]*queue // units with something running
}

// queue is one unit's lane: what runs now, and the newest action that waits.
type queue struct {
	running int // sequence of the action under way
	next    *actors.Action
}

// New makes Lanes. It starts no goroutine before there is something to run.
func New(c Config) *Lanes {
	if c.Runner == nil {
		c.Runner = func(actors.Unit) run.Runner { return run.Nowhere{} }
	}
	if c.Clock == nil {
		c.Clock = clock.Real()
	}
	if c.Patience == 0 {
		c.Patience = 30 * time.Minute
	}
	if c.Limit == 0 {
		c.Limit = 10 * time.Minute
	}
	if c.Slow == nil {
		c.Slow = func(actors.Action, time.Duration) {}
	}
	if c.Panicked == nil {
		c.Panicked = func(actors.Action, any, []byte) {}
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	if c.AtOnce == 0 {
		c.AtOnce = 64
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Lanes{config: c, ctx: ctx, stop: stop, slots: make(chan struct{}, c.AtOnce), lanes: map[actors.UnitID]*queue{}}
}

// Run takes an action and returns at once. The result is reported, unless a newer
// action for the same unit came first or Close was called.
func (l *Lanes) Run(a actors.Action) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	if q, busy := l.lanes[a.Unit.ID]; busy {
		if a.Sequence > q.running && (q.next == nil || a.Sequence > q.next.Sequence) {
			q.next = &a
		}
		return
	}
	l.lanes[a.Unit.ID] = &queue{running: a.Sequence}
	l.done.Add(1)
	go l.drive(a)
}

// Close stops what is under way and waits until nothing is. A restart asks again.
func (l *Lanes) Close() {
	l.mu.Lock()
	l.stop()
	l.mu.Unlock()
	l.done.Wait()
}

// drive runs a unit's actions until its lane is empty.
func (l *Lanes) drive(a actors.Action) {
	defer l.done.Done()
	for {
		res, hangs, err := l.action(a)
		if l.ctx.Err() != nil {
			return
		}
		l.config.Report(report(a, res, err))
		if hangs != nil {
			select {
			case <-hangs.end:
			case <-l.ctx.Done():
				return
			}
		}
		l.mu.Lock()
		q := l.lanes[a.Unit.ID]
		if q.next == nil {
			delete(l.lanes, a.Unit.ID)
			l.mu.Unlock()
			return
		}
		a, q.next = *q.next, nil
		q.running = a.Sequence
		l.mu.Unlock()
	}
}

var errPatience = errors.New("the driver is not done after all this time")

// params is what a driver is told: what was configured, under the unit's own
// properties, under what identifies the action.
func params(a actors.Action, reserved []string) handlers.Params {
	p := handlers.Given(a.Properties, reserved...)
	maps.Copy(p, a.Unit.Properties)
	p[handlers.ParamUnit] = string(a.Unit.ID)
	p[handlers.ParamHost] = a.Unit.Host
	p[handlers.ParamType] = string(a.Type)
	p[handlers.ParamReservation] = string(a.Reservation)
	p[handlers.ParamSlice] = string(a.Slice.ID)
	p[handlers.ParamSequence] = strconv.Itoa(a.Sequence)
	p[handlers.ParamAction] = a.Verb.String()
	if a.Verb == actors.ModifyUnit {
		m := actors.NewestModify(a.Properties)
		p[handlers.ParamSubcommand], p[handlers.ParamModify] = m.Subcommand, strconv.Itoa(m.Number)
	}
	return p
}

func report(a actors.Action, res handlers.Result, err error) actors.ActionDone {
	d := actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence, Note: res.Note,
		Properties: res.Properties}
	switch {
	case err != nil && a.Verb == actors.ModifyUnit:
		d.Code, d.Note = handlers.CodeOf(err), err.Error()
	case err != nil:
		d.Code, d.Note = 1, err.Error()
	}
	return d
}

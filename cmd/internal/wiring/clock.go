package wiring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/sirupsen/logrus"
)

// ClockFile is the name of the file in the state folder that says where a clock
// stands which operators move: milliseconds since 1970.
const ClockFile = "clock"

// actorsClock is the clock that the actors live by. Everything else, such as the dates
// of messages and the pauses between two tries, keeps to this machine's own.
func (p *Process) actorsClock() error {
	p.clock = clock.Real()
	if p.config.Ticks != config.TicksExternal {
		return nil
	}
	path := filepath.Join(p.config.State, ClockFile)
	at := p.config.Clock.Begin
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("%s does not say where the clock stands: %q", path, text)
		}
		at = max(at, actors.Millis(n))
	}
	p.hand = &hand{Manual: clock.NewManual(clock.Time(at)), path: path, cycles: p.config.Clock, process: p}
	p.clock = p.hand
	return nil
}

// hand is a clock that operators move, cycle by cycle.
type hand struct {
	*clock.Manual
	path    string
	cycles  actors.Cycles
	process *Process
}

// Tick moves it by a cycle (manage.Ticker). The file says so first: a process that is
// killed in between finds the clock where some actor may have seen it.
func (h *hand) Tick(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	next := h.cycles.Start(h.cycles.Of(clock.Millis(h.Now())) + 1)
	if err := replaceFile(h.path, []byte(strconv.FormatInt(int64(next), 10)+"\n")); err != nil {
		return err
	}
	h.AdvanceTo(clock.Time(next))
	h.process.quiet(ctx)
	return nil
}

// replaceFile puts data in the place of a file, durably and in one step.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Quiet is when nothing has been on its way for a moment. A peer or a handler that
// takes long is not waited for.
const (
	quietMoment = 2 * time.Millisecond
	quietMost   = 2 * time.Second
)

// errands are the actions that an actor's handlers have in hand: of each unit the
// newest, which alone is sure of an answer.
type errands struct {
	mu    sync.Mutex
	units map[actors.UnitID]errand
}

func (e *errands) begin(a actors.Action) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.units == nil {
		e.units = map[actors.UnitID]errand{}
	}
	if now, ok := e.units[a.Unit.ID]; !ok || now.sequence < a.Sequence {
		e.units[a.Unit.ID] = errand{a.Sequence, time.Now()}
	}
}

// took is how long an action took that has just ended, if it was asked for here and is
// the one that is under way.
func (e *errands) took(d actors.ActionDone) actors.Millis {
	e.mu.Lock()
	defer e.mu.Unlock()
	if now, ok := e.units[d.Unit]; ok && now.sequence == d.Sequence {
		return max(1, actors.Millis(time.Since(now.since).Milliseconds()))
	}
	return 0
}

func (e *errands) end(d actors.ActionDone) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.units[d.Unit].sequence <= d.Sequence {
		delete(e.units, d.Unit)
	}
}

// errand is an action under way: its sequence, and since when.
type errand struct {
	sequence int
	since    time.Time
}

func (e *errands) any() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.units) > 0
}

// quiet returns when the actors have done what was asked of them: no events wait,
// no messages are on their way, no handler is at work, and every step has been shown.
func (p *Process) quiet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, quietMost)
	defer cancel()
	for still := 0; still < 2 && ctx.Err() == nil; still++ {
		if still > 0 {
			time.Sleep(quietMoment)
		}
		for _, a := range p.Actors {
			if a.Host.Inspect(ctx, func(actors.Viewer) {}) != nil || a.Host.Status().Waiting > 0 || a.Remote.Counts().Waiting > 0 || a.errands.any() {
				still = 0 // and once more after this one
			}
		}
	}
}

// offsets measures the clocks of an actor's peers, and tells people when one is
// further off than a cycle: that is where leases begin to be lost (leasing 2.8).
func (p *Process) offsets(who people, log logrus.FieldLogger) *clock.Offsets {
	length := time.Duration(p.config.Clock.Length) * time.Millisecond
	return clock.NewOffsets(length, func(peer string, o clock.Offset) {
		log := log.WithField("peer", who.where[actors.ActorID(peer)].Name).WithField("offset", o.String())
		if o.Beyond {
			log.Warnf("the clock of a peer is further off than a cycle of %v: renewals may come too late; our leases keep to our own clock", length)
		} else {
			log.Info("the clock of a peer is within a cycle again")
		}
	})
}

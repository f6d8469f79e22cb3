package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// engaged is the units that a driver call is under way on. The machine asks for one call
// at a time on each; what is asked for beside it, a look, waits for none and lets none
// wait for long.
type engaged struct {
	mu    sync.Mutex
	units map[actors.UnitID]chan struct{} // closed when the call is over
}

// try takes a unit, unless a call is under way on it.
func (e *engaged) try(u actors.UnitID) (over <-chan struct{}, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, is := e.units[u]; is {
		return c, false
	}
	if e.units == nil {
		e.units = map[actors.UnitID]chan struct{}{}
	}
	e.units[u] = make(chan struct{})
	return nil, true
}

// take takes a unit when the call on it is over. It does not when ctx ends before.
func (e *engaged) take(ctx context.Context, u actors.UnitID) error {
	for {
		over, ok := e.try(u)
		if ok {
			return nil
		}
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave gives a unit back.
func (e *engaged) leave(u actors.UnitID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.units[u])
	delete(e.units, u)
}

// A Probed is what a driver found where a node's unit should be.
type Probed struct {
	Unit    actors.UnitID
	Machine string // where it should be
	State   string // as handlers.ProbeState has it; empty when the driver says no more than that it looked
	Note    string // the driver's
	Skipped bool   // something is under way there, or nothing is known of it
	Err     error  // it could not look
}

// ErrNoProbe says that a site's driver cannot look at units.
var ErrNoProbe = errors.New("the driver cannot look at units")

// probeTime is how long one look may take, probesAtOnce how many are under way.
const (
	probeTime    = 30 * time.Second
	probesAtOnce = 8
)

// Probe has the driver look at every node that is up, and changes nothing.
func (s *Site) Probe(ctx context.Context) ([]Probed, error) {
	if handlers.Capability(s.config.Driver, handlers.Probe) == nil {
		return nil, ErrNoProbe
	}
	var out []Probed
	for _, c := range s.Snapshot().View.Clusters {
		for _, n := range c.Nodes {
			if n.State == cod.Up.String() {
				out = append(out, Probed{Unit: n.Unit})
			}
		}
	}
	var all sync.WaitGroup
	room := make(chan struct{}, probesAtOnce)
	for i := range out {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			s.probe(ctx, &out[i])
		})
	}
	all.Wait()
	return out, ctx.Err()
}

// probe has the driver look at one unit.
func (s *Site) probe(ctx context.Context, p *Probed) {
	look := func() (cod.Drive, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.machine.Probe(p.Unit)
	}
	p.Skipped = true
	d, ok := look()
	if !ok {
		return
	}
	if _, ok := s.engaged.try(d.Unit.ID); !ok {
		return
	}
	defer s.engaged.leave(d.Unit.ID)
	if d, ok = look(); !ok { // it was called meanwhile, and will be again
		return
	}
	p.Skipped, p.Machine = false, cmp.Or(d.Unit.Properties[handlers.ParamMachine], d.Unit.Host)
	ctx, stop := context.WithTimeout(ctx, probeTime)
	defer stop()
	res, err := guard(ctx, handlers.Capability(s.config.Driver, handlers.Probe), s.config.Runner(d.Unit), d.Params)
	switch {
	case err != nil:
		p.Err = err
	case !res.Done:
		p.Err = errors.New("the driver takes too long to look")
	}
	p.State, p.Note = res.Properties[handlers.ProbeState], res.Note
}

// guard keeps a driver's panic from everybody else.
func guard(ctx context.Context, call handlers.Call, on run.Runner, p handlers.Params) (res handlers.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the driver panicked: %v", v)
		}
	}()
	return call(ctx, on, p)
}

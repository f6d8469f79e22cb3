package lane

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
)

// What a call that is called off waits for, and how often the driver is asked again.
const (
	grace     = 10 * time.Second // for its end, when everything else ends
	longPause = time.Minute      // between two tries, at most
)

// ErrHangs is part of an action's failure when its driver did not end a call that was
// called off.
var ErrHangs = errors.New("the driver does not come back")

// ErrPanicked is the failure of an action whose driver panicked.
var ErrPanicked = errors.New("the driver panicked")

// ended is what a call of the driver came to.
type ended struct {
	res handlers.Result
	err error
}

// try is one call of a driver, for as long as it takes.
type try struct {
	end  chan ended
	over bool // it was called off, and has ended
}

// call asks the driver once, and waits no longer than the limit of a call. Then the
// call is called off and its slot goes to another unit; ok is false, and the driver may
// be asked again when the call has ended, never before.
func (l *Lanes) call(a actors.Action, p handlers.Params) (t *try, e ended, ok bool) {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-l.ctx.Done():
		return nil, ended{err: l.ctx.Err()}, true
	}
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	t = &try{end: make(chan ended, 1)}
	go func() {
		res, err := l.ask(ctx, a, p)
		t.end <- ended{res, err}
	}()
	timer := l.config.Clock.NewTimer(l.config.Limit)
	defer timer.Stop()
	select {
	case e = <-t.end:
		return t, e, true
	case <-timer.C():
		l.config.Slow(a, l.config.Limit)
		return t, ended{}, false
	case <-l.ctx.Done():
		l.part(t)
		return t, ended{err: l.ctx.Err()}, true
	}
}

// ask is the driver's part. Its panic is a failure of this call, and of nothing else.
func (l *Lanes) ask(ctx context.Context, a actors.Action, p handlers.Params) (res handlers.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			l.config.Panicked(a, v, debug.Stack())
			res, err = handlers.Result{}, ErrPanicked
		}
	}()
	switch a.Verb {
	case actors.Teardown, actors.Leave:
		return l.config.Driver.Teardown(ctx, l.config.Runner(a.Unit), p)
	case actors.ModifyUnit:
		return handlers.Modify(ctx, l.config.Driver, l.config.Runner(a.Unit), p)
	}
	return l.config.Driver.Setup(ctx, l.config.Runner(a.Unit), p)
}

// await waits for the end of a call that was called off, and gives what it came to
// unless it is nothing but that.
func (l *Lanes) await(t *try, patience time.Duration) (e ended, done bool) {
	timer := l.config.Clock.NewTimer(patience)
	defer timer.Stop()
	select {
	case e = <-t.end:
		t.over = true
		return e, e.err == nil && e.res.Done
	case <-timer.C():
	case <-l.ctx.Done():
		l.part(t)
	}
	return e, false
}

// part lets a call end when everything else ends, but not for long.
func (l *Lanes) part(t *try) {
	timer := l.config.Clock.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-t.end:
		t.over = true
	case <-timer.C():
	}
}

// action asks the driver until it is done, fails, or patience ends. The try that it
// gives hangs: nothing may be asked about the unit before it has ended.
func (l *Lanes) action(a actors.Action) (res handlers.Result, hangs *try, err error) {
	began := l.config.Clock.Now()
	left := func() time.Duration { return l.config.Patience - l.config.Clock.Now().Sub(began) }
	p := params(a, l.config.Reserved)
	backoff := l.config.Pause
	for {
		t, e, ok := l.call(a, p)
		pause := e.res.After
		switch {
		case ok && (e.err != nil || e.res.Done):
			return e.res, nil, e.err
		case !ok:
			late, done := l.await(t, max(left(), 0))
			if done {
				return late.res, nil, nil
			}
			if !t.over {
				return res, t, fmt.Errorf("%w: a call was called off after %v", ErrHangs, l.config.Limit)
			}
			e.res.Note = fmt.Sprintf("a call was called off after %v", l.config.Limit)
			pause, backoff = backoff, min(2*backoff, max(longPause, l.config.Pause))
		case pause <= 0:
			pause = l.config.Pause
		}
		rest := left()
		if rest <= 0 {
			return e.res, nil, fmt.Errorf("%w: %s", errPatience, e.res.Note)
		}
		timer := l.config.Clock.NewTimer(min(pause, rest))
		select {
		case <-timer.C():
		case <-l.ctx.Done():
			timer.Stop()
			return e.res, nil, l.ctx.Err()
		}
	}
}

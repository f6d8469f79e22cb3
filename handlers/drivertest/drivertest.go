/*
Package drivertest holds the tests every driver passes: each call repeated,
teardown of what was never set up, and the connection cut at the n-th command
for every n, after which the same call must still bring the work to its end.

A driver's own test calls [Run] with a world its commands act on.
*/
package drivertest

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// A World is a fresh driver and what it acts on.
type World struct {
	Driver handlers.Driver
	Params handlers.Params
	On     run.Runner // the machine; nil means run.Nowhere
	// Pass lets time pass between calls that answered "not yet"; nil if the
	// driver never does.
	Pass func(handlers.Result)
	// Up reports whether the unit is there, whole.
	Up func() bool
	// Clean reports whether nothing of the unit is left; nil means !Up().
	Clean func() bool
}

// limits keep a driver that never finishes from hanging a test.
const (
	mostPolls    = 1000
	mostCommands = 1000
)

// Run runs the suite. fresh makes a new world for each case.
func Run(t *testing.T, fresh func(t *testing.T) World) {
	t.Helper()
	t.Run("setup twice", func(t *testing.T) {
		w := fresh(t)
		for range 2 {
			w.must(t, w.Driver.Setup)
			w.check(t, true)
		}
	})
	t.Run("teardown twice", func(t *testing.T) {
		w := fresh(t)
		w.must(t, w.Driver.Setup)
		for range 2 {
			w.must(t, w.Driver.Teardown)
			w.check(t, false)
		}
	})
	t.Run("teardown of what was never set up", func(t *testing.T) {
		w := fresh(t)
		w.must(t, w.Driver.Teardown)
		w.check(t, false)
	})
	t.Run("setup after teardown", func(t *testing.T) {
		w := fresh(t)
		w.must(t, w.Driver.Setup)
		w.must(t, w.Driver.Teardown)
		w.must(t, w.Driver.Setup)
		w.check(t, true)
	})
	t.Run("teardown of a setup half done", func(t *testing.T) { halfway(t, fresh) })
	t.Run("params are left alone", func(t *testing.T) {
		w := fresh(t)
		before := maps.Clone(w.Params)
		w.must(t, w.Driver.Setup)
		w.must(t, w.Driver.Teardown)
		if !maps.Equal(before, w.Params) {
			t.Errorf("params were %v, the driver made them %v", before, w.Params)
		}
	})
	t.Run("a call whose time is over fails", func(t *testing.T) {
		w := fresh(t)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if res, err := w.Driver.Setup(ctx, w.on(), w.Params); err == nil {
			t.Errorf("setup under an ended context answered %+v", res)
		}
	})
	t.Run("setup cut at each command", func(t *testing.T) {
		cutEach(t, fresh, handlers.Driver.Setup, true, func(*testing.T, World) {})
	})
	t.Run("teardown cut at each command", func(t *testing.T) {
		cutEach(t, fresh, handlers.Driver.Teardown, false, func(t *testing.T, w World) { w.must(t, w.Driver.Setup) })
	})
}

// call is one of a driver's two methods.
type call func(context.Context, run.Runner, handlers.Params) (handlers.Result, error)

// on is the machine of the world.
func (w World) on() run.Runner {
	if w.On == nil {
		return run.Nowhere{}
	}
	return w.On
}

// finish repeats c until it is done or fails.
func (w World) finish(ctx context.Context, on run.Runner, c call) error {
	for range mostPolls {
		res, err := c(ctx, on, w.Params)
		if err != nil || res.Done {
			return err
		}
		if w.Pass == nil {
			return fmt.Errorf("answered %+v, but the world says it never waits", res)
		}
		w.Pass(res)
	}
	return fmt.Errorf("not done after %d calls", mostPolls)
}

func (w World) must(t *testing.T, c call) {
	t.Helper()
	if err := w.finish(t.Context(), w.on(), c); err != nil {
		t.Fatal(err)
	}
}

// check compares the world with what should be true of it.
func (w World) check(t *testing.T, up bool) {
	t.Helper()
	switch {
	case up && !w.Up():
		t.Fatal("set up, but the unit is not there")
	case !up && w.Up():
		t.Fatal("torn down, but the unit is still there")
	case !up && w.Clean != nil && !w.Clean():
		t.Fatal("torn down, but something is left")
	}
}

// halfway calls setup once, whatever it answers, and tears down.
func halfway(t *testing.T, fresh func(t *testing.T) World) {
	w := fresh(t)
	if _, err := w.Driver.Setup(t.Context(), w.on(), w.Params); err != nil {
		t.Fatal(err)
	}
	w.must(t, w.Driver.Teardown)
	w.check(t, false)
}

// cutEach cuts the connection before the first command, the second and so on
// until the call gets through, and each time calls again on a whole connection.
func cutEach(t *testing.T, fresh func(t *testing.T) World,
	verb func(handlers.Driver, context.Context, run.Runner, handlers.Params) (handlers.Result, error),
	up bool, before func(*testing.T, World)) {
	for n := range mostCommands {
		w := fresh(t)
		before(t, w)
		c := func(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
			return verb(w.Driver, ctx, on, p)
		}
		cut := &run.Cutter{On: w.on(), Left: n}
		err := w.finish(t.Context(), cut, c)
		switch {
		case err == nil && cut.Cut:
			t.Fatalf("cut at command %d, but the driver says it is done", n+1)
		case err != nil && !cut.Cut:
			t.Fatal(err)
		case err == nil:
			w.check(t, up)
			return
		}
		w.must(t, c)
		w.check(t, up)
	}
	t.Fatalf("more than %d commands", mostCommands)
}

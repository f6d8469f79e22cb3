/*
Package drivertest holds the tests every driver passes: each call repeated,
teardown of what was never set up, and for every n a connection cut at the n-th
command and a machine that hangs in the middle of it, after which the same call must
still bring the work to its end. A machine that lies at the n-th command is not to be
believed. The same goes for every capability that a driver declares.

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
	// Acts reports whether a command changes something. Such a one may say that it
	// succeeded and have done nothing, and the driver has to notice; nil if it need not.
	Acts func(run.Cmd) bool
	// Can has an entry for each subcommand that the driver declares as a capability.
	Can map[string]Can
}

// Can is how one capability is tried on a unit that is set up.
type Can struct {
	Args  map[string]string // of the modify
	Done  func() bool       // whether it shows in the world
	After []string          // subcommands that have to go before, such as suspend before resume
	Gone  bool              // afterwards the unit is not where its machine was, so that Teardown there is no test
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
	trouble(t, fresh, "setup", deed{
		before: func(*testing.T, World) {},
		call:   func(w World) call { return w.Driver.Setup },
		check:  func(t *testing.T, w World) { w.check(t, true) },
		true:   func(w World) bool { return w.Up() },
	})
	trouble(t, fresh, "teardown", deed{
		before: func(t *testing.T, w World) { w.must(t, w.Driver.Setup) },
		call:   func(w World) call { return w.Driver.Teardown },
		check:  func(t *testing.T, w World) { w.check(t, false) },
		true:   func(w World) bool { return !w.Up() && (w.Clean == nil || w.Clean()) },
	})
	for _, cmd := range handlers.Capabilities(fresh(t).Driver) {
		capability(t, fresh, cmd)
	}
}

// capability tries one of the things that a driver says it can do.
func capability(t *testing.T, fresh func(t *testing.T) World, cmd string) {
	if _, ok := fresh(t).Can[cmd]; !ok {
		t.Errorf("the driver declares %s, which the world does not try", cmd)
		return
	}
	d := deed{
		before: func(t *testing.T, w World) {
			w.must(t, w.Driver.Setup)
			for _, earlier := range w.Can[cmd].After {
				w.must(t, w.modify(earlier))
			}
			if w.Can[cmd].Done() && cmd != handlers.Probe {
				t.Fatalf("%s shows before it was asked for", cmd)
			}
		},
		call: func(w World) call { return w.modify(cmd) },
		true: func(w World) bool { return w.Can[cmd].Done() },
	}
	d.check = func(t *testing.T, w World) {
		t.Helper()
		if !d.true(w) {
			t.Fatalf("%s is done and does not show", cmd)
		}
	}
	t.Run(cmd+" twice, and teardown", func(t *testing.T) {
		w := fresh(t)
		d.before(t, w)
		for range 2 {
			w.must(t, d.call(w))
			d.check(t, w)
		}
		if !w.Can[cmd].Gone {
			w.must(t, w.Driver.Teardown)
			w.check(t, false)
		}
	})
	trouble(t, fresh, cmd, d)
}

// modify is a subcommand as a call.
func (w World) modify(cmd string) call {
	return func(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
		p = maps.Clone(p)
		p[handlers.ParamSubcommand], p[handlers.ParamModify] = "modify."+cmd, "1"
		for k, v := range w.Can[cmd].Args {
			p["modify.1."+k] = v
		}
		return handlers.Modify(ctx, w.Driver, on, p)
	}
}

// deed is a call, what goes before it, and what should be true after it.
type deed struct {
	before func(*testing.T, World)
	call   func(World) call
	check  func(*testing.T, World)
	true   func(World) bool
}

// trouble lets a machine fail at each command of a deed.
func trouble(t *testing.T, fresh func(t *testing.T) World, name string, d deed) {
	t.Run(name+" cut at each command", func(t *testing.T) {
		each(t, fresh, d, func(ctx context.Context, w World, n int) (bool, error) {
			cut := &run.Cutter{On: w.on(), Left: n}
			err := w.finish(ctx, cut, d.call(w))
			return cut.Cut, err
		})
	})
	t.Run(name+" of a machine that hangs at each command", func(t *testing.T) {
		each(t, fresh, d, func(ctx context.Context, w World, n int) (hung bool, err error) {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			err = w.finish(ctx, &run.Hanger{On: w.on(), Left: n, Hung: func() { hung = true; stop() }}, d.call(w))
			return hung, err
		})
	})
	if fresh(t).Acts == nil {
		return
	}
	t.Run(name+" of a machine that lies at each command", func(t *testing.T) {
		for n := range mostCommands {
			w := fresh(t)
			d.before(t, w)
			liar := &run.Liar{On: w.on(), About: w.Acts, Left: n}
			err := w.finish(t.Context(), liar, d.call(w))
			if err == nil && !d.true(w) {
				t.Fatalf("the machine lied at its command %d, and the driver says it is done", n+1)
			}
			if !liar.Lied {
				return
			}
			// It is believed from now on: the same call ends the work.
			w.must(t, d.call(w))
			d.check(t, w)
		}
		t.Fatalf("more than %d commands", mostCommands)
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

// each breaks a deed at the first command, the second and so on until it gets through,
// and each time asks again on a whole connection.
func each(t *testing.T, fresh func(t *testing.T) World, d deed, try func(ctx context.Context, w World, n int) (broke bool, err error)) {
	for n := range mostCommands {
		w := fresh(t)
		d.before(t, w)
		broke, err := try(t.Context(), w, n)
		switch {
		case err == nil && broke:
			t.Fatalf("broken at command %d, but the driver says it is done", n+1)
		case err != nil && !broke:
			t.Fatal(err)
		case err == nil:
			d.check(t, w)
			return
		}
		w.must(t, d.call(w))
		d.check(t, w)
	}
	t.Fatalf("more than %d commands", mostCommands)
}

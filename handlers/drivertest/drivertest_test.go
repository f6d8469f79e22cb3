package drivertest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
)

// machine has accounts and home directories, changed by commands.
type machine map[string]bool

func (m machine) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if err := ctx.Err(); err != nil {
		return run.Output{}, err
	}
	what := c.Args[1]
	switch c.Args[0] {
	case "test":
		if !m[what] {
			return run.Output{Code: 1}, nil
		}
	case "make":
		if m[what] {
			return run.Output{Code: 1, Stderr: "exists"}, nil
		}
		m[what] = true
	case "remove":
		if !m[what] {
			return run.Output{Code: 1, Stderr: "no such thing"}, nil
		}
		delete(m, what)
	}
	return run.Output{}, nil
}

// careful is a driver of two steps that looks before it acts.
type careful struct{}

func (careful) Setup(ctx context.Context, on run.Runner, _ handlers.Params) (handlers.Result, error) {
	return ensure(ctx, on, true, "home", "account")
}

func (careful) Teardown(ctx context.Context, on run.Runner, _ handlers.Params) (handlers.Result, error) {
	return ensure(ctx, on, false, "account", "home")
}

func ensure(ctx context.Context, on run.Runner, want bool, things ...string) (handlers.Result, error) {
	is := func(thing string) (bool, error) {
		out, err := on.Run(ctx, run.Cmd{Args: []string{"test", thing}})
		return out.Code == 0, err
	}
	for _, thing := range things {
		there, err := is(thing)
		if err != nil {
			return handlers.Result{}, err
		}
		if there == want {
			continue
		}
		verb := "make"
		if !want {
			verb = "remove"
		}
		out, err := on.Run(ctx, run.Cmd{Args: []string{verb, thing}})
		if err != nil {
			return handlers.Result{}, err
		}
		if out.Code != 0 {
			return handlers.Result{}, fmt.Errorf("%s %s: %s", verb, thing, out.Stderr)
		}
		if there, err = is(thing); err != nil {
			return handlers.Result{}, err
		}
		if there != want {
			return handlers.Result{}, fmt.Errorf("%s %s says that it succeeded, and did not", verb, thing)
		}
	}
	return handlers.Result{Done: true}, nil
}

func TestSuiteAcceptsACarefulDriver(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(*testing.T) drivertest.World {
		m := machine{}
		return drivertest.World{
			Driver: careful{}, Params: handlers.Params{}, On: m,
			Up:    func() bool { return m["home"] && m["account"] },
			Clean: func() bool { return len(m) == 0 },
			Acts:  func(c run.Cmd) bool { return c.Args[0] != "test" },
		}
	})
}

package scripted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/script"
)

// hand does the operations of one action.
type hand struct {
	driver *Driver
	on     run.Runner // the unit's machine
	given  map[string]string
}

// poll is how long a driver's step that names no pause waits before it is asked again.
const poll = time.Second

// do does one operation and says what became of it.
func (h hand) do(ctx context.Context, op script.Op, tell func(line string)) (out script.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			out.Err = fmt.Sprintf("panicked: %v", p)
		}
	}()
	if err := pause(ctx, op.Wait); err != nil {
		return script.Outcome{Err: err.Error()}
	}
	if op.Timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, op.Timeout, fmt.Errorf("the step took longer than %s", op.Timeout))
		defer stop()
	}
	var err error
	switch op.Kind {
	case script.KindRun:
		var o run.Output
		o, err = run.Watch(ctx, h.place(op.On), op.Cmd, tell)
		out = script.Outcome{Code: o.Code, Stdout: o.Stdout, Stderr: o.Stderr}
	case script.KindAgent:
		agent, ok := run.By(h.on, run.ByAgent).(run.Invoker)
		if !ok {
			return script.Outcome{Err: "the unit's machine has no node agent"}
		}
		out.Code, out.Properties, err = agent.Invoke(ctx, run.Call{Driver: op.Driver, Object: op.Object, Action: op.Verb, Properties: op.Params})
	case script.KindDriver:
		out, err = h.call(ctx, op)
	}
	if err != nil {
		out.Err = err.Error()
		if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
			out.Err = cause.Error()
		}
	}
	return out
}

// place is where a step runs.
func (h hand) place(on string) run.Runner {
	switch on {
	case script.OnLocal:
		return h.driver.cfg.Local
	case script.OnSSH:
		return run.By(h.on, run.BySSH)
	case script.OnAgent:
		return run.By(h.on, run.ByAgent)
	}
	return h.on
}

// call asks a driver of the library until it is done.
func (h hand) call(ctx context.Context, op script.Op) (script.Outcome, error) {
	info, ok := h.driver.cfg.Drivers(op.Driver)
	if !ok {
		return script.Outcome{}, fmt.Errorf("there is no driver %q", op.Driver)
	}
	// Who wrote the script is the site; the unit's properties may be a lessee's.
	d, p, on := info.Driver, info.Guard(h.given, op.Params), h.place(op.On)
	for {
		var res handlers.Result
		var err error
		switch op.Verb {
		case "teardown":
			res, err = d.Teardown(ctx, on, p)
		case "setup":
			res, err = d.Setup(ctx, on, p)
		default:
			if op.Verb != "modify" {
				p[handlers.ParamSubcommand] = "modify." + op.Verb
			}
			res, err = handlers.Modify(ctx, d, on, p)
		}
		var exit handlers.Exit
		switch {
		case errors.As(err, &exit):
			return script.Outcome{Code: exit.Code, Stderr: exit.Note, Properties: res.Properties}, nil
		case err != nil || res.Done:
			return script.Outcome{Stdout: res.Note, Properties: res.Properties}, err
		}
		if res.After <= 0 {
			res.After = poll
		}
		if err := pause(ctx, res.After); err != nil {
			return script.Outcome{}, err
		}
	}
}

// pause lets time pass, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

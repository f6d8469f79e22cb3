/*
Package exec is the driver that runs a site's own commands: one that sets a unit up, one that
tears it down, and one that looks whether it is up, which makes both repeatable. What
needs more than that is an action script.
*/
package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/script"
)

// Names of the parameters.
const (
	Setup    = "exec.setup"
	Teardown = "exec.teardown"
	Check    = "exec.check"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	const form = ": words between blanks, or a JSON list of arguments; ${unit.id} and other properties may stand in them"
	return handlers.Info{Name: "exec", Doc: "Runs the site's own commands to set a unit up and to tear it down.", Driver: d, Params: []handlers.Param{
		{Name: Setup, Site: true, Need: true, Doc: "the command that sets a unit up" + form},
		{Name: Teardown, Site: true, Doc: "the command that tears it down" + form},
		{Name: Check, Site: true, Doc: "a command that succeeds if the unit is up; without one the others are run whenever they are asked for" + form},
	}}
}

// Setup runs the command that sets a unit up, unless it is up.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	if _, err := p.Need(Setup); err != nil {
		return handlers.Result{}, err
	}
	return reach(ctx, on, p, Setup, true)
}

// Teardown runs the command that tears a unit down, unless it is not up.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return reach(ctx, on, p, Teardown, false)
}

func reach(ctx context.Context, on run.Runner, p handlers.Params, name string, up bool) (handlers.Result, error) {
	act, err := command(p, name)
	if err != nil {
		return handlers.Result{}, err
	}
	check, err := command(p, Check)
	if err != nil {
		return handlers.Result{}, err
	}
	is := func() (bool, error) {
		o, err := on.Run(ctx, run.Cmd{Args: check})
		return o.Code == 0, err
	}
	if check != nil {
		if now, err := is(); err != nil || now == up {
			return handlers.Result{Done: err == nil}, err
		}
	}
	if act == nil {
		return handlers.Result{Done: true}, nil
	}
	o, err := run.Must(ctx, on, run.Cmd{Args: act})
	if err != nil {
		return handlers.Result{}, err
	}
	if check != nil {
		if now, err := is(); err != nil {
			return handlers.Result{}, err
		} else if now != up {
			return handlers.Result{}, fmt.Errorf("exec: %s succeeds, and %s says that nothing has changed", name, Check)
		}
	}
	note, _, _ := strings.Cut(strings.TrimSpace(o.Stdout), "\n")
	return handlers.Result{Done: true, Note: note}, nil
}

// command is the arguments of a parameter; none when it is absent.
func command(p handlers.Params, name string) ([]string, error) {
	text := strings.TrimSpace(p[name])
	if text == "" {
		return nil, nil
	}
	args := strings.Fields(text)
	if text[0] == '[' {
		if err := json.Unmarshal([]byte(text), &args); err != nil {
			return nil, fmt.Errorf("exec: %s is no list of arguments: %w", name, err)
		}
	}
	if len(args) == 0 {
		return nil, errors.New("exec: " + name + " names no program")
	}
	for i, a := range args {
		v, err := script.Expand(a, func(name string) (string, bool) { v, ok := p[name]; return v, ok })
		if err != nil {
			return nil, fmt.Errorf("exec: %s: %w", name, err)
		}
		args[i] = v
	}
	return args, nil
}

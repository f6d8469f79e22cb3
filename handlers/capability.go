package handlers

import (
	"context"

	"github.com/leasehold/leasehold/handlers/run"
)

// What a driver can do with a unit that is up, beyond what every driver can. Each is
// declared by having its methods. They are called as a Modifier is, by the subcommands
// of their names, take their arguments with Params.Argument, and promise the same: each
// may be repeated and then makes true what the first call was to.
type (
	// A Suspender takes a unit out of the machine and keeps what it was doing.
	Suspender interface {
		Suspend(ctx context.Context, on run.Runner, p Params) (Result, error)
		Resume(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Checkpointer keeps a copy of what a unit is doing, which goes on, and takes it
	// back to that.
	Checkpointer interface {
		Checkpoint(ctx context.Context, on run.Runner, p Params) (Result, error)
		Restore(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Pauser stops a unit where it is, and lets it go on.
	Pauser interface {
		Pause(ctx context.Context, on run.Runner, p Params) (Result, error)
		Unpause(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Migrator moves a unit, while it runs, to the machine that the argument host
	// names. Its Result names it in the property ParamMachine.
	Migrator interface {
		Migrate(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Resizer changes how much a unit has; the arguments are those that change. Unless
	// the argument reboot is "yes", the unit goes on running or nothing changes.
	Resizer interface {
		Resize(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Prober tells how a unit is, in properties, and changes nothing: in any case
	// whether it is there, in ProbeState.
	Prober interface {
		Probe(ctx context.Context, on run.Runner, p Params) (Result, error)
	}
	// A Chooser can what it was given: it has the methods of no capability, and says for
	// each subcommand what to call, or nil. What can only be undone by another subcommand
	// it gives with that one, or not at all.
	Chooser interface {
		Can(subcommand string) Call
	}
)

// The subcommands that capabilities are called by.
const (
	Suspend    = "suspend"
	Resume     = "resume"
	Checkpoint = "checkpoint"
	Restore    = "restore"
	Pause      = "pause"
	Unpause    = "unpause"
	Migrate    = "migrate"
	Resize     = "resize"
	Probe      = "probe"
)

// ProbeState is the property in which a Prober tells how a unit is. A script's action may
// tell the same.
const ProbeState = "unit.probe"

// What ProbeState says.
const (
	StateRunning   = "running"
	StatePaused    = "paused"    // it is there and stands still
	StateSuspended = "suspended" // it is not there, and what it was doing is kept
	StateAbsent    = "absent"
)

// subcommands are those above, in their order.
var subcommands = [...]string{Suspend, Resume, Checkpoint, Restore, Pause, Unpause, Migrate, Resize, Probe}

// A Call is one method of a driver.
type Call func(ctx context.Context, on run.Runner, p Params) (Result, error)

// Capability is the method of d that a subcommand names; nil when d has not declared
// that it can.
func Capability(d Driver, subcommand string) Call {
	if g, ok := d.(guarded); ok {
		call := Capability(g.info.Driver, subcommand)
		if call == nil {
			return nil
		}
		return func(ctx context.Context, on run.Runner, p Params) (Result, error) {
			return call(ctx, on, g.info.Guard(p, g.site))
		}
	}
	if c, ok := d.(Chooser); ok {
		return c.Can(subcommand)
	}
	switch subcommand {
	case Suspend, Resume:
		if c, ok := d.(Suspender); ok {
			return either(subcommand == Suspend, c.Suspend, c.Resume)
		}
	case Checkpoint, Restore:
		if c, ok := d.(Checkpointer); ok {
			return either(subcommand == Checkpoint, c.Checkpoint, c.Restore)
		}
	case Pause, Unpause:
		if c, ok := d.(Pauser); ok {
			return either(subcommand == Pause, c.Pause, c.Unpause)
		}
	case Migrate:
		if c, ok := d.(Migrator); ok {
			return c.Migrate
		}
	case Resize:
		if c, ok := d.(Resizer); ok {
			return c.Resize
		}
	case Probe:
		if c, ok := d.(Prober); ok {
			return c.Probe
		}
	}
	return nil
}

// Inverse is the subcommand that takes a unit back from where another left it; empty for
// those that leave nothing behind.
func Inverse(subcommand string) string {
	switch subcommand {
	case Suspend:
		return Resume
	case Checkpoint:
		return Restore
	case Pause:
		return Unpause
	case Resume:
		return Suspend
	case Restore:
		return Checkpoint
	case Unpause:
		return Pause
	}
	return ""
}

func either(first bool, a, b Call) Call {
	if first {
		return a
	}
	return b
}

// Capabilities are the subcommands that d has declared, in a fixed order.
func Capabilities(d Driver) []string {
	var out []string
	for _, s := range subcommands {
		if Capability(d, s) != nil {
			out = append(out, s)
		}
	}
	return out
}

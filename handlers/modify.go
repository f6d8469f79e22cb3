package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers/run"
)

// A Modifier is a driver that can also change a unit that is up: restart it, give it
// another key, resize it (leasing 3.5). A driver that is none refuses every
// subcommand.
type Modifier interface {
	Driver
	// Modify runs p.Subcommand on p's unit with p.Argument's values. It may be called
	// again with the same ParamSequence, after a crash, and then makes true what the
	// first call was to. A Result's properties are kept even beside an error, which is
	// an Exit when it has a code of its own.
	Modify(ctx context.Context, on run.Runner, p Params) (Result, error)
}

// Names of a modify in Params, beside the lessee's own modify.<n>.<name>.
const (
	ParamSubcommand = "modify.subcommand"       // such as "modify.restart"
	ParamModify     = "unit.modify.sequencenum" // its running number n
)

// Subcommand is what a modify is to do, without the word before it: "restart" for
// "modify.restart".
func (p Params) Subcommand() string { return strings.TrimPrefix(p[ParamSubcommand], "modify.") }

// Argument is the value that the lessee gave a modify under name, and def when there
// is none.
func (p Params) Argument(name, def string) string {
	return p.Get("modify."+p[ParamModify]+"."+name, def)
}

// Exit is an error with a code, as a driver of the field reports it (leasing 5.7).
type Exit struct {
	Code int // never 0
	Note string
}

// Error is the note.
func (e Exit) Error() string { return e.Note }

// Codes of an Exit that mean the same for every driver.
const (
	ExitBroke   = -1  // the driver broke off
	ExitUnknown = -10 // it has no such subcommand
	ExitInvalid = -20 // the arguments make no sense
)

// CodeOf is the code of err: 0 for none, an Exit's own, ExitBroke for the rest.
func CodeOf(err error) int {
	var e Exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e) && e.Code != 0:
		return e.Code
	}
	return ExitBroke
}

// Modify lets d modify p's unit, if it is a driver that can: through the capability
// that the subcommand names, or else as a Modifier.
func Modify(ctx context.Context, d Driver, on run.Runner, p Params) (Result, error) {
	if call := Capability(d, p.Subcommand()); call != nil {
		return call(ctx, on, p)
	}
	m, ok := d.(Modifier)
	if !ok {
		return Result{}, Exit{ExitUnknown, fmt.Sprintf("the driver modifies nothing, so not %s either", p.Subcommand())}
	}
	return m.Modify(ctx, on, p)
}

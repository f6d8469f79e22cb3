/*
Package handlers is the contract between a site that wants something true of a
node and the code that makes it true.

A [Driver] makes one kind of thing true or untrue: a virtual machine, a disk
image, an account. A [Modifier] can also change what is true already, and what
drivers can do besides (suspend a unit, move it, resize it) they declare: see
[Capabilities]. Drivers
speak to machines through package run and to nobody else. An [Info] describes a
driver for people, and a [Catalogue] is the list of the drivers a program has;
programs write their list out, nothing registers itself.

# What a driver promises

It is told the end, not the steps. Every call may be repeated: after a crash,
after a lost answer, or because an earlier call said "not yet". So a driver looks
first and acts only where the answer is wrong. Tearing down what was never set up
is done at once. Package drivertest holds the tests that every driver passes.

# What its caller promises

One call at a time on each unit, never out of order. Parameters are
[Params]: what the lessee configured, under what the site knows about the unit
(leasing 5.3). Values written by lessees may be anything; they reach a machine
only as arguments, never as shell text.

# What is not here

Running commands: package run. Choosing names and addresses: package cod.
*/
package handlers

import (
	"context"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

// A Driver makes one kind of thing true or untrue on a node. Every call may be
// repeated, a call that finds its work already done answers Done, and none
// blocks longer than its context allows. It is safe for use by several
// goroutines, each on another unit.
//
// An error means that this try failed; whoever called decides whether there is
// another. It may carry text for the lessee: it is reported as a note.
type Driver interface {
	// Setup makes p's unit usable.
	Setup(ctx context.Context, on run.Runner, p Params) (Result, error)
	// Teardown removes every trace of p's unit, and is Done if there is none.
	Teardown(ctx context.Context, on run.Runner, p Params) (Result, error)
}

// A Result says how far a call came. When Done is false, ask again After.
type Result struct {
	Done  bool
	After time.Duration // 0 with Done false leaves the pause to the caller
	Note  string        // one line for the lessee, such as "copying image, 40%"
	// Properties are what the driver found out about the unit, such as an
	// address. They are kept only when Done is true.
	Properties map[string]string
}

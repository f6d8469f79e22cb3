/*
Package run says how a driver speaks to a machine: one command at a time, as an
argument list.

A [Runner] carries a command to the machine it stands for and brings back what
the machine said. Drivers see only this interface, so the same driver works on
the local machine, over ssh, through a node agent, or against a transcript in a
test (package runtest). There is no shell between a driver and a machine:
arguments arrive as they were given, whatever a lessee wrote into them.
*/
package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Cmd is one command. Args[0] names the program.
type Cmd struct {
	Args  []string // never empty; passed to the program unchanged, never to a shell
	Stdin string   // given to the program; empty means nothing to read
}

// String prints the command for logs and transcripts: the arguments separated
// by blanks, quoted where a blank or an odd character would mislead a reader.
func (c Cmd) String() string {
	parts := make([]string, len(c.Args))
	for i, a := range c.Args {
		parts[i] = a
		if a == "" || strings.ContainsFunc(a, odd) {
			parts[i] = fmt.Sprintf("%q", a)
		}
	}
	return strings.Join(parts, " ")
}

// odd reports whether r would make an argument hard to tell from its
// neighbours in print.
func odd(r rune) bool { return r <= ' ' || r == '"' || r == '\'' || r == '\\' || r >= 0x7f }

// Output is what a command that ran left behind. A command that ran and failed
// is an Output with Code other than 0, not an error.
type Output struct {
	Code   int // exit status
	Stdout string
	Stderr string
}

// A Runner carries commands out on one machine. Run returns an error only when
// it cannot tell what became of the command: the machine was not reached, the
// connection broke or ctx ended. It is safe for use by several goroutines.
type Runner interface {
	Run(ctx context.Context, c Cmd) (Output, error)
}

// ErrNowhere is the answer of [Nowhere].
var ErrNowhere = errors.New("run: no machine to run commands on")

// Nowhere stands for no machine at all and refuses every command. It is what a
// driver that needs no machine is given.
type Nowhere struct{}

// Run refuses with ErrNowhere.
func (Nowhere) Run(_ context.Context, c Cmd) (Output, error) {
	return Output{}, fmt.Errorf("%w: %s", ErrNowhere, c)
}

// Cutter lets the first Left commands through and then fails as a broken
// connection does: the next command is lost, and so is every one after it.
// Suites use it to stop a driver at its n-th command.
type Cutter struct {
	On   Runner
	Left int // how many commands still pass
	Cut  bool
}

// ErrCut is what a Cutter answers when the connection is gone.
var ErrCut = errors.New("run: connection cut")

// Run passes the command on, or fails with ErrCut. A Cutter is used by one
// goroutine at a time.
func (c *Cutter) Run(ctx context.Context, cmd Cmd) (Output, error) {
	if c.Left <= 0 {
		c.Cut = true
		return Output{}, fmt.Errorf("%w before %s", ErrCut, cmd)
	}
	c.Left--
	return c.On.Run(ctx, cmd)
}

// A Hanger lets the first Left commands through. The next is carried out too, but its
// answer never comes: the call hangs until its context ends, and so does every one
// after it. Suites use it to let a machine hang in the middle of a command.
type Hanger struct {
	On   Runner
	Left int    // how many commands still pass
	Hung func() // told of the command that hangs, before it does
}

// Run passes the command on, or hangs. A Hanger is used by one goroutine at a time.
func (h *Hanger) Run(ctx context.Context, cmd Cmd) (Output, error) {
	if h.Left > 0 {
		h.Left--
		return h.On.Run(ctx, cmd)
	}
	if h.Left == 0 {
		h.Left--
		_, _ = h.On.Run(ctx, cmd)
		h.Hung()
	}
	<-ctx.Done()
	return Output{}, fmt.Errorf("%s: %w", cmd, ctx.Err())
}

// A Liar lets commands through but for one of those that About is true of: the one
// after the first Left, which it says succeeded, without a word, and does not carry
// out.
type Liar struct {
	On    Runner
	About func(Cmd) bool
	Left  int // how many of them still pass before it lies
	Lied  bool
}

// Run passes the command on, or lies. A Liar is used by one goroutine at a time.
func (l *Liar) Run(ctx context.Context, cmd Cmd) (Output, error) {
	if l.About(cmd) {
		if l.Left--; l.Left == -1 {
			l.Lied = true
			return Output{}, ctx.Err()
		}
	}
	return l.On.Run(ctx, cmd)
}

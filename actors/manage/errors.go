package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// What can go wrong beside the kinds of package actors.
var (
	// ErrPending means that the time was over and nothing has been decided yet.
	ErrPending = errors.New("still pending")
	// ErrEnded means that a reservation ended in a state that was not waited for.
	ErrEnded = errors.New("ended otherwise")
	// ErrPartial means that some of what was asked was done.
	ErrPartial = errors.New("partly done")
	// ErrUnreachable means that nobody answers at the other end.
	ErrUnreachable = errors.New("not reachable")
	// ErrTrust means that a key, a signature or a clock was not believed. Nothing
	// in this package returns it; commands that check trust wrap it.
	ErrTrust = errors.New("not trusted")
)

// outcomes is how errors are told apart, most telling first: as exit codes of
// commands, and on the socket as codes and HTTP statuses.
var outcomes = []struct {
	is     error
	code   string
	exit   int
	status int
}{
	{ErrPartial, "partial", 9, 500},
	{ErrTrust, "trust", 8, 502},
	{ErrEnded, "ended", 1, 409},
	{ErrPending, "pending", 6, 504},
	{context.DeadlineExceeded, "pending", 6, 504},
	{context.Canceled, "cancelled", 1, 499},
	{ErrUnreachable, "unreachable", 7, 502},
	{actors.NotFound, "not_found", 3, 404},
	{actors.Denied, "denied", 4, 403},
	{actors.Exhausted, "exhausted", 5, 409},
	{actors.Oversold, "oversold", 5, 409},
	{actors.Stale, "stale", 5, 409},
	{actors.Invalid, "invalid", 2, 400},
	{actors.Transient, "transient", 7, 503},
	{actors.Other, "internal", 1, 500},
}

// ExitCode is what a command that ends with err exits with:
//
//	0  done
//	1  failed: anything not below, and a reservation that ended otherwise
//	2  wrong usage: the request can never succeed as it is
//	3  not found
//	4  denied
//	5  conflict or no capacity: overtaken by another request, or no units left
//	6  time-out: still pending, it may yet happen
//	7  not reachable: the server, an actor or its store; trying again may help
//	8  trust or clock problem
//	9  partly done
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	for _, o := range outcomes {
		if errors.Is(err, o.is) {
			return o.exit
		}
	}
	return 1
}

// AmbiguousError says that a name fits several things.
type AmbiguousError struct {
	What       string   // "reservation", "actor"
	Given      string   // the name
	Candidates []string // what it may mean
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s %q could be any of: %s", e.What, e.Given, strings.Join(e.Candidates, ", "))
}

// Unwrap is actors.Invalid.
func (e *AmbiguousError) Unwrap() error { return actors.Invalid }

// invalid is a request that can never succeed, with everything that is wrong.
func invalid(op string, problems ...string) error {
	return &actors.Error{Op: op, Kind: actors.Invalid, Err: actors.Problem(strings.Join(problems, "; "))}
}

// partial lists what could not be done.
func partial(missing []error) error {
	texts := make([]string, len(missing))
	for i, err := range missing {
		texts[i] = err.Error()
	}
	return fmt.Errorf("%w: %s", ErrPartial, strings.Join(texts, "; "))
}

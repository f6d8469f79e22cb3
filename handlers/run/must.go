package run

import (
	"context"
	"fmt"
	"strings"
)

// Must runs a command that is to succeed.
func Must(ctx context.Context, on Runner, c Cmd) (Output, error) {
	o, err := on.Run(ctx, c)
	if err == nil && o.Code != 0 {
		err = Failed(c, o)
	}
	return o, err
}

// Failed is the error of a command that ran and did not succeed: one line, with its first
// words and the beginning of what it said.
func Failed(c Cmd, o Output) error {
	return fmt.Errorf("%s ends with %d: %.300s", Cmd{Args: c.Args[:min(len(c.Args), 2)]}, o.Code,
		strings.Join(strings.Fields(o.Stderr+" "+o.Stdout), " "))
}

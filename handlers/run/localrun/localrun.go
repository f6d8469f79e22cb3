// Package localrun runs commands on this machine, as the user this process runs as.
package localrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

// Runner runs commands here. The zero value is ready; it is safe for use by several
// goroutines.
type Runner struct {
	Dir string   // where commands run; the process's own folder when empty
	Env []string // their whole environment, as "name=value"; PATH alone when nil
}

// grace is how long a command may go on after it was told to end.
const grace = 2 * time.Second

// Run starts a program with the arguments as they are and waits for it. When ctx ends
// the program and all it started are killed.
func (r Runner) Run(ctx context.Context, c run.Cmd) (run.Output, error) { return r.Watch(ctx, c, nil) }

// Watch is Run, and tells each line that the program prints as it comes.
func (r Runner) Watch(ctx context.Context, c run.Cmd, tell func(line string)) (run.Output, error) {
	if len(c.Args) == 0 {
		return run.Output{}, errors.New("localrun: no command")
	}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = r.Dir, r.Env
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	}
	cmd.Stdin = strings.NewReader(c.Stdin)
	var out, errs run.Capped
	var said, complained run.Lines
	cmd.Stdout, cmd.Stderr = said.Beside(&out, tell), complained.Beside(&errs, tell)
	// A process group of its own, so that what it started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	said.Flush()
	complained.Flush()
	o := run.Output{Stdout: out.String(), Stderr: errs.String()}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return o, fmt.Errorf("localrun: %s: %w", c.Args[0], ctx.Err())
	case errors.As(err, &exit):
		if o.Code = exit.ExitCode(); o.Code < 0 { // ended by a signal: as shells say it
			if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				o.Code = 128 + int(status.Signal())
			}
		}
		return o, nil
	case err != nil:
		return o, fmt.Errorf("localrun: %w", err)
	}
	return o, nil
}

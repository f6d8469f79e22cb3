/*
Package runtest plays a machine from a transcript, so that a driver's test reads
as the conversation it should have.

Each line of a transcript is a command, the exit code and, after a colon, what
the command prints:

	id ada => 1:
	useradd --create-home ada => 0:
	id ada => 0: uid=1001(ada)

Commands must come in this order and no other. A line that starts with # is a
comment. \n in the printed part is a line break.
*/
package runtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/leasehold/leasehold/handlers/run"
)

// line is one exchange of a transcript.
type line struct {
	cmd string
	out run.Output
}

// A Script is a Runner that answers from a transcript.
type Script struct {
	mu    sync.Mutex
	lines []line
	next  int
	wrong error // the first thing that went off the script
}

// New reads a transcript. A mistake in it shows at the first Run and in Done.
func New(transcript string) *Script {
	s := &Script{}
	for n, text := range strings.Split(transcript, "\n") {
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		l, err := parse(text)
		if err != nil {
			s.wrong = fmt.Errorf("runtest: line %d: %w", n+1, err)
			return s
		}
		s.lines = append(s.lines, l)
	}
	return s
}

// parse reads "command => code: output".
func parse(text string) (line, error) {
	cmd, answer, ok := strings.Cut(text, " => ")
	if !ok {
		return line{}, errors.New("no => in it")
	}
	code, out, ok := strings.Cut(answer, ":")
	if !ok {
		return line{}, errors.New("no colon after the exit code")
	}
	n, err := strconv.Atoi(strings.TrimSpace(code))
	if err != nil {
		return line{}, fmt.Errorf("exit code: %w", err)
	}
	out = strings.ReplaceAll(strings.TrimSpace(out), `\n`, "\n")
	l := line{cmd: strings.TrimSpace(cmd), out: run.Output{Code: n, Stdout: out}}
	if n != 0 {
		l.out = run.Output{Code: n, Stderr: out}
	}
	return l, nil
}

// Run answers c if the transcript has it next, and otherwise fails now and in Done.
// Output of a command that failed is on its standard error.
func (s *Script) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return run.Output{}, err
	}
	switch {
	case s.wrong != nil:
	case s.next == len(s.lines):
		s.wrong = fmt.Errorf("runtest: %q comes after the end of the transcript", c)
	case s.lines[s.next].cmd != c.String():
		s.wrong = fmt.Errorf("runtest: got %q, the transcript has %q", c, s.lines[s.next].cmd)
	}
	if s.wrong != nil {
		return run.Output{}, s.wrong
	}
	s.next++
	return s.lines[s.next-1].out, nil
}

// Done is nil if the whole transcript was played and nothing else was asked.
func (s *Script) Done() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrong == nil && s.next < len(s.lines) {
		return fmt.Errorf("runtest: %q was never asked", s.lines[s.next].cmd)
	}
	return s.wrong
}

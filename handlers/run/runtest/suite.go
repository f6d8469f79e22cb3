package runtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers/run"
)

// Suite is what every runner that reaches a real machine with a POSIX userland
// passes.
func Suite(t *testing.T, r run.Runner) {
	call := func(t *testing.T, stdin string, args ...string) run.Output {
		t.Helper()
		o, err := r.Run(t.Context(), run.Cmd{Args: args, Stdin: stdin})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	t.Run("arguments arrive as they were given", func(t *testing.T) {
		args := []string{"", " ", "a b", "'", `"`, `\`, "$HOME", "`id`", "; exit 3", "*", "ä\tö\nü", "-n", "%s", "a'b\"c"}
		o := call(t, "", append([]string{"printf", `%s\0`}, args...)...)
		if got := strings.Split(strings.TrimSuffix(o.Stdout, "\x00"), "\x00"); strings.Join(got, "|") != strings.Join(args, "|") {
			t.Errorf("arrived as %q", got)
		}
	})
	t.Run("exit codes and both streams", func(t *testing.T) {
		o := call(t, "", "sh", "-c", "echo out; echo err >&2; exit 7")
		if o != (run.Output{Code: 7, Stdout: "out\n", Stderr: "err\n"}) {
			t.Errorf("%+v", o)
		}
		if o = call(t, "", "sh", "-c", "kill -TERM $$"); o.Code != 128+15 {
			t.Errorf("ended by a signal: %+v", o)
		}
	})
	t.Run("input", func(t *testing.T) {
		if o := call(t, "a\nb", "cat"); o.Stdout != "a\nb" {
			t.Errorf("%+v", o)
		}
		if o := call(t, strings.Repeat("x", 1<<20), "true"); o.Code != 0 { // nobody reads it
			t.Errorf("%+v", o)
		}
	})
	t.Run("output without end", func(t *testing.T) {
		o := call(t, "", "sh", "-c", "head -c 3000000 /dev/zero; echo done >&2")
		if len(o.Stdout) != run.MostOutput || o.Stderr != "done\n" {
			t.Errorf("%d octets, %q", len(o.Stdout), o.Stderr)
		}
	})
	t.Run("an end to waiting", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := r.Run(ctx, run.Cmd{Args: []string{"sh", "-c", "sleep 60 & wait"}})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if o := call(t, "", "echo", "still here"); o.Stdout != "still here\n" {
			t.Errorf("afterwards: %+v", o)
		}
	})
	t.Run("many at once", func(t *testing.T) {
		done := make(chan error)
		const n = 8
		for range n {
			go func() {
				o, err := r.Run(t.Context(), run.Cmd{Args: []string{"cat"}, Stdin: "x"})
				if err == nil && o.Stdout != "x" {
					err = errors.New(o.Stdout + o.Stderr)
				}
				done <- err
			}()
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("lines are told as they come", func(t *testing.T) {
		var mu sync.Mutex
		var lines []string
		o, err := run.Watch(t.Context(), r, run.Cmd{Args: []string{"sh", "-c", "echo one; echo err >&2; printf 'two\\rthree'"}}, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		})
		slices.Sort(lines)
		if err != nil || o.Stdout != "one\ntwo\rthree" || strings.Join(lines, "|") != "err|one|two|three" && strings.Join(lines, "|") != "err|one|three|two" {
			t.Errorf("%+v, %v, told %q", o, err, lines)
		}
	})
	t.Run("nothing to run", func(t *testing.T) {
		if _, err := r.Run(t.Context(), run.Cmd{}); err == nil {
			t.Error("an empty command ran")
		}
	})
}

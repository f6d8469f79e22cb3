/*
Package posix is what drivers do with files on the machine that a runner reaches, which may
be any with a POSIX shell.

What a driver makes has a mark beside it that says for which unit: a file .NAME.leasehold.
The mark is there before the thing and goes after it, so that a driver knows its own again
after any crash, and never touches what is somebody else's.
*/
package posix

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/leasehold/leasehold/handlers/run"
)

// Exit codes of our own shell texts.
const (
	absent  = 43
	others  = 41
	unowned = 42
)

// Path refuses what no driver should be given as a path: one that is not absolute, not in
// its shortest form, or the root itself.
func Path(s string) error {
	if !path.IsAbs(s) || path.Clean(s) != s || s == "/" || len(s) > 1000 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("posix: %.80q is no absolute path in its shortest form", s)
	}
	return nil
}

// shell runs a text with arguments, which the text finds as $1, $2 and so on.
func shell(ctx context.Context, on run.Runner, text, stdin string, args ...string) (run.Output, error) {
	return on.Run(ctx, run.Cmd{Args: append([]string{"sh", "-c", text, "sh"}, args...), Stdin: stdin})
}

// Read is what a file holds; false when there is none.
func Read(ctx context.Context, on run.Runner, file string) (string, bool, error) {
	o, err := shell(ctx, on, `test -e "$1" || exit 43; cat -- "$1"`, "", file)
	switch {
	case err != nil:
		return "", false, err
	case o.Code == absent:
		return "", false, nil
	case o.Code != 0:
		return "", false, fmt.Errorf("posix: %s cannot be read: %.200s", file, strings.TrimSpace(o.Stderr))
	case len(o.Stdout) >= run.MostOutput:
		return "", false, fmt.Errorf("posix: %s is longer than %d octets", file, run.MostOutput)
	}
	return o.Stdout, true, nil
}

// Write replaces a file as a whole: whoever reads it sees the old or the new one. Mode is
// that of chmod(1). The folder must be there.
func Write(ctx context.Context, on run.Runner, file, text, mode string) error {
	o, err := shell(ctx, on, `set -e; umask 077; rm -f -- "$1.leasehold-new"; cat > "$1.leasehold-new"; chmod -- "$2" "$1.leasehold-new"; mv -f -- "$1.leasehold-new" "$1"`,
		text, file, mode)
	if err == nil && o.Code != 0 {
		err = fmt.Errorf("posix: %s cannot be written: %.200s", file, strings.TrimSpace(o.Stderr))
	}
	return err
}

// Remove removes a file, and what a Write that was cut off left of it.
func Remove(ctx context.Context, on run.Runner, file string) error {
	_, err := run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-f", "--", file, file + ".leasehold-new"}})
	return err
}

func mark(thing string) string { return path.Join(path.Dir(thing), "."+path.Base(thing)+".leasehold") }

// Claim marks a thing as the unit's before it is made. It fails when the thing is there
// without a mark, or with another unit's.
func Claim(ctx context.Context, on run.Runner, thing, unit string) error {
	o, err := shell(ctx, on, `if test -e "$1"; then test "$(cat -- "$1")" = "$3" || exit 41; exit 0; fi
if test -e "$2" || test -L "$2"; then exit 42; fi
set -e; umask 077; printf '%s\n' "$3" > "$1.new"; mv -f -- "$1.new" "$1"`, "", mark(thing), thing, unit)
	if err != nil {
		return err
	}
	switch o.Code {
	case 0:
		return nil
	case others:
		return fmt.Errorf("posix: %s belongs to another unit", thing)
	case unowned:
		return fmt.Errorf("posix: %s is there already, and belongs to no unit", thing)
	}
	return fmt.Errorf("posix: %s cannot be marked: %.200s", thing, strings.TrimSpace(o.Stderr))
}

// Owned reports whether a thing has the unit's mark.
func Owned(ctx context.Context, on run.Runner, thing, unit string) (bool, error) {
	o, err := shell(ctx, on, `test -e "$1" || exit 43; test "$(cat -- "$1")" = "$2" || exit 41`, "", mark(thing), unit)
	switch {
	case err != nil:
		return false, err
	case o.Code == absent || o.Code == others:
		return false, nil
	case o.Code != 0:
		return false, fmt.Errorf("posix: the mark of %s cannot be read: %.200s", thing, strings.TrimSpace(o.Stderr))
	}
	return true, nil
}

// Release removes the mark of a thing that is gone.
func Release(ctx context.Context, on run.Runner, thing string) error {
	m := mark(thing)
	_, err := run.Must(ctx, on, run.Cmd{Args: []string{"rm", "-f", "--", m, m + ".new"}})
	return err
}

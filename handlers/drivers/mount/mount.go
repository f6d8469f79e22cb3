/*
Package mount is the driver that mounts a file system on a machine, NFS unless another kind is
named. What is mounted at a place by somebody else is left alone, and its place is refused.
*/
package mount

import (
	"context"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/posix"
)

// Names of the parameters.
const (
	Source  = "mount.source"
	Target  = "mount.target"
	Kind    = "mount.type"
	Options = "mount.options"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "mount", Doc: "Mounts a file system on the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Source, Site: true, Need: true, Doc: "what to mount, such as filer:/export/u1"},
		{Name: Target, Site: true, Need: true, Doc: "where, an absolute path; the folder is made if it is not there"},
		{Name: Kind, Site: true, Default: "nfs", Doc: "the kind of file system"},
		{Name: Options, Site: true, Default: "rw", Doc: "how, as in mount(8)"},
	}}
}

// Setup mounts it.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	is, err := w.look(ctx, on)
	switch {
	case err != nil:
		return handlers.Result{}, err
	case is == w.source:
		return handlers.Result{Done: true}, nil
	case is != "":
		return handlers.Result{}, fmt.Errorf("mount: %s has %s, which is not the unit's", w.target, is)
	}
	// Marked before the folder is made, so that a folder which was there stays.
	if _, there, err := w.folder(ctx, on); err != nil {
		return handlers.Result{}, err
	} else if !there {
		if err := posix.Claim(ctx, on, w.target, w.unit); err != nil {
			return handlers.Result{}, err
		}
		if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"mkdir", "-p", "--", w.target}}); err != nil {
			return handlers.Result{}, err
		}
	}
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"mount", "-t", w.kind, "-o", w.options, "--", w.source, w.target}}); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true}, nil
}

// Teardown unmounts it, and removes the folder if it was made for it.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	is, err := w.look(ctx, on)
	if err == nil && is == w.source {
		if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"umount", "--", w.target}}); err == nil {
			if is, err = w.look(ctx, on); err == nil && is == w.source {
				return handlers.Result{}, fmt.Errorf("mount: umount says that it is done, and %s is still at %s", is, w.target)
			}
		}
	}
	if err != nil {
		return handlers.Result{}, err
	}
	ours, err := posix.Owned(ctx, on, w.target, w.unit)
	if err == nil && ours {
		// Only an empty folder goes.
		if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"rmdir", "--ignore-fail-on-non-empty", "--", w.target}}); err != nil {
			if _, there, e := w.folder(ctx, on); e == nil && !there {
				err = nil
			}
		}
		if err == nil {
			err = posix.Release(ctx, on, w.target)
		}
	}
	return handlers.Result{Done: err == nil}, err
}

// want is what a unit's mount should be.
type want struct{ unit, source, target, kind, options string }

func read(p handlers.Params) (w want, err error) {
	for name, to := range map[string]*string{handlers.ParamUnit: &w.unit, Source: &w.source, Target: &w.target} {
		if _, e := p.Need(name); e != nil && (err == nil || e.Error() < err.Error()) {
			err = e
		}
		*to = p[name]
	}
	w.kind, w.options = p.Get(Kind, "nfs"), p.Get(Options, "rw")
	switch {
	case err != nil:
		return w, err
	case strings.ContainsFunc(w.source, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return w, fmt.Errorf("mount: %.100q cannot be mounted", w.source)
	case strings.Trim(w.kind, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		return w, fmt.Errorf("mount: %.40q is no kind of file system", w.kind)
	case strings.Contains(w.target, " "):
		return w, fmt.Errorf("mount: %.100q has a blank in it", w.target)
	}
	return w, posix.Path(w.target)
}

// look is what is mounted at the target; empty when nothing is. The kernel's own table is
// read, for a command that asks the file system hangs when its server is away.
func (w want) look(ctx context.Context, on run.Runner) (string, error) {
	o, err := run.Must(ctx, on, run.Cmd{Args: []string{"cat", "/proc/self/mounts"}})
	if err != nil {
		return "", err
	}
	is := ""
	for line := range strings.Lines(o.Stdout) {
		if f := strings.Fields(line); len(f) >= 2 && f[1] == w.target {
			is = f[0] // the last one covers those before
		}
	}
	return is, nil
}

// folder reports whether the target is there.
func (w want) folder(ctx context.Context, on run.Runner) (run.Output, bool, error) {
	o, err := on.Run(ctx, run.Cmd{Args: []string{"test", "-d", w.target}})
	return o, o.Code == 0, err
}

/*
Package systemd is the driver of a service on a machine: a unit file of systemd, enabled and
running. A unit file of the same name that somebody else wrote is left alone.
*/
package systemd

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
	Name    = "systemd.name"
	Content = "systemd.content"
	Root    = "systemd.root"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "systemd", Doc: "Keeps a systemd service enabled and running on the unit's machine.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Name, Site: true, Need: true, Doc: "the service's name, such as web.service"},
		{Name: Content, Site: true, Need: true, Doc: "the unit file"},
		{Name: Root, Site: true, Doc: "folder with the system to change, if it is not the running one; nothing is started in it"},
	}}
}

// want is what a unit's service should be.
type want struct{ unit, name, root, file string }

func read(p handlers.Params) (w want, err error) {
	if w.unit, err = p.Need(handlers.ParamUnit); err != nil {
		return w, err
	}
	if w.name, err = p.Need(Name); err != nil {
		return w, err
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.@-"
	if strings.Trim(w.name, letters) != "" || w.name[0] == '-' || w.name[0] == '.' || !strings.HasSuffix(w.name, ".service") || len(w.name) > 200 {
		return w, fmt.Errorf("systemd: %.80q cannot name a service", w.name)
	}
	if w.root = p[Root]; w.root != "" {
		err = posix.Path(w.root)
	}
	w.file = w.root + "/etc/systemd/system/" + w.name
	return w, err
}

// systemctl is a command to systemd, or to the files of one that does not run.
func (w want) systemctl(args ...string) run.Cmd {
	if w.root != "" {
		args = append([]string{"--root", w.root}, args...)
	}
	return run.Cmd{Args: append([]string{"systemctl"}, args...)}
}

// Setup writes the unit file, and enables and starts the service.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	want, err := p.Need(Content)
	if err != nil {
		return handlers.Result{}, err
	}
	if err := posix.Claim(ctx, on, w.file, w.unit); err != nil {
		return handlers.Result{}, err
	}
	is, there, err := posix.Read(ctx, on, w.file)
	if err != nil {
		return handlers.Result{}, err
	}
	if !there || is != want {
		// What runs is stopped first, or a call that was cut off behind the file would
		// leave the old service running for the new one.
		if there && w.root == "" {
			if _, err := run.Must(ctx, on, w.systemctl("stop", "--", w.name)); err != nil {
				return handlers.Result{}, err
			}
		}
		if err := posix.Write(ctx, on, w.file, want, "0644"); err != nil {
			return handlers.Result{}, err
		}
	}
	steps := []run.Cmd{w.systemctl("enable", "--", w.name)}
	if w.root == "" {
		steps = []run.Cmd{w.systemctl("daemon-reload"), steps[0], w.systemctl("start", "--", w.name), w.systemctl("is-active", "--quiet", "--", w.name)}
	}
	for _, c := range steps {
		if _, err := run.Must(ctx, on, c); err != nil {
			return handlers.Result{}, err
		}
	}
	return handlers.Result{Done: true}, nil
}

// Teardown stops the service and removes its unit file, if it is the unit's.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	ours, err := posix.Owned(ctx, on, w.file, w.unit)
	if err != nil || !ours {
		return handlers.Result{Done: err == nil}, err
	}
	_, there, err := posix.Read(ctx, on, w.file)
	if err != nil {
		return handlers.Result{}, err
	}
	var steps []run.Cmd
	if there {
		if w.root == "" {
			steps = append(steps, w.systemctl("daemon-reload"), w.systemctl("stop", "--", w.name))
		}
		steps = append(steps, w.systemctl("disable", "--", w.name))
	}
	for _, c := range steps {
		if _, err := run.Must(ctx, on, c); err != nil {
			return handlers.Result{}, err
		}
	}
	if err := posix.Remove(ctx, on, w.file); err != nil {
		return handlers.Result{}, err
	}
	if w.root == "" {
		if _, err := run.Must(ctx, on, w.systemctl("daemon-reload")); err != nil {
			return handlers.Result{}, err
		}
	}
	err = posix.Release(ctx, on, w.file)
	return handlers.Result{Done: err == nil}, err
}

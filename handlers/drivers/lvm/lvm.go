/*
Package lvm is the driver of flash clones on LVM: a logical volume that is a snapshot of an
image's volume, made in a moment whatever the image's size. A volume has the unit in a tag;
one without it is left alone.
*/
package lvm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// Names of the parameters.
const (
	Group  = "lvm.group"
	Origin = "lvm.origin"
	Name   = "lvm.name"
	Size   = "lvm.size"
)

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "lvm", Doc: "Clones an image as an LVM snapshot of its volume.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit", Need: true},
		{Name: Group, Site: true, Need: true, Doc: "the volume group"},
		{Name: Origin, Site: true, Need: true, Doc: "the volume of the image in it"},
		{Name: Name, Site: true, Doc: "the clone's name; without one it follows from the unit"},
		{Name: Size, Site: true, Doc: "room for what the clone comes to differ in, such as 4G; none for a thin volume"},
	}}
}

// want is what a unit's volume should be.
type want struct{ group, origin, name, size, tag string }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+"

func read(p handlers.Params) (w want, err error) {
	unit, err := p.Need(handlers.ParamUnit)
	if err != nil {
		return w, err
	}
	sum := sha256.Sum256([]byte(unit))
	w = want{group: p[Group], origin: p[Origin], name: p.Get(Name, fmt.Sprintf("leasehold_%x", sum[:8])), size: p[Size],
		tag: fmt.Sprintf("leasehold_unit_%x", sum[:16])}
	for _, n := range []string{w.group, w.origin, w.name} {
		if n == "" || len(n) > 100 || n[0] == '.' || strings.Trim(n, letters) != "" {
			return w, fmt.Errorf("lvm: %.64q cannot name a volume or a group", n)
		}
	}
	if w.size != "" && strings.Trim(w.size, "0123456789.kKmMgGtTbB%RIFOSGEVUN") != "" {
		return w, fmt.Errorf("lvm: %.40q is no size", w.size)
	}
	return w, nil
}

// look is the tags of the clone; false when there is none.
func (w want) look(ctx context.Context, on run.Runner) (tags []string, there bool, err error) {
	o, err := run.Must(ctx, on, run.Cmd{Args: []string{"lvs", "--noheadings", "--separator", "|", "-o", "lv_name,lv_tags", w.group}})
	if err != nil {
		return nil, false, err
	}
	for line := range strings.Lines(o.Stdout) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), "|")
		if name == w.name {
			return strings.Split(list, ","), true, nil
		}
	}
	return nil, false, nil
}

// ours reports whether the unit's tag is among tags.
func (w want) ours(tags []string) bool {
	for _, t := range tags {
		if t == w.tag {
			return true
		}
	}
	return false
}

// Setup makes the clone if it is not there.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	tags, there, err := w.look(ctx, on)
	switch {
	case err != nil:
		return handlers.Result{}, err
	case there && !w.ours(tags):
		return handlers.Result{}, fmt.Errorf("lvm: there is a volume %s/%s that is not this unit's", w.group, w.name)
	case !there:
		args := []string{"lvcreate", "--yes", "--snapshot", "--name", w.name, "--addtag", w.tag}
		if w.size != "" {
			args = append(args, "--size", w.size)
		} else {
			args = append(args, "--setactivationskip", "n")
		}
		if _, err := run.Must(ctx, on, run.Cmd{Args: append(args, w.group+"/"+w.origin)}); err != nil {
			return handlers.Result{}, err
		}
	}
	// A machine that was restarted has not switched every volume on.
	if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"lvchange", "--yes", "--activate", "y", w.group + "/" + w.name}}); err != nil {
		return handlers.Result{}, err
	}
	return handlers.Result{Done: true, Properties: map[string]string{"unit.disk": "/dev/" + w.group + "/" + w.name}}, nil
}

// Teardown removes the clone.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	tags, there, err := w.look(ctx, on)
	if err == nil && there && w.ours(tags) {
		if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"lvremove", "--yes", w.group + "/" + w.name}}); err == nil {
			if _, there, err = w.look(ctx, on); err == nil && there {
				err = fmt.Errorf("lvm: lvremove says that it is done, and %s/%s is there", w.group, w.name)
			}
		}
	}
	return handlers.Result{Done: err == nil}, err
}

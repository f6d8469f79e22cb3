/*
Package zfs is the driver of flash clones on ZFS: a dataset that is a clone of an image's
snapshot, made in a moment whatever the image's size. A clone has the unit in a property of
its own; a dataset without it is left alone. Snapshots are left for the next clone.
*/
package zfs

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
	Image      = "zfs.image"
	Parent     = "zfs.parent"
	Name       = "zfs.name"
	Mountpoint = "zfs.mountpoint"
	Quota      = "zfs.quota"
)

// mark is the property that holds a clone's unit.
const mark = "leasehold:unit"

// Driver is the driver; its zero value is ready.
type Driver struct{}

// Info lists d in a catalogue.
func (d Driver) Info() handlers.Info {
	return handlers.Info{Name: "zfs", Doc: "Clones an image as a ZFS clone of its snapshot.", Driver: d, Params: []handlers.Param{
		{Name: handlers.ParamUnit, Doc: "the unit, which names the clone where nothing else does", Need: true},
		{Name: Image, Site: true, Need: true, Doc: "the image: dataset@snapshot; the snapshot is made if it is not there"},
		{Name: Parent, Site: true, Need: true, Doc: "the dataset below which clones are made, in the image's pool"},
		{Name: Name, Site: true, Doc: "the clone's name below it; the unit's when there is none"},
		{Name: Mountpoint, Site: true, Doc: "where it is mounted; inherited when nothing is said"},
		{Name: Quota, Site: true, Doc: "the most room that it takes, such as 20G"},
	}}
}

// want is what a unit's clone should be.
type want struct{ unit, image, clone, mountpoint, quota string }

func read(p handlers.Params) (w want, err error) {
	if w.unit, err = p.Need(handlers.ParamUnit); err != nil {
		return w, err
	}
	w.image, w.clone = p[Image], p[Parent]+"/"+p.Get(Name, w.unit)
	w.mountpoint, w.quota = p[Mountpoint], p[Quota]
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-"
	set, snapshot, ok := strings.Cut(w.image, "@")
	if !ok || snapshot == "" || strings.Trim(snapshot, letters) != "" || !dataset(set, letters) {
		return w, fmt.Errorf("zfs: %.100q is no image of the form dataset@snapshot", w.image)
	}
	if !dataset(w.clone, letters) || p[Parent] == "" {
		return w, fmt.Errorf("zfs: %.100q cannot name a dataset", w.clone)
	}
	if strings.ContainsFunc(w.unit, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return w, fmt.Errorf("zfs: the unit %.64q cannot stand in a property", w.unit)
	}
	if w.mountpoint != "" {
		err = posix.Path(w.mountpoint)
	}
	if w.quota != "" && strings.Trim(w.quota, "0123456789.KMGTPkmgtp") != "" {
		err = fmt.Errorf("zfs: %.40q is no size", w.quota)
	}
	return w, err
}

func dataset(s, letters string) bool {
	for _, part := range strings.Split(s, "/") {
		if part == "" || part[0] == '-' || part[0] == '.' || strings.Trim(part, letters) != "" {
			return false
		}
	}
	return len(s) < 256
}

// get is one property of a dataset; false when there is no such dataset.
func get(ctx context.Context, on run.Runner, property, name string) (string, bool, error) {
	c := run.Cmd{Args: []string{"zfs", "get", "-H", "-o", "value", property, name}}
	o, err := on.Run(ctx, c)
	switch {
	case err != nil:
		return "", false, err
	case o.Code != 0 && strings.Contains(o.Stderr, "does not exist"):
		return "", false, nil
	case o.Code != 0:
		return "", false, run.Failed(c, o)
	}
	return strings.TrimSpace(o.Stdout), true, nil
}

// Setup makes the clone if it is not there.
func (Driver) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	of, there, err := get(ctx, on, mark, w.clone)
	switch {
	case err != nil:
		return handlers.Result{}, err
	case there && of != w.unit:
		return handlers.Result{}, fmt.Errorf("zfs: there is a dataset %s that is not this unit's", w.clone)
	case !there:
		if _, snapped, err := get(ctx, on, "type", w.image); err != nil {
			return handlers.Result{}, err
		} else if !snapped {
			if _, err := run.Must(ctx, on, run.Cmd{Args: []string{"zfs", "snapshot", w.image}}); err != nil {
				return handlers.Result{}, err
			}
		}
		args := []string{"zfs", "clone", "-o", mark + "=" + w.unit}
		if w.mountpoint != "" {
			args = append(args, "-o", "mountpoint="+w.mountpoint)
		}
		if w.quota != "" {
			args = append(args, "-o", "quota="+w.quota)
		}
		if _, err := run.Must(ctx, on, run.Cmd{Args: append(args, w.image, w.clone)}); err != nil {
			return handlers.Result{}, err
		}
		if of, _, err = get(ctx, on, mark, w.clone); err != nil {
			return handlers.Result{}, err
		} else if of != w.unit {
			return handlers.Result{}, fmt.Errorf("zfs: zfs clone says that it is done, and %s is not there", w.clone)
		}
	}
	return handlers.Result{Done: true, Properties: map[string]string{"unit.dataset": w.clone}}, nil
}

// Teardown destroys the clone.
func (Driver) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	w, err := read(p)
	if err != nil {
		return handlers.Result{}, err
	}
	of, there, err := get(ctx, on, mark, w.clone)
	if err == nil && there && of == w.unit {
		if _, err = run.Must(ctx, on, run.Cmd{Args: []string{"zfs", "destroy", "-r", w.clone}}); err == nil {
			if _, there, err = get(ctx, on, mark, w.clone); err == nil && there {
				err = fmt.Errorf("zfs: zfs destroy says that it is done, and %s is there", w.clone)
			}
		}
	}
	return handlers.Result{Done: err == nil}, err
}

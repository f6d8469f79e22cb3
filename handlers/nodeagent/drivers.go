package nodeagent

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/leasehold/leasehold/handlers/nodeagent/pack"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

/*
A driver's versions are folders, drivers/ID/N, and drivers.xml says which of them counts and
which was the one before. A folder that it does not name is of a change that did not come to its
end, or of a version that is gone: it is removed when the agent starts.
*/

// driver is an installed driver.
type driver struct {
	id           string
	class        string // as whoever installed it said; not used
	path, before string // folders of the version that counts and of the one before, which may be empty
	manifest     pack.Manifest
}

// registry is drivers.xml (nodeagent 3).
type registry struct {
	XMLName xml.Name   `xml:"http://orca/drivers drivers"`
	Drivers []xmlEntry `xml:"driver"`
}

type xmlEntry struct {
	ID     string `xml:"id"`
	Class  string `xml:"className"`
	Path   string `xml:"path,omitempty"`
	Before string `xml:"previousPath,omitempty"`
}

func (a *Agent) registryPath() string { return filepath.Join(a.cfg.Dir, "drivers.xml") }

// loadDrivers reads drivers.xml and removes folders that it does not name.
func (a *Agent) loadDrivers() error {
	data, err := os.ReadFile(a.registryPath())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("nodeagent: %w", err)
	}
	var r registry
	if err == nil {
		if err := xml.Unmarshal(data, &r); err != nil {
			return fmt.Errorf("nodeagent: drivers.xml: %w", err)
		}
	}
	named := map[string]bool{}
	for _, e := range r.Drivers {
		if !pack.ValidID(e.ID) || !a.inside(e.ID, e.Path) || e.Before != "" && !a.inside(e.ID, e.Before) {
			return fmt.Errorf("nodeagent: drivers.xml: the driver %.80q", e.ID)
		}
		d := &driver{id: e.ID, class: e.Class, path: e.Path, before: e.Before}
		if d.manifest, err = a.manifest(e.Path); err != nil {
			return fmt.Errorf("nodeagent: the driver %s: %w", e.ID, err)
		}
		if d.before != "" {
			if _, err := a.manifest(d.before); err != nil {
				return fmt.Errorf("nodeagent: the driver %s: %w", e.ID, err)
			}
		}
		a.drivers[e.ID] = d
		named[e.Path], named[e.Before] = true, true
	}
	return a.sweep(named)
}

// inside reports whether a path is a version's folder of a driver.
func (a *Agent) inside(id, path string) bool {
	n, err := strconv.ParseUint(filepath.Base(path), 10, 64)
	return err == nil && path == filepath.Join("drivers", id, strconv.FormatUint(n, 10))
}

func (a *Agent) manifest(path string) (m pack.Manifest, err error) {
	data, err := os.ReadFile(filepath.Join(a.cfg.Dir, path, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m, err
}

// sweep removes versions that are not named.
func (a *Agent) sweep(named map[string]bool) error {
	root := filepath.Join(a.cfg.Dir, "drivers")
	all, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, d := range all {
		versions, err := os.ReadDir(filepath.Join(root, d.Name()))
		if err != nil {
			return errors.Join(err, os.RemoveAll(filepath.Join(root, d.Name())))
		}
		left := 0
		for _, v := range versions {
			if named[filepath.Join("drivers", d.Name(), v.Name())] {
				left++
				continue
			}
			if err := os.RemoveAll(filepath.Join(root, d.Name(), v.Name())); err != nil {
				return err
			}
		}
		if left == 0 {
			if err := os.Remove(filepath.Join(root, d.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// save makes the table of drivers durable with one of them changed, and then counts. d is
// nil to remove id.
func (a *Agent) save(id string, d *driver) error {
	var r registry
	named := map[string]bool{}
	a.mu.Lock()
	all := maps.Clone(a.drivers)
	a.mu.Unlock()
	if all[id] = d; d == nil {
		delete(all, id)
	}
	for _, k := range sorted(all) {
		r.Drivers = append(r.Drivers, xmlEntry{k, all[k].class, all[k].path, all[k].before})
		named[all[k].path], named[all[k].before] = true, true
	}
	data, err := xml.MarshalIndent(r, "", "  ")
	if err == nil {
		err = writeFile(a.registryPath(), append(data, '\n'), 0o600)
	}
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.drivers = all
	a.mu.Unlock()
	return a.sweep(named)
}

// lookup finds a driver; nil if it is not installed.
func (a *Agent) lookup(id string) *driver {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.drivers[id]
}

// install puts a new driver, or a new version of one, in its place. Until the table says
// so, nothing of it counts, and whatever goes wrong leaves what was there.
func (a *Agent) install(ctx context.Context, r wire.Request) wire.Response {
	a.changing.Lock()
	defer a.changing.Unlock()
	old := a.lookup(r.Driver)
	switch {
	case !pack.ValidID(r.Driver):
		return refused(wire.InvalidArguments, "%.80q cannot name a driver", r.Driver)
	case r.Op == wire.InstallDriver && old != nil:
		return refused(wire.AlreadyInstalled, "%s is installed", r.Driver)
	case r.Op == wire.UpgradeDriver && old == nil:
		return refused(wire.NotInstalled, "%s is not installed", r.Driver)
	}
	p, err := pack.Read(r.Package, a.publisher)
	switch {
	case errors.Is(err, pack.ErrForm), errors.Is(err, pack.ErrTooLarge):
		return refused(wire.NotExpanded, "%v", err)
	case err != nil:
		return refused(wire.InvalidArguments, "%v", err)
	case p.Manifest.ID != r.Driver:
		return refused(wire.InvalidArguments, "the package is of the driver %s", p.Manifest.ID)
	case old != nil && p.Manifest.Version == old.manifest.Version:
		return refused(wire.InvalidArguments, "%s has the version %s already", r.Driver, p.Manifest.Version)
	}
	d := &driver{id: r.Driver, class: r.Class, manifest: p.Manifest}
	n := uint64(1)
	if old != nil {
		last, _ := strconv.ParseUint(filepath.Base(old.path), 10, 64)
		second, _ := strconv.ParseUint(filepath.Base(old.before), 10, 64)
		n = max(last, second) + 1
		d.before = old.path
	}
	d.path = filepath.Join("drivers", r.Driver, strconv.FormatUint(n, 10))
	dir := filepath.Join(a.cfg.Dir, d.path)
	undo := func(out wire.Response) wire.Response {
		err := os.RemoveAll(dir)
		if old == nil && err == nil {
			err = os.Remove(filepath.Dir(dir))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return refused(wire.CleanUp, "%s; and what was unpacked cannot be removed: %v", out.Message, err)
		}
		return out
	}
	if err := unpack(dir, p.Files); err != nil {
		return undo(refused(wire.NoDirectory, "%v", err))
	}
	if len(p.Manifest.Install) > 0 {
		e := job{Name: "install " + r.Driver, Args: octets(program(dir, p.Manifest.Install)), Dir: dir, Env: environment(dir, r.Driver, "", "install"), Timeout: 10 * time.Minute}.run(ctx)
		if out := e.response(wire.ExecuteScript); out.Code != 0 {
			return undo(refused(out.Code, "the package's own installation: %.300s %.300s", out.Message, out.Stderr))
		}
	}
	if err := a.save(r.Driver, d); err != nil {
		return undo(refused(wire.InternalError, "%v", err))
	}
	a.cfg.Log("%s of %s: version %s, signed by %s", r.Op, r.Driver, p.Manifest.Version, p.Signer.Subject)
	return wire.Response{Properties: []wire.Property{{Name: "driver.version", Value: p.Manifest.Version}}}
}

// unpack writes files, each of which has been found to stay below dir.
func unpack(dir string, files []pack.File) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range files {
		if err := root.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if f.Exec {
			mode = 0o755
		}
		out, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = bytes.NewReader(f.Data).WriteTo(out)
		if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) uninstall(r wire.Request) wire.Response {
	// In SOAP one element stands for three operations, and which is meant is not signed: a
	// request to install must not become one to uninstall.
	if len(r.Package) > 0 {
		return refused(wire.InvalidArguments, "a package is nothing to uninstall with")
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	if a.lookup(r.Driver) == nil {
		return refused(wire.NotInstalled, "%.80s is not installed", r.Driver)
	}
	if a.busy(r.Driver) {
		return refused(wire.Overlap, "an action of %s is under way", r.Driver)
	}
	if err := a.save(r.Driver, nil); err != nil {
		return refused(wire.CleanUp, "%v", err)
	}
	return wire.Response{}
}

// rollback lets the version before count again. The one that counted is gone.
func (a *Agent) rollback(r wire.Request) wire.Response {
	a.changing.Lock()
	defer a.changing.Unlock()
	d := a.lookup(r.Driver)
	if d == nil {
		return refused(wire.NotInstalled, "%.80s is not installed", r.Driver)
	}
	if d.before == "" {
		return refused(wire.InvalidArguments, "%s has no version before %s", r.Driver, d.manifest.Version)
	}
	m, err := a.manifest(d.before)
	if err != nil {
		return refused(wire.InternalError, "%v", err)
	}
	if err := a.save(r.Driver, &driver{id: d.id, class: d.class, path: d.before, manifest: m}); err != nil {
		return refused(wire.InternalError, "%v", err)
	}
	return wire.Response{Properties: []wire.Property{{Name: "driver.version", Value: m.Version}}}
}

// program is a command whose program is a file of the package, if it has one of that name.
func program(dir string, args []string) []string {
	out := slices.Clone(args)
	if filepath.IsLocal(out[0]) {
		if info, err := os.Stat(filepath.Join(dir, out[0])); err == nil && info.Mode().IsRegular() {
			out[0] = filepath.Join(dir, out[0])
		}
	}
	return out
}

func environment(dir, id, object, action string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LEASEHOLD_DRIVER=" + id, "LEASEHOLD_OBJECT=" + object, "LEASEHOLD_ACTION=" + action}
}

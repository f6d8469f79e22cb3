/*
Package boot keeps the boot loaders' files below a TFTP server's root as the
directory says: for every machine in it, what that machine boots next. Package
loader decides what the files say, package cod/feed is the loop around.

An operator's own file is never touched: only files that begin with
[loader.Header] are written over or removed. Files are written under another name
and moved into place, so that a machine never reads half of one.
*/
package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/boot/loader"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Follower keeps the files below Root as a directory says. Set its fields before
// Run or Once and do not change them after. The source's Filter is the follower's
// own.
type Follower struct {
	feed.Source
	Root string // the TFTP server's root; it must exist
	// MaxRemoval is the share of the files, in percent, that one comparison may take
	// away; 0 means [feed.DefaultShare]. A few may always go.
	MaxRemoval int
}

// filter selects machines and images.
const filter = "(|(objectClass=bootableDevice)(objectClass=codBootImage))"

// folders are where the files of the loaders lie.
var folders = []string{"pxelinux.cfg", "grub"}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.Filter = filter
	f.Source.Run(ctx, func() feed.Keeper { return newWork(f, false) })
}

// Once makes the files as the directory says now and reports what was different.
// With dry set it only reports. It fails when anything could not be done.
func (f *Follower) Once(ctx context.Context, dry bool) (Report, error) {
	f.Filter = filter
	w := newWork(f, dry)
	err := f.Source.Once(ctx, w)
	if err == nil && w.report.Error != "" {
		err = errors.New(w.report.Error)
	}
	return w.report, err
}

// A Report is how the files stand to the directory.
type Report struct {
	Machines int      `json:"machines"` // that have a hardware address
	Written  []string `json:"written,omitempty"`
	Removed  []string `json:"removed,omitempty"`
	Held     int      `json:"held,omitempty"`     // files that would have gone, too many at once
	Problems []string `json:"problems,omitempty"` // machines that cannot boot what they should
	Error    string   `json:"error,omitempty"`
}

// work is one session's knowledge and duties (feed.Keeper). What is due is known by
// hardware address, after which the files are named.
type work struct {
	f      *Follower
	dry    bool
	hosts  map[string]ldapschema.Entry        // by identity
	macs   map[ldapschema.MAC]map[string]bool // identities of the hosts that have one
	images map[string]ldapschema.Image        // by identity
	due    map[ldapschema.MAC]bool            // whose files may be wrong
	all    bool                               // all files may be
	said   map[ldapschema.MAC][]string        // what is wrong with a machine, logged
	bad    map[string]string                  // images that cannot be read, by identity
	report Report
}

func newWork(f *Follower, dry bool) *work {
	return &work{f: f, dry: dry, hosts: map[string]ldapschema.Entry{}, macs: map[ldapschema.MAC]map[string]bool{},
		images: map[string]ldapschema.Image{}, due: map[ldapschema.MAC]bool{}, said: map[ldapschema.MAC][]string{}, bad: map[string]string{}}
}

// Take notes an event of the directory.
func (w *work) Take(ev directory.Event) {
	switch ev.Kind {
	case directory.Present:
		w.forget(ev.ID)
		if !ev.Entry.IsA("codBootImage") {
			w.learn(ev.ID, ev.Entry)
			return
		}
		w.all = true // any machine may boot it
		image, err := ldapschema.ParseImage(ev.Entry)
		if err != nil {
			w.bad[ev.ID] = err.Error()
			w.f.Log.WithError(err).Warn("the image cannot be read")
			return
		}
		w.images[ev.ID] = image
	case directory.Gone:
		w.forget(ev.ID)
	case directory.Refreshed:
		w.all = true
	}
}

func (w *work) learn(id string, e ldapschema.Entry) {
	mac, err := ldapschema.ParseMAC(e.Get("macAddress"))
	if err != nil || mac.IsZero() {
		return // it does not boot over the network
	}
	w.hosts[id] = e
	if w.macs[mac] == nil {
		w.macs[mac] = map[string]bool{}
	}
	w.macs[mac][id] = true
	w.due[mac] = true
}

func (w *work) forget(id string) {
	if _, ok := w.images[id]; ok {
		delete(w.images, id)
		w.all = true
	}
	delete(w.bad, id)
	e, ok := w.hosts[id]
	if !ok {
		return
	}
	delete(w.hosts, id)
	mac, _ := ldapschema.ParseMAC(e.Get("macAddress"))
	if delete(w.macs[mac], id); len(w.macs[mac]) == 0 {
		delete(w.macs, mac)
	}
	w.due[mac] = true
}

// CompareAll makes all files due for a comparison.
func (w *work) CompareAll() { w.all = true }

// Settled reports whether the files are as they should be.
func (w *work) Settled() bool { return len(w.due) == 0 && !w.all }

// Flush writes and removes the files that are due.
func (w *work) Flush(context.Context) {
	before := w.report.Error
	w.report = Report{Machines: len(w.macs)}
	err := w.flush()
	if err != nil {
		w.report.Error = err.Error()
		if w.report.Error != before {
			w.f.Log.WithError(err).Error("the boot files are not as the directory says; trying again")
		}
	}
	if n := len(w.report.Written) + len(w.report.Removed); n > 0 {
		w.f.Log.WithFields(logrus.Fields{"written": len(w.report.Written), "removed": len(w.report.Removed)}).Info("boot files changed")
	}
	for _, mac := range slices.SortedFunc(maps.Keys(w.said), compareMAC) {
		w.report.Problems = append(w.report.Problems, w.said[mac]...)
	}
	for _, id := range slices.Sorted(maps.Keys(w.bad)) {
		w.report.Problems = append(w.report.Problems, w.bad[id])
	}
}

func compareMAC(a, b ldapschema.MAC) int { return slices.Compare(a[:], b[:]) }

func (w *work) flush() error {
	if _, err := os.Stat(w.f.Root); err != nil {
		return err // an absent root is not one without files
	}
	var failed []error
	if w.all {
		for mac := range w.macs {
			w.due[mac] = true
		}
		if err := w.sweep(); err != nil {
			failed = append(failed, err)
		} else {
			w.all = false
		}
	}
	images := map[string]ldapschema.Image{}
	for _, id := range slices.Sorted(maps.Keys(w.images)) {
		images[w.images[id].Name] = w.images[id]
	}
	for _, mac := range slices.SortedFunc(maps.Keys(w.due), compareMAC) {
		if err := w.mend(mac, images); err != nil {
			failed = append(failed, err)
		} else {
			delete(w.due, mac)
		}
	}
	return errors.Join(failed...)
}

// mend makes one machine's files right.
func (w *work) mend(mac ldapschema.MAC, images map[string]ldapschema.Image) error {
	if len(w.macs[mac]) == 0 {
		delete(w.said, mac)
		var failed []error
		for _, path := range paths(mac) {
			failed = append(failed, w.remove(path))
		}
		return errors.Join(failed...)
	}
	entries := make([]ldapschema.Entry, 0, 1)
	for id := range w.macs[mac] {
		entries = append(entries, w.hosts[id])
	}
	slices.SortFunc(entries, func(a, b ldapschema.Entry) int { return cmp.Compare(a.DN, b.DN) })
	var said []string
	if len(entries) > 1 {
		said = append(said, fmt.Sprintf("%s: the hardware address %s is that of %s too: %[1]s counts", entries[0].DN, mac, entries[1].DN))
	}
	h, err := ldapschema.ParseHost(entries[0])
	var files []loader.File
	if err == nil {
		files, err = loader.Files(h, entries[0].DN, images)
	}
	if err != nil { // what is there is better than nothing
		said = append(said, fmt.Sprintf("%s: %v", entries[0].DN, err))
	}
	var failed []error
	for _, f := range files {
		had, ok, err := w.read(f.Path)
		switch {
		case err != nil:
			failed = append(failed, err)
		case ok && had == f.Content:
		case ok && !strings.HasPrefix(had, loader.Header):
			said = append(said, f.Path+": somebody else's file stands here and stays")
		default:
			w.report.Written = append(w.report.Written, f.Path)
			if !w.dry {
				failed = append(failed, w.write(f.Path, f.Content))
			}
		}
	}
	for _, text := range said {
		if !slices.Contains(w.said[mac], text) {
			w.f.Log.Warn(text)
		}
	}
	if w.said[mac] = said; len(said) == 0 {
		delete(w.said, mac)
	}
	return errors.Join(failed...)
}

// paths are the names of a machine's files.
func paths(mac ldapschema.MAC) []string {
	files, _ := loader.Files(ldapschema.Host{MAC: mac, Boot: loader.Local}, "", nil)
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.Path
	}
	return out
}

// sweep removes our files of machines that are not there, unless they are too many.
func (w *work) sweep() error {
	keep := map[string]bool{}
	for mac := range w.macs {
		for _, path := range paths(mac) {
			keep[path] = true
		}
	}
	ours, err := w.ours()
	if err != nil {
		return err
	}
	gone := slices.DeleteFunc(ours, func(path string) bool { return keep[path] })
	if feed.TooMany(len(gone), len(keep), w.f.MaxRemoval) {
		w.report.Held = len(gone)
		return fmt.Errorf("%d boot files are of machines that are not in the directory, and %d of some that are: none is removed; "+
			"if that is meant, allow it with --max-removal 100", len(gone), len(keep))
	}
	var failed []error
	for _, path := range gone {
		failed = append(failed, w.remove(path))
	}
	return errors.Join(failed...)
}

// remove takes away a file of ours, if it is there.
func (w *work) remove(path string) error {
	had, ok, err := w.read(path)
	if err != nil || !ok || !strings.HasPrefix(had, loader.Header) {
		return err
	}
	w.report.Removed = append(w.report.Removed, path)
	if w.dry {
		return nil
	}
	return os.Remove(filepath.Join(w.f.Root, path))
}

// ours are the paths of all files that were written here.
func (w *work) ours() (out []string, err error) {
	for _, folder := range folders {
		files, err := os.ReadDir(filepath.Join(w.f.Root, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, f := range files {
			path := folder + "/" + f.Name()
			if !f.Type().IsRegular() || !strings.Contains(f.Name(), "01-") {
				continue
			}
			if content, ok, err := w.read(path); err != nil {
				return nil, err
			} else if ok && strings.HasPrefix(content, loader.Header) {
				out = append(out, path)
			}
		}
	}
	return out, nil
}

// most is more than a file of ours ever holds.
const most = 64 << 10

// read is the beginning of a file, or not ok when there is none.
func (w *work) read(path string) (content string, ok bool, err error) {
	f, err := os.Open(filepath.Join(w.f.Root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	return string(data), true, err
}

// write puts a file in place as a whole. TFTP servers read as nobody.
func (w *work) write(path, content string) error {
	full := filepath.Join(w.f.Root, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(full), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), full)
}

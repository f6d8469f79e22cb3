/*
Package exports keeps a file server as the directory says: who may mount which of its
folders, and a folder for each account in those that hold homes. Package table decides
what the server reads, package cod/feed is the loop around.

Nothing that anybody may have filled is ever removed: when a cluster goes its export
goes, and its folder stays for the people of the site. An operator's own file is not
written over. Folders are made below Root only, never through a link that leads out.
*/
package exports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/exports/table"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Follower keeps a file server as a directory says. Set its fields before Run or
// Once and do not change them after. The source's Filter is the follower's own.
type Follower struct {
	feed.Source
	File    string                      // that the server reads
	Format  func([]table.Export) string // how: [table.Linux] or [table.Ganesha]
	Root    string                      // all volumes lie below this folder, which exists
	Servers []string                    // names by which nodes know this server; all exports are its when there are none
	Reload  []string                    // a command that makes the server read the file; may be empty
	// MaxRemoval is the share of the exports, in percent, that one comparison may take
	// away; 0 means [feed.DefaultShare]. A few may always go.
	MaxRemoval int
}

// filter selects exports, and whose homes may lie there.
const filter = "(|(objectClass=codExport)(objectClass=posixAccount))"

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.Filter = filter
	f.Source.Run(ctx, func() feed.Keeper { return newWork(f, false) })
}

// Once makes the server as the directory says now and reports what was different.
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

// A Report is how the file server stands to the directory.
type Report struct {
	Exports  int      `json:"exports"`            // folders that somebody may mount
	Changed  bool     `json:"changed,omitempty"`  // the file said something else
	Folders  []string `json:"folders,omitempty"`  // that were made
	Held     int      `json:"held,omitempty"`     // exports that would have gone, too many at once
	Problems []string `json:"problems,omitempty"` // entries that mean nothing here
	Error    string   `json:"error,omitempty"`
}

// work is one session's knowledge and duties (feed.Keeper). All of it is small, so
// whatever changes makes all of it due.
type work struct {
	f        *Follower
	dry      bool
	entries  map[string]ldapschema.Entry // by identity
	due      bool
	unread   bool // the server has not read the file since it was written
	problems []string
	report   Report
}

func newWork(f *Follower, dry bool) *work {
	// A server that was started before the last change may not have read it.
	return &work{f: f, dry: dry, entries: map[string]ldapschema.Entry{}, unread: true}
}

// Take notes an event of the directory.
func (w *work) Take(ev directory.Event) {
	w.due = true
	switch ev.Kind {
	case directory.Present:
		w.entries[ev.ID] = ev.Entry
	case directory.Gone:
		delete(w.entries, ev.ID)
	}
}

// CompareAll makes everything due for a comparison.
func (w *work) CompareAll() { w.due = true }

// Settled reports whether the server is as it should be.
func (w *work) Settled() bool { return !w.due }

// Flush makes folders, and then writes who may mount them.
func (w *work) Flush(ctx context.Context) {
	if !w.due {
		return
	}
	before := w.report.Error
	w.report = Report{}
	if err := w.flush(ctx); err != nil {
		w.report.Error = err.Error()
		if w.report.Error != before {
			w.f.Log.WithError(err).Error("the file server is not as the directory says; trying again")
		}
		return
	}
	w.due = false
}

func (w *work) flush(ctx context.Context) error {
	list, homes, problems := w.read()
	for _, p := range problems {
		if !slices.Contains(w.problems, p) {
			w.f.Log.Warn(p)
		}
	}
	w.problems, w.report.Problems = problems, problems
	list, folders := w.folders(list, homes)
	if list == nil {
		return folders
	}
	w.report.Exports = len(list)
	old, err := w.now()
	if err != nil {
		return errors.Join(folders, err)
	}
	text := w.f.Format(list)
	if gone := missing(old, text); feed.TooMany(gone, len(list), w.f.MaxRemoval) {
		w.report.Held = gone
		return errors.Join(folders, fmt.Errorf("%d exports are not in the directory any more, and %d are: none is removed; "+
			"if that is meant, allow it with --max-removal 100", gone, len(list)))
	}
	if old != text {
		w.report.Changed = true
		if w.dry {
			return folders
		}
		if err := write(w.f.File, text); err != nil {
			return errors.Join(folders, err)
		}
		w.f.Log.WithField("exports", len(list)).Info("exports changed")
		w.unread = true
	}
	if w.unread && !w.dry {
		if err := w.reload(ctx); err != nil {
			return errors.Join(folders, err)
		}
		w.unread = false
	}
	return folders
}

// A home is one account's folder.
type home struct {
	path     string
	uid, gid int
}

// read is what the directory says: exports in order, homes in them, and what means
// nothing.
func (w *work) read() (list []table.Export, homes []home, problems []string) {
	accounts := map[ldapschema.DN][]ldapschema.AccountRecord{} // by their cluster
	cluster := func(e ldapschema.Entry) ldapschema.DN { return e.DN.Normal().Parent().Parent() }
	ids := slices.Sorted(maps.Keys(w.entries))
	bad := func(e ldapschema.Entry, err error) {
		problems = append(problems, fmt.Sprintf("%s: %v", e.DN, err))
	}
	for _, id := range ids {
		e := w.entries[id]
		if e.IsA("codExport") {
			continue
		}
		a, err := ldapschema.ParseAccount(e)
		switch {
		case err != nil:
			bad(e, err)
		case a.Number < 1000 || a.Group < 1000 || a.UID == "" || strings.HasPrefix(a.UID, ".") || strings.ContainsAny(a.UID, "/\x00"):
			bad(e, errors.New("an account of the system, which has no home here"))
		default:
			accounts[cluster(e)] = append(accounts[cluster(e)], a)
		}
	}
	for _, id := range ids {
		e := w.entries[id]
		if !e.IsA("codExport") {
			continue
		}
		x, err := ldapschema.ParseExport(e)
		if err != nil {
			bad(e, err)
			continue
		}
		one, ok, err := table.Read(x, w.f.Servers, w.f.Root)
		if err != nil {
			bad(e, err)
		}
		if !ok {
			continue
		}
		list = append(list, one)
		if x.Homes {
			for _, a := range accounts[cluster(e)] {
				homes = append(homes, home{one.Path + "/" + a.UID, a.Number, a.Group})
			}
		}
	}
	slices.Sort(problems)
	slices.SortFunc(homes, func(a, b home) int { return strings.Compare(a.path, b.path) })
	return table.Sort(list), homes, problems
}

// folders makes those that are not there. What is there stays as it is, whatever it is.
// It returns the exports that have one below Root, nil when that is not there itself.
func (w *work) folders(list []table.Export, homes []home) ([]table.Export, error) {
	root, err := os.OpenRoot(w.f.Root)
	if err != nil {
		return nil, err // an absent disk is not one without folders
	}
	defer root.Close()
	var failed []error
	below := func(path string) string { return strings.Trim(strings.TrimPrefix(path, w.f.Root), "/") }
	made := func(path string, make func(name string) error) bool {
		name := below(path)
		_, err := root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			w.report.Folders = append(w.report.Folders, path)
			if err = nil; !w.dry {
				err = make(name)
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
		return err == nil
	}
	out := make([]table.Export, 0, len(list))
	for _, e := range list {
		if made(e.Path, func(name string) error { return passable(root, name) }) {
			out = append(out, e)
		}
	}
	for _, h := range homes {
		made(h.path, func(name string) error {
			// Under another name until it is its owner's: what is half made would stay so.
			next := filepath.Join(filepath.Dir(name), ".new-"+filepath.Base(name))
			if err := root.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err := root.Mkdir(next, 0o700); err != nil {
				return err
			}
			if err := root.Lchown(next, h.uid, h.gid); err != nil {
				return err
			}
			return root.Rename(next, name)
		})
	}
	return out, errors.Join(failed...)
}

// passable makes a folder, and those above it, that everybody may go through, whatever
// the umask.
func passable(root *os.Root, name string) error {
	at := ""
	for part := range strings.SplitSeq(name, "/") {
		at = filepath.Join(at, part)
		if err := root.Mkdir(at, 0o755); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := root.Chmod(at, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// most is more than a file of ours ever holds.
const most = 64 << 20

// now is what the file says, empty when there is none.
func (w *work) now() (string, error) {
	f, err := os.Open(w.f.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err == nil && len(data) > 0 && !strings.HasPrefix(string(data), table.Header) {
		err = fmt.Errorf("%s: somebody else's file stands here and stays", w.f.File)
	}
	return string(data), err
}

// missing counts the exports of one text that another does not have: lines that name a
// folder or a network.
func missing(old, text string) (n int) {
	has := map[string]bool{}
	for line := range strings.Lines(text) {
		has[line] = true
	}
	for line := range strings.Lines(old) {
		if names := strings.HasPrefix(line, "/") || strings.HasPrefix(line, "  Path =") || strings.HasPrefix(line, "  CLIENT "); names && !has[line] {
			n++
		}
	}
	return n
}

// write puts the file in place as a whole.
func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// patience is how long a server may take to read its file.
const patience = time.Minute

// reload makes the server read its file.
func (w *work) reload(ctx context.Context) error {
	if len(w.f.Reload) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.f.Reload[0], w.f.Reload[1:]...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.300s", strings.Join(w.f.Reload, " "), err, strings.Join(strings.Fields(string(out)), " "))
	}
	return nil
}

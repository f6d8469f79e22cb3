package exports_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/exports"
	"github.com/leasehold/leasehold/cod/exports/table"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// script is a directory that tells what it is given.
type script chan directory.Event

func (s script) Watch(ctx context.Context, _ ldapschema.DN, _ string, each func(directory.Event) error) error {
	for {
		select {
		case ev := <-s:
			if err := each(ev); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var refreshed = directory.Event{Kind: directory.Refreshed}

// world is a file server's folder and file, and what is said about them.
type world struct {
	t          *testing.T
	root, file string
	source     script
	f          *exports.Follower
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	w := &world{t: t, root: filepath.Join(dir, "export"), file: filepath.Join(dir, "leasehold.exports"), source: make(script, 100)}
	if err := os.Mkdir(w.root, 0o755); err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	w.f = &exports.Follower{Source: feed.Source{Directory: w.source, Log: log, RetryFirst: time.Millisecond, RetryMost: 10 * time.Millisecond},
		File: w.file, Format: table.Linux, Root: w.root, Servers: []string{"nfs1"}}
	return w
}

// run follows until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		w.f.Run(ctx)
		close(done)
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// export is the entry of a cluster's volume.
func (w *world) export(cluster, path string) directory.Event {
	e, err := ldapschema.ExportEntry(ldapschema.DN("ou=volumes,ou="+cluster+",dc=x"), ldapschema.ExportRecord{
		Name: "home", Server: "nfs1", Path: path, Clients: netip.MustParsePrefix("10.0.1.0/24"), Homes: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return directory.Event{Kind: directory.Present, ID: "export " + cluster, Entry: e}
}

// account is one of a cluster's.
func (w *world) account(cluster, login string, uid int) directory.Event {
	e, err := ldapschema.Account(ldapschema.DN("ou=people,ou="+cluster+",dc=x"), ldapschema.AccountRecord{UID: login, Number: uid, Group: uid})
	if err != nil {
		w.t.Fatal(err)
	}
	return directory.Event{Kind: directory.Present, ID: login, Entry: e}
}

// says waits until the file is this after its header.
func (w *world) says(want string) {
	w.t.Helper()
	var data []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		var err error
		if data, err = os.ReadFile(w.file); err == nil && string(data) == table.Header+want {
			return
		}
	}
	w.t.Fatalf("the file is\n%s\nand not\n%s", data, want)
}

const rights = "(rw,sync,no_subtree_check,root_squash)\n"

// TestFollow: volumes and homes come with their entries; an export goes with its
// entry, and nothing that people may have filled does.
func TestFollow(t *testing.T) {
	t.Parallel()
	setup.Root(t, "giving a home to its owner")
	w := newWorld(t)
	reloads := filepath.Join(t.TempDir(), "reloads")
	w.f.Reload = []string{"sh", "-c", "echo read >>" + reloads}
	w.run()
	w.source <- w.export("alpha", w.root+"/alpha")
	w.source <- w.account("alpha", "ada", 30000)
	w.source <- w.account("beta", "bob", 30001)
	w.source <- refreshed
	alpha := w.root + "/alpha\t10.0.1.0/24" + rights
	w.says(alpha)
	info, err := os.Stat(w.root + "/alpha/ada")
	if err != nil || info.Mode().Perm() != 0o700 || owner(info) != [2]uint32{30000, 30000} {
		t.Fatalf("ada's home: %v %v", info, err)
	}
	if _, err := os.Stat(w.root + "/alpha/bob"); err == nil {
		t.Error("somebody of another cluster has a home here")
	}
	if err := os.WriteFile(w.root+"/alpha/ada/thesis", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.source <- w.export("beta", w.root+"/beta")
	w.says(alpha + w.root + "/beta\t10.0.1.0/24" + rights)
	w.source <- directory.Event{Kind: directory.Gone, ID: "export alpha"}
	w.source <- directory.Event{Kind: directory.Gone, ID: "ada"}
	w.says(w.root + "/beta\t10.0.1.0/24" + rights)
	if _, err := os.Stat(w.root + "/alpha/ada/thesis"); err != nil {
		t.Errorf("what somebody wrote is gone: %v", err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(reloads); strings.Count(string(text), "read") == 3 {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the server was told %q", text)
		}
	}
}

// TestRefused: what an entry says is kept to the server's own folder, and what others
// wrote stays.
func TestRefused(t *testing.T) {
	t.Parallel()
	setup.Root(t, "giving a home to its owner")
	w := newWorld(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, w.root+"/link"); err != nil {
		t.Fatal(err)
	}
	w.source <- w.export("alpha", "/etc")
	w.source <- w.export("beta", w.root+"/../elsewhere")
	w.source <- w.export("gamma", w.root+"/link/volume")
	w.source <- w.export("delta", w.root+"/delta")
	w.source <- w.account("delta", "eve", 5)
	w.source <- refreshed
	r, err := w.f.Once(t.Context(), false)
	if err == nil || len(r.Problems) != 3 || r.Exports != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("made where a link leads: %v %v", left, err)
	}
	if _, err := os.Stat(w.root + "/delta/eve"); err == nil {
		t.Error("a system's account has a home")
	}

	theirs := "/home\t*(rw)\n"
	if err := os.WriteFile(w.file, []byte(theirs), 0o644); err != nil {
		t.Fatal(err)
	}
	w.source <- w.export("delta", w.root+"/delta")
	w.source <- refreshed
	if r, err := w.f.Once(t.Context(), false); err == nil || !strings.Contains(r.Error, "somebody else's") {
		t.Errorf("%+v, %v", r, err)
	}
	if text, _ := os.ReadFile(w.file); string(text) != theirs {
		t.Errorf("somebody else's file is now %s", text)
	}
}

// TestGuards: a dry run changes nothing; a directory that suddenly shows little takes
// nothing away; an absent disk is no reason to make folders; a server that does not
// read its file is told again.
func TestGuards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := func(n int) {
		for i := range n {
			w.source <- w.export(fmt.Sprint("c", i), fmt.Sprint(w.root, "/c", i))
		}
		w.source <- refreshed
	}
	events(30)
	r, err := w.f.Once(t.Context(), true)
	if err != nil || !r.Changed || len(r.Folders) != 30 {
		t.Errorf("dry: %+v %v", r, err)
	}
	if left, _ := os.ReadDir(w.root); len(left) > 0 {
		t.Errorf("a dry run made %v", left)
	}
	events(30)
	if r, err = w.f.Once(t.Context(), false); err != nil || r.Exports != 30 {
		t.Fatalf("%+v %v", r, err)
	}
	full, _ := os.ReadFile(w.file)
	events(2)
	if r, err = w.f.Once(t.Context(), false); err == nil || r.Held != 28 {
		t.Errorf("a silent source: %+v %v", r, err)
	}
	if text, _ := os.ReadFile(w.file); string(text) != string(full) {
		t.Errorf("after a silent source: %s", text)
	}
	w.f.MaxRemoval = 100
	events(2)
	if r, err = w.f.Once(t.Context(), false); err != nil || r.Exports != 2 {
		t.Errorf("with leave: %+v %v", r, err)
	}
	w.f.Reload = []string{"false"}
	events(2)
	if r, err = w.f.Once(t.Context(), false); err == nil || !strings.Contains(r.Error, "false: exit status 1") {
		t.Errorf("a server that does not read: %+v %v", r, err)
	}
	if err := os.RemoveAll(w.root); err != nil {
		t.Fatal(err)
	}
	w.f.Reload = nil
	events(2)
	if r, err = w.f.Once(t.Context(), false); err == nil {
		t.Errorf("without a disk: %+v", r)
	}
	if _, err := os.Stat(w.root); err == nil {
		t.Error("the absent disk's folder was made")
	}
}

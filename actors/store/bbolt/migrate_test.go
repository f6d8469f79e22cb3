package bbolt

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// fixture is a file as the program of schema version 1 wrote it, in a new folder.
func fixture(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/schema1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "actors.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// inFixture is what it holds of the actor "site".
var inFixture = map[string]string{"host/node01": `{"name":"node01"}`, "reservation/4f0c": "", "reservation/\xff\x00": "octets"}

// read opens a file with some steps and is what the actor "site" has.
func read(t *testing.T, path string, steps []step) (map[string]string, error) {
	t.Helper()
	f, err := Options{steps: steps}.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := f.Actor("site")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return storetest.All(t, s), nil
}

// mark adds a record to every actor, as a step would that changes them all.
func mark(tx *bolt.Tx) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		if !bytes.HasPrefix(name, []byte(actorPrefix)) {
			return nil
		}
		return b.Put([]byte("mark"), append([]byte("of "), name...))
	})
}

// TestFixture: this program reads, and goes on with, what the program of version 1
// wrote.
func TestFixture(t *testing.T) {
	t.Parallel()
	path := fixture(t)
	if got, err := read(t, path, nil); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("%q, %v", got, err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := f.Actor("broker")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), []actors.Record{storetest.Record("k", "v")}); err != nil {
		t.Fatal(err)
	}
	if got := storetest.All(t, s); !maps.Equal(got, map[string]string{"ticket/1": "a right", "k": "v"}) {
		t.Errorf("broker has %q", got)
	}
}

// TestMigrate brings the fixture forward: a copy is made first, all steps count or
// none, an older program refuses what came of it, and the copy is a file like any
// other.
func TestMigrate(t *testing.T) {
	t.Parallel()
	path := fixture(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := []step{mark, func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket([]byte(actorPrefix + "site")); err != nil {
			return err
		}
		return errors.New("no room for a third")
	}}
	if _, err := read(t, path, broken); err == nil || !strings.Contains(err.Error(), "from schema version 2 to 3: no room for a third; the file is as it was") {
		t.Fatalf("a step that fails: %v", err)
	}
	if got, err := read(t, path, []step{}); err != nil || !maps.Equal(got, inFixture) {
		t.Fatalf("after a step that failed: %q, %v", got, err)
	}

	// Where no copy can be made nothing is tried.
	blocked := path + ".schema1.part"
	if err := os.MkdirAll(filepath.Join(blocked, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, path, []step{mark}); err == nil || !strings.Contains(err.Error(), "a copy has to be made before schema version 1 becomes 2") {
		t.Fatalf("without a copy: %v", err)
	}
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}

	var from, to int
	var kept string
	f, err := Options{steps: []step{mark, mark}, Migrated: func(a, b int, c string) { from, to, kept = a, b, c }}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Snapshot(context.Background(), func(string, actors.Stored) error { return nil }); err != nil {
		t.Error(err)
	}
	f.Close()
	if from != 1 || to != 3 || kept != path+".schema1" {
		t.Errorf("told of %d, %d, %q", from, to, kept)
	}
	want := maps.Clone(inFixture)
	want["mark"] = "of actor/site"
	for range 2 { // the second time there is nothing to do
		if got, err := read(t, path, []step{mark, mark}); err != nil || !maps.Equal(got, want) {
			t.Fatalf("migrated to %q, %v", got, err)
		}
	}
	if _, err := read(t, path, []step{}); !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), "its schema version is 3, newer than this program's 1") {
		t.Errorf("an older program: %v", err)
	}
	if got, err := read(t, kept, []step{}); err != nil || !maps.Equal(got, inFixture) {
		t.Errorf("the copy has %q, %v", got, err)
	}
	if list, _ := filepath.Glob(path + "*"); len(list) != 2 {
		t.Errorf("there are %q", list)
	}
	if after, _ := os.ReadFile(path); bytes.Equal(before, after) {
		t.Error("nothing was written")
	}
}

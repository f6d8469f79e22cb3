package bbolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// whole is one actor's store that closes its file too.
type whole struct {
	store.Store
	file *bbolt.File
}

func (w whole) Close() error { return errors.Join(w.Store.Close(), w.file.Close()) }

func open(t testing.TB, path string) *bbolt.File {
	t.Helper()
	f, err := bbolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func actor(t testing.TB, f *bbolt.File, name string) store.Store {
	t.Helper()
	s, err := f.Actor(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) func() store.Store {
		path := filepath.Join(t.TempDir(), "store")
		return func() store.Store {
			f := open(t, path)
			return whole{actor(t, f, "site1"), f}
		}
	})
}

// TestSuiteInSharedFile plays the suite beside a neighbour whose records must
// not show and must survive.
func TestSuiteInSharedFile(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) func() store.Store {
		f := open(t, filepath.Join(t.TempDir(), "store"))
		neighbour := actor(t, f, "site2")
		if err := neighbour.Save(t.Context(), []actors.Record{storetest.Record("a", "mine")}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if got := storetest.All(t, neighbour); !maps.Equal(got, map[string]string{"a": "mine"}) {
				t.Errorf("the neighbour's records became %v", got)
			}
		})
		return func() store.Store { return actor(t, f, "site1") }
	})
}

func TestActors(t *testing.T) {
	t.Parallel()
	f := open(t, filepath.Join(t.TempDir(), "store"))
	b := actor(t, f, "b")
	actor(t, f, "a/with slash")
	if _, err := f.Actor("b"); !errors.Is(err, bbolt.ErrInUse) {
		t.Errorf("a second store of an actor: %v, want ErrInUse", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	actor(t, f, "b")
	for _, name := range []string{"", strings.Repeat("n", store.MaxKey+1)} {
		if _, err := f.Actor(name); err == nil {
			t.Errorf("an actor's name of %d octets was taken", len(name))
		}
	}
	if got, err := f.Actors(); err != nil || !slices.Equal(got, []string{"a/with slash", "b"}) {
		t.Errorf("actors %q, %v", got, err)
	}
}

func TestLockedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	open(t, path)
	_, err := bbolt.Options{LockWait: time.Millisecond}.Open(path)
	if !errors.Is(err, bbolt.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v; want ErrInUse and the path", err)
	}
}

func TestForeignFiles(t *testing.T) {
	t.Parallel()
	raw := func(fill func(*bolt.Tx) error) func(string) error {
		return func(path string) error {
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				return err
			}
			return errors.Join(db.Update(fill), db.Close())
		}
	}
	version := func(v string) func(string) error {
		return raw(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("leasehold"))
			if err != nil {
				return err
			}
			return b.Put([]byte("schema"), []byte(v))
		})
	}
	tests := []struct {
		name string
		make func(path string) error
		says string
	}{
		{"text", func(p string) error { return os.WriteFile(p, bytes.Repeat([]byte("no store\n"), 4096), 0o600) }, "invalid"},
		{"another program's", raw(func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err }), "something else"},
		{"newer", version("3"), "schema version is 3, newer than this program's 2"},
		{"nonsense version", version("one"), `schema version is "one"`},
		{"version zero", version("0"), `schema version is "0"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			_, err := bbolt.Open(path)
			if !errors.Is(err, bbolt.ErrSchema) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v; want ErrSchema saying %q", err, tt.says)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the refused file was changed")
			}
		})
	}
}

func TestMissingDirectory(t *testing.T) {
	t.Parallel()
	if _, err := bbolt.Open(filepath.Join(t.TempDir(), "no", "store")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v, want what the operating system says", err)
	}
}

func save(t *testing.T, s store.Store, batch ...actors.Record) {
	t.Helper()
	if err := s.Save(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func TestCopyWhileOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "store"))
	s := actor(t, f, "site1")
	if err := s.Save(t.Context(), []actors.Record{storetest.Record("a", "1")}); err != nil {
		t.Fatal(err)
	}
	w, err := os.Create(filepath.Join(dir, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteTo(w); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	w.Close()
	if err := s.Save(t.Context(), []actors.Record{storetest.Record("a", "2")}); err != nil {
		t.Fatal(err)
	}
	enough, all := errors.New("enough"), ""
	each := func(actor string, r actors.Stored) error {
		all += actor + " " + r.Key + "=" + string(r.Data) + ";"
		r.Data[0] = 'X'
		return nil
	}
	save(t, actor(t, f, "site2"), storetest.Record("b", "3"))
	if err := errors.Join(f.Snapshot(t.Context(), each), f.Snapshot(t.Context(), each)); err != nil || all != "site1 a=2;site2 b=3;site1 a=2;site2 b=3;" {
		t.Errorf("two snapshots have %q, %v", all, err)
	}
	if err := f.Snapshot(t.Context(), func(string, actors.Stored) error { return enough }); err != enough {
		t.Errorf("a snapshot that was stopped says %v", err)
	}
	copied := actor(t, open(t, w.Name()), "site1")
	if got := storetest.All(t, copied); got["a"] != "1" {
		t.Fatalf("the copy holds %v", got)
	}
}

// TestCloseFinishesWhatWaits: a Save that was taken is durable, one that was not
// says ErrClosed; nothing hangs and nothing lies.
func TestCloseFinishesWhatWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	f := open(t, path)
	s := actor(t, f, "site1")
	const callers = 64
	var wg sync.WaitGroup
	outcome := make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			outcome[i] = s.Save(context.Background(), []actors.Record{storetest.Record(fmt.Sprint(i), "1")})
		})
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	kept := storetest.All(t, actor(t, open(t, path), "site1"))
	for i, err := range outcome {
		if _, durable := kept[fmt.Sprint(i)]; durable != (err == nil) || err != nil && !errors.Is(err, store.ErrClosed) {
			t.Errorf("caller %d was told %v, and its record being there is %v", i, err, durable)
		}
	}
	if _, err := f.Actor("late"); !errors.Is(err, store.ErrClosed) {
		t.Errorf("opening an actor afterwards: %v, want ErrClosed", err)
	}
}

// BenchmarkGroupCommit compares 256 callers through the one writer with 256
// callers of the engine's own Update, in one run on one disk.
func BenchmarkGroupCommit(b *testing.B) {
	const callers = 256
	value := bytes.Repeat([]byte("v"), 512)
	ours := func(b *testing.B) float64 {
		f := open(b, filepath.Join(b.TempDir(), "store"))
		s := actor(b, f, "site1")
		return race(b, callers, func(key string) error {
			return s.Save(context.Background(), []actors.Record{{Key: key, Value: store.Raw(value)}})
		})
	}
	bare := func(b *testing.B) float64 {
		db, err := bolt.Open(filepath.Join(b.TempDir(), "bare"), 0o600, nil)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		return race(b, callers, func(key string) error {
			return db.Update(func(tx *bolt.Tx) error {
				bucket, err := tx.CreateBucketIfNotExists([]byte("b"))
				if err != nil {
					return err
				}
				return bucket.Put([]byte(key), value)
			})
		})
	}
	mine, theirs := ours(b), bare(b)
	b.ReportMetric(mine, "saves/s")
	b.ReportMetric(theirs, "bare-saves/s")
	b.ReportMetric(mine/theirs, "ratio")
	b.ReportMetric(0, "ns/op")
}

// race runs b.N saves from many goroutines and gives their rate.
func race(b *testing.B, callers int, save func(key string) error) float64 {
	keys := make(chan string, callers)
	start := time.Now()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for key := range keys {
				if err := save(key); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		keys <- fmt.Sprintf("reservation/%08d", i)
	}
	close(keys)
	wg.Wait()
	return float64(b.N) / time.Since(start).Seconds()
}

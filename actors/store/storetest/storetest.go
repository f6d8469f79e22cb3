/*
Package storetest holds the tests that every body of store.Store passes, and a
wrapper that makes a store fail on purpose.

A body's own test is one call:

	storetest.Run(t, func(t *testing.T) func() store.Store {
		path := filepath.Join(t.TempDir(), "store")
		return func() store.Store { return open(t, path) }
	})
*/
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// Run plays the suite. Every test calls medium once for an empty medium, and
// calls the function it gets, which opens a store on that medium, again after
// each Close.
func Run(t *testing.T, medium func(t *testing.T) (open func() store.Store)) {
	tests := []struct {
		name string
		run  func(*testing.T, func() store.Store)
	}{
		{"EmptyAtFirst", emptyAtFirst},
		{"LoadsInKeyOrder", loadsInKeyOrder},
		{"LoadStopsAtError", loadStopsAtError},
		{"LoadedDataMayBeKept", loadedDataMayBeKept},
		{"Overwrites", overwrites},
		{"Removes", removes},
		{"LaterKeyWins", laterKeyWins},
		{"BatchIsWhole", batchIsWhole},
		{"RefusesBadKeys", refusesBadKeys},
		{"AnyOctets", anyOctets},
		{"EmptyBatch", emptyBatch},
		{"CancelledContext", cancelledContext},
		{"ManyCallers", manyCallers},
		{"ReopenKeepsAll", reopenKeepsAll},
		{"ClosedRefuses", closedRefuses},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, medium(t))
		})
	}
}

// Record is a record holding text.
func Record(key, value string) actors.Record { return actors.Record{Key: key, Value: store.Raw(value)} }

// Gone is a record's removal.
func Gone(key string) actors.Record { return actors.Record{Key: key} }

// All is everything in s, by key.
func All(t testing.TB, s store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.Load(context.Background(), func(r actors.Stored) error {
		all[r.Key] = string(r.Data)
		return nil
	})
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return all
}

func save(t testing.TB, s store.Store, batch ...actors.Record) {
	t.Helper()
	if err := s.Save(t.Context(), batch); err != nil {
		t.Fatalf("save: %v", err)
	}
}

func expect(t testing.TB, s store.Store, want map[string]string) {
	t.Helper()
	if got := All(t, s); !maps.Equal(got, want) {
		t.Fatalf("holds %v\nwant  %v", got, want)
	}
}

func shut(t testing.TB, s store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func emptyAtFirst(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	expect(t, s, map[string]string{})
}

func loadsInKeyOrder(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	keys := []string{"b", "a/2", "a/10", "\xff", "a", "Z", "a/1", "b/\x00"}
	for _, k := range keys {
		save(t, s, Record(k, k))
	}
	var got []string
	if err := s.Load(t.Context(), func(r actors.Stored) error { got = append(got, r.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values(keys)); !slices.Equal(got, want) {
		t.Fatalf("order %q\nwant  %q", got, want)
	}
}

func loadStopsAtError(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "1"), Record("b", "2"), Record("c", "3"))
	stop, seen := errors.New("enough"), 0
	err := s.Load(t.Context(), func(actors.Stored) error {
		if seen++; seen == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 2 {
		t.Fatalf("saw %d records and got %v; want 2 and the function's own error", seen, err)
	}
}

// loadedDataMayBeKept loads more than an engine would copy on the way anyway,
// lets it reuse its space, and writes into what it gave out.
func loadedDataMayBeKept(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	const records = 100
	all := func(text string) (batch []actors.Record, want map[string]string) {
		want = map[string]string{}
		for i := range records {
			key, value := fmt.Sprintf("r/%03d", i), strings.Repeat(text, 100)
			batch, want[key] = append(batch, Record(key, value)), value
		}
		return batch, want
	}
	first, want := all("first")
	save(t, s, first...)
	kept := map[string][]byte{}
	if err := s.Load(t.Context(), func(r actors.Stored) error { kept[r.Key] = r.Data; return nil }); err != nil {
		t.Fatal(err)
	}
	var now map[string]string
	for _, text := range []string{"other", "third", "again"} {
		var batch []actors.Record
		batch, now = all(text)
		save(t, s, batch...)
	}
	for key, data := range kept {
		if string(data) != want[key] {
			t.Fatalf("data of %s, given out earlier, became %.20q", key, data)
		}
		data[0] = 'X'
	}
	expect(t, s, now)
}

func overwrites(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "long value"), Record("b", "2"))
	save(t, s, Record("a", "1"))
	expect(t, s, map[string]string{"a": "1", "b": "2"})
}

func removes(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "1"), Record("b", "2"))
	save(t, s, Gone("a"), Gone("never there"))
	expect(t, s, map[string]string{"b": "2"})
}

func laterKeyWins(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "1"), Record("a", "2"), Record("b", "1"), Gone("b"), Gone("c"), Record("c", "3"))
	expect(t, s, map[string]string{"a": "2", "c": "3"})
}

// failing is a value that cannot be encoded.
type failing struct{}

var errFailing = errors.New("cannot be written down")

func (failing) AppendRecord([]byte) ([]byte, error) { return nil, errFailing }

func batchIsWhole(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "1"), Record("b", "1"))
	err := s.Save(t.Context(), []actors.Record{Record("a", "2"), Gone("b"), {Key: "bad", Value: failing{}}, Record("c", "2")})
	var enc *store.EncodeError
	if !errors.As(err, &enc) || enc.Key != "bad" || !errors.Is(err, errFailing) || !store.Permanent(err) {
		t.Fatalf("got %v; want an EncodeError that names the record and its cause", err)
	}
	expect(t, s, map[string]string{"a": "1", "b": "1"})
}

func refusesBadKeys(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	for _, key := range []string{"", strings.Repeat("k", store.MaxKey+1)} {
		err := s.Save(t.Context(), []actors.Record{Record("fine", "1"), Record(key, "1")})
		var enc *store.EncodeError
		if !errors.As(err, &enc) {
			t.Fatalf("a key of %d octets: got %v, want an EncodeError", len(key), err)
		}
	}
	expect(t, s, map[string]string{})
	longest := strings.Repeat("k", store.MaxKey)
	save(t, s, Record(longest, "1"))
	expect(t, s, map[string]string{longest: "1"})
}

func anyOctets(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	want := map[string]string{
		"empty": "", "zero": "\x00", "all": string(everyOctet()), "ключ/\x01\xfe": "x",
		"large": string(bytes.Repeat([]byte("0123456789abcdef"), 1<<14)),
	}
	for k, v := range want {
		save(t, s, Record(k, v))
	}
	expect(t, s, want)
}

func everyOctet() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func emptyBatch(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s)
	expect(t, s, map[string]string{})
}

func cancelledContext(t *testing.T, open func() store.Store) {
	s := open()
	defer shut(t, s)
	save(t, s, Record("a", "1"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Save(ctx, []actors.Record{Record("a", "2")}); !errors.Is(err, context.Canceled) {
		t.Fatalf("save: got %v, want the context's error", err)
	}
	if err := s.Load(ctx, func(actors.Stored) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("load: got %v, want the context's error", err)
	}
	expect(t, s, map[string]string{"a": "1"})
}

// manyCallers saves from many goroutines; every batch writes the same number
// under two keys, so a torn batch shows as two different numbers.
func manyCallers(t *testing.T, open func() store.Store) {
	s := open()
	const callers, rounds = 32, 8
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for r := range rounds {
				n := fmt.Sprintf("%d.%d", c, r)
				own := fmt.Sprintf("own/%02d", c)
				if err := s.Save(t.Context(), []actors.Record{Record("left", n), Record(own, n), Record("right", n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			all := All(t, s)
			if all["left"] != all["right"] {
				t.Errorf("a reader saw half a batch: %q and %q", all["left"], all["right"])
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	wg.Wait()
	close(stop)
	reader.Wait()
	check := func(s store.Store) {
		all := All(t, s)
		for c := range callers {
			if got, want := all[fmt.Sprintf("own/%02d", c)], fmt.Sprintf("%d.%d", c, rounds-1); got != want {
				t.Errorf("caller %d: last value %q, want %q", c, got, want)
			}
		}
		if len(all) != callers+2 {
			t.Errorf("%d records, want %d", len(all), callers+2)
		}
	}
	check(s)
	shut(t, s)
	s = open()
	defer shut(t, s)
	check(s)
}

func reopenKeepsAll(t *testing.T, open func() store.Store) {
	s := open()
	want := map[string]string{}
	for i := range 300 {
		k, v := fmt.Sprintf("reservation/%03d", i), strings.Repeat("v", i)
		save(t, s, Record(k, v))
		want[k] = v
	}
	save(t, s, Gone("reservation/007"))
	delete(want, "reservation/007")
	for range 2 {
		shut(t, s)
		s = open()
		expect(t, s, want)
	}
	shut(t, s)
}

func closedRefuses(t *testing.T, open func() store.Store) {
	s := open()
	shut(t, s)
	if err := s.Save(t.Context(), []actors.Record{Record("a", "1")}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("save: got %v, want ErrClosed", err)
	}
	if err := s.Load(t.Context(), func(actors.Stored) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("load: got %v, want ErrClosed", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

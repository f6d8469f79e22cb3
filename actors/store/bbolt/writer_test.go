package bbolt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// held opens a file and keeps its writer from committing until release is called.
func held(t *testing.T) (f *File, s store.Store, release func()) {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if s, err = f.Actor("a"); err != nil {
		t.Fatal(err)
	}
	tx, err := f.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	return f, s, func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// TestGivenUpIsNotWritten: a batch whose caller leaves while it waits behind
// another is dropped; the one that the writer has begun is kept.
func TestGivenUpIsNotWritten(t *testing.T) {
	t.Parallel()
	f, s, release := held(t)
	begun := &request{bucket: []byte("actor/a"), writes: []store.Write{{Key: "begun", Data: []byte("1")}}, done: make(chan error, 1)}
	f.queue <- begun
	for begun.state.Load() != taken {
		runtime.Gosched()
	}
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	go func() { outcome <- s.Save(ctx, []actors.Record{{Key: "waiting", Value: store.Raw("1")}}) }()
	for len(f.queue) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-outcome; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	release()
	if err := <-begun.done; err != nil {
		t.Error(err)
	}
	if err := s.Save(t.Context(), []actors.Record{{Key: "later", Value: store.Raw("1")}}); err != nil {
		t.Fatal(err)
	}
	var keys []string
	if err := s.Load(t.Context(), func(rec actors.Stored) error { keys = append(keys, rec.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"begun", "later"}; !slices.Equal(keys, want) {
		t.Errorf("the file holds %q, want %q", keys, want)
	}
}

// TestGather: a group ends at either limit, and a batch beyond the limit goes
// alone and is not lost.
func TestGather(t *testing.T) {
	t.Parallel()
	sized := func(sizes ...int) (f *File, first *request) {
		f = &File{queue: make(chan *request, 4*maxGroup)}
		for i, size := range sizes {
			r := &request{size: size}
			if i == 0 {
				first = r
				continue
			}
			f.queue <- r
		}
		return f, first
	}
	groups := func(f *File, first *request) string {
		var out []string
		for first != nil {
			group, left := f.gather(first)
			out = append(out, fmt.Sprint(len(group)))
			if first = left; first == nil {
				first = f.poll()
			}
		}
		return strings.Join(out, " ")
	}
	const huge = maxGroupBytes + 1
	for _, tt := range []struct {
		sizes []int
		want  string
	}{
		{[]int{1}, "1"},
		{[]int{1, 1, 1}, "3"},
		{[]int{huge}, "1"},
		{[]int{1, huge, 1}, "1 1 1"},
		{[]int{maxGroupBytes / 2, maxGroupBytes / 2, 1}, "2 1"},
		{make([]int, maxGroup), "1024"},
		{make([]int, 2*maxGroup+3), "1024 1024 3"},
	} {
		if got := groups(sized(tt.sizes...)); got != tt.want {
			t.Errorf("%d batches went in groups of %s, want %s", len(tt.sizes), got, tt.want)
		}
	}
}

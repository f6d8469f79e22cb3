package ldap

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// TestSettledIsSettled: a batch whose answer was lost is found and carried out when the
// store takes over from itself. What it had noted before, to be carried out when the log is
// full, is older than that and must not come behind it.
func TestSettledIsSettled(t *testing.T) {
	t.Parallel()
	rec := storetest.Record
	dir := memory(t)
	l := &line{server: dir}
	s, err := repository(l).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	save := func(batch ...actors.Record) error { return s.Save(t.Context(), batch) }
	if err := save(rec("a", "1"), rec("b", "1")); err != nil {
		t.Fatal(err)
	}
	l.n, l.what = l.count+1, mute
	if err := save(rec("a", "2"), rec("b", "2")); !errors.Is(err, errAccident) {
		t.Fatalf("the answer was lost, and it says %v", err)
	}
	want := map[string]string{"a": "2", "b": "2"}
	for n := range 2 * (small.pages + 1) { // until the log has been full twice
		c, d := rec(fmt.Sprint("c", n), "1"), rec(fmt.Sprint("d", n), "1")
		if err := save(c, d); err != nil {
			t.Fatal(err)
		}
		want[c.Key], want[d.Key] = "1", "1"
		if got := storetest.All(t, s); !maps.Equal(got, want) {
			t.Fatalf("after %d more batches it holds %v, want %v", n+1, got, want)
		}
	}
	next, err := repository(&line{server: dir}).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	if got := storetest.All(t, next); !maps.Equal(got, want) {
		t.Errorf("the next process finds %v, want %v", got, want)
	}
}

package ldap

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// TestLongBatch: a batch as signed tickets make it, longer than the holding's entry
// takes, is one write all the same, until the log has no more room; the log never grows
// beyond its bound, and the next process finds what was in it.
func TestLongBatch(t *testing.T) {
	t.Parallel()
	dir := memory(t)
	l := &line{server: dir}
	s, err := newRepository(l, testBase).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	bounds := newRepository(l, testBase).limits
	const each = 20
	long := strings.Repeat("t", bounds.part/(2*each)) // half a page together
	want := map[string]string{}
	beside := 0 // batches that needed more than one write
	total := 2*bounds.log/(each*len(long)) + 2
	for n := range total {
		var batch []actors.Record
		for i := range each {
			r := storetest.Record(fmt.Sprint("r", i), fmt.Sprint(n, long))
			batch = append(batch, r)
			want[r.Key] = fmt.Sprint(n, long)
		}
		before := l.count
		if err := s.Save(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if l.count != before+1 {
			beside++
		}
		if got := s.(*actorStore).logged; got > bounds.log {
			t.Fatalf("after batch %d the log holds %d octets, more than %d", n+1, got, bounds.log)
		}
	}
	if beside != 2 { // the log was full twice
		t.Errorf("%d of %d batches took more than one write, want 2", beside, total)
	}
	next, err := newRepository(&line{server: dir}, testBase).Actor(t.Context(), "actor")
	if err != nil {
		t.Fatal(err)
	}
	if got := storetest.All(t, next); !maps.Equal(got, want) {
		t.Errorf("the next process finds %d records, want %d as they were last", len(got), len(want))
	}
}

package pace

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// near reports whether got is want or up to a fifth more.
func near(got, want actors.Millis) bool {
	return float64(got) >= float64(want)*0.999 && float64(got) <= float64(want)*growth*1.001
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var times Times
	if times.Typical() != 0 || times.Slow() != 0 {
		t.Error("it knows something of nothing")
	}
	for i := 1; i <= 100; i++ {
		times = times.Add(actors.Millis(i * 1000))
	}
	if !near(times.Typical(), 50_000) || !near(times.Slow(), 95_000) {
		t.Errorf("of 1 to 100 s: %d and %d ms", times.Typical(), times.Slow())
	}
	// A site that has become ten times slower is known to be after as many times.
	for i := 1; i <= 400; i++ {
		times = times.Add(actors.Millis(i%100*10_000 + 10_000))
	}
	if times.Typical() < 300_000 {
		t.Errorf("later: %d ms", times.Typical())
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var times Times
	for _, d := range []actors.Millis{-5, 0, 1, math.MaxInt64, actors.Forever} {
		times = times.Add(d)
	}
	for range 10_000 {
		times = times.Add(7)
	}
	text, err := json.Marshal(times)
	if err != nil || len(text) > 600 || len(times.Counts) > buckets || times.Sum > most || !times.Sound() {
		t.Errorf("%d counts, sum %d, %d octets, %v", len(times.Counts), times.Sum, len(text), err)
	}
	before := times
	_ = before.Add(1_000)
	if !before.Sound() || before.Sum != times.Sum {
		t.Error("Add changed what it was asked of")
	}
	for _, bad := range []Times{{Sum: 3}, {Counts: []uint16{1}}, {Counts: make([]uint16, buckets+1)}, {Counts: []uint16{most + 1}, Sum: most + 1}} {
		if bad.Sound() {
			t.Errorf("%+v is sound", bad)
		}
	}
	for b := range buckets {
		if bucket(end(b)) != b && end(b) > first {
			t.Errorf("bucket %d ends at %d, which is in %d", b, end(b), bucket(end(b)))
		}
	}
}

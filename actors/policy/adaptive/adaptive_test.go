package adaptive_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/adaptive"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"pgregory.net/rapid"
)

var flopFlip = &policy.Filter{Window: 30, Step: 1, Damping: 0.875}

func TestManager(t *testing.T) {
	for _, s := range []policy.GuestSettings{
		{Term: 20_000}, {Term: 20_000, Renew: true, Return: true}, {Term: 9_000, Chunk: 2, Filter: flopFlip},
		{Term: 30_000, Least: 2, Most: 9, PerUnit: 4, Filter: &policy.Filter{Window: 1}},
	} {
		policytest.Manager(t, adaptive.Policy{GuestSettings: s})
	}
}

// wants is how many units a policy asks for who has none.
func wants(p adaptive.Policy, memory []float64, signal ...int) (int, []float64) {
	b := p.Bid(policy.Outlook{Now: 10, Cycles: actors.Cycles{Begin: 1000, Length: 1000}, Signal: signal, Memory: memory})
	n := 0
	for _, w := range b.Ask {
		n += w.Units
	}
	return n, b.Memory
}

func TestUnits(t *testing.T) {
	for _, tt := range []struct {
		s      policy.GuestSettings
		signal []int
		want   int
	}{
		{policy.GuestSettings{Term: 9000}, []int{7}, 7},
		{policy.GuestSettings{Term: 9000}, []int{7, 2}, 2},
		{policy.GuestSettings{Term: 9000}, nil, 0},
		{policy.GuestSettings{Term: 9000, Least: 3}, []int{0}, 3},
		{policy.GuestSettings{Term: 9000, Least: 3}, nil, 0}, // nothing is known yet
		{policy.GuestSettings{Term: 9000, Most: 5}, []int{9}, 5},
		{policy.GuestSettings{Term: 9000, PerUnit: 100}, []int{201}, 3},
		{policy.GuestSettings{Term: 9000, PerUnit: 100, Chunk: 2}, []int{200}, 2},
	} {
		if got, _ := wants(adaptive.Policy{GuestSettings: tt.s}, nil, tt.signal...); got != tt.want {
			t.Errorf("%+v, signal %v: %d, want %d", tt.s, tt.signal, got, tt.want)
		}
	}
}

// A silent signal leaves the estimate, also over a restart that writes the memory
// down and reads it again.
func TestSilence(t *testing.T) {
	p := adaptive.Policy{GuestSettings: policy.GuestSettings{Term: 9000, Filter: flopFlip}}
	_, memory := wants(p, nil, 11, 12, 11)
	before, _ := wants(p, memory)
	data, err := json.Marshal(memory)
	if err != nil {
		t.Fatal(err)
	}
	var read []float64
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	if after, _ := wants(p, read); after != before || after != 11 {
		t.Errorf("%d before, %d after", before, after)
	}
}

// TestFilter: the estimate ignores swings within the band, follows a step within a
// window, and fed one sample at a time is the same as fed all at once.
func TestFilter(t *testing.T) {
	p := adaptive.Policy{GuestSettings: policy.GuestSettings{Term: 9000, Filter: flopFlip}}
	var memory []float64
	estimate := func(signal int) float64 {
		_, memory = wants(p, memory, signal)
		return memory[0]
	}
	changes, last := 0, 50.0
	for i := range 300 {
		if e := estimate(50 + 8*(i%2*2-1)); math.Abs(e-last) > 1e-9 {
			changes, last = changes+1, e
		}
	}
	if changes > 12 { // an unfiltered one changes 300 times
		t.Errorf("the estimate changed %d times under a signal that only swings", changes)
	}
	for range 60 {
		estimate(90)
	}
	if math.Abs(memory[0]-90) > 2 {
		t.Errorf("60 samples after a step to 90 the estimate is %.2f", memory[0])
	}
	rapid.Check(t, func(t *rapid.T) {
		signal := rapid.SliceOfN(rapid.IntRange(0, 100), 1, 60).Draw(t, "signal")
		_, at := wants(p, nil, signal...)
		var one []float64
		for _, n := range signal {
			_, one = wants(p, one, n)
		}
		for i := range at {
			if at[i] != one[i] {
				t.Fatalf("at once %v, one by one %v", at, one)
			}
		}
		low, high := 100.0, 0.0
		for _, n := range signal {
			low, high = min(low, float64(n)), max(high, float64(n))
		}
		if at[0] < low-1e-9 || at[0] > high+1e-9 {
			t.Fatalf("an estimate of %v of a signal between %v and %v", at[0], low, high)
		}
	})
}

package clock_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/clock"
)

// pair is our clock and one that goes beside it: off by offset, drifting.
type pair struct {
	now    time.Time // true time, which ours shows
	offset time.Duration
	drift  float64
	start  time.Time
}

func (p *pair) theirs(at time.Time) time.Time {
	return at.Add(p.offset + time.Duration(float64(at.Sub(p.start))*p.drift))
}

// TestOffset: whatever the delays, the truth lies between the bounds, which are as
// close as the shortest exchange.
func TestOffset(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 1))
		p := &pair{now: start, start: start, offset: time.Duration(chance.Int64N(int64(20*time.Second))) - 10*time.Second, drift: (chance.Float64() - 0.5) * 200e-6}
		f := clock.NewOffsets(time.Second, nil)
		coarse := seed%3 == 0 // HTTP dates
		for n := range 50 {
			p.now = p.now.Add(time.Duration(chance.Int64N(int64(time.Minute))))
			sent, out, back := p.now, time.Duration(chance.Int64N(int64(80*time.Millisecond))), time.Duration(chance.Int64N(int64(80*time.Millisecond)))
			written := p.theirs(sent.Add(out))
			p.now = sent.Add(out + back)
			resolution := time.Millisecond
			if coarse {
				resolution = time.Second
			}
			if !coarse && n%2 == 1 {
				f.Asked("b", written.Truncate(resolution), p.now.Add(time.Duration(chance.Int64N(int64(time.Second)))))
				continue
			}
			f.Answered("b", sent, written.Truncate(resolution), p.now, resolution)
			o, known := f.Of("b", p.now)
			truth := p.theirs(p.now).Sub(p.now)
			if !known || truth < o.Low || truth > o.High {
				t.Fatalf("seed %d, sample %d: %v, %v; the truth is %v", seed, n, o, known, truth)
			}
			if _, by := o.Estimate(); by > 100*time.Millisecond && !coarse || by > 600*time.Millisecond {
				t.Fatalf("seed %d, sample %d: give or take %v", seed, n, by)
			}
		}
	}
}

// TestOffsetTold: people hear once that a clock is beyond the limit and once that it
// is back, and a clock that was set is believed at once.
func TestOffsetTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var told []string
	f := clock.NewOffsets(time.Second, func(peer string, o clock.Offset) {
		word := "within: "
		if o.Beyond {
			word = "beyond: "
		}
		told = append(told, word+peer+" "+o.String())
	})
	answer := func(off time.Duration) {
		now = now.Add(time.Second)
		f.Answered("b", now, now.Add(20*time.Millisecond+off), now.Add(40*time.Millisecond), time.Millisecond)
	}
	if _, known := f.Of("b", now); known {
		t.Error("it knows before it has heard")
	}
	f.Asked("b", now.Add(-time.Minute), now)
	if o, known := f.Of("b", now); known {
		t.Errorf("what may be a long way is taken for an offset: %v", o)
	}
	answer(0)
	answer(500 * time.Millisecond) // set, within the limit
	answer(3 * time.Second)
	answer(3 * time.Second)
	answer(990 * time.Millisecond) // perhaps within
	answer(100 * time.Millisecond)
	answer(-5 * time.Second)
	f.Answered("b", now, now.Add(time.Hour), now.Add(-time.Hour), time.Millisecond) // ours was set meanwhile
	answer(0)
	f.Asked("c", now.Add(2*time.Minute), now)
	want := []string{"beyond: b 3.001s ahead (give or take 21ms)", "within: b 101ms ahead (give or take 21ms)",
		"beyond: b 5s behind (give or take 21ms)", "within: b 1ms ahead (give or take 21ms)", "beyond: c at least 2m0s ahead"}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	near, _ := f.Of("b", now)
	far, known := f.Of("b", now.Add(1000*time.Second))
	if _, by := far.Estimate(); !known || by < 200*time.Millisecond || far.Samples != 9 {
		t.Errorf("%v; after a long silence %v, %v, of %d samples", near, far, known, far.Samples)
	}
	var none *clock.Offsets
	none.Asked("b", now, now)
	if _, known := none.Of("b", now); known {
		t.Error("nothing measures")
	}
}

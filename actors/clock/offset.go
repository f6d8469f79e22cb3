package clock

import (
	"sync"
	"time"
)

// maxDrift is by how much two clocks may drift apart while nothing is heard: 200
// parts in a million, twice what cheap oscillators do.
const maxDrift = 200e-6

// Offset is what is known of how far a clock is ahead of ours: at least Low and at
// most High. It is behind where that is negative.
type Offset struct {
	Low, High time.Duration
	Measured  time.Time // when the last message came that said anything, by our clock
	Samples   int       // how many there were
	Beyond    bool      // the whole of it is beyond the limit
}

// Estimate is the middle, and by how much that may be wrong.
func (o Offset) Estimate() (ahead, uncertain time.Duration) {
	return o.Low + (o.High-o.Low)/2, (o.High - o.Low) / 2
}

// String says it for people, as in "3.2s ahead (give or take 20ms)".
func (o Offset) String() string {
	ahead, uncertain := o.Estimate()
	round := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	switch {
	case o.High == farAway:
		return "at least " + round(o.Low).String() + " ahead"
	case ahead < 0:
		return round(-ahead).String() + " behind (give or take " + round(uncertain).String() + ")"
	}
	return round(ahead).String() + " ahead (give or take " + round(uncertain).String() + ")"
}

// aged is o when nothing has been heard for a while.
func (o Offset) aged(now time.Time) Offset {
	drift := time.Duration(float64(max(0, now.Sub(o.Measured))) * maxDrift)
	o.Low, o.High = o.Low-drift, o.High+drift
	return o
}

// Offsets measures the clocks of peers by the times in their messages. Each says
// that the offset lies between two bounds; what goes with all of them is kept, and
// widened as clocks drift. A message that contradicts the rest means that a clock was
// set, and counts alone.
//
// Nothing is decided by it: terms are kept by our own clock. It is for people, who
// are told when a clock is further off than the limit, and when it is back.
//
// It is safe for concurrent use; a nil Offsets measures nothing.
type Offsets struct {
	limit time.Duration
	told  func(peer string, o Offset)

	mu    sync.Mutex
	peers map[string]Offset
}

// NewOffsets makes an Offsets. told hears of a peer whose clock comes to be beyond
// the limit, and again when it is within it; it must not block. nil means nobody.
func NewOffsets(limit time.Duration, told func(peer string, o Offset)) *Offsets {
	if told == nil {
		told = func(string, Offset) {}
	}
	return &Offsets{limit: limit, told: told, peers: map[string]Offset{}}
}

// farAway bounds what one side of a sample leaves open.
const farAway = time.Duration(1 << 62)

// Answered takes in that a peer wrote a time into its answer, cut off to a
// resolution, between the moments at which we sent the request and had the answer.
func (f *Offsets) Answered(peer string, sent, written, received time.Time, resolution time.Duration) {
	f.sample(peer, written.Sub(received), written.Add(resolution).Sub(sent), received)
}

// Asked takes in that a peer wrote a time into a request that we received now. How
// long that was under way nobody knows.
func (f *Offsets) Asked(peer string, written, received time.Time) {
	f.sample(peer, written.Sub(received), farAway, received)
}

func (f *Offsets) sample(peer string, low, high time.Duration, now time.Time) {
	if f == nil || low > high { // our own clock was set in between
		return
	}
	f.mu.Lock()
	old, known := f.peers[peer]
	next := Offset{Low: low, High: high, Measured: now, Samples: old.Samples + 1, Beyond: old.Beyond}
	if known {
		aged := old.aged(now)
		if l, h := max(low, aged.Low), min(high, aged.High); l <= h {
			next.Low, next.High = l, h
		}
	}
	switch {
	case next.Low > f.limit, next.High < -f.limit:
		next.Beyond = true
	case next.Low >= -f.limit && next.High <= f.limit:
		next.Beyond = false
	}
	f.peers[peer] = next
	turned := next.Beyond != old.Beyond
	f.mu.Unlock()
	if turned {
		f.told(peer, next)
	}
}

// Of is what is known of a peer's clock now; false if nothing is, or only one side.
func (f *Offsets) Of(peer string, now time.Time) (Offset, bool) {
	if f == nil {
		return Offset{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, ok := f.peers[peer]
	if !ok || o.High == farAway {
		return Offset{}, false
	}
	return o.aged(now), true
}

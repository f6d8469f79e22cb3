/*
Package pace estimates how long something usually takes: the median and the time that
19 of 20 stay below. It keeps a histogram of fixed size, whatever is measured, in which
old times count less and less, so that a site that has become slower is soon known to be.

A lessee pays for the set-up of its machines out of its own term, and whoever comes next
waits for the teardown (paper B 4.3; leasing 5): what either takes says how much of a
term is of use.
*/
package pace

import (
	"math"
	"sort"

	"github.com/leasehold/leasehold/actors"
)

// The histogram: each bucket reaches a fifth further than the one before, from a tenth of
// a second to ten days.
const (
	buckets = 88
	first   = 100 // milliseconds: the end of the first bucket
	growth  = 1.2
)

// most is how many times are counted before all counts are halved.
const most = 400

// Times is what is known about a duration. The zero Times knows nothing.
type Times struct {
	Counts []uint16 `json:"counts,omitempty"` // by bucket, no longer than needed
	Sum    int      `json:"sum,omitempty"`    // of Counts
}

// bucket is where a duration counts: the first one that reaches so far.
func bucket(d actors.Millis) int {
	return sort.Search(buckets-1, func(b int) bool { return end(b) >= d })
}

// end is the longest duration of a bucket.
func end(b int) actors.Millis { return actors.Millis(math.Round(first * math.Pow(growth, float64(b)))) }

// Add is what is known after one more duration. The one it is asked of stays as it is.
func (t Times) Add(d actors.Millis) Times {
	b := bucket(max(d, 0))
	out := Times{Counts: make([]uint16, max(len(t.Counts), b+1)), Sum: t.Sum + 1}
	copy(out.Counts, t.Counts)
	out.Counts[b]++
	if out.Sum > most {
		out.Sum = 0
		for i := range out.Counts {
			out.Counts[i] /= 2
			out.Sum += int(out.Counts[i])
		}
	}
	return out
}

// Quantile is the duration that a share of the times stays below, as exactly as a fifth of
// it; 0 when nothing is known.
func (t Times) Quantile(share float64) actors.Millis {
	if t.Sum == 0 {
		return 0
	}
	need, seen := int(math.Ceil(share*float64(t.Sum))), 0
	for b, n := range t.Counts {
		if seen += int(n); seen >= need && n > 0 {
			return end(b)
		}
	}
	return end(len(t.Counts) - 1)
}

// Typical is the median.
func (t Times) Typical() actors.Millis { return t.Quantile(0.5) }

// Slow is the time that 19 of 20 stay below.
func (t Times) Slow() actors.Millis { return t.Quantile(0.95) }

// Sound reports whether a record can be one that Add made.
func (t Times) Sound() bool {
	sum := 0
	for _, n := range t.Counts {
		sum += int(n)
	}
	return len(t.Counts) <= buckets && sum == t.Sum && sum <= most
}

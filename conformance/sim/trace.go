package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
)

// tailLines is how much of a trace a failure shows.
const tailLines = 60

// trace is everything that happened, as a hash, and the last of it as text.
type trace struct {
	hash uint64 // FNV-1a
	line []byte
	tail [tailLines][]byte
	n    int
	each func(string) // sees every line, for stories; may be nil
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// add takes in one line: the second of the world's time, and what happened.
func (t *trace) add(now actors.Millis, format string, args ...any) {
	if t.n == 0 {
		t.hash = fnvOffset
	}
	b := fmt.Appendf(t.line[:0], "%7.3f ", float64(now-begin)/1000)
	b = fmt.Appendf(b, format, args...)
	t.line = b
	t.mix(b)
	slot := &t.tail[t.n%tailLines]
	*slot = append((*slot)[:0], b...)
	t.n++
	if t.each != nil {
		t.each(string(b))
	}
}

// mix adds octets to the hash that nobody needs to read.
func (t *trace) mix(b []byte) {
	h := t.hash
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	t.hash = (h ^ '\n') * fnvPrime
}

// last is the end of the trace, oldest line first.
func (t *trace) last() []string {
	var out []string
	for i := max(0, t.n-tailLines); i < t.n; i++ {
		out = append(out, string(t.tail[i%tailLines]))
	}
	return out
}

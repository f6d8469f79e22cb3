package run

import "strings"

// MostOutput is how many octets of what a command prints are kept, of each stream.
const MostOutput = 1 << 20

// A Capped keeps the first [MostOutput] octets that are written to it and passes
// over the rest, so that a command which prints without end costs no memory. The
// zero value is ready.
type Capped struct {
	b    strings.Builder
	Lost bool // something was passed over
}

// Write never fails.
func (c *Capped) Write(p []byte) (int, error) {
	n := len(p)
	if room := MostOutput - c.b.Len(); n > room {
		p, c.Lost = p[:max(room, 0)], true
	}
	c.b.Write(p)
	return n, nil
}

// String is what was kept.
func (c *Capped) String() string { return c.b.String() }

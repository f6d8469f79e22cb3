package remote

import "time"

// Backoff says how long to wait after a failed attempt: First, then twice as
// long each time, never more than Most. Chance takes up to half of it away, so
// that peers which failed together do not come back together.
type Backoff struct {
	First time.Duration // 0 means half a second
	Most  time.Duration // 0 means one minute
}

func (b Backoff) complete() Backoff {
	if b.First <= 0 {
		b.First = 500 * time.Millisecond
	}
	if b.Most <= 0 {
		b.Most = time.Minute
	}
	b.Most = max(b.Most, b.First)
	return b
}

// after is the pause that follows failure number n, counted from 1; chance is
// in [0, 1).
func (b Backoff) after(n int, chance float64) time.Duration {
	d := b.First
	for ; n > 1 && d < b.Most; n-- {
		d *= 2
	}
	d = min(d, b.Most)
	return d - time.Duration(chance*float64(d)/2)
}

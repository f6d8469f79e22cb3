package emulate

import "math"

// chance is splitmix64: a generator small enough to be read and the same
// everywhere.
type chance uint64

func (c *chance) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// upTo is a number from -n to n.
func (c *chance) upTo(n int) int {
	if n == 0 {
		return 0
	}
	return int(c.next()%uint64(2*n+1)) - n
}

// about is a number from half of n to one and a half times n, at least 1.
func (c *chance) about(n int) int { return max(n/2+int(c.next()%uint64(n+1)), 1) }

// samples is the demand at each of count samples that lie step apart. Seed makes
// the chance in it; index tells traces of one scenario apart.
func (t Trace) samples(count int, step Length, seed uint64, index int) []int {
	c := chance(seed*1_000_003 + uint64(index))
	out := make([]int, count)
	burst, left := false, 0
	for i := range out {
		n := 0
		switch t.Kind {
		case "constant":
			n = t.Base
		case "values", "file":
			n = t.Values[min(i, len(t.Values)-1)]
		case "waves":
			day := float64(i) * float64(step) / (24 * 3600e9)
			// Lowest at midnight, and on the first day of the week.
			wave := -float64(t.Daily)*math.Cos(2*math.Pi*day) - float64(t.Weekly)*math.Cos(2*math.Pi*day/7)
			n = t.Base + int(math.Round(wave)) + c.upTo(t.Noise)
		case "bursts":
			if left == 0 {
				mean := t.Off
				if burst = !burst && i > 0; burst {
					mean = t.On
				}
				left = c.about(max(int(mean/step), 1))
			}
			left--
			n = t.Base + c.upTo(t.Noise)
			if burst {
				n = t.Peak + c.upTo(t.Noise)
			}
		}
		out[i] = max(n, 0)
	}
	return out
}

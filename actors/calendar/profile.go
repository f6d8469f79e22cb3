package calendar

import (
	"math"

	"github.com/leasehold/leasehold/actors"
)

// change is a node of a profile: how much of one thing is taken over time, told
// as the instants at which that changes.
//
// A profile is a search tree by instant, kept shallow as a treap whose priorities
// are hashes of the instants: the same changes always make the same tree, with no
// chance involved. Nodes never change once made, so that a copy of a profile is
// the root itself and a sketch of a calendar costs nothing. Every node knows the
// highest and the lowest level reached inside it, relative to the level before
// it; questions about an interval, and the search for a gap, go down one or two
// paths only.
type change struct {
	at          actors.Millis
	by          int // the level rises by this at at
	sum         int // of by in this subtree
	high, low   int // highest and lowest running sum behind a change of this subtree
	left, right *change
}

// priority is splitmix64's mixing of an instant: it looks like chance and is none.
func priority(at actors.Millis) uint64 {
	z := uint64(at) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func node(at actors.Millis, by int, left, right *change) *change {
	before := left.total() + by
	n := &change{at: at, by: by, sum: before + right.total(), high: before, low: before, left: left, right: right}
	if left != nil {
		n.high, n.low = max(n.high, left.high), min(n.low, left.low)
	}
	if right != nil {
		n.high, n.low = max(n.high, before+right.high), min(n.low, before+right.low)
	}
	return n
}

func (n *change) total() int {
	if n == nil {
		return 0
	}
	return n.sum
}

// add is the profile with its level raised by by from at on.
func (n *change) add(at actors.Millis, by int) *change {
	switch {
	case n == nil:
		return node(at, by, nil, nil)
	case at == n.at && n.by+by == 0:
		return merge(n.left, n.right)
	case at == n.at:
		return node(at, n.by+by, n.left, n.right)
	case at < n.at:
		l := n.left.add(at, by)
		if l != nil && priority(l.at) > priority(n.at) {
			return node(l.at, l.by, l.left, node(n.at, n.by, l.right, n.right))
		}
		return node(n.at, n.by, l, n.right)
	default:
		r := n.right.add(at, by)
		if r != nil && priority(r.at) > priority(n.at) {
			return node(r.at, r.by, node(n.at, n.by, n.left, r.left), r.right)
		}
		return node(n.at, n.by, n.left, r)
	}
}

// merge is one tree of two, the first of which lies before the second.
func merge(a, b *change) *change {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case priority(a.at) > priority(b.at):
		return node(a.at, a.by, a.left, merge(a.right, b))
	}
	return node(b.at, b.by, merge(a, b.left), b.right)
}

// hold is the profile with amount more, or less, taken over from..to.
func (n *change) hold(from, to actors.Millis, amount int) *change {
	if amount == 0 {
		return n
	}
	n = n.add(from, amount)
	if to < actors.Forever {
		n = n.add(to+1, -amount)
	}
	return n
}

// level is how much is taken at an instant.
func (n *change) level(at actors.Millis) int {
	sum := 0
	for n != nil {
		if n.at > at {
			n = n.left
			continue
		}
		sum += n.left.total() + n.by
		n = n.right
	}
	return sum
}

// Bounds of a range of instants that is open at that side.
const (
	first = math.MinInt64
	last  = actors.Forever
)

// peak is the most that is taken at any instant of from..to.
func (n *change) peak(from, to actors.Millis) int {
	most := n.level(from)
	if from < to {
		most = n.highest(0, from+1, to, most)
	}
	return most
}

// highest is the larger of best and the highest level that a change in from..to
// leads to, when the level before this subtree is base.
func (n *change) highest(base int, from, to actors.Millis, best int) int {
	switch {
	case n == nil:
		return best
	case from == first && to == last:
		return max(best, base+n.high)
	case n.at < from:
		return n.right.highest(base+n.left.total()+n.by, from, to, best)
	case n.at > to:
		return n.left.highest(base, from, to, best)
	}
	best = n.left.highest(base, from, last, best)
	base += n.left.total() + n.by
	return n.right.highest(base, first, to, max(best, base))
}

// above is the first change behind after that leads to a level over limit.
func (n *change) above(base int, after actors.Millis, limit int) (actors.Millis, bool) {
	if n == nil || base+n.high <= limit {
		return 0, false
	}
	here := base + n.left.total() + n.by
	if n.at > after {
		if at, ok := n.left.above(base, after, limit); ok {
			return at, true
		}
		if here > limit {
			return n.at, true
		}
	}
	return n.right.above(here, after, limit)
}

// below is the first change behind after that leads to a level of limit or less.
func (n *change) below(base int, after actors.Millis, limit int) (actors.Millis, bool) {
	if n == nil || base+n.low > limit {
		return 0, false
	}
	here := base + n.left.total() + n.by
	if n.at > after {
		if at, ok := n.left.below(base, after, limit); ok {
			return at, true
		}
		if here <= limit {
			return n.at, true
		}
	}
	return n.right.below(here, after, limit)
}

// next is the first change behind after.
func (n *change) next(after actors.Millis) (at actors.Millis, ok bool) {
	for n != nil {
		if n.at > after {
			at, ok, n = n.at, true, n.left
		} else {
			n = n.right
		}
	}
	return at, ok
}

// last is the last instant at which anything is taken. What is taken for ever has no
// change behind it.
func (n *change) last() (actors.Millis, bool) {
	if n == nil {
		return 0, false
	}
	if n.sum != 0 {
		return actors.Forever, true
	}
	for n.right != nil {
		n = n.right
	}
	return n.at - 1, true
}

// gap is the earliest start at or after from such that no more than limit is
// taken for length, and the start is no later than until.
func (n *change) gap(from, length, until actors.Millis, limit int) (actors.Millis, bool) {
	for start := from; start <= until; {
		blocked, ok := start, true
		if n.level(start) <= limit {
			blocked, ok = n.above(0, start, limit)
			if !ok || blocked-start >= length {
				return start, true
			}
		}
		if start, ok = n.below(0, blocked, limit); !ok {
			return 0, false
		}
	}
	return 0, false
}

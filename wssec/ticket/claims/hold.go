package claims

import (
	"cmp"
	"slices"

	"github.com/leasehold/leasehold/wssec/ticket"
)

// hold is what one claim holds from one instant to another, both included.
type hold struct {
	from, to int64
	units    int
	by       *node // the claim; the parent itself for its own redemption
}

// set is what tells holdings apart.
type set struct {
	reservation string
	holder, typ string
	start       int64
}

func setOf(n *node) set {
	if n.reservation != "" {
		return set{reservation: n.reservation}
	}
	return set{holder: n.record.Holder, typ: n.record.Type, start: n.record.Start}
}

// holds is what the children of a claim hold of it, each for its time.
func holds(children []*node) []hold {
	sets := make(map[set][]*node, len(children))
	for _, n := range children {
		sets[setOf(n)] = append(sets[setOf(n)], n)
	}
	out := make([]hold, 0, len(children))
	for s, list := range sets {
		switch {
		case s.reservation != "":
			out = versions(out, list)
		case len(list) == 1 || !slices.ContainsFunc(list, func(n *node) bool { return !n.chained || n.record.NewStart != n.record.Start }):
			for _, n := range list {
				out = append(out, hold{n.record.NewStart, n.until, n.record.Units, n})
			}
		default:
			out = versions(out, leastFirst(list))
		}
	}
	return slices.DeleteFunc(out, func(h hold) bool { return h.from > h.to })
}

// versions appends what one holding comes to: each version counts from its
// NewStart to its end, or until a later one takes its place (tickets 11.4).
func versions(out []hold, list []*node) []hold {
	next := int64(1<<63 - 1)
	for _, n := range slices.Backward(list) {
		out = append(out, hold{n.record.NewStart, min(n.until, next), n.record.Units, n})
		next = min(next, n.record.NewStart-1)
	}
	return out
}

// leastFirst orders versions whose order of issue is not known by NewStart. Of
// two with the same NewStart the one that grants less is taken for the later.
func leastFirst(list []*node) []*node {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.record.NewStart, b.record.NewStart), cmp.Compare(b.until, a.until), cmp.Compare(b.record.Units, a.record.Units))
	})
	return list
}

// oversold finds the first instant at which the children of a claim, and its own
// redemption, exceed it. The newcomer, if there is one, is part of the answer.
func oversold(parent, newcomer *node) *Conflict {
	list := holds(parent.children)
	if parent.redeemed != "" {
		list = append(list, hold{parent.record.NewStart, parent.until, parent.record.Units, parent})
	}
	at, ok := exceeded(list, parent.record.Units)
	if !ok {
		return nil
	}
	var there []hold
	for _, h := range list {
		if h.from <= at && at <= h.to {
			there = append(there, h)
		}
	}
	// The newcomer, then the largest: the fewest that exceed the parent. The rest
	// is order, so that the same claims make the same evidence.
	slices.SortFunc(there, func(a, b hold) int {
		if (a.by == newcomer) != (b.by == newcomer) {
			return map[bool]int{true: -1, false: 1}[a.by == newcomer]
		}
		return cmp.Or(cmp.Compare(b.units, a.units), cmp.Compare(a.from, b.from), slices.Compare(a.by.id[:], b.by.id[:]))
	})
	c := &Conflict{Parent: parent.record, At: at}
	for _, h := range there {
		c.Units += h.units
		c.Claims = append(c.Claims, h.by.record)
		c.own = c.own || h.by == parent
		scheme := ticket.SharpLenient
		if h.by.chained {
			scheme = ticket.SHA256Chain
		}
		c.texts = append(c.texts, branch{scheme, h.by.text})
		if c.Units > parent.record.Units {
			break
		}
	}
	return c
}

// exceeded sweeps over the holds and gives the first instant at which they come
// to more than units. They only ever grow where one begins.
func exceeded(list []hold, units int) (at int64, ok bool) {
	begins, ends := slices.Clone(list), slices.Clone(list)
	slices.SortFunc(begins, func(a, b hold) int { return cmp.Compare(a.from, b.from) })
	slices.SortFunc(ends, func(a, b hold) int { return cmp.Compare(a.to, b.to) })
	sum, done := 0, 0
	for i, h := range begins {
		for ; ends[done].to < h.from; done++ {
			sum -= ends[done].units
		}
		sum += h.units
		if last := i+1 == len(begins) || begins[i+1].from != h.from; last && sum > units {
			return h.from, true
		}
	}
	return 0, false
}

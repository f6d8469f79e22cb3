package ledger

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// set is what tells the holdings of one parent's children apart.
type set struct {
	own         bool // the parent's redemption of itself
	reservation actors.ReservationID
	holder      actors.ActorID
	typ         actors.ResourceType
	start       actors.Millis
}

func setOf(n *node) set {
	if n.reservation != "" {
		return set{reservation: n.reservation}
	}
	return set{holder: n.claim.Holder, typ: n.claim.Type, start: n.claim.Term.Start}
}

// holding is the versions of one thing that is held, and what they come to.
type holding struct {
	members []*node
	holds   []hold
}

// hold is what one claim holds from one instant to another, both included.
type hold struct {
	from, to actors.Millis
	units    int
	by       *node // the claim; the parent itself for its own redemption
}

// holds is what the members of a set hold, each for its time.
func (s set) holds(members []*node) []hold {
	var out []hold
	whole := func(n *node) { out = append(out, hold{n.claim.Term.NewStart, n.until, n.claim.Units, n}) }
	switch {
	case s.own:
		for _, n := range members {
			out = append(out, hold{n.claim.Term.NewStart, n.own, n.claim.Units, n})
		}
	case s.reservation != "":
		out = versions(members, (*node).ends)
	case len(members) == 1 || !slices.ContainsFunc(members, func(n *node) bool { return n.loose || n.claim.Term.NewStart != n.claim.Term.Start }):
		for _, n := range members {
			whole(n)
		}
	default:
		// While one version is in use, none has been given back.
		until := actors.Millis(0)
		for _, n := range members {
			until = max(until, n.until)
		}
		out = versions(leastFirst(members), func(n *node) actors.Millis { return min(n.claim.Term.End, until) })
	}
	return slices.DeleteFunc(out, func(h hold) bool { return h.from > h.to })
}

func (n *node) ends() actors.Millis { return n.until }

// versions is what one holding comes to: each version counts from its NewStart to
// its end, or until a later one takes its place (tickets 11.4).
func versions(list []*node, ends func(*node) actors.Millis) (out []hold) {
	next := actors.Forever
	for _, n := range slices.Backward(list) {
		out = append(out, hold{n.claim.Term.NewStart, min(ends(n), next), n.claim.Units, n})
		next = min(next, n.claim.Term.NewStart-1)
	}
	return out
}

// leastFirst orders versions whose order of issue is not known by NewStart. Of
// two with the same NewStart the one that grants less is taken for the later.
func leastFirst(list []*node) []*node {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.claim.Term.NewStart, b.claim.Term.NewStart), cmp.Compare(b.claim.Term.End, a.claim.Term.End), cmp.Compare(b.claim.Units, a.claim.Units))
	})
	return list
}

// members lists who is in a set.
func (n *node) members(s set) []*node {
	if h := n.holdings[s]; h != nil {
		return h.members
	}
	return nil
}

// endless is room for anything: the ledger looks at what is taken itself, because
// what is past, and what is put back after a restart, may exceed a claim.
const endless = 1 << 50

// put makes the members of one set what the children of n hold by it. Unless it is
// forced, a set that does not fit beside the others, now or later, leaves
// everything as it was.
func (n *node) put(s set, members []*node, now actors.Millis, force bool) *Conflict {
	if n.holdings == nil {
		n.holdings = make(map[set]*holding)
		n.taken = calendar.New(endless, actors.NewTerm(1, actors.Forever))
		if n.reservation != "" && !s.own {
			n.put(set{own: true}, []*node{n}, 0, true)
		}
	}
	before, key := n.holdings[s], s.key()
	n.taken.Release(key)
	next := &holding{members: members, holds: s.holds(members)}
	for _, h := range next.holds {
		if from := max(h.from, now); !force && from <= h.to && n.peak(from, h.to)+h.units > n.claim.Units {
			n.taken.Release(key)
			c := n.conflict(s, next, now)
			if before != nil {
				n.take(key, before.holds)
			}
			return c
		}
		n.take(key, []hold{h})
	}
	if len(members) == 0 {
		delete(n.holdings, s)
	} else {
		n.holdings[s] = next
	}
	return nil
}

// key is a set's name in a calendar.
func (s set) key() actors.ReservationID {
	switch {
	case s.own:
		return "own"
	case s.reservation != "":
		return "for " + s.reservation
	}
	return actors.ReservationID(fmt.Sprintf("to %s %q %d", s.holder, s.typ, s.start))
}

// take adds holds to what is taken. There is always room.
func (n *node) take(key actors.ReservationID, holds []hold) {
	for _, h := range holds {
		_ = n.taken.Take(key, calendar.Hold{From: h.from, To: h.to, Units: h.units})
	}
}

// peak is the most that is taken at any instant of from..to.
func (n *node) peak(from, to actors.Millis) int {
	if n.taken == nil {
		return 0
	}
	return endless - n.taken.Free(from, to)
}

// conflict tells why one set does not fit beside the others: the first instant at
// which they exceed the claim, and the fewest of them that show it.
func (n *node) conflict(s set, next *holding, now actors.Millis) *Conflict {
	list := slices.Clone(next.holds)
	for other, h := range n.holdings {
		if other != s {
			list = append(list, h.holds...)
		}
	}
	at, _ := exceeded(list, n.claim.Units, now)
	there := slices.DeleteFunc(list, func(h hold) bool { return h.from > at || h.to < at })
	newcomer := next.members[len(next.members)-1]
	news := func(h hold) bool { return h.by == newcomer }
	// The newcomer, then the largest: the fewest that exceed the claim. The rest is
	// order, so that the same claims make the same evidence.
	slices.SortFunc(there, func(a, b hold) int {
		if news(a) != news(b) {
			return map[bool]int{true: -1, false: 1}[news(a)]
		}
		return cmp.Or(cmp.Compare(b.units, a.units), cmp.Compare(a.from, b.from), cmp.Compare(a.by.claim.Issuer, b.by.claim.Issuer),
			cmp.Compare(a.by.claim.ID, b.by.claim.ID), cmp.Compare(a.by.reservation, b.by.reservation))
	})
	c := &Conflict{actors.Evidence{Parent: n.claim, At: at}}
	for _, h := range there {
		c.Units += h.units
		c.Claims = append(c.Claims, actors.Branch{Delegation: h.by.claim, Reservation: h.by.reservation, Text: h.by.in.Text, Newer: h.by.newer})
		c.Own = c.Own || h.by == n
		if c.Units > n.claim.Units {
			break
		}
	}
	parts := []string{string(n.claim.Issuer), string(n.claim.ID)}
	for _, claim := range c.Claims {
		parts = append(parts, string(claim.Issuer), string(claim.ID), string(claim.Reservation), claim.Text)
	}
	c.ID = actors.DeriveID(parts...)
	return c
}

// exceeded sweeps over the holds and gives the first instant, from one on, at which
// they come to more than units. They only ever grow where one begins.
func exceeded(list []hold, units int, from actors.Millis) (at actors.Millis, ok bool) {
	begins, ends := slices.Clone(list), slices.Clone(list)
	for i := range begins {
		begins[i].from = max(begins[i].from, from)
	}
	begins = slices.DeleteFunc(begins, func(h hold) bool { return h.from > h.to })
	ends = slices.DeleteFunc(ends, func(h hold) bool { return h.to < from })
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

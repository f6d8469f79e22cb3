package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// Conflict is claims that exceed what they were carved from.
type Conflict struct{ actors.Evidence }

// Error names issuer, instant and numbers.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%s held %d of %q and gave %d away by %d claims", c.Parent.Holder, c.Parent.Units, c.Parent.Type, c.Units, len(c.Claims))
}

// Unwrap is actors.Oversold.
func (c *Conflict) Unwrap() error { return actors.Oversold }

// Causes for which claims do not show that their issuer gave too much away.
var (
	// ErrWithin: they do not exceed their parent at any instant.
	ErrWithin = errors.New("nothing was oversubscribed")
	// ErrSurplus: one of them is not needed to show it.
	ErrSurplus = errors.New("claims that it does not need")
)

// Judge finds the first instant at which claims that were carved from one parent
// exceed it, knowing nothing but what they say, and requires that each of them is
// needed for that, so that nobody is accused beside the point. Loose claims do not
// name their parents.
func Judge(parent actors.Delegation, loose bool, claims []actors.Delegation) (actors.Millis, error) {
	p := &node{claim: parent}
	sets := map[set][]*node{}
	for _, d := range claims {
		n := &node{claim: d, loose: loose, parent: p, until: d.Term.End}
		sets[setOf(n)] = append(sets[setOf(n)], n)
	}
	var list []hold
	for s, members := range sets {
		list = append(list, s.holds(members)...)
	}
	at, ok := exceeded(list, parent.Units, 0)
	if !ok {
		return 0, ErrWithin
	}
	there := slices.DeleteFunc(list, func(h hold) bool { return h.from > at || h.to < at })
	sum, least := 0, parent.Units
	for _, h := range there {
		sum, least = sum+h.units, min(least, h.units)
	}
	if len(there) != len(claims) || sum-least > parent.Units {
		return 0, ErrSurplus
	}
	return at, nil
}

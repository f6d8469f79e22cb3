package claims

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/wssec/ticket"
)

// Causes of refusal.
var (
	// ErrOversold is wrapped by every [Conflict].
	ErrOversold = errors.New("more was given away than was held")
	// ErrTwice: the ticket, or another under the same GUID of the same issuer,
	// was redeemed for another reservation (tickets 12.2 T8).
	ErrTwice = errors.New("ticket redeemed before")
)

// Ledger is the claim trees of all roots. The zero Ledger is empty and ready.
// After an error it is as it was.
type Ledger struct {
	nodes map[id]*node
	guids map[name]id // redeemed records
}

type id = [sha256.Size]byte

// name is how an issuer names a record.
type name struct{ issuer, guid string }

// node is one claim.
type node struct {
	id          id
	record      ticket.Record
	chained     bool   // in the scheme whose records name their parents
	text        string // the ticket of the claim's holder
	parent      *node
	children    []*node // in order of arrival
	reservation string  // under which it arrived; empty when it came as an ancestor or was only seen
	until       int64   // last instant, earlier than End once it is released
	redeemed    string  // the reservation that holds it as a lease, if one does
}

// Redeem takes the ticket that is redeemed for a reservation, or that extends it.
// The same ticket for the same reservation again changes nothing. The error is a
// *[Conflict] or wraps ErrTwice.
func (l *Ledger) Redeem(reservation string, c ticket.Chain) error {
	r := c.Newest()
	if n := l.nodes[c.ID(0)]; n != nil && n.redeemed != "" {
		if n.redeemed != reservation {
			return fmt.Errorf("%w: %s, for reservation %s", ErrTwice, r.GUID, n.redeemed)
		}
		return nil
	}
	by := name{r.Issuer, r.GUID}
	if other, ok := l.guids[by]; ok && other != c.ID(0) {
		return fmt.Errorf("%w: another record was issued as %s", ErrTwice, r.GUID)
	}
	n, undo, err := l.grow(reservation, c)
	if err != nil {
		return err
	}
	// A claim that was only seen so far becomes a version of what the reservation
	// holds.
	before := n.reservation
	if n.reservation == "" && n.parent != nil {
		n.reservation = reservation
		if conflict := oversold(n.parent, n); conflict != nil {
			n.reservation = before
			undo()
			return conflict
		}
	}
	n.redeemed = reservation
	// Who redeems his ticket himself takes from it like those he gave parts to.
	if conflict := oversold(n, nil); conflict != nil {
		n.redeemed, n.reservation = "", before
		undo()
		return conflict
	}
	if l.guids == nil {
		l.guids = make(map[name]id)
	}
	l.guids[by] = n.id
	return nil
}

// See takes a ticket that exists but was not presented for a lease, such as one
// that a broker was given. The error is a *[Conflict].
func (l *Ledger) See(c ticket.Chain) error {
	_, _, err := l.grow("", c)
	return err
}

// Release ends what a reservation holds: from that instant on its claims count
// no more, and their issuer may give the units again.
func (l *Ledger) Release(reservation string, from int64) {
	if reservation == "" {
		return
	}
	for _, n := range l.nodes {
		if n.reservation == reservation || n.redeemed == reservation {
			n.until = min(n.until, from-1)
		}
	}
}

// Expire forgets claims that ended before an instant and have no children left.
// A site that no longer honours such tickets needs them no more.
func (l *Ledger) Expire(before int64) {
	for again := true; again; {
		again = false
		for _, n := range l.nodes {
			if n.record.End < before && len(n.children) == 0 {
				l.drop(n)
				again = true
			}
		}
	}
}

// Len is the number of claims in the ledger.
func (l *Ledger) Len() int { return len(l.nodes) }

// grow puts the records of a chain where they belong. Undo takes those back that
// were not there.
func (l *Ledger) grow(reservation string, c ticket.Chain) (leaf *node, undo func(), err error) {
	records := c.Records()
	if len(records) == 0 {
		return nil, nil, errors.New("claims: the zero chain")
	}
	if l.nodes == nil {
		l.nodes = make(map[id]*node)
	}
	var added []*node
	undo = func() {
		for _, n := range slices.Backward(added) {
			l.drop(n)
		}
	}
	var parent *node
	for k := len(records) - 1; k >= 0; k-- {
		n := l.nodes[c.ID(k)]
		if n == nil {
			n = &node{id: c.ID(k), record: records[k], chained: c.Scheme() == ticket.SHA256Chain,
				text: c.Text(k), parent: parent, until: records[k].End}
			if k == 0 {
				n.reservation = reservation
			}
			l.nodes[n.id] = n
			added = append(added, n)
			if parent != nil {
				parent.children = append(parent.children, n)
				if conflict := oversold(parent, n); conflict != nil {
					undo()
					return nil, nil, conflict
				}
			}
		}
		parent = n
	}
	return parent, undo, nil
}

// drop takes a claim without children out.
func (l *Ledger) drop(n *node) {
	delete(l.nodes, n.id)
	by := name{n.record.Issuer, n.record.GUID}
	if l.guids[by] == n.id {
		delete(l.guids, by)
	}
	if p := n.parent; p != nil {
		p.children = slices.DeleteFunc(p.children, func(o *node) bool { return o == n })
	}
}

// Conflict is claims that exceed what they were carved from.
type Conflict struct {
	Parent ticket.Record   // what the issuer held
	At     int64           // the first instant at which it is exceeded, ms since 1970
	Units  int             // what Claims come to at that instant
	Claims []ticket.Record // the fewest siblings that exceed Parent; the newcomer first

	own   bool // the parent's own redemption is part of it
	texts []branch
}

// Error names issuer, instant and numbers.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%v: %s held %d of %q and gave %d away by %d claims", ErrOversold,
		c.Parent.Holder, c.Parent.Units, c.Parent.Type, c.Units, len(c.Claims))
}

// Unwrap is ErrOversold.
func (c *Conflict) Unwrap() error { return ErrOversold }

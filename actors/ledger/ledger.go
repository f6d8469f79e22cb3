package ledger

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// Ledger is the claim trees of all roots. The zero Ledger is empty and ready. It
// is for one goroutine. After an error it is as it was.
type Ledger struct {
	roots   node // nobody's: the roots are its children
	claimed map[actors.ReservationID][]*node
	count   int
}

// node is one claim.
type node struct {
	claim       actors.Delegation
	loose       bool          // its chain's records do not name their parents
	in          actors.Ticket // in which it stands
	newer       int           // how many records of that ticket were carved from it
	parent      *node
	reservation actors.ReservationID // that redeemed it; empty when it came as an ancestor or was only seen
	seen        bool
	own         actors.Millis // last instant at which its reservation holds it, earlier than the term's end once it is released; 0 without one
	until       actors.Millis // last instant at which it counts, see lasts

	children map[actors.TicketID][]*node // two records under one name are two claims
	holdings map[set]*holding            // what the children hold
	taken    *calendar.Calendar          // the same over time; nil while there is nothing
}

// Redeem counts the ticket that a reservation presents as its newest. The same
// ticket for the same reservation again changes nothing. The error is a *[Conflict]
// unless the ticket belongs to another reservation.
func (l *Ledger) Redeem(now actors.Millis, reservation actors.ReservationID, t actors.Ticket) error {
	if n := l.find(t); n != nil && n.reservation != "" {
		if n.reservation != reservation {
			return &actors.Error{Op: "ledger.redeem", Kind: actors.Denied,
				Err: fmt.Errorf("the ticket was redeemed for reservation %s", n.reservation)}
		}
		return nil
	}
	n, undo, conflict := l.grow(now, reservation, t, false)
	if conflict != nil {
		return conflict
	}
	if conflict := l.claim(now, n, reservation, false); conflict != nil {
		undo()
		return conflict
	}
	return nil
}

// See counts a ticket that exists but was not presented for a lease, such as one
// that a broker was given. The error is a *[Conflict].
func (l *Ledger) See(now actors.Millis, t actors.Ticket) error {
	n, _, conflict := l.grow(now, "", t, false)
	if conflict != nil {
		return conflict
	}
	n.seen = true
	return nil
}

// Restore puts back a claim that was counted before a restart, whether there is
// room for it or not. It counts until an instant, but no longer than its term.
// Claims of one reservation come in the order in which they were presented; a claim
// without a reservation was seen.
func (l *Ledger) Restore(reservation actors.ReservationID, t actors.Ticket, until actors.Millis) {
	n, _, _ := l.grow(0, reservation, t, true)
	if reservation == "" {
		n.seen = true
		return
	}
	l.claim(0, n, reservation, true)
	n.end(until)
}

// Release ends what a reservation holds: from that instant on its claims count no
// more, and their issuer may give the units again.
func (l *Ledger) Release(reservation actors.ReservationID, from actors.Millis) {
	for _, n := range l.claimed[reservation] {
		n.end(from - 1)
	}
}

// end makes a claim its reservation's until an instant and no longer than before.
func (n *node) end(until actors.Millis) {
	if until >= n.own {
		return
	}
	n.own = until
	if n.holdings != nil {
		n.put(set{own: true}, []*node{n}, 0, true)
	}
	n.settle()
}

// lasts is how long a claim counts: while its reservation holds it, to its end if it
// was seen, and as long as anything that was carved from it. What nobody uses any
// more its holder may have given back, and its issuer given again.
func (n *node) lasts() actors.Millis {
	last := n.own
	if n.seen {
		last = n.claim.Term.End
	}
	if n.taken != nil {
		if under, some := n.taken.Last(); some {
			last = max(last, under)
		}
	}
	return min(last, n.claim.Term.End)
}

// settle makes how long a claim counts agree with what rests on it, and those above
// it likewise.
func (n *node) settle() {
	for ; n.parent != nil; n = n.parent {
		last := n.lasts()
		if last == n.until {
			return
		}
		n.until = last
		if s := setOf(n); n.parent.parent != nil {
			n.parent.put(s, n.parent.members(s), 0, true)
		}
	}
}

// lift makes a claim count for longer, if there is room beside its siblings or by
// force.
func (n *node) lift(until, now actors.Millis, force bool) *Conflict {
	before := n.until
	if until <= before {
		return nil
	}
	n.until = until
	if n.parent.parent == nil {
		return nil
	}
	s := setOf(n)
	c := n.parent.put(s, n.parent.members(s), now, force)
	if c != nil {
		n.until = before
	}
	return c
}

// Forget takes out the claims of a reservation, and those above them that nobody
// else rests on. It is for reservations whose actor has forgotten them.
func (l *Ledger) Forget(reservation actors.ReservationID) {
	for _, n := range l.claimed[reservation] {
		l.free(n)
	}
	delete(l.claimed, reservation)
}

// free makes a claim nobody's lease.
func (l *Ledger) free(n *node) {
	n.leave()
	n.reservation, n.own = "", 0
	if n.holdings != nil {
		n.put(set{own: true}, nil, 0, true)
	}
	n.until = n.lasts()
	n.enter(0, true)
	n.parent.settle()
	l.prune(n)
}

// Retract takes out a claim that was just counted for a reservation, because
// something else than its issuers speaks against it.
func (l *Ledger) Retract(reservation actors.ReservationID, t actors.Ticket) {
	n := l.find(t)
	if n == nil || n.reservation != reservation {
		return
	}
	if l.claimed[reservation] = without(l.claimed[reservation], n); len(l.claimed[reservation]) == 0 {
		delete(l.claimed, reservation)
	}
	l.free(n)
}

// Len is the number of claims in the ledger.
func (l *Ledger) Len() int { return l.count }

// Redeemed is the most units that are held at once, over from..to, of what a site has
// delegated: a root, or a claim right below one. It is 0 for what is not in the
// ledger.
func (l *Ledger) Redeemed(d actors.Delegation, from, to actors.Millis) (most int) {
	for _, roots := range l.roots.children {
		for _, r := range roots {
			if n := r.child(d); n != nil {
				most = max(most, n.peak(from, to))
			}
			if same(r.claim, d) {
				most = max(most, r.peak(from, to))
			}
		}
	}
	return most
}

// record is the k-th record of a ticket, counted from 0 for the newest.
func record(t actors.Ticket, k int) actors.Delegation {
	if k == 0 {
		return t.Delegation
	}
	return t.Ancestors[k-1]
}

// find is the claim a ticket gives, nil if it is not in the ledger.
func (l *Ledger) find(t actors.Ticket) *node {
	n := &l.roots
	for k := len(t.Ancestors); k >= 0 && n != nil; k-- {
		n = n.child(record(t, k))
	}
	return n
}

func (n *node) child(d actors.Delegation) *node {
	for _, c := range n.children[d.ID] {
		if same(c.claim, d) {
			return c
		}
	}
	return nil
}

// same reports whether two records say the same.
func same(a, b actors.Delegation) bool {
	return a.ID == b.ID && a.Issuer == b.Issuer && a.Holder == b.Holder && a.Type == b.Type &&
		a.Units == b.Units && a.Term == b.Term && maps.Equal(a.Properties, b.Properties)
}

// grow puts the records of a ticket where they belong, and makes those that are there
// count as long as the ticket. Undo takes those back that were not there.
func (l *Ledger) grow(now actors.Millis, reservation actors.ReservationID, t actors.Ticket, force bool) (leaf *node, undo func(), conflict *Conflict) {
	var added, lifted []*node
	undo = func() {
		for _, n := range slices.Backward(added) {
			l.drop(n)
		}
		for _, n := range slices.Backward(lifted) {
			n.settle()
		}
	}
	parent := &l.roots
	for k := len(t.Ancestors); k >= 0; k-- {
		d := record(t, k)
		n := parent.child(d)
		last := min(d.Term.End, t.Term.End)
		if n == nil {
			n = &node{claim: d, loose: t.Loose, in: t, newer: k, parent: parent, until: last}
			if k == 0 && reservation != "" {
				n.reservation, n.own = reservation, last
			}
			if c := n.enter(now, force); c != nil {
				undo()
				return nil, nil, c
			}
			l.add(n)
			added = append(added, n)
		} else {
			if c := n.lift(last, now, force); c != nil {
				undo()
				return nil, nil, c
			}
			lifted = append(lifted, n)
		}
		parent = n
	}
	return parent, undo, nil
}

// claim makes a claim that is in the ledger the lease of a reservation. One that was
// only seen so far becomes a version of what the reservation holds; and who redeems
// his ticket himself takes from it like those he gave parts to.
func (l *Ledger) claim(now actors.Millis, n *node, reservation actors.ReservationID, force bool) *Conflict {
	before := n.reservation
	if before != reservation {
		if c := n.rename(reservation, now, force); c != nil {
			return c
		}
	}
	if n.holdings != nil {
		if c := n.put(set{own: true}, []*node{n}, now, force); c != nil {
			if before != reservation {
				n.rename(before, 0, true)
			}
			return c
		}
	}
	if before != reservation {
		l.own(n)
	}
	return nil
}

// rename makes a claim another reservation's.
func (n *node) rename(reservation actors.ReservationID, now actors.Millis, force bool) *Conflict {
	before, held := n.reservation, n.own
	n.leave()
	if n.reservation, n.own = reservation, 0; reservation != "" {
		n.own = n.claim.Term.End
	}
	c := n.enter(now, force)
	if c != nil {
		n.reservation, n.own = before, held
		n.enter(0, true)
	}
	return c
}

// enter adds a claim to what its parent's children hold, if there is room or by
// force. Nobody gave anything to a root.
func (n *node) enter(now actors.Millis, force bool) *Conflict {
	if n.parent.parent == nil {
		return nil
	}
	s := setOf(n)
	return n.parent.put(s, append(slices.Clip(n.parent.members(s)), n), now, force)
}

// leave takes it out again.
func (n *node) leave() {
	if n.parent.parent == nil {
		return
	}
	s := setOf(n)
	n.parent.put(s, without(n.parent.members(s), n), 0, true)
}

func without(list []*node, n *node) []*node {
	return slices.DeleteFunc(slices.Clone(list), func(o *node) bool { return o == n })
}

// add makes a claim its parent's child.
func (l *Ledger) add(n *node) {
	p := n.parent
	if p.children == nil {
		p.children = make(map[actors.TicketID][]*node)
	}
	p.children[n.claim.ID] = append(p.children[n.claim.ID], n)
	l.count++
	if n.reservation != "" {
		l.own(n)
	}
}

// own notes which reservation a claim belongs to.
func (l *Ledger) own(n *node) {
	if l.claimed == nil {
		l.claimed = make(map[actors.ReservationID][]*node)
	}
	l.claimed[n.reservation] = append(l.claimed[n.reservation], n)
}

// prune drops a claim that nobody rests on any more, and then its parent likewise.
func (l *Ledger) prune(n *node) {
	for n.parent != nil && len(n.children) == 0 && n.reservation == "" && !n.seen {
		up := n.parent
		l.drop(n)
		n = up
	}
}

// drop takes a claim without children out.
func (l *Ledger) drop(n *node) {
	p := n.parent
	n.leave()
	if list := without(p.children[n.claim.ID], n); len(list) > 0 {
		p.children[n.claim.ID] = list
	} else {
		delete(p.children, n.claim.ID)
	}
	if n.reservation != "" {
		if list := without(l.claimed[n.reservation], n); len(list) > 0 {
			l.claimed[n.reservation] = list
		} else {
			delete(l.claimed, n.reservation)
		}
	}
	l.count--
	p.settle()
}

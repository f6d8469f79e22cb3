package cod

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// What is told of the directory is a hint. It comes late: an entry may be told as it
// was before our last write, or after it is gone. So what is told is compared with
// what was written lately, and only what then is unexpected is looked at again, by
// reading the entry itself while nothing of ours is under way to it. What the read
// says counts.

// A place is where the record of a name is.
type place struct {
	who owner
	i   int
}

// mostSent is how many versions of an entry may wait to be told back. Where nobody
// watches, none is.
const mostSent = 4

// remember notes what is about to be written.
func (r *record) remember(e ldapschema.Entry) {
	if len(r.sent) == mostSent {
		r.sent = append(r.sent[:0], r.sent[1:]...)
	}
	r.sent = append(r.sent, e)
}

// enroll makes the names of o's records known.
func (m *Machine) enroll(o owner) {
	s := &o.kept().shelf
	for i := range s.records {
		r := &s.records[i]
		if r.key == "" {
			r.key = r.want.DN.Normal()
		}
		m.names[r.key] = place{o, i}
	}
}

// dismiss forgets the names of o's records.
func (m *Machine) dismiss(o owner) {
	for _, r := range o.kept().shelf.records {
		if p, ok := m.names[r.key]; ok && p.who == o {
			delete(m.names, r.key)
		}
	}
}

// bury notes that we have deleted a record's entry.
func (m *Machine) bury(r *record) {
	if m.synced {
		m.buried[r.key] = true
	}
	r.none()
}

// seen takes in that an entry is there.
func (m *Machine) seen(now actors.Millis, ev Seen) {
	key := ev.Entry.DN.Normal()
	if key == m.claimKey {
		m.fencedBy(ev.Entry)
		return
	}
	p, ok := m.names[key]
	switch {
	case m.buried[key]: // as it was before we deleted it
		return
	case ok && p.who.mine(m, ev.Entry, p.who.kept().shelf.records[p.i].part):
		m.others.forget(key)
		m.recognize(now, p, ev)
	case ok && p.who.kept().shelf.records[p.i].ours():
		m.suspicious(now, p, ev)
	case m.strayed(now, ev):
	default:
		m.others.note(m.cfg, key, ev)
		m.sweep(now, m.others.by[key])
	}
}

// sweep removes what is left of a unit that is torn down: somebody had given its entry
// another name, and we were told too late.
func (m *Machine) sweep(now actors.Millis, u uses) {
	if !u.stray || u.unit == "" || m.units[u.unit] != nil {
		return
	}
	if last, ok := m.gone.find(u.unit); ok && last.Verb == actors.Teardown {
		m.sweepUnit(now, u.unit)
	}
}

// sweepUnit removes the entries of a unit that no node has.
func (m *Machine) sweepUnit(now actors.Millis, unit actors.UnitID) {
	orphans := m.others.orphans(unit)
	if m.units[unit] != nil || len(orphans) == 0 {
		return
	}
	n := &node{unit: unit, state: Wiped, keeping: keeping{shelf: newShelf(orphans)}}
	n.action.Verb, n.action.Unit.ID = actors.Teardown, unit
	m.units[unit] = n
	m.enroll(n)
	n.advance(m, now)
}

// recognize compares one of our entries with what we know of it.
func (m *Machine) recognize(now actors.Millis, p place, ev Seen) {
	r := &p.who.kept().shelf.records[p.i]
	for i := len(r.sent) - 1; i >= 0; i-- {
		if r.expects(r.sent[i], ev.Entry) {
			r.sent = slices.Clone(r.sent[i+1:])
			return
		}
	}
	switch {
	case r.left: // an operator put it back
	case !r.ours():
		return // it is older than our delete, or newer than our add
	case r.expects(r.base, ev.Entry):
		r.odd.credit(ev)
		return
	}
	m.suspicious(now, p, ev)
}

// expects reports whether have is e as we wrote it, but for what others are known to
// have changed.
func (r *record) expects(e, have ldapschema.Entry) bool {
	if e.IsZero() {
		return false
	}
	if len(r.odd.edits) == 0 && !slices.ContainsFunc(e.Attrs, func(a ldapschema.Attr) bool { return !slices.Equal(a.Values, have.Values(a.Name)) }) {
		return len(r.part.orders(e, have)) == 0
	}
	known := func(c ldapschema.Conflict) bool {
		return slices.ContainsFunc(r.odd.edits, func(k ldapschema.Conflict) bool { return k.Attr == c.Attr && slices.Equal(k.Have, c.Have) })
	}
	for _, c := range r.part.edits(e, have) {
		if !known(c) {
			return false
		}
	}
	return !slices.ContainsFunc(r.odd.edits, func(k ldapschema.Conflict) bool { return !slices.Equal(k.Have, have.Values(k.Attr)) })
}

// suspicious has a record read.
func (m *Machine) suspicious(now actors.Millis, p place, ev Seen) {
	k := p.who.kept()
	r := &k.shelf.records[p.i]
	r.check = true
	r.odd.by, r.odd.at = ev.Writer, ev.At
	m.push(now, &k.shelf, p.who)
	p.who.advance(m, now)
}

// strayed reports whether an entry that is none of our records is one of ours under
// another name: somebody renamed it.
func (m *Machine) strayed(now actors.Millis, ev Seen) bool {
	n := m.units[actors.UnitID(ev.Entry.Get("codUnit"))]
	if n == nil || n.cluster == nil || !ev.Entry.IsA("codNode") || !m.cfg.marked(ev.Entry, n.cluster.key) || len(n.shelf.records) == 0 ||
		!ev.Entry.DN.Parent().Equal(n.shelf.records[0].want.DN.Parent()) || !n.shelf.records[0].ours() && !n.shelf.records[0].left {
		return false
	}
	n.shelf.hint = ev.Entry.DN
	m.suspicious(now, place{n, 0}, ev)
	return true
}

// lost takes in that an entry is gone.
func (m *Machine) lost(now actors.Millis, dn ldapschema.DN) {
	key := dn.Normal()
	if m.buried[key] {
		delete(m.buried, key)
		return
	}
	m.others.forget(key)
	p, ok := m.names[key]
	if !ok {
		return
	}
	s := &p.who.kept().shelf
	r := &s.records[p.i]
	switch {
	case !r.ours():
	case s.doing == deleting && slices.Contains(s.batch, p.i): // by ourselves
	default:
		m.suspicious(now, p, Seen{})
	}
}

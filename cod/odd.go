package cod

import (
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// An oddity is what others made of an entry of ours, and who.
type oddity struct {
	edits []ldapschema.Conflict // attributes that stay as somebody else wrote them
	gone  loss
	since actors.Millis // when we found out; 0 when nothing is odd
	by    ldapschema.DN // who wrote the entry last, if known
	at    actors.Millis // and when
}

// loss is how an entry that should stand was lost.
type loss uint8

const (
	removed  loss = iota + 1 // somebody deleted it
	replaced                 // somebody else's entry has its name
)

// credit notes who made the entry odd.
func (o *oddity) credit(ev Seen) {
	if len(o.edits) > 0 && o.by == "" {
		o.by, o.at = ev.Writer, ev.At
	}
}

// edits lists what have says otherwise than base, as we wrote it.
func (p part) edits(base, have ldapschema.Entry) []ldapschema.Conflict {
	_, _, out := ldapschema.Merge(base, have, base)
	return append(out, p.orders(base, have)...)
}

// orders is what operators may put into an entry that we wrote without, where it is new.
func (p part) orders(base, have ldapschema.Entry) (out []ldapschema.Conflict) {
	var names []string
	switch p {
	case partHost:
		names = []string{"codHold", "codBoot", "codImage", "bootFile", attrPublic}
	case partCluster:
		names = []string{"codHold"}
	}
	for _, name := range names {
		if v := have.Values(name); len(v) > 0 && !base.Has(name) {
			out = append(out, ldapschema.Conflict{Attr: name, Have: v})
		}
	}
	return out
}

// A Notice is for logs: somebody changed an entry of ours, and what comes of it.
type Notice struct {
	Entry  ldapschema.DN
	Unit   actors.UnitID // whose entry it is; empty for a cluster's
	Attr   string        // empty for the whole entry
	Value  string        // as it is now
	By     ldapschema.DN // empty when unknown
	Kind   NoticeKind
	Detail string
	// Reservation is the lease of the unit; empty when there is none.
	Reservation actors.ReservationID
}

// Text is the notice in a sentence, without who it was and where.
func (n Notice) Text() string {
	what := "its entry"
	if n.Attr != "" {
		what = n.Attr
	}
	switch {
	case n.Kind == TakenOver:
		return "an operator changed " + what + "; the site follows"
	case n.Detail != "":
		return "somebody changed " + what + ", and the site cannot follow: " + n.Detail
	}
	return "somebody changed " + what + "; it is " + n.Kind.String()
}

// leaseOf is the lease that an owner is for; empty for a cluster.
func leaseOf(o owner) actors.ReservationID {
	n, ok := o.(*node)
	switch {
	case !ok:
		return ""
	case n.action.Verb == 0:
		return actors.ReservationID(n.lease) // loaded: as its entry has it
	}
	return n.action.Reservation
}

// NoticeKind is what comes of somebody's change.
type NoticeKind uint8

// The kinds of notices.
const (
	TakenOver NoticeKind = iota + 1 // the site follows it
	Kept                            // it stays, and the site does not follow
	Removed                         // the entry is gone and stays away
	Replaced                        // another entry has its name, and keeps it
)

// String names the kind.
func (k NoticeKind) String() string {
	switch k {
	case TakenOver:
		return "taken over"
	case Kept:
		return "kept"
	case Removed:
		return "removed"
	case Replaced:
		return "replaced"
	}
	return "no notice"
}

// leave gives a record's name up to whoever took it away from us.
func (m *Machine) leave(now actors.Millis, o owner, r *record, how loss) {
	by, at := r.odd.by, r.odd.at
	r.none()
	r.left = true
	r.odd = oddity{gone: how, since: now, by: by, at: at}
	kind := Removed
	if how == replaced {
		kind = Replaced
	}
	m.fx.Notice = append(m.fx.Notice, Notice{Entry: r.want.DN, Unit: o.who(), By: by, Kind: kind, Reservation: leaseOf(o)})
}

// oddly notes which attributes stay as others wrote them, and tells of the new ones.
func (m *Machine) oddly(now actors.Millis, o owner, r *record, kept []ldapschema.Conflict) {
	for _, c := range kept {
		if !slices.ContainsFunc(r.odd.edits, func(k ldapschema.Conflict) bool { return k.Attr == c.Attr && slices.Equal(k.Have, c.Have) }) {
			m.notice(o, r, c.Attr, c.Have, Kept, "")
		}
	}
	switch {
	case len(kept) == 0:
		r.odd = oddity{}
	case len(r.odd.edits) == 0:
		r.odd.since = now
	}
	r.odd.edits = kept
}

func (m *Machine) notice(o owner, r *record, attr string, values []string, kind NoticeKind, detail string) {
	m.fx.Notice = append(m.fx.Notice, Notice{Entry: r.want.DN, Unit: o.who(), Attr: attr, Value: clip(strings.Join(values, ", "), maxText),
		By: r.odd.by, Kind: kind, Detail: detail, Reservation: leaseOf(o)})
}

package cod

import (
	"cmp"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// ConflictView is one place where the directory says otherwise than the site would
// have it. Nothing is overwritten there; somebody has to decide.
type ConflictView struct {
	Entry   string        `json:"entry"`
	Cluster string        `json:"cluster"`        // its subdomain
	Node    string        `json:"node,omitempty"` // its name; empty for a cluster's own entries
	Unit    actors.UnitID `json:"unit,omitempty"`
	Attr    string        `json:"attribute,omitempty"` // empty for the whole entry
	Ours    []string      `json:"ours,omitempty"`      // as the site would have it
	Theirs  []string      `json:"theirs,omitempty"`    // as it is
	By      string        `json:"by,omitempty"`        // who wrote it last, if known
	Since   time.Time     `json:"since,omitzero"`      // when they did, or when it was found
	What    string        `json:"what"`                // in a sentence
	Next    string        `json:"next"`                // what an operator can do about it
}

// conflicts lists them in order of the entries' names.
func (m *Machine) conflicts() []ConflictView {
	var out []ConflictView
	for _, c := range m.ordered() {
		out = append(out, shelfConflicts(&c.shelf, ConflictView{Cluster: c.label}, nil)...)
		for _, id := range c.ids() {
			n := c.nodes[id]
			of := ConflictView{Cluster: c.label, Node: n.owner(), Unit: n.unit}
			out = append(out, shelfConflicts(&n.shelf, of, n.rejects)...)
			out = append(out, m.doubles(n, of)...)
		}
	}
	slices.SortStableFunc(out, func(a, b ConflictView) int { return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Attr, b.Attr)) })
	return out
}

func shelfConflicts(s *shelf, of ConflictView, rejects map[string]string) (out []ConflictView) {
	for i := range s.records {
		r := &s.records[i]
		v := of
		v.Entry, v.By, v.Since = string(r.want.DN), string(r.odd.by), instant(r.odd.since)
		if r.odd.at > 0 {
			v.Since = instant(r.odd.at)
		}
		switch {
		case r.left && r.odd.gone == removed:
			v.What, v.Next = "somebody removed the entry; it stays away", "add it again, or end the lease"
			out = append(out, v)
		case r.left && r.odd.gone == replaced:
			v.What, v.Next = "somebody else's entry has this name, and keeps it", "rename or remove that entry and add ours again, or end the lease"
			out = append(out, v)
		}
		for _, e := range r.odd.edits {
			v := v
			v.Attr, v.Ours, v.Theirs = e.Attr, r.want.Values(e.Attr), e.Have
			v.What, v.Next = "somebody changed it, and their value stays", "nothing, if it is meant so; else put the site's value back"
			if why := rejects[e.Attr]; why != "" && r.part == partHost {
				v.What, v.Next = "the node cannot follow: "+why, "write another value, or put the site's back"
			}
			out = append(out, v)
		}
	}
	if s.refused != "" {
		v := of
		v.What, v.Next = s.refused, "mend what the directory complains of; the next action of the lease tries again"
		if len(s.records) > 0 {
			v.Entry = string(s.records[0].want.DN)
		}
		out = append(out, v)
	}
	return out
}

// doubles lists others' entries that use an address of the node's.
func (m *Machine) doubles(n *node, of ConflictView) (out []ConflictView) {
	add := func(attr, value string, is func(uses) bool) {
		for _, u := range m.others.by {
			if is(u) && u.owner != m.cfg.Owner {
				v := of
				v.Entry, v.Attr, v.Theirs, v.By, v.Since = string(u.dn), attr, []string{value}, string(u.by), instant(u.at)
				v.What, v.Next = "another entry uses what node "+n.owner()+" has", "give one of the two another "+attr
				out = append(out, v)
			}
		}
	}
	if m.others.addrs[n.addr] > 0 {
		add("address", n.addr.String(), func(u uses) bool { return slices.Contains(u.addrs, n.addr) })
	}
	if m.others.macs[n.mac] > 0 {
		add("hardware address", n.mac.String(), func(u uses) bool { return slices.Contains(u.macs, n.mac) })
	}
	return out
}

// instant is a time for people; zero for unknown.
func instant(at actors.Millis) time.Time {
	if at <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(at)).UTC()
}

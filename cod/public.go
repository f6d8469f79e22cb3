package cod

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// A site may have a pool of public addresses beside its own network. A node whose lessee
// wants to be seen from outside has one of them for as long as it has its id; its entry
// says which. Who brings packets there is the site's router, or the driver, which is told.

// maxPublic is how many addresses a pool may have.
const maxPublic = 1 << 16

// checkPublic says what is wrong with a pool.
func checkPublic(network netip.Prefix, pool []netip.Prefix) error {
	n := 0
	for i, p := range pool {
		if !p.IsValid() || !p.Addr().Is4() || p != p.Masked() || p.Overlaps(network) {
			return fmt.Errorf("cod: config: public: %v is no IPv4 network beside %v", p, network)
		}
		for _, other := range pool[:i] {
			if p.Overlaps(other) {
				return fmt.Errorf("cod: config: public: %v and %v have addresses in common", other, p)
			}
		}
		if n += 1 << (32 - p.Bits()); n > maxPublic {
			return fmt.Errorf("cod: config: public: more than %d addresses", maxPublic)
		}
	}
	return nil
}

// visible reports whether a lessee wants its node to be seen from outside.
func visible(p actors.Properties) bool { return strings.EqualFold(p[PropVisible], "true") }

// attrPublic is the attribute of a node's entry that names its public address.
const attrPublic = "codPublicAddress"

// freePublic is the first address of the pool that nobody has, or what stands in the
// way. An address that an entry names has somebody, even if the site cannot follow it.
// Where a node's address cannot be read any more and nothing else tells which it was, it
// may be any of them, so none is given out until an operator mends that entry.
func (m *Machine) freePublic() (netip.Addr, string) {
	named := map[netip.Addr]bool{}
	unknown := ""
	for _, n := range m.units { // in whatever order
		c, ok := n.disputed()
		if !ok {
			continue
		}
		for _, v := range c.Have {
			if a, err := netip.ParseAddr(v); err == nil {
				named[a.Unmap()] = true
			}
		}
		if n.blurred && (unknown == "" || n.owner() < unknown) {
			unknown = n.owner()
		}
	}
	if unknown != "" {
		return netip.Addr{}, "no public address is given out while that of " + unknown + " is unknown: mend " + attrPublic + " in its entry"
	}
	for _, p := range m.cfg.Public {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			if m.publics[a] == nil && m.addrs[a] == nil && m.others.addrs[a] == 0 && !named[a] {
				return a, ""
			}
		}
	}
	return netip.Addr{}, "no public address is free"
}

// disputed is what the node's entry says of its public address where the node cannot
// follow.
func (n *node) disputed() (ldapschema.Conflict, bool) {
	if len(n.shelf.records) == 0 {
		return ldapschema.Conflict{}, false
	}
	edits := n.shelf.records[0].odd.edits
	i := slices.IndexFunc(edits, func(c ldapschema.Conflict) bool { return c.Attr == attrPublic })
	if i < 0 {
		return ldapschema.Conflict{}, false
	}
	return edits[i], true
}

// publish gives a node that has just got its id a public address. The text says what
// ran out.
func (n *node) publish(m *Machine) string {
	if !visible(n.action.Properties) {
		return ""
	}
	a, why := m.freePublic()
	if why != "" {
		return why
	}
	n.public = a
	m.publics[a] = n
	return ""
}

// hide gives the public address back. That of an entry which stays, for strangers below
// it, is not given out again.
func (n *node) hide(m *Machine) {
	if m.publics[n.public] == n && !n.leftStanding() {
		delete(m.publics, n.public)
	}
	n.public, n.blurred = netip.Addr{}, false
}

// republish follows an operator who gave the node another public address, or took it
// away (the zero address). The text says why the node cannot have it. The address that
// it had is free when the node is in service and its entries say so (release).
func (n *node) republish(m *Machine, a netip.Addr) string {
	if a.IsValid() {
		if why := m.refusePublic(n, a); why != "" {
			return why
		}
	}
	if n.public.IsValid() {
		n.oldPublics = append(n.oldPublics, n.public)
	}
	n.public, n.blurred = a, false
	if a.IsValid() {
		m.publics[a] = n
	}
	return ""
}

// refusePublic says why a node cannot have a public address that an operator gave it.
// It need not be one of the pool: those beside it are the operator's own.
func (m *Machine) refusePublic(n *node, a netip.Addr) string {
	other := m.publics[a]
	switch {
	case !a.Is4():
		return "it is no IPv4 address"
	case m.cfg.Network.Contains(a):
		return fmt.Sprintf("it lies inside the site's network %v", m.cfg.Network)
	case other != nil && other != n:
		return "node " + other.owner() + " has it"
	case m.others.addrs[a] > 0:
		return "another entry has it: " + m.others.holder(func(u uses) bool { return slices.Contains(u.addrs, a) })
	}
	return ""
}

// publics takes the public addresses back from the nodes' entries: first those that we
// wrote ourselves, then what operators made of the others meanwhile.
func (l *loader) publics() {
	var edited []hostEntry
	for _, he := range l.entries {
		e, a := l.at[he.dn], he.h.Public
		if a.IsValid() && (untouched(e) || !e.Has("codDigest")) && l.m.publics[a] == nil {
			he.n.public = a
			l.m.publics[a] = he.n
		} else {
			edited = append(edited, he)
		}
	}
	for _, he := range edited {
		n, e := he.n, l.at[he.dn]
		if !e.Has(attrPublic) {
			continue // it never had one, or an operator took it away
		}
		why := n.rejects[attrPublic]
		if why == "" {
			why = n.republish(l.m, he.h.Public)
		}
		if why == "" {
			continue
		}
		n.reject(attrPublic, why)
		if n.public = l.m.publicWritten(e); n.public.IsValid() {
			l.m.publics[n.public] = n
		} else {
			n.blurred = true
		}
	}
}

// publicWritten is the address of the pool that an entry named when we wrote it: the one
// with which the entry is as its digest says. It is the zero address where that cannot be
// told.
func (m *Machine) publicWritten(e ldapschema.Entry) netip.Addr {
	if !e.Has("codDigest") {
		return netip.Addr{}
	}
	for _, p := range m.cfg.Public {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			if m.publics[a] == nil && untouched(e.With(attrPublic, a.String())) {
				return a
			}
		}
	}
	return netip.Addr{}
}

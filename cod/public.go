package cod

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/leasehold/leasehold/actors"
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

// freePublic is the first address of the pool that nobody has.
func (m *Machine) freePublic() (netip.Addr, bool) {
	for _, p := range m.cfg.Public {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			if m.publics[a] == nil && m.addrs[a] == nil && m.others.addrs[a] == 0 {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

// publish gives a node that has just got its id a public address. The text says what
// ran out.
func (n *node) publish(m *Machine) string {
	if !visible(n.action.Properties) {
		return ""
	}
	a, ok := m.freePublic()
	if !ok {
		return "no public address is free"
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
	n.public = netip.Addr{}
}

// published takes the public address back from a node's entry, unless another node has
// it.
func (n *node) published(m *Machine, a netip.Addr) {
	if a.IsValid() && m.publics[a] == nil {
		n.public = a
		m.publics[a] = n
	}
}

package cod

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// The directory is the operators': what they write into a node's own entry, the node
// follows. Its DHCP and DNS entries, which say the same to other programs, follow the
// node. What cannot be followed, because another node has the address or because it
// is no address at all, stays as the operator wrote it and is shown with the reason;
// until it is mended, DHCP and DNS say what they said before.

// edited follows what others wrote into the node's own entry.
func (n *node) edited(m *Machine, now actors.Millis, i int, have ldapschema.Entry, edits []ldapschema.Conflict) {
	if n.shelf.records[i].part != partHost {
		return
	}
	h, err := ldapschema.ParseHost(have)
	before, image, public, held := n.identity, n.image, n.public, n.held()
	var followed []ldapschema.Conflict
	name := n.rejects["cn"]
	if n.rejects = nil; name != "" {
		n.reject("cn", name)
	}
	for _, c := range edits {
		if known, why := n.follow(m, c.Attr, h, have, err); why != "" {
			n.reject(c.Attr, why)
		} else if known {
			followed = append(followed, c)
		}
	}
	if n.identity != before || n.image != image || n.public != public {
		n.rerender(m)
	}
	for _, c := range followed {
		m.notice(n, &n.shelf.records[0], c.Attr, c.Have, TakenOver, "")
	}
	if held && !n.held() {
		m.wake(now, n)
	}
	if n.name != before.name || n.addr != before.addr || n.mac != before.mac || n.stopped != before.stopped || n.public != public {
		n.announce(m)
	}
}

// follow takes one attribute over: known says that it is one which nodes follow, why
// that this value cannot be.
func (n *node) follow(m *Machine, attr string, h ldapschema.Host, have ldapschema.Entry, unreadable error) (known bool, why string) {
	switch attr { // these need nothing else of the entry
	case "codHold":
		n.stopped = clip(have.Get("codHold"), maxText)
		return true, ""
	case "codBoot":
		n.boot = clip(have.Get("codBoot"), maxText)
		return true, ""
	case "codImage":
		n.image, n.ruled = clip(have.Get("codImage"), 256), true
		return true, ""
	case "ipHostNumber", "macAddress", "bootFile", attrPublic:
	default:
		return false, ""
	}
	if unreadable != nil {
		return true, unreadable.Error()
	}
	switch attr {
	case "ipHostNumber":
		why = m.refuseAddr(n, h.IP)
		if why == "" {
			n.oldAddrs = append(n.oldAddrs, n.addr)
			n.addr = h.IP
			m.addrs[n.addr] = n
		}
	case "macAddress":
		why = m.refuseMAC(n, h.MAC)
		if why == "" {
			n.oldMACs = append(n.oldMACs, n.mac)
			n.mac = h.MAC
			m.macs[n.mac] = n
		}
	case attrPublic:
		why = n.republish(m, h.Public)
	case "bootFile":
		if !safeFile(h.BootFile) {
			return true, "it has characters that have a meaning in DHCP statements"
		}
		n.bootFile = h.BootFile
	}
	return true, why
}

// refuseAddr says why a node cannot have an address that an operator gave it.
func (m *Machine) refuseAddr(n *node, a netip.Addr) string {
	other := m.addrs[a]
	switch {
	case !a.Is4():
		return "it is no IPv4 address"
	case !m.cfg.Network.Contains(a):
		return fmt.Sprintf("it lies outside the site's network %v", m.cfg.Network)
	case a == m.cfg.Gateway, a == m.cfg.NextServer, a == m.cfg.Network.Addr(), a == broadcast(m.cfg.Network):
		return "it is the network's own"
	case other != nil && other != n:
		return "node " + other.owner() + " has it"
	case m.others.addrs[a] > 0:
		return "another entry has it: " + m.others.holder(func(u uses) bool { return slices.Contains(u.addrs, a) })
	}
	return ""
}

// refuseMAC says why a node cannot have a hardware address.
func (m *Machine) refuseMAC(n *node, mac ldapschema.MAC) string {
	other := m.macs[mac]
	switch {
	case mac.IsZero() || mac[0]&1 != 0:
		return "it is no hardware address of one station"
	case other != nil && other != n:
		return "node " + other.owner() + " has it"
	case m.others.macs[mac] > 0:
		return "another entry has it: " + m.others.holder(func(u uses) bool { return slices.Contains(u.macs, mac) })
	}
	return ""
}

// release gives back the addresses that the node does not have any more, once its
// entries do not name them.
func (n *node) release(m *Machine) {
	for _, a := range n.oldAddrs {
		if a != n.addr && m.addrs[a] == n {
			delete(m.addrs, a)
		}
	}
	for _, mac := range n.oldMACs {
		if mac != n.mac && m.macs[mac] == n {
			delete(m.macs, mac)
		}
	}
	for _, a := range n.oldPublics {
		if a != n.public && m.publics[a] == n {
			delete(m.publics, a)
		}
	}
	n.oldAddrs, n.oldMACs, n.oldPublics = nil, nil, nil
}

// broadcast is the last address of a network.
func broadcast(p netip.Prefix) netip.Addr {
	return offset(p.Masked().Addr(), 1<<(32-p.Bits())-1)
}

// safeFile reports whether a boot file can be named in a DHCP statement.
func safeFile(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' || r == ';' })
}

// rerender wants what the node is now. It is called when no operation is under way.
func (n *node) rerender(m *Machine) {
	records, err := n.render(m.cfg)
	if err != nil {
		return // every value was checked
	}
	n.said = n.saying(n.state)
	m.dismiss(n)
	n.shelf.revise(records)
	m.enroll(n)
}

// renamed lets the node have the name that an operator gave to its entry. Where no
// machine can have that name, or another has it, only the entry has.
func (n *node) renamed(m *Machine, _ actors.Millis, have ldapschema.Entry) {
	_, rdn := have.DN.RDN()
	name := strings.ToLower(rdn)
	why := n.refuseName(m, name)
	if why == "" {
		n.name, n.rdn = name, ""
		delete(n.rejects, "cn")
	} else {
		n.rdn = rdn
		n.reject("cn", why)
	}
	records, err := n.render(m.cfg)
	if err != nil {
		return // every value was checked
	}
	n.said = n.saying(n.state)
	m.dismiss(n)
	own := n.shelf.records[0]
	by, at := own.odd.by, own.odd.at
	own.odd = oddity{by: by, at: at}
	own.sent, own.key = nil, ""
	if own.left || !own.ours() {
		own.left, own.want = false, records[0].want
		own.adopt(have, true)
	} else {
		own.base = renamedEntry(own.base, records[0].want)
		own.wish(records[0].want)
	}
	n.shelf.records[0] = own
	n.shelf.revise(records)
	m.enroll(n)
	kind := TakenOver
	if why != "" {
		kind = Kept
	}
	m.fx.Notice = append(m.fx.Notice, Notice{Entry: have.DN, Unit: n.unit, Attr: "cn", Value: rdn, By: by, Kind: kind, Detail: why, Reservation: leaseOf(n)})
	if why == "" {
		n.announce(m)
	}
}

// refuseName says why a node cannot have a name.
func (n *node) refuseName(m *Machine, name string) string {
	switch {
	case hostLabel(name, 63) != name:
		return "it is no name of a machine"
	case n.name != name && n.cluster.named(name):
		return "another node has it"
	case m.others.hosts[name+"."+n.cluster.label] > 0:
		return "another entry has it"
	}
	return ""
}

// reject notes why an attribute cannot be followed.
func (n *node) reject(attr, why string) {
	if n.rejects == nil {
		n.rejects = map[string]string{}
	}
	n.rejects[attr] = why
}

// announce tells the lessee what is true of a node that is up. It is told again after a
// restart, as operators may have been at work meanwhile; whoever hears it knows what is
// news.
func (n *node) announce(m *Machine) {
	if n.state != Up || n.cluster == nil {
		return
	}
	c := Changed{Unit: n.unit, Reservation: leaseOf(n), Properties: n.facts(m.cfg)}
	if n.action.Verb != 0 {
		c.Unit = n.action.Unit.ID
	}
	for _, k := range []string{FactPublic, FactHeld} {
		if _, said := c.Properties[k]; !said {
			c.Properties[k] = ""
		}
	}
	m.fx.Changed = append(m.fx.Changed, c)
}

// renamedEntry is what we would have written under the name that wanted has.
func renamedEntry(base, wanted ldapschema.Entry) ldapschema.Entry {
	out := base.With("cn", wanted.Values("cn")...)
	out.DN = wanted.DN
	return out
}

// held reports whether an operator keeps us from working on the node.
func (n *node) held() bool { return n.stopped != "" || n.cluster != nil && n.cluster.hold != "" }

func (n *node) who() actors.UnitID { return n.unit }

// edited follows a hold; nothing else of a cluster's entries can be followed.
func (c *cluster) edited(m *Machine, now actors.Millis, i int, have ldapschema.Entry, edits []ldapschema.Conflict) {
	r := &c.shelf.records[i]
	if r.part != partCluster {
		return
	}
	for _, e := range edits {
		if e.Attr != "codHold" {
			continue
		}
		c.hold = clip(have.Get("codHold"), maxText)
		if want, err := c.entry(m.cfg, c.block, r.want.Get("codState")); err == nil {
			r.wish(want)
		}
		m.notice(c, r, e.Attr, e.Have, TakenOver, "")
		m.wake(now, c)
		for _, id := range c.ids() {
			c.nodes[id].announce(m)
			m.wake(now, c.nodes[id])
		}
	}
}

func (c *cluster) held() bool { return c.hold != "" }

func (c *cluster) who() actors.UnitID { return "" }

func (c *cluster) origin() actors.UnitID { return "" }

// renamed: a cluster's name is in too many others to change.
func (c *cluster) renamed(*Machine, actors.Millis, ldapschema.Entry) {}

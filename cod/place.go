package cod

import (
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// place gives the node its id, and with it name and address, once its slice has a
// cluster.
func (n *node) place(m *Machine, now actors.Millis) bool {
	c := m.clusters[sliceKey(n.action.Slice)]
	if c == nil {
		var note string
		if c, note = m.found(n.action.Slice, n.action.Properties[PropSubnet]); c == nil {
			if c = m.leaving(); c == nil {
				n.fail(m, CodeExhausted, note)
				return true
			}
		}
	}
	if c.phase <= ready {
		if note := m.enlist(c, logins(n.action.Properties)); note != "" {
			n.fail(m, CodeExhausted, note)
			c.advance(m, now)
			return true
		}
	}
	if !c.usable() {
		n.waits = c
		c.waiting = append(c.waiting, n)
		c.advance(m, now)
		return false
	}
	if h, note := n.take(m, c); h != nil {
		h.advance(m, now)
		return false // this one is nobody any more
	} else if note != "" {
		n.fail(m, CodeInvalid, note)
		return true
	}
	if code, note := n.settle(m, c); code != CodeDone {
		n.fail(m, code, note)
		c.advance(m, now)
		return true
	}
	if note := m.occupied(n); note != "" {
		n.vacate(m)
		n.fail(m, CodeInvalid, note)
		c.advance(m, now)
		return true
	}
	if note := n.lodge(m); note != "" {
		n.vacate(m)
		n.fail(m, CodeExhausted, note)
		c.advance(m, now)
		return true
	}
	n.move(m, Allocated)
	records, err := n.render(m.cfg)
	n.shelf.records = slices.DeleteFunc(n.shelf.records, func(old record) bool {
		return slices.ContainsFunc(records, func(r record) bool { return r.want.DN.Normal() == old.key })
	})
	if err != nil {
		n.vacate(m)
		n.state = Asked
		n.fail(m, CodeInvalid, err.Error())
		c.advance(m, now)
		return true
	}
	n.said = said{n.state, n.telling, n.seat, n.ladder.saved, n.made}
	n.shelf = newShelf(append(records, n.shelf.records...)) // what is left of the unit goes
	m.enroll(n)
	return true
}

// occupied says who has the piece of inventory that a unit is given: a node that was
// found in the directory, and that the authority does not know of. What it has is not
// granted twice.
func (m *Machine) occupied(n *node) string {
	if n.host == "" {
		return ""
	}
	m.unasked = slices.DeleteFunc(m.unasked, func(o *node) bool { return o.action.Verb != 0 || o.cluster == nil })
	for _, o := range m.unasked {
		if o != n && o.host == n.host && o.state != Held {
			return fmt.Sprintf("host %s has node %s of lease %s, which the authority does not know", n.host, o.owner(), o.lease)
		}
	}
	return ""
}

// leaving is a cluster on its way out, whose block and numbers are worth waiting for.
func (m *Machine) leaving() *cluster {
	for _, c := range m.ordered() {
		if c.phase > ready {
			return c
		}
	}
	return nil
}

// settle takes the first id whose name and address nobody has.
func (n *node) settle(m *Machine, c *cluster) (int, string) {
	mac, note := m.freeMAC(n)
	if note != "" {
		return CodeInvalid, note
	}
	prefix := hostPrefix(n.action.Properties[PropPrefix], c.label)
	for id := 1; id <= lastID(m.cfg.BlockBits); id++ {
		name, addr := prefix+itoa(id), offset(c.block.Addr(), id)
		if c.nodes[id] != nil || c.taken[id] || m.addrs[addr] != nil || m.others.addrs[addr] > 0 || m.others.hosts[name+"."+c.label] > 0 || c.named(name) {
			continue
		}
		if note := n.publish(m); note != "" {
			return CodeExhausted, note
		}
		n.cluster, n.id, n.name, n.addr, n.mac = c, id, name, addr, mac
		n.host, n.bootFile = printable(n.action.Unit.Host), m.cfg.BootFile
		c.nodes[id] = n
		m.macs[mac], m.addrs[addr] = n, n
		return CodeDone, ""
	}
	return CodeExhausted, fmt.Sprintf("no node id is free in %v", c.block)
}

// named reports whether a node of the cluster has that name. Names made here differ
// when ids do; a node loaded from a directory may have been named otherwise.
func (c *cluster) named(name string) bool {
	for _, n := range c.nodes { // whichever it is
		if n.name == name {
			return true
		}
	}
	return false
}

// freeMAC is the hardware address the site knows for the unit, or else one made
// from the name of its host. Two nodes must not share one: DHCP would answer either
// with what is meant for the other.
func (m *Machine) freeMAC(n *node) (ldapschema.MAC, string) {
	u := n.action.Unit
	used := func(mac ldapschema.MAC) bool {
		return m.macs[mac] != nil && m.macs[mac] != n || m.others.macs[mac] > 0
	}
	for _, name := range []string{PropMAC, PropHostMAC} {
		v := u.Properties[name]
		if v == "" {
			continue
		}
		mac, ok := readMAC(v)
		switch {
		case !ok:
			return mac, fmt.Sprintf("%s is no hardware address of one station", name)
		case used(mac):
			return mac, fmt.Sprintf("hardware address %v is in use", mac)
		}
		return mac, ""
	}
	if mac := deriveMAC("host", u.Host); u.Host != "" && !used(mac) {
		return mac, ""
	}
	mac := deriveMAC("unit", string(u.ID))
	for i := 2; used(mac); i++ {
		mac = deriveMAC("unit", string(u.ID), itoa(i))
	}
	return mac, ""
}

// vacate gives back the node's id. One whose entry stays, for strangers below it,
// is not given out again.
func (n *node) vacate(m *Machine) {
	c := n.cluster
	n.hide(m)
	n.moveOut(m)
	n.oldAddrs, n.oldMACs = append(n.oldAddrs, n.addr), append(n.oldMACs, n.mac)
	n.identity = identity{} // none of them is its own any more
	n.release(m)
	m.dismiss(n)
	if n.leftStanding() {
		c.taken[n.id] = true
	}
	delete(c.nodes, n.id)
	n.cluster, n.id, n.known, n.found, n.touched, n.virtual, n.ladder = nil, 0, false, nil, false, virtual{}, ladder{}
	n.said, n.rejects, n.ruled = said{}, nil, false
	n.shelf = newShelf(nil)
}

// leftStanding reports whether the node's own entry stays, for strangers below it.
func (n *node) leftStanding() bool {
	return len(n.shelf.records) > 0 && n.shelf.records[0].left
}

// stopWaiting takes the node off its cluster's list.
func (n *node) stopWaiting(m *Machine, now actors.Millis) {
	c := n.waits
	if c == nil {
		return
	}
	n.waits = nil
	for i, w := range c.waiting {
		if w == n {
			c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
			break
		}
	}
	c.advance(m, now)
}

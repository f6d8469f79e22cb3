package cod

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// Load rebuilds the machine from the directory alone: every cluster and node that
// bears our mark, and what strangers use. It is called once, before the first Step,
// with all entries below Base; a Tick then starts what is owed.
//
// What the directory says about a node that its entry cannot say (its lease, its
// state) is taken from it. All else is worked out again from the node's id; where an
// entry differs from that, an operator edited it, and the edit is kept. The notes
// tell what was not understood; such entries are left alone.
func (m *Machine) Load(entries []ldapschema.Entry) (notes []string) {
	l := loader{m: m, at: make(map[ldapschema.DN]ldapschema.Entry, len(entries)), ours: map[ldapschema.DN]bool{}, elsewhere: map[holding]bool{}, dhcp: map[actors.UnitID]ldapschema.Entry{}, origins: map[actors.UnitID]*node{}}
	below := map[ldapschema.DN][]ldapschema.DN{} // children of each name, in order
	l.below = below
	for _, e := range entries {
		l.at[e.DN.Normal()] = e
	}
	sorted := slices.Sorted(maps.Keys(l.at))
	for _, dn := range sorted {
		below[dn.Parent()] = append(below[dn.Parent()], dn)
		if e := l.at[dn]; e.IsA("dhcpHost") && e.Get("codOwner") == m.cfg.Owner {
			l.dhcp[originOf(e)] = e
		}
	}
	try := func(under ldapschema.DN, class string, load func(ldapschema.Entry) error) {
		for _, dn := range below[under.Normal()] {
			e := l.at[dn]
			if !e.IsA(class) || e.Get("codOwner") != m.cfg.Owner {
				continue
			}
			if err := load(e); err != nil {
				notes = append(notes, err.Error())
			}
		}
	}
	try(m.cfg.slicesDN(), "codVirtualCluster", l.cluster)
	for _, c := range m.ordered() {
		try(m.cfg.clusterDN(c.label).Child("ou", "people"), "posixAccount", func(e ldapschema.Entry) error { return l.account(c, e) })
		try(m.cfg.clusterDN(c.label).Child("ou", "hosts"), "codNode", func(e ldapschema.Entry) error { return l.node(c, e) })
	}
	for _, c := range m.ordered() {
		if err := l.clusterShelf(c); err != nil {
			notes = append(notes, err.Error())
		}
	}
	for _, dn := range sorted {
		if e := l.at[dn]; l.belongs(e) {
			p, _ := partOf(e)
			l.elsewhere[holding{originOf(e), p}] = true
		} else if !l.ours[dn] {
			m.others.note(m.cfg, dn, Seen{Entry: l.at[dn]})
		}
	}
	l.addresses()
	l.publics()
	for _, c := range m.ordered() {
		for _, id := range c.ids() {
			m.unasked, m.untold = append(m.unasked, c.nodes[id]), append(m.untold, c.nodes[id])
			if err := l.nodeShelf(c.nodes[id]); err != nil {
				notes = append(notes, err.Error())
			}
		}
	}
	for _, dn := range sorted {
		if e := l.at[dn]; !l.ours[dn] && l.belongs(e) {
			l.leftover(e)
		}
	}
	for _, c := range m.ordered() {
		if c.gid == 0 {
			notes = append(notes, l.number(c)...)
		}
		if len(c.nodes) == 0 {
			m.wake(0, c) // it was left behind: it dissolves
		}
	}
	return notes
}

// loader is a Load under way.
type loader struct {
	m     *Machine
	at    map[ldapschema.DN]ldapschema.Entry
	ours  map[ldapschema.DN]bool            // names that belong to a cluster or node
	below map[ldapschema.DN][]ldapschema.DN // what lies directly below a name, in order

	entries   []hostEntry
	origins   map[actors.UnitID]*node            // the nodes, by what their entries bear
	dhcp      map[actors.UnitID]ldapschema.Entry // DHCP's entries, by the units they are for
	elsewhere map[holding]bool                   // what units have, under whatever name
}

// A holding is one kind of entry of one unit.
type holding struct {
	unit actors.UnitID
	part part
}

// ordered is the clusters by their subdomains.
func (m *Machine) ordered() []*cluster {
	out := make([]*cluster, 0, len(m.labels))
	for _, c := range m.labels {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *cluster) int { return cmp.Compare(a.label, b.label) })
	return out
}

// cluster takes in a cluster's own entry.
func (l *loader) cluster(e ldapschema.Entry) error {
	v, err := ldapschema.ParseVirtualCluster(e)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	if v.State == vacant {
		l.ours[e.DN.Normal()] = true // its slice may have it back
		return nil
	}
	m := l.m
	_, label := e.DN.RDN()
	c := &cluster{
		keeping: keeping{shelf: newShelf(nil)}, key: v.Slice, slice: actors.Slice{ID: actors.SliceID(v.Slice), Name: v.Description},
		label: strings.ToLower(label), block: v.Network, phase: ready, hold: v.Hold, nodes: map[int]*node{}, taken: map[int]bool{},
	}
	c.number = -1
	for n := 1; n < blocks(m.cfg.Network, m.cfg.BlockBits); n++ {
		if block(m.cfg.Network, m.cfg.BlockBits, n) == c.block {
			c.number = n
		}
	}
	switch {
	case hostLabel(label, 63) != c.label:
		return fmt.Errorf("cod: load: %s: no name of a subdomain", e.DN)
	case c.number < 0:
		return fmt.Errorf("cod: load: %s: %v is no block of %v", e.DN, c.block, m.cfg.Network)
	case m.clusters[c.key] != nil || m.blocks[c.number] != nil:
		return fmt.Errorf("cod: load: %s: its slice or block is in another cluster too", e.DN)
	}
	if g, ok := l.at[m.cfg.clusterDN(c.label).Child("ou", "group").Child("cn", c.label).Normal()]; ok {
		if r, err := ldapschema.ParseGroup(g); err == nil && m.cfg.marked(g, c.key) {
			c.gid = r.Number
		}
	}
	m.enter(c)
	return nil
}

// account takes in one of a cluster's accounts.
func (l *loader) account(c *cluster, e ldapschema.Entry) error {
	a, err := ldapschema.ParseAccount(e)
	if err != nil || !l.m.cfg.marked(e, c.key) {
		return err
	}
	if c.gid == 0 && a.Group > 0 && l.m.gids[a.Group] == nil { // somebody removed the group's entry
		c.gid = a.Group
		l.m.gids[c.gid] = c
	}
	_, login := e.DN.RDN()
	c.accounts = append(c.accounts, account{login, a.Number, a.Keys})
	l.m.uids[a.Number] = c
	return nil
}

// number gives a cluster whose group was never written a number.
func (l *loader) number(c *cluster) []string {
	m := l.m
	delete(m.gids, 0)
	gid, ok := m.cfg.GIDs.free(func(n int) bool { return m.gids[n] != nil || m.others.gids[n] > 0 })
	if !ok {
		return []string{"cod: load: no group number is free for " + c.label}
	}
	c.gid = gid
	m.gids[gid] = c
	records, err := c.render(m.cfg)
	if err != nil {
		return []string{"cod: load: " + err.Error()}
	}
	for i, r := range c.shelf.records {
		if r.base.IsZero() {
			c.shelf.records[i].wish(records[i].want)
		}
	}
	return nil
}

// node takes in a node's own entry. Its address comes later (addresses).
func (l *loader) node(c *cluster, e ldapschema.Entry) error {
	h, slips, err := readable(e)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	m := l.m
	n := &node{
		keeping: keeping{shelf: newShelf(nil)}, unit: actors.UnitID(h.Unit), state: stateNamed(h.State), cluster: c, id: h.NodeID,
		identity: identity{name: strings.ToLower(h.Name), mac: h.MAC, bootFile: h.BootFile, boot: h.Boot, stopped: h.Hold}, host: h.Serial,
		telling: telling{lease: h.Lease, leaseEnd: h.LeaseEnd, kind: h.ResourceType, image: h.Image, generation: int(h.Generation), trouble: h.Note},
	}
	if !safeFile(n.bootFile) {
		n.bootFile = m.cfg.BootFile
	}
	switch {
	case !m.cfg.marked(e, c.key) || n.unit == "":
		return fmt.Errorf("cod: load: %s: not as we would write it", e.DN)
	case m.units[n.unit] != nil:
		return fmt.Errorf("cod: load: %s: its unit has another entry", e.DN)
	}
	for _, slip := range slips {
		n.reject(slip.Attr, slip.What)
	}
	if !c.vacant(n.id, m.cfg) {
		n.reject("codNodeId", "it is no number of a node, or another node's")
		if n.id = c.numberOf(h.IP, m.cfg); n.id == 0 {
			return fmt.Errorf("cod: load: %s: no number is free for it", e.DN)
		}
	}
	n.settled(m, h)
	if n.mac.IsZero() || n.mac[0]&1 != 0 {
		if mac, ok := readMAC(l.told(n, "dhcpHWAddress", "ethernet")); ok {
			n.mac = mac
		} else {
			n.mac = deriveMAC("unit", string(n.unit))
		}
	}
	if hostLabel(n.name, 63) != n.name {
		n.rdn, n.name = h.Name, l.dhcp[n.origin()].Get("cn")
		if hostLabel(n.name, 63) != n.name || c.named(n.name) {
			n.name = c.label + itoa(n.id)
		}
		n.reject("cn", "it is no name of a machine")
	}
	n.touched = n.state != Allocated
	n.shelf.aim = hold // until the authority asks for something
	c.nodes[n.id] = n
	m.units[n.unit] = n
	l.origins[n.origin()] = n
	l.entries = append(l.entries, hostEntry{n, h, e.DN.Normal()})
	return nil
}

// readable is what a node's own entry says, and what of it cannot be read: an operator's
// slip in one attribute does not lose us the node.
func readable(e ldapschema.Entry) (h ldapschema.Host, slips []*ldapschema.Error, err error) {
	for {
		h, err = ldapschema.ParseHost(e)
		var slip *ldapschema.Error
		if !errors.As(err, &slip) || slip.Problem != ldapschema.BadValue || !e.Has(slip.Attr) {
			return h, slips, err
		}
		slips = append(slips, slip)
		e = e.With(slip.Attr)
	}
}

// vacant reports whether a node may have an id: the number is one, and nobody has it.
func (c *cluster) vacant(id int, cfg Config) bool {
	return id >= 1 && id <= lastID(cfg.BlockBits) && c.nodes[id] == nil
}

// numberOf is the id of a node whose entry does not say it: the one that goes with its
// address, or else the first that is free; 0 when none is.
func (c *cluster) numberOf(a netip.Addr, cfg Config) int {
	first := 0
	for id := 1; id <= lastID(cfg.BlockBits); id++ {
		switch {
		case !c.vacant(id, cfg):
		case offset(c.block.Addr(), id) == a:
			return id
		case first == 0:
			first = id
		}
	}
	return first
}

// hostEntry is a node and what its own entry says.
type hostEntry struct {
	n  *node
	h  ldapschema.Host
	dn ldapschema.DN // its normal name
}

// addresses gives the nodes their addresses, and their hardware addresses: those in
// their own entries. Where two say the same, the one that was given it by us has it,
// and the other what its DHCP entry says.
func (l *loader) addresses() {
	m := l.m
	var moved []hostEntry
	for _, he := range l.entries {
		n := he.n
		if n.addr = offset(n.cluster.block.Addr(), n.id); he.h.IP == n.addr {
			m.addrs[n.addr] = n
		} else {
			moved = append(moved, he)
		}
	}
	for _, he := range moved {
		n, why := he.n, m.refuseAddr(he.n, he.h.IP)
		switch told := l.told(n, "dhcpStatements", "fixed-address"); {
		case why == "":
			n.addr = he.h.IP
		default:
			n.reject("ipHostNumber", cmp.Or(n.rejects["ipHostNumber"], why))
			if a, err := netip.ParseAddr(told); err == nil && m.refuseAddr(n, a) == "" {
				n.addr = a
			}
		}
		if m.addrs[n.addr] == nil {
			m.addrs[n.addr] = n
		}
	}
	for _, he := range l.entries {
		n := he.n
		why := ""
		if m.macs[n.mac] != nil {
			why = m.refuseMAC(n, n.mac)
		} else if he.h.MAC != n.mac {
			why = "it is no hardware address of one station"
		}
		if why != "" {
			n.reject("macAddress", cmp.Or(n.rejects["macAddress"], why))
			if mac, ok := readMAC(l.told(n, "dhcpHWAddress", "ethernet")); ok && m.refuseMAC(n, mac) == "" {
				n.mac = mac
			}
		}
		if m.macs[n.mac] == nil {
			m.macs[n.mac] = n
		}
	}
}

// told is what a node's DHCP entry says after a word.
func (l *loader) told(n *node, attr, word string) string {
	for _, v := range l.dhcp[n.origin()].Values(attr) {
		if rest, ok := cutWord(v, word); ok {
			return rest
		}
	}
	return ""
}

// belongs reports whether an entry is one of a node that was taken in.
func (l *loader) belongs(e ldapschema.Entry) bool {
	n := l.origins[originOf(e)]
	_, ok := partOf(e)
	return ok && n != nil && l.m.cfg.marked(e, n.cluster.key)
}

// leftover puts on a node's shelf what it wrote under a name or an address that it
// does not have any more.
func (l *loader) leftover(e ldapschema.Entry) {
	n := l.origins[originOf(e)]
	p, _ := partOf(e)
	if p == partHost {
		return // a second entry of one unit is for people to sort out
	}
	n.shelf.records = append(n.shelf.records, record{part: p, want: e, base: e, drop: true})
	l.m.enroll(n)
}

// clusterShelf works out what a cluster wrote, and compares it with what stands there.
func (l *loader) clusterShelf(c *cluster) error {
	l.legacy(c)
	records, err := c.render(l.m.cfg)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	c.shelf = newShelf(records)
	l.m.enroll(c)
	l.compare(c, true)
	return nil
}

// legacy finds what a cluster has beside its people, groups and hosts, each entry after
// the one above it.
func (l *loader) legacy(c *cluster) {
	top := l.m.cfg.clusterDN(c.label)
	var walk func(ldapschema.DN)
	walk = func(above ldapschema.DN) {
		for _, dn := range l.below[above] {
			e := l.at[dn]
			if !l.m.cfg.marked(e, c.key) {
				continue
			}
			c.legacy = append(c.legacy, record{part: partMount, want: unsigned(e)})
			walk(dn)
		}
	}
	for _, dn := range l.below[top.Normal()] {
		known := slices.ContainsFunc([]string{"people", "group", "hosts"}, func(ou string) bool { return top.Child("ou", ou).Normal() == dn })
		if e := l.at[dn]; !known && l.m.cfg.marked(e, c.key) {
			c.legacy = append(c.legacy, record{part: partMount, want: unsigned(e)})
			walk(dn)
		}
	}
}

// nodeShelf does the same for a node.
func (l *loader) nodeShelf(n *node) error {
	records, err := n.render(l.m.cfg)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	n.shelf = newShelf(records)
	n.shelf.aim = hold
	l.m.enroll(n)
	l.compare(n, n.state != Up && n.state != Booting)
	l.slips(n)
	if !n.shelf.done() {
		l.m.wake(0, n) // operators changed it meanwhile
	}
	return nil
}

// compare finds the records of o that stand. A missing one was never written, or,
// when the owner's state says that everything was, an operator removed it.
func (l *loader) compare(o owner, incomplete bool) {
	s := &o.kept().shelf
	for i := range s.records {
		r := &s.records[i]
		e, ok := l.at[r.want.DN.Normal()]
		switch {
		case ok && o.mine(l.m, e, r.part):
			l.found(r, e)
			l.ours[e.DN.Normal()] = true
		case !ok && l.elsewhere[holding{o.origin(), r.part}]: // it has another name now
		case ok && (r.part.yields() || !incomplete):
			r.left, r.odd.gone = true, replaced
		case !ok && !incomplete:
			r.left, r.odd.gone = true, removed
		}
	}
}

// slips shows what of a node's own entry could not be read, where it is not to be
// replaced by what the node has.
func (l *loader) slips(n *node) {
	r := &n.shelf.records[0]
	e, ok := l.at[r.want.DN.Normal()]
	if !ok {
		return
	}
	for _, attr := range slices.Sorted(maps.Keys(n.rejects)) {
		have := e.Values(attr)
		if len(have) > 0 && !r.want.Has(attr) && !slices.ContainsFunc(r.odd.edits, func(c ldapschema.Conflict) bool { return c.Attr == attr }) {
			r.odd.edits = append(r.odd.edits, ldapschema.Conflict{Attr: attr, Have: have})
		}
	}
}

// found takes in that an entry of ours stands.
func (l *loader) found(r *record, e ldapschema.Entry) {
	if base, ok := written(e, r.want); ok {
		r.base = base
		r.wish(r.want)
		r.odd.edits = r.part.edits(r.base, e)
		return
	}
	r.put(r.want) // as if we had written this; where it differs an operator was there
	if !r.expects(r.base, e) {
		r.odd.edits = r.part.edits(r.base, e)
	}
}

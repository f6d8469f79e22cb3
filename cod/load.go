package cod

import (
	"cmp"
	"fmt"
	"maps"
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
	l := loader{m: m, at: make(map[ldapschema.DN]ldapschema.Entry, len(entries)), ours: map[ldapschema.DN]bool{}}
	below := map[ldapschema.DN][]ldapschema.DN{} // children of each name, in order
	for _, e := range entries {
		l.at[e.DN.Normal()] = e
	}
	sorted := slices.Sorted(maps.Keys(l.at))
	for _, dn := range sorted {
		below[dn.Parent()] = append(below[dn.Parent()], dn)
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
		if err := l.shelves(c); err != nil {
			notes = append(notes, err.Error())
		}
	}
	for _, dn := range sorted {
		e := l.at[dn]
		if l.ours[dn] {
			continue
		}
		m.others.note(m.cfg, e)
		if e.Get("codOwner") == m.cfg.Owner && !e.DN.Parent().Equal(m.cfg.slicesDN()) {
			m.others.stray++
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
	m    *Machine
	at   map[ldapschema.DN]ldapschema.Entry
	ours map[ldapschema.DN]bool // names that belong to a cluster or node
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
		label: strings.ToLower(label), block: v.Network, phase: ready, nodes: map[int]*node{}, taken: map[int]bool{},
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
	if c.gid == 0 {
		c.gid = a.Group
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
	gid, ok := m.cfg.GIDs.free(func(n int) bool { return m.gids[n] != nil || m.others.gids[n] })
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

// node takes in a node's own entry.
func (l *loader) node(c *cluster, e ldapschema.Entry) error {
	h, err := ldapschema.ParseHost(e)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	m := l.m
	n := &node{
		keeping: keeping{shelf: newShelf(nil)}, unit: actors.UnitID(h.Unit), state: stateNamed(h.State),
		cluster: c, id: h.NodeID, name: strings.ToLower(h.Name), mac: h.MAC, host: h.Serial,
		telling: telling{lease: h.Lease, leaseEnd: h.LeaseEnd, kind: h.ResourceType, image: h.Image, generation: int(h.Generation), trouble: h.Note},
	}
	switch {
	case !m.cfg.marked(e, c.key) || n.unit == "" || hostLabel(n.name, 63) != n.name || n.mac.IsZero():
		return fmt.Errorf("cod: load: %s: not as we would write it", e.DN)
	case n.id < 1 || n.id > lastID(m.cfg.BlockBits) || c.nodes[n.id] != nil:
		return fmt.Errorf("cod: load: %s: id %d is none or another's", e.DN, n.id)
	case m.units[n.unit] != nil:
		return fmt.Errorf("cod: load: %s: its unit has another entry", e.DN)
	}
	n.touched = n.state != Allocated
	n.addr = offset(c.block.Addr(), n.id)
	c.nodes[n.id] = n
	m.units[n.unit] = n
	n.settled(m, h)
	if m.macs[n.mac] == nil {
		m.macs[n.mac] = n
	}
	return nil
}

// shelves works out what a cluster and its nodes wrote, and compares it with what
// stands there.
func (l *loader) shelves(c *cluster) error {
	records, err := c.render(l.m.cfg)
	if err != nil {
		return fmt.Errorf("cod: load: %w", err)
	}
	c.shelf = newShelf(records)
	l.compare(c, true)
	for _, id := range c.ids() {
		n := c.nodes[id]
		if records, err = n.render(l.m.cfg); err != nil {
			return fmt.Errorf("cod: load: %w", err)
		}
		n.shelf = newShelf(records)
		l.compare(n, n.state != Up && n.state != Booting)
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
			r.put(r.want)
			l.ours[e.DN.Normal()] = true
		case ok && (r.part.yields() || !incomplete):
			r.left = true
		case !ok && !incomplete:
			r.left = true
		}
	}
}

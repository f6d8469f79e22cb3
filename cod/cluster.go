package cod

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// A cluster is what one slice has at the site: a subdomain, a block of addresses, a
// group and accounts, and the nodes in them. It comes with the slice's first node
// and goes with its last.
type cluster struct {
	keeping
	key      string // the slice, see sliceKey
	slice    actors.Slice
	label    string // its DNS subdomain
	number   int    // of its block
	block    netip.Prefix
	gid      int
	accounts []account
	legacy   []record // what stood below it when we started, see older
	phase    phase
	hold     string        // an operator's: who holds it back and why
	nodes    map[int]*node // by id
	taken    map[int]bool  // ids whose names strangers have
	waiting  []*node       // in order of asking; they have no id yet
}

// phase is where a cluster stands.
type phase uint8

const (
	forming    phase = iota // its entries are being written
	ready                   // nodes may join
	dissolving              // its entries are being removed
	vacating                // strangers' entries live in it: it stays, without a block
)

var phaseNames = [...]string{"forming", "ready", "dissolving", "vacating"}

// String names the phase.
func (p phase) String() string { return phaseNames[p] }

// vacant is the codState of a cluster without a block, kept for what operators put
// into it.
const vacant = "vacant"

// found starts the cluster of a slice: the first free subdomain, block and group
// number. The subdomain is called as its lessee wants, or else as the slice is. The
// text says what ran out.
func (m *Machine) found(s actors.Slice, named string) (*cluster, string) {
	c := &cluster{
		keeping: keeping{shelf: newShelf(nil)}, key: sliceKey(s), slice: s, nodes: map[int]*node{}, taken: map[int]bool{},
	}
	c.label = m.freeLabel(cmp.Or(hostLabel(named, maxLabel), sliceLabel(s)))
	var ok bool
	if c.number, ok = m.freeBlock(); !ok {
		return nil, "no block of addresses is free"
	}
	c.block = block(m.cfg.Network, m.cfg.BlockBits, c.number)
	if c.gid, ok = m.cfg.GIDs.free(func(n int) bool { return m.gids[n] != nil || m.others.gids[n] > 0 }); !ok {
		return nil, "no group number is free"
	}
	m.enter(c)
	return c, ""
}

// enter takes what c holds out of what is free.
func (m *Machine) enter(c *cluster) {
	m.clusters[c.key], m.labels[c.label], m.blocks[c.number], m.gids[c.gid] = c, c, c, c
	for _, a := range c.accounts {
		m.uids[a.uid] = c
	}
}

// disband gives back what c holds.
func (m *Machine) disband(c *cluster) {
	m.dismiss(c)
	delete(m.clusters, c.key)
	delete(m.labels, c.label)
	delete(m.blocks, c.number)
	delete(m.gids, c.gid)
	for _, a := range c.accounts {
		delete(m.uids, a.uid)
	}
}

// freeLabel is the subdomain wanted, or the first "wanted-n" nobody has.
func (m *Machine) freeLabel(wanted string) string {
	label := wanted
	for n := 2; m.labels[label] != nil || m.others.labels[label] > 0; n++ {
		label = fmt.Sprintf("%s-%d", wanted, n)
	}
	return label
}

// freeBlock is the first block nobody has; the site's own is not for slices.
func (m *Machine) freeBlock() (int, bool) {
	for n := 1; n < blocks(m.cfg.Network, m.cfg.BlockBits); n++ {
		if m.blocks[n] == nil && m.others.blocks[n] == 0 {
			return n, true
		}
	}
	return 0, false
}

// free is the first number nobody has.
func (r Range) free(used func(int) bool) (int, bool) {
	for n := r.First; n <= r.Last; n++ {
		if !used(n) {
			return n, true
		}
	}
	return 0, false
}

// enlist gives the slice the accounts and keys it does not have yet: whatever one of
// its leases asks for is there until the slice is gone. The text says what ran out.
func (m *Machine) enlist(c *cluster, wanted []account) string {
	news := len(c.shelf.records) == 0
	for _, w := range wanted {
		if i := indexLogin(c.accounts, w.login); i >= 0 {
			news = c.accounts[i].learn(w.keys) || news
			continue
		}
		if len(c.accounts) == maxAccounts {
			continue
		}
		uid, ok := m.cfg.UIDs.free(func(n int) bool { return m.uids[n] != nil || m.others.uids[n] > 0 })
		if !ok {
			return "no account number is free"
		}
		m.uids[uid] = c
		w.uid, news = uid, true
		c.accounts = append(c.accounts, w)
	}
	if !news {
		return ""
	}
	records, err := c.render(m.cfg)
	if err != nil {
		return err.Error()
	}
	c.shelf.revise(records)
	m.enroll(c)
	return ""
}

// usable reports whether nodes may join now.
func (c *cluster) usable() bool { return c.phase == ready && c.hold == "" && c.shelf.done() }

// advance writes or removes the cluster's entries, and lets waiting nodes in.
func (c *cluster) advance(m *Machine, now actors.Millis) {
	if m.fenced != "" || c.held() {
		return
	}
	if c.phase <= ready && len(c.nodes) == 0 && len(c.waiting) == 0 {
		c.phase = dissolving
	}
	switch c.phase {
	case forming, ready:
		c.shelf.aim = present
		m.push(now, &c.shelf, c)
		if note := c.shelf.refused; note != "" {
			c.shelf.refused = ""
			c.turnAway(m, now, note)
		} else if c.shelf.done() {
			c.phase = ready
			c.admit(m, now)
		}
	case dissolving:
		c.shelf.aim = absent
		c.persist(m, now)
		if !c.shelf.done() {
			return
		}
		if c.inhabited() && c.vacate(m) {
			c.advance(m, now)
			return
		}
		c.vanish(m, now)
	case vacating:
		c.persist(m, now)
		if c.shelf.done() {
			delete(m.others.labels, c.label) // the slice itself may come back to it
			c.vanish(m, now)
		}
	}
}

// persist pushes what must not be given up: a refusal is tried again, slowly.
func (c *cluster) persist(m *Machine, now actors.Millis) {
	if c.shelf.refused != "" {
		c.shelf.refused, c.shelf.retry = "", now+m.cfg.RetryMost
	}
	m.push(now, &c.shelf, c)
}

// inhabited reports whether the cluster's own entry could not be removed because
// strangers' entries live below it.
func (c *cluster) inhabited() bool {
	return len(c.shelf.records) > 0 && c.shelf.records[0].left && c.shelf.records[0].ours()
}

// vacate leaves the cluster's own entry standing for the strangers below it, but
// without a block.
func (c *cluster) vacate(m *Machine) bool {
	e, err := c.entry(m.cfg, netip.Prefix{}, vacant)
	if err != nil {
		return false
	}
	old := c.shelf.records[0]
	c.phase = vacating
	m.dismiss(c)
	c.shelf = newShelf([]record{{part: partCluster, base: old.base}})
	c.shelf.records[0].wish(e)
	c.shelf.aim = hold
	m.enroll(c)
	return true
}

// vanish forgets the cluster. Nodes that came meanwhile start another.
func (c *cluster) vanish(m *Machine, now actors.Millis) {
	m.disband(c)
	c.admit(m, now)
}

// admit tells the nodes that wait.
func (c *cluster) admit(m *Machine, now actors.Millis) {
	waiting := c.waiting
	c.waiting = nil
	for _, n := range waiting {
		n.waits = nil
		n.advance(m, now)
	}
}

// turnAway answers the nodes that wait for a cluster the directory will not have.
func (c *cluster) turnAway(m *Machine, now actors.Millis, note string) {
	waiting := c.waiting
	c.waiting = nil
	for _, n := range waiting {
		n.waits = nil
		n.fail(m, CodeDirectory, note)
		n.advance(m, now)
	}
	if len(c.nodes) == 0 {
		c.advance(m, now) // dissolves
	}
}

// clashed gives up a name that a stranger has: everything written so far goes, and
// the nodes that wait start a cluster with another.
func (c *cluster) clashed(m *Machine, now actors.Millis, i int) {
	if c.phase != forming { // nodes live here: leave the stranger's entry alone
		m.leave(now, c, &c.shelf.records[i], replaced)
		return
	}
	if c.shelf.records[i].part == partNetwork {
		m.others.blocks.add(c.number, 1)
	} else {
		m.others.labels.add(c.label, 1)
	}
	c.phase = dissolving
}

// mine reports whether e bears our mark for this slice.
func (c *cluster) mine(m *Machine, e ldapschema.Entry, _ part) bool { return m.cfg.marked(e, c.key) }

// same: a slice's entries are the same whichever lease made them.
func (c *cluster) same(part) bool { return true }

// ids is the ids in use, in order.
func (c *cluster) ids() []int { return slices.Sorted(maps.Keys(c.nodes)) }

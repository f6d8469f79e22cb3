package sim

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// books is the judge of one site's directory. Every change goes through it: it
// knows what belongs to whom, and which facts must be nobody else's.
type books struct {
	s       *site
	owner   map[string]ldapschema.DN        // of each fact that only one entry may claim
	claims  map[ldapschema.DN][]string      // the facts of each entry
	nodes   map[actors.UnitID]nodeEntry     // entries of units' hosts
	unitAt  map[ldapschema.DN]actors.UnitID // and the way back
	marked  map[ldapschema.DN]bool          // entries that bear our mark
	foreign map[ldapschema.DN]string        // entries without our mark, as they were written
	base    map[ldapschema.DN]bool          // those of them that everybody needs
	edits   map[ldapschema.DN]string        // descriptions that operators gave to entries of ours
	normals map[ldapschema.DN]ldapschema.DN // normal forms of names
	robbed  map[string]bool                 // slices from which an operator removed an entry
	gone    map[actors.UnitID]bool          // units whose entries an operator removed
}

type nodeEntry struct {
	dn    ldapschema.DN
	state string
}

// writer is who changes a directory.
type writer uint8

const (
	ours     writer = iota + 1 // the site
	outsider                   // an operator, with a tool of his own
)

func newBooks(s *site) books {
	return books{
		s: s, owner: map[string]ldapschema.DN{}, claims: map[ldapschema.DN][]string{}, nodes: map[actors.UnitID]nodeEntry{},
		unitAt: map[ldapschema.DN]actors.UnitID{}, foreign: map[ldapschema.DN]string{}, edits: map[ldapschema.DN]string{},
		base: map[ldapschema.DN]bool{}, robbed: map[string]bool{}, marked: map[ldapschema.DN]bool{}, normals: map[ldapschema.DN]ldapschema.DN{}, gone: map[actors.UnitID]bool{},
	}
}

// apply makes a change and judges it.
func (b *books) apply(c ldapschema.Change, by writer) error {
	w := b.s.p.w
	ctx := context.Background()
	key := b.normal(c.DN)
	if err := b.s.dir.Apply(ctx, c); err != nil {
		return err
	}
	w.counts.Changes++
	if by == ours && c.Kind != ldapschema.Add && !b.marked[key] {
		w.fail(saysForeign, "%s: %v of %s, which does not bear its mark", b.s.p.Name, c.Kind, c.DN)
	}
	if c.Kind == ldapschema.Delete {
		b.removed(key, by)
		return nil
	}
	e := c.Entry()
	if c.Kind == ldapschema.Modify {
		e, _ = b.s.dir.Read(ctx, c.DN)
	}
	b.written(key, e, by)
	return nil
}

func (b *books) removed(key ldapschema.DN, by writer) {
	u, node := b.unitAt[key]
	if node {
		delete(b.nodes, u)
		delete(b.unitAt, key)
		if by == outsider {
			b.gone[u] = true
		}
	}
	b.forget(key)
	delete(b.edits, key)
	delete(b.foreign, key)
	delete(b.marked, key)
	if node {
		b.s.checkUnit(u)
	}
}

func (b *books) forget(key ldapschema.DN) {
	for _, f := range b.claims[key] {
		delete(b.owner, f)
	}
	delete(b.claims, key)
}

func (b *books) written(key ldapschema.DN, e ldapschema.Entry, by writer) {
	w := b.s.p.w
	b.forget(key)
	facts := factsOf(e)
	for _, f := range facts {
		if other, taken := b.owner[f]; taken && other != key {
			w.fail(saysShared, "%s: %s and %s both have %s", b.s.p.Name, other, e.DN, f)
		}
		b.owner[f] = key
	}
	b.claims[key] = facts
	mine := e.Get("codOwner") == b.s.cfg.Owner
	b.marked[key] = mine
	if by == outsider && !mine {
		b.foreign[key] = e.LDIF()
	}
	if text, edited := b.edits[key]; edited && by == ours && e.Get("description") != text {
		w.fail(saysEdited, "%s: the description of %s was set to %q by an operator and is now %q", b.s.p.Name, e.DN, text, e.Get("description"))
	}
	if unit := actors.UnitID(e.Get("codUnit")); mine && unit != "" {
		b.nodes[unit] = nodeEntry{e.DN, e.Get("codState")}
		b.unitAt[key] = unit
		if by == ours {
			b.s.checkUnit(unit)
			b.s.checkKnown(unit)
		}
	}
}

// factsOf is what only one entry of a directory may claim.
func factsOf(e ldapschema.Entry) []string {
	var out []string
	add := func(what, value string) {
		if value != "" {
			out = append(out, what+" "+strings.ToLower(value))
		}
	}
	switch {
	case exact(e, "ipHostNumber") != nil:
		add("host address", e.Get("ipHostNumber"))
		add("host hardware", e.Get("macAddress"))
		for _, cn := range e.Values("cn") {
			if strings.Contains(cn, ".") {
				add("host name", cn)
			}
		}
	case exact(e, "dhcpHWAddress") != nil:
		add("dhcp hardware", e.Get("dhcpHWAddress"))
		for _, st := range e.Values("dhcpStatements") {
			if addr, ok := strings.CutPrefix(st, "fixed-address "); ok {
				add("dhcp address", addr)
			}
		}
	case exact(e, "relativeDomainName") != nil && e.Get("relativeDomainName") != "@":
		add("dns name", e.Get("relativeDomainName")+" in "+e.Get("zoneName"))
		add("dns address", e.Get("aRecord"))
	case exact(e, "uidNumber") != nil:
		add("uid", e.Get("uidNumber"))
	case exact(e, "gidNumber") != nil:
		add("gid", e.Get("gidNumber"))
	case exact(e, "ipNetworkNumber") != nil && exact(e, "codHostPrefix") == nil: // a cluster has its network's numbers too
		add("network", e.Get("ipNetworkNumber")+"/"+e.Get("ipNetmaskNumber"))
	}
	return out
}

// exact is the values of an attribute under its canonical name; it costs little
// when there are none.
func exact(e ldapschema.Entry, name string) []string {
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Values
		}
	}
	return nil
}

// normal is the normal form of a name, which many changes share.
func (b *books) normal(dn ldapschema.DN) ldapschema.DN {
	n, ok := b.normals[dn]
	if !ok {
		n = dn.Normal()
		b.normals[dn] = n
	}
	return n
}

// strangers is what others have in the directory from the start: some of it where
// cod would like to be.
func (b *books) strangers() []ldapschema.Entry {
	w, cfg := b.s.p.w, b.s.cfg
	var out []ldapschema.Entry
	maybe := func(e ldapschema.Entry, err error) {
		switch {
		case err != nil:
			w.fail(saysLoadable, "%s: strangers: %v", b.s.p.Name, err)
		case w.cfg.Faults.Meddle > 0 && w.rnd.IntN(3) == 0:
			out = append(out, e)
		}
	}
	nth := func(n int) netip.Addr {
		a := cfg.Network.Addr()
		for range n {
			a = a.Next()
		}
		return a
	}
	size := 1 << (32 - cfg.BlockBits)
	block := netip.PrefixFrom(nth(size), cfg.BlockBits)
	maybe(ldapschema.Network(cfg.Base.Child("ou", "networks"), ldapschema.NetworkRecord{Name: "printers", Prefix: block}))
	maybe(ldapschema.Network(cfg.Base.Child("ou", "networks"), ldapschema.NetworkRecord{
		Name: nth(2 * size).String(), Prefix: netip.MustParsePrefix("192.168.7.0/24"),
	}))
	maybe(ldapschema.HostEntry(cfg.Base.Child("ou", "hosts"), ldapschema.Host{
		Name: "printer", Aliases: []string{"printer." + cfg.Domain}, IP: nth(3*size + 1), MAC: ldapschema.MAC{2, 0, 0, 0, 0, 9},
	}))
	maybe(ldapschema.ZoneRecordA(cfg.Base.Child("ou", "DNS").Child("zoneName", cfg.Domain), ldapschema.NameRecord{
		Name: "s1-2.s1", TTL: 60, Addrs: []netip.Addr{nth(4*size + 2)},
	}))
	maybe(ldapschema.OrganizationalUnit(cfg.Base.Child("ou", "slices"), "s2", "somebody's own"))
	maybe(ldapschema.Account(cfg.Base.Child("ou", "people"), ldapschema.AccountRecord{UID: "ada", Number: 30_001, Group: 30_000}))
	maybe(ldapschema.Group(cfg.Base.Child("ou", "group"), ldapschema.GroupRecord{Name: "staff", Number: 30_000}))
	return out
}

// collide gives a host entry the address of another: the work of a mutant.
func (b *books) collide(c ldapschema.Change) ldapschema.Change {
	if c.Kind != ldapschema.Add || !c.Entry().Has("ipHostNumber") {
		return c
	}
	for _, f := range sortedKeys(b.owner) {
		if addr, ok := strings.CutPrefix(f, "host address "); ok {
			return ldapschema.AddEntry(c.Entry().With("ipHostNumber", addr))
		}
	}
	return c
}

// inhabited reports whether somebody else's entry lives below one.
func (b *books) inhabited(key ldapschema.DN) bool {
	for other := range b.foreign {
		if strings.HasSuffix(string(other), ","+string(key)) {
			return true
		}
	}
	return false
}

// nodeText is where a unit's entry is, for people.
func (b *books) nodeText(u actors.UnitID) string {
	n, ok := b.nodes[u]
	if !ok {
		return "no entry"
	}
	return fmt.Sprintf("%s in state %s", n.dn, n.state)
}

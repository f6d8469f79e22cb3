package cod

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// strangers is what entries of others use, so that it is not given out a second
// time. It is read at Load and follows what is seen later.
type strangers struct {
	addrs  tally[netip.Addr] // of hosts, address records and DHCP reservations
	blocks tally[int]        // of networks the site's operators described
	labels tally[string]     // subdomains and directory names of slices
	hosts  tally[string]     // relative owner names in the forward zone
	macs   tally[ldapschema.MAC]
	uids   tally[int]
	gids   tally[int]
	units  tally[actors.UnitID]        // of entries that bear our mark
	images map[string]ldapschema.Image // the registry, by names in lower case
	by     map[ldapschema.DN]uses      // what each entry uses, by its normal name
}

// tally counts how many entries use a thing.
type tally[K comparable] map[K]int

func (t tally[K]) add(k K, n int) {
	if t[k] += n; t[k] <= 0 {
		delete(t, k)
	}
}

// uses is what one entry of somebody else's uses.
type uses struct {
	addrs        []netip.Addr
	macs         []ldapschema.MAC
	blocks       []int
	labels       []string
	hosts        []string
	uids, gids   []int
	stray        bool // it bears our mark but belongs to no cluster or node
	part         part // of a node, if it is a stray with a unit
	dn           ldapschema.DN
	by           ldapschema.DN
	at           actors.Millis
	owner, slice string
	unit         actors.UnitID
	image        string // it is one of that name, in lower case
}

func newStrangers() strangers {
	return strangers{
		addrs: tally[netip.Addr]{}, blocks: tally[int]{}, labels: tally[string]{}, hosts: tally[string]{},
		macs: tally[ldapschema.MAC]{}, uids: tally[int]{}, gids: tally[int]{}, units: tally[actors.UnitID]{}, images: map[string]ldapschema.Image{}, by: map[ldapschema.DN]uses{},
	}
}

// note remembers what an entry uses, in the place of what it used before.
func (s *strangers) note(c Config, key ldapschema.DN, ev Seen) {
	s.forget(key)
	u := usesOf(c, ev.Entry)
	u.by, u.at = ev.Writer, ev.At
	if i, err := ldapschema.ParseImage(ev.Entry); err == nil && ev.Entry.DN.Parent().Normal() == ImagesDN(c.Base).Normal() {
		u.image = strings.ToLower(i.Name)
		s.images[u.image] = i
	}
	s.by[key] = u
	s.count(u, 1)
}

// forget gives free what an entry used.
func (s *strangers) forget(key ldapschema.DN) {
	if u, ok := s.by[key]; ok {
		s.count(u, -1)
		delete(s.by, key)
		if u.image != "" {
			delete(s.images, u.image)
		}
	}
}

func (s *strangers) count(u uses, n int) {
	for _, a := range u.addrs {
		s.addrs.add(a, n)
	}
	for _, m := range u.macs {
		s.macs.add(m, n)
	}
	for _, b := range u.blocks {
		s.blocks.add(b, n)
	}
	for _, l := range u.labels {
		s.labels.add(l, n)
	}
	for _, h := range u.hosts {
		s.hosts.add(h, n)
	}
	for _, id := range u.uids {
		s.uids.add(id, n)
	}
	for _, id := range u.gids {
		s.gids.add(id, n)
	}
	if u.stray && u.unit != "" {
		s.units.add(u.unit, n)
	}
}

// orphans are the records of a unit whose own entry somebody deleted: the rest of it,
// to be removed.
func (s *strangers) orphans(unit actors.UnitID) (out []record) {
	if s.units[unit] == 0 {
		return nil
	}
	for key, u := range s.by {
		if u.stray && u.unit == unit {
			out = append(out, record{part: u.part, want: ldapschema.Entry{DN: u.dn}, base: ldapschema.Entry{DN: u.dn}, drop: true, key: key})
		}
	}
	slices.SortFunc(out, func(a, b record) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.key, b.key)) })
	return out
}

// partOf is what a node's entry is to it; false for what no node has.
func partOf(e ldapschema.Entry) (part, bool) {
	switch {
	case e.IsA("codNode"):
		return partHost, true
	case e.IsA("dhcpHost"):
		return partDHCPHost, true
	case e.Has("aRecord"):
		return partForward, true
	case e.Has("pTRRecord"):
		return partReverse, true
	}
	return 0, false
}

// strays lists entries that bear our mark but belong to no cluster or node.
func (s *strangers) strays() (out []StrayView) {
	for _, u := range s.by {
		if u.stray {
			out = append(out, StrayView{string(u.dn), u.unit, u.slice, string(u.by), instant(u.at)})
		}
	}
	slices.SortFunc(out, func(a, b StrayView) int { return cmp.Compare(a.Entry, b.Entry) })
	return out
}

// holder names the first entry, in order, that uses something.
func (s *strangers) holder(is func(uses) bool) string {
	var first ldapschema.DN
	for _, u := range s.by {
		if is(u) && (first == "" || u.dn < first) {
			first = u.dn
		}
	}
	return string(first)
}

// usesOf is what an entry uses.
func usesOf(c Config, e ldapschema.Entry) uses {
	u := uses{dn: e.DN, owner: e.Get("codOwner"), slice: e.Get("codSlice"), unit: actors.UnitID(e.Get("codUnit"))}
	u.stray = u.owner == c.Owner && !e.DN.Parent().Equal(c.slicesDN()) && !e.DN.Equal(c.ClaimDN())
	if p, ok := partOf(e); ok {
		u.part = p
	} else {
		u.unit = "" // an entry of a cluster
	}
	for _, attr := range []string{"ipHostNumber", "aRecord", attrPublic} {
		for _, v := range e.Values(attr) {
			u.addr(v)
		}
	}
	for _, v := range e.Values("dhcpStatements") {
		if rest, ok := cutWord(v, "fixed-address"); ok {
			for a := range strings.SplitSeq(rest, ",") {
				u.addr(a)
			}
		}
	}
	if !e.IsA("codHost") { // an inventory says which address a node on the machine has
		for _, v := range e.Values("macAddress") {
			u.mac(v)
		}
	}
	if rest, ok := cutWord(e.Get("dhcpHWAddress"), "ethernet"); ok {
		u.mac(rest)
	}
	if n, err := strconv.Atoi(e.Get("uidNumber")); err == nil {
		u.uids = append(u.uids, n)
	}
	if n, err := strconv.Atoi(e.Get("gidNumber")); err == nil {
		u.gids = append(u.gids, n)
	}
	parent := e.DN.Parent()
	if parent.Equal(c.slicesDN()) || parent.Equal(c.serviceDN()) {
		_, name := e.DN.RDN()
		u.labels = append(u.labels, strings.ToLower(name))
	}
	if name := strings.ToLower(e.Get("relativeDomainName")); name != "" && strings.EqualFold(e.Get("zoneName"), c.Domain) {
		u.hosts = append(u.hosts, name)
		u.labels = append(u.labels, name[strings.LastIndexByte(name, '.')+1:])
	}
	if e.IsA("ipNetwork") {
		u.network(c, e)
	}
	return u
}

func (u *uses) addr(v string) {
	if a, err := netip.ParseAddr(strings.TrimSpace(v)); err == nil {
		u.addrs = append(u.addrs, a.Unmap())
	}
}

func (u *uses) mac(v string) {
	if mac, ok := readMAC(v); ok {
		u.macs = append(u.macs, mac)
	}
}

// network notes the blocks a described network reaches into. A network that holds
// the whole site's describes the site, not a use of its blocks.
func (u *uses) network(c Config, e ldapschema.Entry) {
	p, ok := readNetwork(e)
	if !ok || !p.Overlaps(c.Network) || p.Bits() <= c.Network.Bits() {
		return
	}
	for n := range blocks(c.Network, c.BlockBits) {
		if block(c.Network, c.BlockBits, n).Overlaps(p) {
			u.blocks = append(u.blocks, n)
		}
	}
}

// readNetwork is the IPv4 network an entry describes; one without a mask is one address.
func readNetwork(e ldapschema.Entry) (netip.Prefix, bool) {
	n, err := ldapschema.ParseNetwork(e)
	return n.Prefix.Masked(), err == nil && n.Prefix.Addr().Is4()
}

// cutWord is what follows a first word, in any case, and blanks.
func cutWord(s, word string) (string, bool) {
	first, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	return strings.TrimSpace(rest), ok && strings.EqualFold(first, word)
}

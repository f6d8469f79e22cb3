package cod

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// strangers is what entries of others already use, so that it is not given out a
// second time. It is read at Load, and grows when a name turns out to be taken.
type strangers struct {
	addrs  map[netip.Addr]bool // of hosts, address records and DHCP reservations
	blocks map[int]bool        // of networks the site's operators described
	labels map[string]bool     // subdomains and directory names of slices
	hosts  map[string]bool     // relative owner names in the forward zone
	macs   map[ldapschema.MAC]bool
	uids   map[int]bool
	gids   map[int]bool
	stray  int // entries that bear our mark but belong to no cluster or node
}

func newStrangers() strangers {
	return strangers{
		addrs: map[netip.Addr]bool{}, blocks: map[int]bool{}, labels: map[string]bool{}, hosts: map[string]bool{},
		macs: map[ldapschema.MAC]bool{}, uids: map[int]bool{}, gids: map[int]bool{},
	}
}

// note remembers what e uses.
func (s *strangers) note(c Config, e ldapschema.Entry) {
	for _, attr := range []string{"ipHostNumber", "aRecord"} {
		for _, v := range e.Values(attr) {
			s.addr(v)
		}
	}
	for _, v := range e.Values("dhcpStatements") {
		if rest, ok := cutWord(v, "fixed-address"); ok {
			for a := range strings.SplitSeq(rest, ",") {
				s.addr(a)
			}
		}
	}
	if !e.IsA("codHost") { // an inventory says which address a node on the machine has
		for _, v := range e.Values("macAddress") {
			s.mac(v)
		}
	}
	if rest, ok := cutWord(e.Get("dhcpHWAddress"), "ethernet"); ok {
		s.mac(rest)
	}
	if n, err := strconv.Atoi(e.Get("uidNumber")); err == nil {
		s.uids[n] = true
	}
	if n, err := strconv.Atoi(e.Get("gidNumber")); err == nil {
		s.gids[n] = true
	}
	parent := e.DN.Parent()
	if parent.Equal(c.slicesDN()) || parent.Equal(c.serviceDN()) {
		_, name := e.DN.RDN()
		s.labels[strings.ToLower(name)] = true
	}
	if name := strings.ToLower(e.Get("relativeDomainName")); name != "" && strings.EqualFold(e.Get("zoneName"), c.Domain) {
		s.hosts[name] = true
		s.labels[name[strings.LastIndexByte(name, '.')+1:]] = true
	}
	if e.IsA("ipNetwork") {
		s.network(c, e)
	}
}

func (s *strangers) addr(v string) {
	if a, err := netip.ParseAddr(strings.TrimSpace(v)); err == nil {
		s.addrs[a.Unmap()] = true
	}
}

func (s *strangers) mac(v string) {
	if mac, ok := readMAC(v); ok {
		s.macs[mac] = true
	}
}

// network remembers the blocks a described network reaches into. A network that
// holds the whole site's describes the site, not a use of its blocks.
func (s *strangers) network(c Config, e ldapschema.Entry) {
	p, ok := readNetwork(e)
	if !ok || !p.Overlaps(c.Network) || p.Bits() <= c.Network.Bits() {
		return
	}
	for n := range blocks(c.Network, c.BlockBits) {
		if block(c.Network, c.BlockBits, n).Overlaps(p) {
			s.blocks[n] = true
		}
	}
}

// readNetwork is the network an entry describes.
func readNetwork(e ldapschema.Entry) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(e.Get("ipNetworkNumber"))
	if err != nil || !a.Is4() {
		return netip.Prefix{}, false
	}
	mask, err := netip.ParseAddr(e.Get("ipNetmaskNumber"))
	if err != nil || !mask.Is4() {
		return netip.Prefix{}, false
	}
	for bits := range 33 {
		if netmask(bits) == mask.String() {
			return netip.PrefixFrom(a, bits).Masked(), true
		}
	}
	return netip.Prefix{}, false
}

// cutWord is what follows a first word, in any case, and blanks.
func cutWord(s, word string) (string, bool) {
	first, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	return strings.TrimSpace(rest), ok && strings.EqualFold(first, word)
}

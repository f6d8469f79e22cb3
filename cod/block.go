package cod

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// A slice's nodes have addresses in one block of the site's network, reserved
// when its first node comes and returned when its last one goes (paper B 4.3).
// The first block belongs to the site itself. A node's address is its block's
// first address plus its id, so id 0 (the network's own address) and the last one
// (broadcast) are never given out.

// offset is the address n places after a.
func offset(a netip.Addr, n int) netip.Addr {
	b := a.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}

// blocks is how many blocks of bits the network has, the site's included.
func blocks(network netip.Prefix, bits int) int { return 1 << (bits - network.Bits()) }

// block is the n-th block of the network.
func block(network netip.Prefix, bits, n int) netip.Prefix {
	return netip.PrefixFrom(offset(network.Masked().Addr(), n<<(32-bits)), bits)
}

// lastID is the highest node id a block has room for.
func lastID(bits int) int { return 1<<(32-bits) - 2 }

// netmask writes the mask of that many bits as DHCP and operators do.
func netmask(bits int) string {
	m := ^uint32(0) << (32 - bits)
	return fmt.Sprintf("%d.%d.%d.%d", m>>24, m>>16&255, m>>8&255, m&255)
}

// reverseZone is the in-addr.arpa zone of whole octets that holds the network's
// reverse names (RFC 1035 3.5): "99.10.in-addr.arpa" for 10.99.0.0/16.
func reverseZone(network netip.Prefix) string {
	b := network.Masked().Addr().As4()
	zone := "in-addr.arpa"
	for i := range network.Bits() / 8 { // a network has room for two blocks: 3 octets at most
		zone = fmt.Sprintf("%d.%s", b[i], zone)
	}
	return zone
}

package cod

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// Config describes a site. Fields without a stated default are required.
type Config struct {
	// Owner marks the entries this machine writes (codOwner): the authority's
	// identity. Entries without the mark are never changed or removed.
	Owner string
	// Base is the entry everything lives under, such as "dc=site,dc=test".
	Base ldapschema.DN
	// Domain is the site's DNS zone. A slice has a subdomain of it.
	Domain string
	// Network is the IPv4 network of the site. DHCP serves it as one subnet, so
	// that a slice's block needs no restart of the daemon.
	Network netip.Prefix
	// BlockBits is the prefix length of a slice's block; 0 means 24. Network must
	// have room for two at least, because the first is the site's own.
	BlockBits int
	// Gateway is the router; zero means the network's first address.
	Gateway netip.Addr
	// NextServer is where nodes boot from; zero means Gateway.
	NextServer netip.Addr
	// BootFile is what physical nodes load by TFTP; empty leaves it out. Those with UEFI
	// firmware load BootFileUEFI, if there is one.
	BootFile, BootFileUEFI string
	// UIDs and GIDs are the numbers accounts and groups of slices get; zero means
	// 30000 to 59999.
	UIDs, GIDs Range
	// Homes is where the people of a slice have their files; zero for nowhere.
	Homes Homes
	// Bis says that the directory has RFC 2307bis: groups name their members' entries too.
	Bis bool
	// Public is the pool of public addresses, all of which are given out; none by default.
	Public []netip.Prefix
	// Guests is how nodes read their own cluster's entries; zero for not at all.
	Guests Guests
	// HostKeys gives each node a host key that follows from the secret of Guests, for
	// whoever stages images.
	HostKeys bool
	// TTL of DNS records in seconds; 0 means 60.
	TTL int
	// DriverPatience is how long a driver may answer "not yet" to one action; 0
	// means 30 minutes.
	DriverPatience actors.Millis
	// DriverPause is the pause before asking a driver again that named none; 0
	// means one second.
	DriverPause actors.Millis
	// RetryFirst and RetryMost bound the pauses while the directory is away, which
	// double each time; 0 means 200 ms and 30 s.
	RetryFirst, RetryMost actors.Millis
	// Virtual says which units are placed on which hosts.
	Virtual VirtualConfig
	// Reserved begins the names of what lessees may not tell drivers (handlers.Given).
	Reserved []string
	// Ladder says what becomes of nodes at the end of their leases.
	Ladder LadderConfig
	// Remember is how many units that are gone keep their last answer, for actions
	// asked again; 0 means 4096.
	Remember int
}

// Homes is a file server's folder, in which each cluster has a volume that bears its
// name, and in there each account a folder.
type Homes struct {
	Server  string // as nodes know it; empty for a folder of each node's own
	Path    string // of the folder there; empty for no homes at all
	Options string // of automount, such as "-fstype=nfs4,rw" (auto_master(5)); empty for its defaults
}

// Range is the numbers from First to Last, both included.
type Range struct{ First, Last int }

// maxNote is the longest note kept or reported, in octets.
const maxNote = 512

// checked is c with defaults filled in, or what is wrong with it.
func (c Config) checked() (Config, error) {
	bad := func(format string, a ...any) (Config, error) {
		return Config{}, fmt.Errorf("cod: config: "+format, a...)
	}
	if c.Owner == "" || plain(c.Owner) != c.Owner {
		return bad("owner must be a short line of text")
	}
	if _, err := ldapschema.ParseDN(string(c.Base)); err != nil || c.Base == "" {
		return bad("base %q is no name of an entry", c.Base)
	}
	for label := range strings.SplitSeq(c.Domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return bad("domain %q is no lower-case domain name", c.Domain)
		}
	}
	if len(c.Domain) > 253-2*63-2 {
		return bad("domain %q leaves no room for host names", c.Domain)
	}
	if c.BlockBits == 0 {
		c.BlockBits = 24
	}
	if !c.Network.IsValid() || !c.Network.Addr().Is4() || c.Network != c.Network.Masked() || c.Network.Bits() < 8 {
		return bad("network %v is no IPv4 network of 8 bits or more", c.Network)
	}
	if c.BlockBits <= c.Network.Bits() || c.BlockBits > 30 {
		return bad("blocks of /%d do not fit twice into %v, or have no room for nodes", c.BlockBits, c.Network)
	}
	if !c.Gateway.IsValid() {
		c.Gateway = c.Network.Addr().Next()
	}
	if !c.NextServer.IsValid() {
		c.NextServer = c.Gateway
	}
	if !c.Gateway.Is4() || !c.NextServer.Is4() || !c.Network.Contains(c.Gateway) {
		return bad("gateway %v and boot server %v must be IPv4, the gateway in %v", c.Gateway, c.NextServer, c.Network)
	}
	if !block(c.Network, c.BlockBits, 0).Contains(c.Gateway) {
		return bad("gateway %v lies outside the site's own block %v", c.Gateway, block(c.Network, c.BlockBits, 0))
	}
	for _, file := range []string{c.BootFile, c.BootFileUEFI} {
		if !safeFile(file) {
			return bad("boot file %q has characters that have a meaning in DHCP statements", file)
		}
	}
	if c.BootFileUEFI != "" && c.BootFile == "" {
		return bad("there is a boot file for UEFI firmware, and none for other firmware; one for all is the boot file itself")
	}
	for _, r := range []*Range{&c.UIDs, &c.GIDs} {
		if *r == (Range{}) {
			*r = Range{30000, 59999}
		}
		if r.First < 1000 || r.Last < r.First {
			return bad("numbers %d to %d are no range above those of the system", r.First, r.Last)
		}
	}
	if c.HostKeys && len(c.Guests.Secret) == 0 {
		return bad("host keys follow from a secret, and guests have none")
	}
	if err := errors.Join(c.Homes.check(), c.Guests.check(), checkPublic(c.Network, c.Public)); err != nil {
		return Config{}, err
	}
	var err error
	if c.Ladder, err = c.Ladder.checked(); err != nil {
		return Config{}, err
	}
	def(&c.TTL, 60)
	def(&c.Remember, 4096)
	def(&c.DriverPatience, 30*60*1000)
	def(&c.DriverPause, 1000)
	def(&c.RetryFirst, 200)
	def(&c.RetryMost, 30*1000)
	if c.TTL < 0 || c.Remember < 0 || c.DriverPatience < 0 || c.DriverPause < 0 || c.RetryFirst < 0 || c.RetryMost < c.RetryFirst {
		return bad("times must not be negative, nor the last pause shorter than the first")
	}
	return c, nil
}

// check says what an automounter or a file server would misread.
func (h Homes) check() error {
	odd := func(s, more string) bool {
		return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"+more) != ""
	}
	switch {
	case h == Homes{}:
		return nil
	case !path.IsAbs(h.Path) || path.Clean(h.Path) != h.Path || h.Path == "/" || odd(h.Path, "/"):
		return fmt.Errorf("cod: config: homes: %q is no path of a folder", h.Path)
	case odd(h.Server, ":[]"):
		return fmt.Errorf("cod: config: homes: %q is no name of a server", h.Server)
	case h.Options != "" && !strings.HasPrefix(h.Options, "-") || odd(h.Options, "=,:"):
		return fmt.Errorf("cod: config: homes: %q is no option of an automounter, such as -fstype=nfs4,rw", h.Options)
	}
	return nil
}

// volume is where a cluster's volume is on the file server.
func (h Homes) volume(label string) string { return path.Join(h.Path, label) }

// mount is what an automounter is told about all homes of a cluster.
func (h Homes) mount(label string) string {
	return strings.TrimSpace(h.Options + " " + h.Server + ":" + h.volume(label) + "/&")
}

// def gives *v its default.
func def[T int | actors.Millis](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// The layout of the tree below Base, as other tools expect it (RFC 2307).

// InventoryDN is the entry that a site's machines are kept below.
func InventoryDN(base ldapschema.DN) ldapschema.DN { return base.Child("ou", "hosts") }

// ImagesDN is the entry that a site's images are kept below.
func ImagesDN(base ldapschema.DN) ldapschema.DN { return base.Child("ou", "images") }

// SlicesDN is the entry that virtual clusters are kept below.
func SlicesDN(base ldapschema.DN) ldapschema.DN { return base.Child("ou", "slices") }

// ReverseZone is the zone of the network's reverse names.
func (c Config) ReverseZone() string { return reverseZone(c.Network) }

func (c Config) slicesDN() ldapschema.DN   { return SlicesDN(c.Base) }
func (c Config) networksDN() ldapschema.DN { return c.Base.Child("ou", "networks") }
func (c Config) dhcpDN() ldapschema.DN     { return c.Base.Child("ou", "dhcp") }
func (c Config) serviceDN() ldapschema.DN  { return c.dhcpDN().Child("cn", "config") }
func (c Config) dnsDN() ldapschema.DN      { return c.Base.Child("ou", "DNS") }

func (c Config) forwardDN() ldapschema.DN { return c.dnsDN().Child("zoneName", c.Domain) }
func (c Config) reverseDN() ldapschema.DN {
	return c.dnsDN().Child("zoneName", reverseZone(c.Network))
}

package config

import (
	"fmt"
	"net/netip"
)

// COD says how an authority names and numbers the nodes of its clusters.
type COD struct {
	Network  netip.Prefix // where nodes get their addresses
	Domain   string       // DNS zone of the nodes
	UIDFirst int          // first of the numbers for accounts
	UIDLast  int          // last of them
	// Block is the prefix length of a cluster's block in Network; 0 means 24.
	Block int
	// Gateway is the router, and BootServer where nodes boot from; zero means Network's
	// first address, and the gateway.
	Gateway, BootServer netip.Addr
	BootFile            string // what nodes load first by TFTP; empty leaves it out
	// MaxRemoval is the share of the hosts, in percent, that may go from the directory's
	// inventory at once; 0 means 30. A few may always go.
	MaxRemoval int
	Homes      Homes  // where the people of a cluster have their files; zero for nowhere
	Guests     Guests // how nodes read their cluster's entries; zero for not at all
}

// Homes is a file server's folder with a volume for each cluster.
type Homes struct {
	Server  string // as nodes know it; empty for a folder of each node's own
	Path    string
	Options string // of automount
}

// Guests is where nodes reach the directory, and the secret that the passwords of
// clusters follow from.
type Guests struct {
	URLs       []string
	SecretFile string // 32 octets or more; must not be readable by others
}

func readCOD(v value) *COD {
	o := v.object()
	if !o.given() {
		return nil
	}
	defer o.done()
	c := &COD{Network: o.need("network").network(), Domain: o.need("domain").domain()}
	c.UIDFirst, c.UIDLast = o.need("uids").uids()
	c.Block = o.get("block").number(0, 9, 30)
	c.Gateway, c.BootServer = o.get("gateway").address(), o.get("boot_server").address()
	c.BootFile = o.get("boot_file").text("")
	c.MaxRemoval = o.get("max_removal").number(0, 1, 100)
	if h := o.get("homes").object(); h.given() {
		c.Homes = Homes{Server: h.get("server").text(""), Path: h.need("path").text(""), Options: h.get("options").text("")}
		h.done()
	}
	if g := o.get("guests").object(); g.given() {
		g.need("urls").list(func(_ int, v value) { c.Guests.URLs = append(c.Guests.URLs, v.url("", "ldap", "ldaps")) })
		c.Guests.SecretFile = g.need("secret_file").text("")
		g.done()
	}
	return c
}

// address is an IPv4 address.
func (v value) address() netip.Addr {
	return parsed(v, netip.Addr{}, func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return netip.Addr{}, fmt.Errorf("is not an IPv4 address")
		}
		return a, nil
	})
}

// cod writes the block.
func (w *writer) cod(c COD) {
	w.line(3, "network: %s", c.Network)
	w.line(3, "domain: %s", quote(c.Domain))
	w.line(3, "uids: %d-%d", c.UIDFirst, c.UIDLast)
	some := func(given bool, format string, args ...any) {
		if given {
			w.line(3, format, args...)
		}
	}
	some(c.Block > 0, "block: %d", c.Block)
	some(c.Gateway.IsValid(), "gateway: %s", c.Gateway)
	some(c.BootServer.IsValid(), "boot_server: %s", c.BootServer)
	some(c.BootFile != "", "boot_file: %s", quote(c.BootFile))
	some(c.MaxRemoval > 0, "max_removal: %d", c.MaxRemoval)
	if c.Homes != (Homes{}) {
		w.line(3, "homes:")
		w.line(4, "path: %s", quote(c.Homes.Path))
		if c.Homes.Server != "" {
			w.line(4, "server: %s", quote(c.Homes.Server))
		}
		if c.Homes.Options != "" {
			w.line(4, "options: %s", quote(c.Homes.Options))
		}
	}
	if len(c.Guests.URLs) > 0 {
		w.line(3, "guests: # how nodes read their own cluster's entries")
		w.line(4, "secret_file: %s", quote(c.Guests.SecretFile))
		w.line(4, "urls:")
		for _, u := range c.Guests.URLs {
			w.line(5, "- %s", quote(u))
		}
	}
}

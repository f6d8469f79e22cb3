package config

import "net/netip"

// COD says how an authority names and numbers the nodes of its clusters.
type COD struct {
	Network  netip.Prefix // where nodes get their addresses
	Domain   string       // DNS zone of the nodes
	UIDFirst int          // first of the numbers for accounts
	UIDLast  int          // last of them
	// Block is the prefix length of a cluster's block in Network; 0 means 24.
	Block      int
	Gateway    netip.Addr // router of the network; default its first address
	NextServer netip.Addr // where nodes boot from over the network; default the gateway
	BootFile   string     // what they load there first; default nothing: they boot by themselves
	// BootFileUEFI is what those with UEFI firmware load instead; default nothing else.
	BootFileUEFI string
	// MaxRemoval is the share of the hosts, in percent, that may go from the directory's
	// inventory at once; 0 means 30. A few may always go.
	MaxRemoval int
	Schema     string // of people and groups in the directory: rfc2307 (default) or rfc2307bis
	Serials    bool   // serial numbers of zones are raised in the directory
	Homes      Homes  // where the people of a cluster have their files; zero for nowhere
	// Public is the networks of a pool of public addresses, all of which nodes may get.
	Public   []netip.Prefix
	Guests   Guests // how nodes read their cluster's entries; zero for not at all
	HostKeys bool   // nodes have host keys that are known before they are; needs the secret of guests
	Virtual  *Virtual
	LeaseEnd *LeaseEnd
}

// Homes is a file server's folder with a volume for each cluster, in which each account
// has its files; without a path there is none.
type Homes struct {
	Server  string // as nodes know it; default a folder of each node's own
	Path    string // of the folder there
	Options string // of the automounter, such as -fstype=nfs4,rw
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
	c.Gateway, c.NextServer = o.get("gateway").address(), o.get("next_server").address()
	c.BootFile, c.BootFileUEFI = o.get("boot_file").text(""), o.get("boot_file_uefi").text("")
	if c.BootFile == "" && c.BootFileUEFI != "" {
		o.get("boot_file_uefi").bad("stands beside boot_file, which is for all when it is alone")
	}
	c.MaxRemoval = o.get("max_removal").number(0, 1, 100)
	c.Schema = o.get("schema").word("rfc2307", "rfc2307bis")
	c.Serials = o.get("serials").flag()
	if h := o.get("homes").object(); h.given() {
		c.Homes = Homes{Server: h.get("server").text(""), Path: h.need("path").text(""), Options: h.get("options").text("")}
		h.done()
	}
	o.get("public").list(func(_ int, v value) { c.Public = append(c.Public, v.network()) })
	if g := o.get("guests").object(); g.given() {
		g.need("urls").list(func(_ int, v value) { c.Guests.URLs = append(c.Guests.URLs, v.url("", "ldap", "ldaps")) })
		c.Guests.SecretFile = g.need("secret_file").text("")
		g.done()
	}
	if c.HostKeys = o.get("host_keys").flag(); c.HostKeys && c.Guests.SecretFile == "" {
		o.get("host_keys").bad("needs guests with a secret_file, from which the keys follow")
	}
	c.Virtual, c.LeaseEnd = readVirtual(o.get("virtual")), readLeaseEnd(o.get("lease_end"))
	return c
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
	some(c.NextServer.IsValid(), "next_server: %s", c.NextServer)
	w.optional(3, "boot_file", c.BootFile)
	w.optional(3, "boot_file_uefi", c.BootFileUEFI)
	some(c.Schema == "rfc2307bis", "schema: %s", c.Schema)
	some(c.Serials, "serials: true # of zones, for name servers that read them from the directory")
	some(c.MaxRemoval > 0, "max_removal: %d", c.MaxRemoval)
	if c.Homes != (Homes{}) {
		w.line(3, "homes:")
		w.optional(4, "server", c.Homes.Server)
		w.optional(4, "path", c.Homes.Path)
		w.optional(4, "options", c.Homes.Options)
	}
	some(c.HostKeys, "host_keys: true # each node's is known before it is, and published in its entry")
	if c.Virtual != nil {
		w.virtual(*c.Virtual)
	}
	if c.LeaseEnd != nil {
		w.leaseEnd(*c.LeaseEnd)
	}
	if len(c.Public) > 0 {
		w.line(3, "public:")
		for _, p := range c.Public {
			w.line(4, "- %s", p)
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

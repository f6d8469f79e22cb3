package cod

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// The entries of clusters and nodes. All of them bear our mark (codOwner) and the
// slice's identity (codSlice), by which they are known again.

// sliceKey is a slice's identity as the directory keeps it.
func sliceKey(s actors.Slice) string {
	if s.ID == "" {
		return plain(s.Name)
	}
	return plain(string(s.ID))
}

// unitKey is a unit's identity as the directory keeps it.
func unitKey(u actors.UnitID) actors.UnitID { return actors.UnitID(plain(string(u))) }

// mark is our mark on an entry of the slice.
func (c Config) mark(slice string) ldapschema.Mark {
	return ldapschema.Mark{Slice: slice, Owner: c.Owner}
}

// marked reports whether e bears it.
func (c Config) marked(e ldapschema.Entry, slice string) bool {
	return e.Get("codOwner") == c.Owner && e.Get("codSlice") == slice
}

// clusterDN is where a slice's cluster lives.
func (c Config) clusterDN(label string) ldapschema.DN { return c.slicesDN().Child("ou", label) }

// render lists the records of a cluster in the order they are written: the cluster
// itself, whose name is the claim to the subdomain; its network, whose name is the
// claim to the block; then what lies below.
func (c *cluster) render(cfg Config) ([]record, error) {
	r := renderer{}
	dn, mark := cfg.clusterDN(c.label), cfg.mark(c.key)
	r.add(partCluster)(c.entry(cfg, c.block, "active"))
	r.add(partNetwork)(ldapschema.Network(cfg.networksDN(), ldapschema.NetworkRecord{
		Name: c.block.Addr().String(), Prefix: c.block, Description: "block of " + c.label, Mark: mark,
	}))
	for _, ou := range []string{"people", "group", "hosts"} {
		r.add(partContainer)(marked(mark)(ldapschema.OrganizationalUnit(dn, ou, "")))
	}
	names := make([]string, 0, len(c.accounts))
	for _, a := range c.accounts {
		names = append(names, a.login)
	}
	r.add(partGroup)(ldapschema.Group(dn.Child("ou", "group"), ldapschema.GroupRecord{
		Name: c.label, Number: c.gid, Members: names, Entries: c.members(cfg), Mark: mark,
	}))
	r.add(partDHCPGroup)(ldapschema.DHCPGroup(cfg.serviceDN(), ldapschema.DHCPScope{
		Name:       c.label,
		Statements: []string{"use-host-decl-names on"},
		Options:    []string{`domain-name "` + c.label + "." + cfg.Domain + `"`},
		Mark:       mark,
	}))
	for _, a := range c.accounts {
		r.add(partAccount)(ldapschema.Account(dn.Child("ou", "people"), ldapschema.AccountRecord{
			UID: a.login, Number: a.uid, Group: c.gid, Shell: "/bin/sh", Keys: a.keys, Mark: mark,
		}))
	}
	if cfg.Homes.Path != "" {
		c.renderHomes(cfg, &r)
	}
	c.renderReader(cfg, &r)
	return append(r.records, c.older(r.records)...), r.err
}

// older is what the cluster has from a time when the site was configured otherwise, with
// homes for one: its nodes may use it, so it stays as it is until the cluster goes.
func (c *cluster) older(now []record) (out []record) {
	for _, r := range c.legacy {
		if !slices.ContainsFunc(now, func(n record) bool { return n.want.DN.Equal(r.want.DN) }) {
			out = append(out, r)
		}
	}
	return out
}

// members is the entries of the cluster's group where it has them: the cluster itself,
// because a group of entries is never empty, and its people.
func (c *cluster) members(cfg Config) []ldapschema.DN {
	if !cfg.Bis {
		return nil
	}
	dn := cfg.clusterDN(c.label)
	out := []ldapschema.DN{dn}
	for _, a := range c.accounts {
		out = append(out, dn.Child("ou", "people").Child("uid", a.login))
	}
	return out
}

// renderHomes lists the records of a cluster's home directories: the volume, by which
// the file server knows who may mount it, and the maps that nodes' automounters read.
func (c *cluster) renderHomes(cfg Config, r *renderer) {
	dn, mark := cfg.clusterDN(c.label), cfg.mark(c.key)
	for _, ou := range []string{"volumes", "automount"} {
		r.add(partContainer)(marked(mark)(ldapschema.OrganizationalUnit(dn, ou, "")))
	}
	if cfg.Homes.Server != "" {
		r.add(partVolume)(ldapschema.ExportEntry(dn.Child("ou", "volumes"), ldapschema.ExportRecord{
			Name: "home", Server: cfg.Homes.Server, Path: cfg.Homes.volume(c.label), Clients: c.block, Homes: true, Mark: mark,
		}))
	}
	maps := dn.Child("ou", "automount")
	for _, m := range []struct{ name, key, information string }{
		{"auto.master", "/home", "auto.home"},
		{"auto.home", "*", cfg.Homes.mount(c.label)},
	} {
		r.add(partMount)(marked(mark)(ldapschema.AutomountMap(maps, m.name)))
		r.add(partMount)(marked(mark)(ldapschema.AutomountEntry(maps.Child("automountMapName", m.name), ldapschema.Mount{Key: m.key, Information: m.information})))
	}
}

// entry is the cluster's own entry.
func (c *cluster) entry(cfg Config, block netip.Prefix, state string) (ldapschema.Entry, error) {
	return ldapschema.VirtualCluster(cfg.slicesDN(), ldapschema.Cluster{
		Name: c.label, HostPrefix: c.label, Network: block, State: state,
		Description: clip(c.slice.Name, maxText), Hold: c.hold, Mark: cfg.mark(c.key),
	})
}

// render lists the records of a node in the order they are written: the host, whose
// name is the claim to the id; then DHCP; and DNS last, when everything a name
// leads to is in place.
func (n *node) render(cfg Config) ([]record, error) {
	r := renderer{}
	mark := cfg.mark(n.cluster.key)
	mark.Unit = string(n.origin())
	h := ldapschema.Host{
		Name: n.name, IP: n.addr, MAC: n.mac, HostName: n.name, NextServer: cfg.NextServer, BootFile: n.bootFile, Mark: mark,
	}
	if n.bootFile == cfg.BootFile { // an operator's word is for whatever firmware there is
		h.BootFileUEFI = cfg.BootFileUEFI
	}
	r.add(partHost)(n.entry(cfg, n.state))
	r.add(partDHCPHost)(ldapschema.DHCPHost(cfg.serviceDN().Child("cn", n.cluster.label), h))
	r.add(partForward)(ldapschema.ZoneRecordA(cfg.forwardDN(), ldapschema.NameRecord{
		Name: n.owner(), TTL: cfg.TTL, Addrs: []netip.Addr{n.addr}, Mark: mark,
	}))
	r.add(partReverse)(ldapschema.ZoneRecordPTR(cfg.reverseDN(), ldapschema.NameRecord{
		TTL: cfg.TTL, Addrs: []netip.Addr{n.addr}, PTR: n.owner() + "." + cfg.Domain, Mark: mark,
	}))
	return r.records, r.err
}

// entry is the node's own entry.
func (n *node) entry(cfg Config, s State) (ldapschema.Entry, error) {
	mark := cfg.mark(n.cluster.key)
	mark.Unit, mark.Lease, mark.Generation, mark.Note = string(n.unit), n.lease, int64(n.generation), n.trouble
	h := ldapschema.Host{
		Name: cmp.Or(n.rdn, n.name), Aliases: []string{n.owner() + "." + cfg.Domain}, IP: n.addr, Public: n.public, MAC: n.mac, Serial: n.host,
		BootFile: n.bootFile, Boot: n.boot, Hold: n.stopped, NodeID: n.id, LeaseEnd: n.leaseEnd, State: s.String(), Image: n.image,
		ResourceType: n.kind, Mark: mark,
	}
	n.describe(cfg, &h)
	h.HostKey = n.shown(cfg)
	h.Origin, h.Health = string(n.made), healths[n.ladder.saved]
	if h.Note == "" {
		h.Note = n.notice
	}
	return ldapschema.HostEntry(cfg.clusterDN(n.cluster.label).Child("ou", "hosts"), h)
}

// owner is the node's name relative to the site's zone.
func (n *node) owner() string { return n.name + "." + n.cluster.label }

// leaseTime is the end of a lease as the directory writes it, in whole seconds;
// zero for one without end or beyond what four digits of a year can say.
func leaseTime(end actors.Millis) time.Time {
	t := time.UnixMilli(int64(end)).UTC().Truncate(time.Second)
	if end <= 0 || end == actors.Forever || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// renderer collects records and keeps the first error.
type renderer struct {
	records []record
	err     error
}

// add takes the next record, in the shape the builders of ldapschema return.
func (r *renderer) add(p part) func(ldapschema.Entry, error) {
	return func(e ldapschema.Entry, err error) {
		if r.err == nil {
			r.err = err
		}
		r.records = append(r.records, record{part: p, want: e})
	}
}

// marked puts our mark on an entry whose builder has no place for it.
func marked(mark ldapschema.Mark) func(ldapschema.Entry, error) (ldapschema.Entry, error) {
	return func(e ldapschema.Entry, err error) (ldapschema.Entry, error) {
		if err != nil {
			return e, err
		}
		classes := append(e.Clone().Values("objectClass"), "codManaged")
		e = e.With("objectClass", classes...).With("codSlice", mark.Slice).With("codOwner", mark.Owner)
		return e, ldapschema.Check(e)
	}
}

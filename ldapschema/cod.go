package ldapschema

import (
	"net/netip"
	"time"
)

// OrganizationalUnit is the branch of the tree named name below under.
func OrganizationalUnit(under DN, name, description string) (Entry, error) {
	return New(under.Child("ou", name), "top", "organizationalUnit").Set("description", description).Build()
}

// Base is the entry at the root of a site's tree. base must be named by dc, as in
// "dc=site,dc=test".
func Base(base DN, organization string) (Entry, error) {
	return New(base, "top", "organization", "dcObject").Need("o", organization).Build()
}

// A Cluster is one slice's virtual cluster: the branch below which its hosts,
// people and mounts lie.
type Cluster struct {
	Name        string // of the branch
	HostPrefix  string // what its host names begin with
	Network     netip.Prefix
	State       string
	Description string
	Hold        string // an operator's: the authority leaves the cluster as it is
	Mark               // Slice is needed; Lease has no place here
}

// VirtualCluster is the entry ou=Name of a cluster.
func VirtualCluster(under DN, c Cluster) (Entry, error) {
	return New(under.Child("ou", c.Name), "top", "organizationalUnit", "codVirtualCluster").
		Need("codSlice", c.Slice).
		Set("codHostPrefix", c.HostPrefix).
		setNetwork(c.Network).
		Set("codState", c.State).
		Set("description", c.Description).
		Set("codHold", c.Hold).
		mark(c.Mark).
		Build()
}

// ParseVirtualCluster reads a cluster's entry back.
func ParseVirtualCluster(e Entry) (Cluster, error) {
	r := reader{e: e}
	r.class("codVirtualCluster")
	c := Cluster{
		Name: r.text("ou"), HostPrefix: r.text("codHostPrefix"), Network: r.network(), State: r.text("codState"),
		Description: r.text("description"), Hold: r.text("codHold"), Mark: markOf(&r),
	}
	if r.err != nil {
		return Cluster{}, r.err
	}
	return c, nil
}

// A NetworkRecord is one IP network.
type NetworkRecord struct {
	Name        string
	Prefix      netip.Prefix
	Description string
	Mark
}

// Network is the entry cn=Name of class ipNetwork.
func Network(under DN, n NetworkRecord) (Entry, error) {
	return New(under.Child("cn", n.Name), "top", "ipNetwork").
		setNetwork(n.Prefix).
		Set("description", n.Description).
		mark(n.Mark).
		Build()
}

// ParseNetwork reads a network's entry back.
func ParseNetwork(e Entry) (NetworkRecord, error) {
	r := reader{e: e}
	r.class("ipNetwork")
	n := NetworkRecord{Name: r.text("cn"), Prefix: r.network(), Description: r.text("description"), Mark: markOf(&r)}
	if r.err != nil {
		return NetworkRecord{}, r.err
	}
	return n, nil
}

// A Host is one machine, real or virtual: what the name service, the DHCP server
// and the boot loader have to know, and what leasing adds.
type Host struct {
	Name        string   // short name, first cn of the entry
	Aliases     []string // further names, the full one among them
	IP          netip.Addr
	Public      netip.Addr // by which it is reached from outside the site
	MAC         MAC
	Serial      string
	Description string

	BootFile       string     // file the machine is told to boot
	BootFileUEFI   string     // the same for one with UEFI firmware, if that is another; DHCP only
	BootParameters []string   // "key=server:path", RFC 2307 2.4
	NextServer     netip.Addr // whom to fetch it from; DHCP only
	HostName       string     // name the machine is told it has; DHCP only

	NodeID       int // number in its slice, from 1
	LeaseEnd     time.Time
	State        string
	Image        string
	Dom0         DN // the machine below, of a virtual one
	Health       string
	Memory       int // MiB
	CPU          int // hundredths of a core
	Bandwidth    int // kbit/s
	ResourceType string
	Boot         string // what it boots, when not what its state says: image, local, rescue
	HostKey      string // the public key that it shows, as a line
	Origin       string // the unit that it was made for, when another has taken it up
	Hold         string // an operator's: the authority leaves the node as it is
	Mark
}

// HostEntry is the entry cn=Name of a host: device, ipHost, ieee802Device,
// bootableDevice and codNode in one.
func HostEntry(under DN, h Host) (Entry, error) {
	return New(under.Child("cn", h.Name), "top", "device", "ipHost", "ieee802Device", "bootableDevice", "codNode").
		Set("cn", h.Aliases...).
		Need("ipHostNumber", addrText(h.IP)).
		Set("codPublicAddress", addrText(h.Public)).
		Set("macAddress", macText(h.MAC)).
		Set("serialNumber", h.Serial).
		Set("description", h.Description).
		Set("bootFile", h.BootFile).
		Set("bootParameter", h.BootParameters...).
		Set("codNodeId", number(h.NodeID)).
		Set("codLeaseEnd", timeText(h.LeaseEnd)).
		Set("codState", h.State).
		Set("codImage", h.Image).
		Set("codDom0", string(h.Dom0)).
		Set("codHealth", h.Health).
		Set("codMemory", number(h.Memory)).
		Set("codCpu", number(h.CPU)).
		Set("codBandwidth", number(h.Bandwidth)).
		Set("codResourceType", h.ResourceType).
		Set("codBoot", h.Boot).
		Set("codOrigin", h.Origin).
		Set("codHostKey", h.HostKey).
		Set("codHold", h.Hold).
		mark(h.Mark).
		Build()
}

// ParseHost reads a host's entry back. Operators' entries that are only device and
// ipHost read as well; NextServer and HostName are not in this entry.
func ParseHost(e Entry) (Host, error) {
	r := reader{e: e}
	r.class("ipHost")
	h := Host{
		IP: r.addr("ipHostNumber", r.text("ipHostNumber")), MAC: r.mac("macAddress", r.text("macAddress")),
		Serial: r.text("serialNumber"), Description: r.text("description"),
		BootFile: r.text("bootFile"), BootParameters: e.Values("bootParameter"),
		NodeID: int(r.number("codNodeId")), LeaseEnd: r.time("codLeaseEnd"), State: r.text("codState"),
		Image: r.text("codImage"), Dom0: DN(r.text("codDom0")), Health: r.text("codHealth"),
		Memory: int(r.number("codMemory")), CPU: int(r.number("codCpu")), Bandwidth: int(r.number("codBandwidth")),
		ResourceType: r.text("codResourceType"), Boot: r.text("codBoot"), Origin: r.text("codOrigin"), HostKey: r.text("codHostKey"), Hold: r.text("codHold"), Mark: markOf(&r),
	}
	if e.Has("codPublicAddress") {
		h.Public = r.addr("codPublicAddress", r.text("codPublicAddress"))
	}
	h.Name, h.Aliases = namesOf(e)
	if r.err != nil {
		return Host{}, r.err
	}
	return h, nil
}

// namesOf is the name an entry is known by and its other names: the cn of its DN
// first, whatever order a server gave the values in.
func namesOf(e Entry) (string, []string) {
	attr, name := e.DN.RDN()
	if canonicalName(attr) != "cn" {
		name = e.Get("cn")
	}
	var others []string
	for _, v := range e.Values("cn") {
		if !CaseIgnoreMatch.equal(v, name) {
			others = append(others, v)
		}
	}
	return name, others
}

func (r Rule) equal(a, b string) bool { return r.Normal(a) == r.Normal(b) }

func macText(m MAC) string {
	if m.IsZero() {
		return ""
	}
	return m.String()
}

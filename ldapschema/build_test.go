package ldapschema

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

var mark = Mark{Slice: "slice-a", Lease: "R7", Unit: "u1", Generation: 3, Owner: "site1", Note: "for tests"}

// TestBuildersReadBack: what a parser reads is what the builder was given.
func TestBuildersReadBack(t *testing.T) {
	t.Parallel()
	cluster := Cluster{Name: "slice-a", HostPrefix: "a", Network: netip.MustParsePrefix("10.99.16.0/20"), State: "active", Description: "d", Mark: mark}
	cluster.Lease, cluster.Unit = "", ""
	host := Host{
		Name: "a1", Aliases: []string{"a1.a.site.test"}, IP: netip.MustParseAddr("10.99.16.1"), MAC: MAC{0x52, 0x54, 0, 0x99, 0, 1},
		Serial: "S1", Description: "d", BootFile: "pxelinux.0", BootParameters: []string{"root=nfs1:/a1"}, NodeID: 1,
		LeaseEnd: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), State: "active", Image: "debian", Dom0: "cn=h1,dc=x", Health: "good",
		Memory: 512, CPU: 50, Bandwidth: 1000, ResourceType: "vm", Boot: "rescue", HostKey: "ssh-ed25519 AAAA", Origin: "u0", Hold: "ada: fan", Public: netip.MustParseAddr("192.0.2.1"), Mark: mark,
	}
	image := Image{Name: "debian", Kernel: "debian/vmlinuz", Initrd: "debian/initrd.gz", Options: "quiet", Up: "local", Source: "/images/debian.raw", Format: "raw",
		Size: 4 << 30, Digest: "sha256:00", Description: "d"}
	dhcp := Host{
		Name: "a1", IP: netip.MustParseAddr("10.99.16.1"), MAC: MAC{0x52, 0x54, 0, 0x99, 0, 1}, BootFile: "pxelinux.0", BootFileUEFI: "grub/x86_64-efi/core.efi",
		NextServer: netip.MustParseAddr("10.99.0.1"), HostName: "a1", Mark: mark,
	}
	zone := ZoneRecord{Name: "site.test", TTL: 60, Primary: "ns1.site.test.", Contact: "hostmaster.site.test.", Serial: 4000000000,
		Refresh: 300, Retry: 60, Expire: 86400, Minimum: 10, NameServers: []string{"ns1.site.test.", "ns2.site.test."}, Mark: mark}
	a := NameRecord{Name: "a1.a", TTL: 60, Addrs: []netip.Addr{netip.MustParseAddr("10.99.16.1"), netip.MustParseAddr("2001:db8::1")}, Mark: mark}
	ptr := NameRecord{Name: "1.16", TTL: 60, PTR: "a1.a.site.test.", Mark: mark}
	network := NetworkRecord{Name: "site", Prefix: netip.MustParsePrefix("2001:db8::/128"), Description: "d", Mark: mark}
	account := AccountRecord{UID: "alice", Name: "Alice Guest", Surname: "Guest", Number: 30001, Group: 30000, Home: "/home/alice",
		Shell: "/bin/bash", Mail: "alice@site.test", Password: "{SSHA}x", Keys: []string{"ssh-ed25519 AAAA alice@home", "ssh-rsa AAAB"}, Mark: mark}
	export := ExportRecord{Name: "home", Server: "nfs1.site.test", Path: "/export/slice-a", Clients: netip.MustParsePrefix("10.99.16.0/24"), Homes: true,
		Description: "d", Mark: mark}
	group := GroupRecord{Name: "slice-a", Number: 30000, Members: []string{"alice", "bob"}, Mark: mark}
	bis := group
	bis.Entries = []DN{"uid=alice,ou=people,dc=x", "uid=bob,ou=people,dc=x"}
	machine := InventoryHost{Name: "h1", Aliases: []string{"rack1-7"}, Type: "site.node", IP: netip.MustParseAddr("10.98.0.7"), MAC: MAC{0x52, 0x54, 0, 0, 0, 7},
		Memory: 4096, CPU: 800, Bandwidth: 1000000, Serial: "S7", Health: "good", Hold: "ada: its fan", Note: "n",
		Properties: map[string]string{"rack": "1", "machine": "dom0-a", "equation": "a=b"}, Description: "d"}
	for _, c := range []struct {
		name  string
		given any
		read  func() (any, error)
	}{
		{"inventory", machine, through(machine, InventoryEntry, ParseInventoryHost)},
		{"cluster", cluster, through(cluster, VirtualCluster, ParseVirtualCluster)},
		{"host", host, through(host, HostEntry, ParseHost)},
		{"image", image, through(image, ImageEntry, ParseImage)},
		{"DHCP host", dhcp, through(dhcp, DHCPHost, ParseDHCPHost)},
		{"zone", zone, through(zone, Zone, ParseZone)},
		{"A", a, through(a, ZoneRecordA, ParseZoneRecord)},
		{"PTR", ptr, through(ptr, ZoneRecordPTR, ParseZoneRecord)},
		{"network", network, through(network, Network, ParseNetwork)},
		{"export", export, through(export, ExportEntry, ParseExport)},
		{"account", account, through(account, Account, ParseAccount)},
		{"group", group, through(group, Group, ParseGroup)},
		{"group of RFC 2307bis", bis, through(bis, Group, ParseGroup)},
	} {
		got, err := c.read()
		if err != nil || !reflect.DeepEqual(got, c.given) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, got, c.given)
		}
	}
	if got, err := ParseNetwork(New("cn=n,dc=x", "ipNetwork").Set("ipNetworkNumber", "10.99").Set("ipNetmaskNumber", "255.255.240.0").e); err != nil || got.Prefix.String() != "10.99.0.0/20" {
		t.Errorf("a short network number: %v %v", got.Prefix, err)
	}
}

func through[T any](v T, build func(DN, T) (Entry, error), parse func(Entry) (T, error)) func() (any, error) {
	return func() (any, error) {
		e, err := build("zoneName=site.test,dc=x", v)
		if err != nil {
			return nil, err
		}
		if err := Check(e); err != nil {
			return nil, err
		}
		return parse(e)
	}
}

// TestBuildersRefuse: what a daemon would choke on does not become an entry.
func TestBuildersRefuse(t *testing.T) {
	t.Parallel()
	mac, ip := MAC{1}, netip.MustParseAddr("10.0.0.1")
	const zone DN = "zoneName=99.10.in-addr.arpa,dc=x"
	for i, build := range []func() (Entry, error){
		func() (Entry, error) { return OrganizationalUnit("dc=x", "", "") },
		func() (Entry, error) { return Base("dc=x", "") },
		func() (Entry, error) { return Base("ou=x", "o") },
		func() (Entry, error) { return VirtualCluster("dc=x", Cluster{Name: "a"}) },
		func() (Entry, error) { return HostEntry("dc=x", Host{Name: "a", MAC: mac}) },
		func() (Entry, error) {
			return HostEntry("dc=x", Host{Name: "a", IP: ip, BootParameters: []string{"nothing"}})
		},
		func() (Entry, error) { return HostEntry("not a name", Host{Name: "a", IP: ip}) },
		func() (Entry, error) { return DHCPHost("dc=x", Host{Name: "a", IP: ip}) },
		func() (Entry, error) {
			return DHCPHost("dc=x", Host{Name: "a", MAC: mac, BootFile: `x";deny-booting;"`})
		},
		func() (Entry, error) { return DHCPHost("dc=x", Host{Name: "a", MAC: mac, BootFile: `x\`}) },
		func() (Entry, error) { return DHCPHost("dc=x", Host{Name: "a", MAC: mac, HostName: "a\nb"}) },
		func() (Entry, error) { return DHCPSubnet("dc=x", DHCPSubnetRecord{}) },
		func() (Entry, error) { return InventoryEntry("dc=x", InventoryHost{Name: "h"}) },
		func() (Entry, error) {
			return InventoryEntry("dc=x", InventoryHost{Name: "h", Type: "t", Properties: map[string]string{"a b": "c"}})
		},
		func() (Entry, error) {
			return InventoryEntry("dc=x", InventoryHost{Name: "h", Type: "t", Properties: map[string]string{"a": "c\nd"}})
		},
		func() (Entry, error) {
			return DHCPSubnet("dc=x", DHCPSubnetRecord{Prefix: netip.MustParsePrefix("2001:db8::/64")})
		},
		func() (Entry, error) { return DHCPServer("dc=x", DHCPServerRecord{Name: "d"}) },
		func() (Entry, error) { return DHCPService("dc=x", DHCPScope{Name: "config"}) },
		func() (Entry, error) {
			return DHCPGroup("dc=x", DHCPScope{Name: "g", Statements: []string{"one\ntwo"}})
		},
		func() (Entry, error) { return Zone("dc=x", ZoneRecord{Name: "x", Primary: "a b", Contact: "c"}) },
		func() (Entry, error) { return Zone("dc=x", ZoneRecord{Name: "x", Primary: "a", Contact: ""}) },
		func() (Entry, error) { return ZoneRecordA(zone, NameRecord{Name: "a"}) },
		func() (Entry, error) { return ZoneRecordA(zone, NameRecord{Name: "a b", Addrs: []netip.Addr{ip}}) },
		func() (Entry, error) { return ZoneRecordPTR(zone, NameRecord{Addrs: []netip.Addr{ip}, PTR: "a"}) },
		func() (Entry, error) { return ZoneRecordPTR(zone, NameRecord{Name: "1.16"}) },
		func() (Entry, error) { return Account("dc=x", AccountRecord{UID: "a", Shell: "/bin/sh\nroot"}) },
		func() (Entry, error) { return Group("dc=x", GroupRecord{Name: "g", Members: []string{"ü"}}) },
		func() (Entry, error) { return Members("dc=x", "nobody") },
		func() (Entry, error) { return Daemon("dc=x", "d", "") },
		func() (Entry, error) { return AutomountEntry("dc=x", Mount{Key: "/home"}) },
	} {
		if e, err := build(); err == nil || !e.IsZero() {
			t.Errorf("case %d was built:\n%s", i, e.LDIF())
		}
	}
}

func TestParsersRefuse(t *testing.T) {
	t.Parallel()
	dev := func(attr string, values ...string) Entry {
		return New("cn=a,dc=x", "device", "ipHost", "codNode", "ieee802Device").Set("ipHostNumber", "10.0.0.1").e.With(attr, values...)
	}
	for i, parse := range []func() (any, error){
		func() (any, error) { return ParseHost(New("ou=a,dc=x", "organizationalUnit").e) },
		func() (any, error) { return ParseHost(dev("ipHostNumber", "x")) },
		func() (any, error) { return ParseHost(dev("macAddress", "x")) },
		func() (any, error) { return ParseInventoryHost(dev("codProperty", "a=1")) },
		func() (any, error) {
			return ParseInventoryHost(New("cn=a,dc=x", "device", "codHost").Set("codProperty", "a=1", "a=2").e)
		},
		func() (any, error) {
			return ParseInventoryHost(New("cn=a,dc=x", "device", "codHost").Set("codProperty", "a").e)
		},
		func() (any, error) { return ParseHost(dev("codNodeId", "99999999999999999999")) },
		func() (any, error) { return ParseHost(dev("codLeaseEnd", "x")) },
		func() (any, error) {
			return ParseDHCPHost(New("cn=a", "dhcpHost").Set("dhcpHWAddress", "token-ring 00:00:00:00:00:01").e)
		},
		func() (any, error) {
			return ParseDHCPHost(New("cn=a", "dhcpHost").Set("dhcpStatements", "fixed-address x").e)
		},
		func() (any, error) { return ParseZone(New("zoneName=a", "dNSZone").Set("sOARecord", "a b 1 2 3").e) },
		func() (any, error) {
			return ParseZone(New("zoneName=a", "dNSZone").Set("sOARecord", "a b 1 2 3 4 x").e)
		},
		func() (any, error) {
			return ParseZoneRecord(New("relativeDomainName=a", "dNSZone").Set("aRecord", "x").e)
		},
		func() (any, error) {
			return ParseVirtualCluster(New("ou=a", "codVirtualCluster").Set("ipNetworkNumber", "10.0.0.0").Set("ipNetmaskNumber", "ffff::").e)
		},
		func() (any, error) { return ParseAccount(New("uid=a", "posixAccount").Set("uidNumber", "x").e) },
		func() (any, error) { return ParseGroup(New("cn=a", "posixAccount").e) },
		func() (any, error) { return ParseNetwork(New("cn=a", "device").e) },
		func() (any, error) { // a mask with holes
			return ParseNetwork(New("cn=a", "ipNetwork").Set("ipNetworkNumber", "10.0.0.0").Set("ipNetmaskNumber", "255.0.255.0").e)
		},
		func() (any, error) {
			return ParseNetwork(New("cn=a", "ipNetwork").Set("ipNetworkNumber", "10.0.0.0").Set("ipNetmaskNumber", "255.255.160.0").e)
		},
	} {
		if v, err := parse(); err == nil {
			t.Errorf("case %d was read: %+v", i, v)
		}
	}
}

// TestOtherBuilders pins the entries that have no parser.
func TestOtherBuilders(t *testing.T) {
	t.Parallel()
	var got []Entry
	add := func(e Entry, err error) {
		if err != nil {
			t.Error(err)
		}
		got = append(got, e)
	}
	add(Base("dc=site,dc=test", "a site"))
	add(DHCPServer("ou=dhcp,dc=x", DHCPServerRecord{Name: "dhcp1", Service: "cn=config,ou=dhcp,dc=x"}))
	add(DHCPService("ou=dhcp,dc=x", DHCPScope{Name: "config", Primary: "cn=dhcp1,ou=dhcp,dc=x", Statements: []string{"authoritative"}, Options: []string{`domain-name "x"`}}))
	add(DHCPSubnet("cn=config,dc=x", DHCPSubnetRecord{Prefix: netip.MustParsePrefix("10.99.7.7/16"), Router: netip.MustParseAddr("10.99.0.1"), NextServer: netip.MustParseAddr("10.99.0.2")}))
	add(DHCPGroup("cn=config,dc=x", DHCPScope{Name: "slice-a", Statements: []string{"use-host-decl-names on"}, Mark: Mark{Slice: "slice-a"}}))
	add(Members("dc=x", "operators", "uid=opal,dc=x"))
	add(Daemon("dc=x", "dhcpd", "secret"))
	add(AutomountMap("dc=x", "auto.home"))
	add(AutomountEntry("automountMapName=auto.home,dc=x", Mount{Key: "*", Information: "nfs1:/home/&"}))
	want := `dn: dc=site,dc=test
dc: site
o: a site
objectClass: top
objectClass: organization
objectClass: dcObject

dn: cn=dhcp1,ou=dhcp,dc=x
cn: dhcp1
dhcpServiceDN: cn=config,ou=dhcp,dc=x
objectClass: top
objectClass: dhcpServer

dn: cn=config,ou=dhcp,dc=x
cn: config
dhcpOption: domain-name "x"
dhcpPrimaryDN: cn=dhcp1,ou=dhcp,dc=x
dhcpStatements: authoritative
objectClass: top
objectClass: dhcpService
objectClass: dhcpOptions

dn: cn=10.99.0.0,cn=config,dc=x
cn: 10.99.0.0
dhcpNetMask: 16
dhcpOption: routers 10.99.0.1
dhcpStatements: next-server 10.99.0.2
objectClass: top
objectClass: dhcpSubnet
objectClass: dhcpOptions

dn: cn=slice-a,cn=config,dc=x
cn: slice-a
codSlice: slice-a
dhcpStatements: use-host-decl-names on
objectClass: top
objectClass: dhcpGroup
objectClass: codManaged
objectClass: dhcpOptions

dn: cn=operators,dc=x
cn: operators
member: uid=opal,dc=x
objectClass: top
objectClass: groupOfNames

dn: cn=dhcpd,dc=x
cn: dhcpd
objectClass: top
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: secret

dn: automountMapName=auto.home,dc=x
automountMapName: auto.home
objectClass: top
objectClass: automountMap

dn: automountKey=*,automountMapName=auto.home,dc=x
automountInformation: nfs1:/home/&
automountKey: *
objectClass: top
objectClass: automount
`
	if LDIF(got) != want {
		t.Errorf("got\n%s\nwant\n%s", LDIF(got), want)
	}
	if name, err := ReverseName(netip.MustParseAddr("2001:db8::1"), "8.b.d.0.1.0.0.2.ip6.arpa."); err != nil || name != "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0" {
		t.Errorf("reverse name: %q %v", name, err)
	}
}

func TestEntry(t *testing.T) {
	t.Parallel()
	e := testHost()
	if e.Get("CN") != "a1" || e.Get("commonName") != "a1" || e.Get("mystery") != "" || e.Has("codLease") || !e.HasValue("codstate", " ACTIVE") || !e.IsA("TOP") || e.IsA("person") {
		t.Errorf("questions about %s", e.LDIF())
	}
	other := e.With("codState", "closing").With("mystery", "x")
	if e.Get("codState") != "active" || e.Has("mystery") || e.Equal(other) || !other.With("mystery").With("CODSTATE", "Active").Equal(e) {
		t.Error("With touches what it copies, or Equal misjudges")
	}
	c := AddEntry(e)
	c.Attrs[0].Values[0] = "changed"
	if e.LDIF() != testHost().LDIF() {
		t.Error("AddEntry shares its values")
	}
	if !c.Entry().DN.Equal(e.DN) || !(Entry{}).IsZero() || e.IsZero() {
		t.Error("Entry or IsZero")
	}
	list := []Entry{{DN: "cn=b,cn=a,dc=x"}, {DN: "cn=a-b,dc=x"}, {DN: "cn=a,dc=x"}, {DN: "dc=x"}}
	SortEntries(list)
	if got := fmt.Sprintf("%s %s %s %s", list[0].DN, list[1].DN, list[2].DN, list[3].DN); got != "dc=x cn=a,dc=x cn=b,cn=a,dc=x cn=a-b,dc=x" {
		t.Errorf("order: %s", got)
	}
	for _, s := range []fmt.Stringer{ChangeKind(9), ModOp(9), Problem(99)} {
		if s.String() == "" {
			t.Errorf("%T has no text for what it does not know", s)
		}
	}
}

// TestStoredPassword: as any other program computes it.
func TestStoredPassword(t *testing.T) {
	t.Parallel()
	if got := StoredPassword("secret", []byte("saltsalt")); got != "{SSHA}1G904nLkTkGWjKNnQuB/hpWXC/hzYWx0c2FsdA==" {
		t.Error(got)
	}
}

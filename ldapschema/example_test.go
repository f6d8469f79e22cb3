package ldapschema_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/leasehold/leasehold/ldapschema"
)

func ExampleDHCPHost() {
	e, err := ldapschema.DHCPHost("ou=dhcp,dc=example,dc=org", ldapschema.Host{
		Name: "n1,rack2", MAC: ldapschema.MAC{2, 0, 0, 0, 0, 1}, IP: netip.MustParseAddr("192.0.2.1"),
	})
	fmt.Print(e.LDIF(), err)
	// Output:
	// dn: cn=n1\,rack2,ou=dhcp,dc=example,dc=org
	// cn: n1,rack2
	// dhcpHWAddress: ethernet 02:00:00:00:00:01
	// dhcpStatements: fixed-address 192.0.2.1
	// objectClass: top
	// objectClass: dhcpHost
	// <nil>
}

func ExampleHostEntry() {
	e, err := ldapschema.HostEntry("ou=hosts,ou=slice-a,ou=slices,dc=site,dc=test", ldapschema.Host{
		Name: "a1", Aliases: []string{"a1.a.site.test"},
		IP: netip.MustParseAddr("10.99.16.1"), MAC: ldapschema.MAC{0x52, 0x54, 0, 0x99, 0, 1},
		BootFile: "pxelinux.0", NodeID: 1, State: "active",
		LeaseEnd: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Mark:     ldapschema.Mark{Slice: "slice-a", Lease: "R7", Generation: 3, Owner: "site1"},
	})
	fmt.Print(e.LDIF(), err)
	// Output:
	// dn: cn=a1,ou=hosts,ou=slice-a,ou=slices,dc=site,dc=test
	// bootFile: pxelinux.0
	// cn: a1
	// cn: a1.a.site.test
	// codGeneration: 3
	// codLease: R7
	// codLeaseEnd: 20261122120000Z
	// codNodeId: 1
	// codOwner: site1
	// codSlice: slice-a
	// codState: active
	// ipHostNumber: 10.99.16.1
	// macAddress: 52:54:00:99:00:01
	// objectClass: top
	// objectClass: device
	// objectClass: bootableDevice
	// objectClass: codNode
	// objectClass: ieee802Device
	// objectClass: ipHost
	// <nil>
}

func ExampleVirtualCluster() {
	e, err := ldapschema.VirtualCluster("ou=slices,dc=site,dc=test", ldapschema.Cluster{
		Name: "slice-a", HostPrefix: "a", Network: netip.MustParsePrefix("10.99.16.0/24"), State: "active",
		Mark: ldapschema.Mark{Slice: "slice-a"},
	})
	fmt.Print(e.LDIF(), err)
	// Output:
	// dn: ou=slice-a,ou=slices,dc=site,dc=test
	// codHostPrefix: a
	// codSlice: slice-a
	// codState: active
	// ipNetmaskNumber: 255.255.255.0
	// ipNetworkNumber: 10.99.16.0
	// objectClass: top
	// objectClass: organizationalUnit
	// objectClass: codVirtualCluster
	// ou: slice-a
	// <nil>
}

func ExampleZoneRecordPTR() {
	e, err := ldapschema.ZoneRecordPTR("zoneName=99.10.in-addr.arpa,ou=DNS,dc=site,dc=test", ldapschema.NameRecord{
		Addrs: []netip.Addr{netip.MustParseAddr("10.99.16.1")}, PTR: "a1.a.site.test", TTL: 60,
	})
	fmt.Print(e.LDIF(), err)
	// Output:
	// dn: relativeDomainName=1.16,zoneName=99.10.in-addr.arpa,ou=DNS,dc=site,dc=test
	// dNSTTL: 60
	// objectClass: top
	// objectClass: dNSZone
	// pTRRecord: a1.a.site.test.
	// relativeDomainName: 1.16
	// zoneName: 99.10.in-addr.arpa
	// <nil>
}

func ExampleAccount() {
	e, err := ldapschema.Account("ou=people,ou=slice-a,ou=slices,dc=site,dc=test", ldapschema.AccountRecord{
		UID: "alice", Name: "Alice Guest", Surname: "Guest", Number: 30001, Group: 30000, Shell: "/bin/bash",
	})
	fmt.Print(e.LDIF(), err)
	// Output:
	// dn: uid=alice,ou=people,ou=slice-a,ou=slices,dc=site,dc=test
	// cn: Alice Guest
	// gidNumber: 30000
	// homeDirectory: /home/alice
	// loginShell: /bin/bash
	// objectClass: top
	// objectClass: person
	// objectClass: organizationalPerson
	// objectClass: inetOrgPerson
	// objectClass: posixAccount
	// objectClass: shadowAccount
	// sn: Guest
	// uid: alice
	// uidNumber: 30001
	// <nil>
}

// An operator gave the host another boot file; our new state is written, theirs
// stands.
func ExampleMerge() {
	host := func(state, file string) ldapschema.Entry {
		e, _ := ldapschema.HostEntry("ou=hosts,dc=site,dc=test", ldapschema.Host{
			Name: "a1", IP: netip.MustParseAddr("10.99.16.1"), State: state, BootFile: file,
		})
		return e
	}
	base := host("priming", "pxelinux.0")
	have := host("priming", "rescue.0").With("description", "disk replaced, ask Opal")
	want := host("active", "grub.0")
	change, todo, conflicts := ldapschema.Merge(base, have, want)
	fmt.Println(todo, change)
	for _, m := range change.Mods {
		fmt.Println(m.Op, m.Attr, m.Values)
	}
	for _, c := range conflicts {
		fmt.Println("theirs:", c.Attr, c.Have, "ours:", c.Want)
	}
	// Output:
	// true modify cn=a1,ou=hosts,dc=site,dc=test
	// delete codState [priming]
	// add codState [active]
	// theirs: bootFile [rescue.0] ours: [grub.0]
}

func ExampleDiff() {
	ou := func(dn ldapschema.DN) ldapschema.Entry {
		_, name := dn.RDN()
		e, _ := ldapschema.OrganizationalUnit(dn.Parent(), name, "")
		return e
	}
	have := []ldapschema.Entry{ou("ou=a,dc=t"), ou("ou=b,ou=a,dc=t"), ou("ou=keep,dc=t")}
	want := []ldapschema.Entry{ou("ou=d,ou=c,dc=t"), ou("ou=c,dc=t"), ou("OU=Keep,dc=t").With("description", "ours")}
	for _, c := range ldapschema.Diff(have, want) {
		fmt.Println(c)
	}
	// Output:
	// delete ou=b,ou=a,dc=t
	// delete ou=a,dc=t
	// modify ou=keep,dc=t
	// add ou=c,dc=t
	// add ou=d,ou=c,dc=t
}

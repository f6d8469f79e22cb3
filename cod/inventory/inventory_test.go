package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/ldapschema"
)

// told is a reading as text: one line for each machine, one for each note.
func told(r Reading) string {
	var b strings.Builder
	for i, h := range r.Hosts {
		ip := ""
		if h.IP.IsValid() {
			ip = h.IP.String()
		}
		mac := ""
		if !h.MAC.IsZero() {
			mac = h.MAC.String()
		}
		fmt.Fprintf(&b, "%d %s|%s|%s|%s\n", r.Lines[i], h.Name, mac, ip, strings.Join(h.Aliases, " "))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

func expect(t *testing.T, r Reading, err error, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.TrimPrefix(want, "\n"), "\t", "")
	if got := told(r); err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func TestDHCP(t *testing.T) {
	t.Parallel()
	r, err := DHCP(`# the rack
option domain-name "site.test"; include "/etc/dhcp/more.conf";
if known { filename "x"; }
subnet 10.0.0.0 netmask 255.255.255.0 {
  range 10.0.0.100 10.0.0.200;
  group { next-server 10.0.0.1;
    host Node01.site.test { hardware ethernet 52:54:0:99:0:1; fixed-address 10.0.0.1; }
    host node02 { hardware ethernet 52-54-00-99-00-02;
      filename "pxelinux.0"; option host-name "node02";
      fixed-address 10.0.0.2, 10.0.0.3, gate.site.test; }
  }
}
host node03 { hardware token-ring 52:54:00:99:00:03; }
host node04 { hardware ethernet 01:00:5e:00:00:01; }
host node_05 { hardware ethernet 52:54:00:99:00:05; }
host "node06" { hardware ethernet 52:54:00:99:00:02; }
host node02 { hardware ethernet 52:54:00:99:00:07; if x { y; } }
host { }
`)
	expect(t, r, err, `
	7 node01|52:54:00:99:00:01|10.0.0.1|node01.site.test
	8 node02|52:54:00:99:00:02|10.0.0.2|
	13 node03|||
	line 2: the included file is not read; give it by itself
	line 9: host node02: filename pxelinux.0 is not taken over: the site decides it now
	line 9: host node02: option host-name is not taken over: the site decides it now
	line 10: host node02: a second address, 10.0.0.3; left out
	line 10: host node02: fixed-address "gate.site.test" is no address of a machine; left out
	line 13: host node03: only Ethernet addresses are taken
	line 13: host node03: no hardware address: it can be leased, but not booted over the network
	line 14: host node04: "01:00:5e:00:00:01" is no hardware address; not taken
	line 15: host "node_05": not a host name; not taken
	line 16: node06: the hardware address 52:54:00:99:00:02 is in line 8 already; not taken
	line 17: host node02: conditions and blocks are not taken over
	line 17: node02: the name is in line 8 already; not taken
	line 18: host "": not a host name; not taken
	`)
	for _, bad := range []string{"host a {", "}", "subnet x {", `host a { filename "x`, strings.Repeat("a{", 40), strings.Repeat("a ", 5000) + ";",
		strings.Repeat("x", 5000), `"` + strings.Repeat("x", 5000) + `"`, strings.Repeat("#", MaxBytes+1)} {
		if r, err := DHCP(bad); err == nil {
			t.Errorf("%.40q was read: %s", bad, told(r))
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	r, err := Files(`127.0.0.1 localhost
10.0.0.1	node01.site.test node01 www  # a comment
10.0.0.2  node02
::1 ip6-localhost
fe80::1 router
nonsense node09
10.0.0.3
10.0.0.4 node02
10.0.0.5 bad_name
2001:db8::7 node07
`, `52:54:00:99:00:01 node01.site.test
52:54:0:99:0:2 10.0.0.2
52:54:00:99:00:08 node08
52:54:00:99:00:09 10.9.9.9
zz node07
52:54:00:99:00:0a node08
one
`)
	expect(t, r, err, `
	2 node01|52:54:00:99:00:01|10.0.0.1|node01.site.test www
	3 node02|52:54:00:99:00:02|10.0.0.2|
	10 node07||2001:db8::7|
	0 node08|52:54:00:99:00:08||
	line 1: 127.0.0.1 is no machine's own address
	line 4: ::1 is no machine's own address
	line 5: fe80::1 is no machine's own address
	line 6: "nonsense" is no address
	line 7: an address without a name
	line 8: node02 has an address in line 3 already; left out
	line 9: "bad_name" is not a host name
	ethers, line 4: the hosts file has no name for 10.9.9.9
	ethers, line 5: "zz" is no hardware address
	ethers, line 6: node08 has a hardware address already; left out
	ethers, line 7: not a hardware address and a name
	line 10: node07: no hardware address: it can be leased, but not booted over the network
	`)
}

func TestLDIF(t *testing.T) {
	t.Parallel()
	ours, err := ldapschema.InventoryEntry("ou=hosts,dc=x", ldapschema.InventoryHost{Name: "h1", Type: "big", Memory: 4096, Hold: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := LDIF("version: 1\n\n" + ours.LDIF() + `
dn: cn=node01.site.test,ou=hosts,dc=x
objectClass: device
objectClass: ipHost
objectClass: ieee802Device
cn: node01.site.test
ipHostNumber: 10.0.0.1
macAddress: 52:54:00:99:00:01

dn: ou=hosts,dc=x
objectClass: organizationalUnit
ou: hosts

dn: cn=node02,cn=config,dc=x
objectClass: dhcpHost
cn: node02
dhcpHWAddress: ethernet 52:54:00:99:00:02
dhcpStatements: fixed-address 10.0.0.2

dn: cn=node02,ou=hosts,dc=x
objectClass: device
objectClass: ipHost
cn: node02
ipHostNumber: 10.0.0.2

dn: cn=node02,ou=other,dc=x
objectClass: device
objectClass: ipHost
cn: node02
ipHostNumber: 10.0.0.99

dn: cn=n1,ou=hosts,ou=web,dc=x
objectClass: device
objectClass: ipHost
objectClass: codNode
cn: n1
ipHostNumber: 10.0.0.9
`)
	expect(t, r, err, `
	3 h1|||
	13 node01|52:54:00:99:00:01|10.0.0.1|node01.site.test
	25 node02|52:54:00:99:00:02|10.0.0.2|
	line 21: ou=hosts,dc=x: not a machine
	line 37: node02 is in line 25 already, otherwise; not taken
	line 43: cn=n1,ou=hosts,ou=web,dc=x: a node of a virtual cluster, not a machine of the site
	`)
	if h := r.Hosts[0]; h.Memory != 4096 || h.Hold != "ada" || h.Type != "big" {
		t.Errorf("%+v", h)
	}
	if _, err := LDIF("nonsense"); err == nil {
		t.Error("nonsense was read")
	}
}

// TestNotesEnd: however bad a text is, the list of what is wrong with it is bounded.
func TestNotesEnd(t *testing.T) {
	t.Parallel()
	r, err := Files(strings.Repeat("x\n", 3000), "")
	if err != nil || len(r.Notes) != maxNotes+1 || r.Notes[maxNotes].Text != "and 2000 more like these" {
		t.Errorf("%v, %d notes", err, len(r.Notes))
	}
}

// sound fails when a reading holds what an entry could not.
func sound(t *testing.T, r Reading) {
	names, macs := map[string]bool{}, map[ldapschema.MAC]bool{}
	if len(r.Lines) != len(r.Hosts) {
		t.Fatal("lines and machines differ")
	}
	for _, h := range r.Hosts {
		if names[h.Name] || macs[h.MAC] && !h.MAC.IsZero() {
			t.Fatalf("twice: %+v", h)
		}
		names[h.Name], macs[h.MAC] = true, true
		h.Type = "node"
		e, err := ldapschema.InventoryEntry("ou=hosts,dc=x", h)
		if err != nil {
			if h.Description+h.Serial+h.Health+h.Hold+h.Note == "" && len(h.Properties) == 0 && len(h.Aliases) < 2 {
				t.Fatalf("%+v: %v", h, err)
			}
			continue // an entry's own text, which Check refuses when it is added
		}
		if e.DN.Parent() != "ou=hosts,dc=x" {
			t.Fatalf("%+v becomes %s", h, e.DN)
		}
	}
}

func FuzzDHCP(f *testing.F) {
	f.Add(`host a { hardware ethernet 2:0:0:0:0:1; fixed-address 10.0.0.1; } group { host b,dc=x { } }`)
	f.Add(`subnet 1 netmask 2 { host "x" { option a "b\""; } } # c`)
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := DHCP(text); err == nil {
			sound(t, r)
		}
	})
}

func FuzzFiles(f *testing.F) {
	f.Add("10.0.0.1 a.b c # d\n", "2:0:0:0:0:1 a\n2:0:0:0:0:2 10.0.0.1\n")
	f.Fuzz(func(t *testing.T, hosts, ethers string) {
		if r, err := Files(hosts, ethers); err == nil {
			sound(t, r)
		}
	})
}

func FuzzLDIF(f *testing.F) {
	f.Add("dn: cn=a,dc=x\nobjectClass: device\nobjectClass: codHost\ncodResourceType: t\ncn: a\ncodProperty: a=b\n")
	f.Add("dn: cn=a,dc=x\nobjectClass: dhcpHost\ndhcpHWAddress: ethernet 2:0:0:0:0:1\n\ndn: cn=a,dc=y\nobjectClass: ipHost\nipHostNumber: 1.2.3.4\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := LDIF(text); err == nil {
			sound(t, r)
		}
	})
}

package cod_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestSlips: a node whose entry an operator wrote something unreadable into is still
// there after a restart, with all the rest that its entry says, and the slip is shown.
func TestSlips(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	a := setup("u1", "Web", 1)
	a.Properties = actors.Properties{cod.PropVisible: "true"}
	w.step(cod.Do{Action: a})
	w.settle()
	was := w.m.View().Clusters[0].Nodes[0]
	for _, attr := range []string{"ipHostNumber", "macAddress", "codPublicAddress", "codLeaseEnd", "codNodeId", "codMemory", "codGeneration"} {
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		tree := w.tree()
		for i, e := range tree {
			if e.IsA("codNode") {
				tree[i] = e.With(attr, "nonsense")
			}
		}
		notes := m.Load(tree)
		v := m.View()
		if len(v.Clusters) != 1 || len(v.Clusters[0].Nodes) != 1 {
			t.Errorf("%s: the node is lost: %q", attr, notes)
			continue
		}
		if n := v.Clusters[0].Nodes[0]; n.Unit != was.Unit || n.Address != was.Address || n.MAC != was.MAC || n.State != was.State {
			t.Errorf("%s: %+v, it was %+v", attr, n, was)
		}
		if len(v.Conflicts) != 1 || v.Conflicts[0].Attr != attr || !slices.Equal(v.Conflicts[0].Theirs, []string{"nonsense"}) || !strings.Contains(v.Conflicts[0].What, "cannot follow") {
			t.Errorf("%s: the conflicts are %+v", attr, v.Conflicts)
		}
	}
}

// TestSlipOfTwo: two nodes whose entries an operator gave the same number are both there
// after a restart, each at its own address.
func TestSlipOfTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	w.step(cod.Do{Action: setup("u1", "Web", 1)})
	w.step(cod.Do{Action: setup("u2", "Web", 1)})
	w.settle()
	was := map[actors.UnitID]string{}
	for _, n := range w.m.View().Clusters[0].Nodes {
		was[n.Unit] = n.Address + " " + n.MAC
	}
	for _, number := range []string{"1", "2", "0", "-3", "77777777"} {
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		tree := w.tree()
		for i, e := range tree {
			if e.IsA("codNode") {
				tree[i] = e.With("codNodeId", number)
			}
		}
		notes := m.Load(tree)
		got := map[actors.UnitID]string{}
		for _, n := range m.View().Clusters[0].Nodes {
			got[n.Unit] = n.Address + " " + n.MAC
		}
		if !maps.Equal(got, was) {
			t.Errorf("%s: %v, it was %v: %q", number, got, was, notes)
		}
	}
}

// TestAdditionsWhileDead: what operators put beside our values, while nobody of us runs,
// does not keep a node's DNS and DHCP entries from following its address, which they
// change too; and it stays.
func TestAdditionsWhileDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	w.watched = true
	w.load() // as a process that signs what it writes
	w.step(cod.Do{Action: setup("u1", "web", 1)})
	w.settle()
	host, dhcp := ldapschema.DN("cn=web1,ou=hosts,ou=web,ou=slices,"+siteBase), ldapschema.DN("cn=web1,cn=web,cn=config,ou=dhcp,"+siteBase)
	name := ldapschema.DN("relativeDomainName=web1.web,zoneName=site.test,ou=DNS," + siteBase)
	edit := func(dn ldapschema.DN, op ldapschema.ModOp, attr, value string) {
		t.Helper()
		if err := w.dir.Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{{Op: op, Attr: attr, Values: []string{value}}}}); err != nil {
			t.Fatal(err)
		}
	}
	edit(name, ldapschema.ModAdd, "tXTRecord", "rack 7")
	edit(dhcp, ldapschema.ModAdd, "dhcpStatements", "max-lease-time 60")
	edit(dhcp, ldapschema.ModAdd, "dhcpComments", "the loud one")
	edit(host, ldapschema.ModReplace, "ipHostNumber", "10.99.0.12")
	w.load()
	w.step(cod.Do{Action: setup("u1", "web", 2)})
	w.settle()
	get := func(dn ldapschema.DN, attr string) []string {
		e, err := w.dir.Read(t.Context(), dn)
		if err != nil {
			t.Fatal(err)
		}
		return e.Values(attr)
	}
	for _, c := range []struct {
		dn   ldapschema.DN
		attr string
		want []string
	}{
		{name, "aRecord", []string{"10.99.0.12"}}, {name, "tXTRecord", []string{"rack 7"}},
		{dhcp, "dhcpStatements", []string{"fixed-address 10.99.0.12", "max-lease-time 60", "next-server 10.99.0.1"}}, {dhcp, "dhcpComments", []string{"the loud one"}},
	} {
		if got := get(c.dn, c.attr); !slices.Equal(got, c.want) {
			t.Errorf("%s of %s is %q, not %q", c.attr, c.dn, got, c.want)
		}
	}
	if c := w.m.View().Conflicts; len(c) != 1 || c[0].Attr != "dhcpStatements" { // one more than ours
		t.Errorf("conflicts: %+v", c)
	}
}

// TestHomesSwitchedOff: clusters that have home directories, and credentials, when the
// site's configuration gives none any more, keep them until they end; then nothing is
// left of them, and nothing is shown as left behind meanwhile. New ones have none.
func TestHomesSwitchedOff(t *testing.T) {
	t.Parallel()
	cfg := siteConfig()
	cfg.Homes = cod.Homes{Server: "nfs1.site.test", Path: "/export"}
	cfg.Guests = cod.Guests{URLs: []string{"ldaps://ldap.site.test"}, Secret: make([]byte, 32)}
	w := newWorld(t, cfg)
	w.watched = true
	w.load()
	w.step(cod.Do{Action: setup("u1", "web", 1)})
	w.settle()
	w.cfg.Homes, w.cfg.Guests = cod.Homes{}, cod.Guests{}
	w.load()
	below := func(cluster string) (n int) {
		for _, e := range w.tree() {
			for _, ou := range []string{"ou=volumes", "ou=automount", "cn=reader"} {
				if e.DN.Under(ldapschema.DN(ou+",ou="+cluster+",ou=slices,") + siteBase) {
					n++
				}
			}
		}
		return n
	}
	a := setup("u1", "web", 2)
	a.Properties = actors.Properties{"config.ssh.user1.login": "ada"} // its cluster's entries are written anew
	w.step(cod.Do{Action: a})
	w.step(cod.Do{Action: setup("u2", "other", 1)})
	w.settle()
	if below("web") != 8 || below("other") != 0 {
		t.Errorf("the old cluster has %d entries of them, the new one %d", below("web"), below("other"))
	}
	if v := w.m.View(); len(v.Strays) != 0 || len(v.Conflicts) != 0 {
		t.Errorf("left behind: %+v, conflicts: %+v", v.Strays, v.Conflicts)
	}
	a.Verb, a.Sequence = actors.Teardown, 3
	w.step(cod.Do{Action: a})
	w.settle()
	for _, e := range w.tree() {
		if e.DN.Under("ou=web,ou=slices," + siteBase) {
			t.Errorf("left: %s", e.DN)
		}
	}
}

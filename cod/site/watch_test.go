package site_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// until waits for something that happens by itself, a slow machine's time.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// operator is somebody with an LDAP client.
type operator struct {
	t   *testing.T
	dir dirtest.Watched
}

func (o operator) set(dn ldapschema.DN, attr string, values ...string) {
	o.t.Helper()
	must(o.t, o.dir.Apply(context.Background(), ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: attr, Values: values}}}))
}

func (o operator) get(dn ldapschema.DN, attr string) string {
	e, err := o.dir.Read(context.Background(), dn)
	if err != nil {
		return "absent"
	}
	return strings.Join(e.Values(attr), "|")
}

// becomes waits for an attribute of an entry.
func (o operator) becomes(dn ldapschema.DN, attr, value string) {
	o.t.Helper()
	until(o.t, fmt.Sprintf("%s of %s becomes %q, it is %q", attr, dn, value, o.get(dn, attr)), func() bool { return strings.Contains(o.get(dn, attr), value) })
}

const (
	web   ldapschema.DN = "ou=hosts,ou=web,ou=slices," + base
	dhcp  ldapschema.DN = "cn=web,cn=config,ou=dhcp," + base
	zone  ldapschema.DN = "zoneName=site.test,ou=DNS," + base
	zone2 ldapschema.DN = "zoneName=99.10.in-addr.arpa,ou=DNS," + base
)

// TestOperatorsEdits: the directory is the operators'. Over each kind of directory an
// operator edits nodes that are up, and the site follows, or leaves it and says so.
func TestOperatorsEdits(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		operatorsEdits(t, memory(t))
	})
	t.Run("slapd", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t, "overlay syncprov")
		operatorsEdits(t, dial(t, ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password}))
	})
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		s := serve(t, filepath.Join(t.TempDir(), "directory.db"), "127.0.0.1:0")
		operatorsEdits(t, dial(t, ldapdir.Config{URL: s.URL(), BindDN: "cn=admin," + base, Password: "secret"}))
	})
}

func dial(t *testing.T, c ldapdir.Config) *ldapdir.Dir {
	t.Helper()
	d, err := ldapdir.Open(c)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func operatorsEdits(t *testing.T, dir dirtest.Watched) {
	op := operator{t, dir}
	changed := make(chan cod.Changed, 100)
	s, seen := start(t, dir, instant(), func(c *site.Config) { c.Changed = func(ch cod.Changed) { changed <- ch } })
	done := func(unit string, seq int) {
		t.Helper()
		until(t, fmt.Sprintf("%s is done with #%d", unit, seq), func() bool { d, ok := seen.last(unit); return ok && d.Sequence == seq })
		seen.expect(t, unit, seq, 0)
	}
	units := []string{"u1", "u2", "u3", "u4"}
	for _, u := range units { // in turn, so that each has the number of its name
		s.Run(action(u, "web", actors.Setup, 1))
		done(u, 1)
	}
	conflict := func(entry, attr string) (out cod.ConflictView) {
		t.Helper()
		until(t, fmt.Sprintf("a conflict about %s of %s in %+v", attr, entry, s.Snapshot().View.Conflicts), func() bool {
			for _, c := range s.Snapshot().View.Conflicts {
				if strings.HasPrefix(c.Entry, entry) && c.Attr == attr {
					out = c
					return true
				}
			}
			return false
		})
		if out.What == "" || out.Next == "" || out.Since.IsZero() && out.Attr != "address" {
			t.Errorf("the conflict says too little: %+v", out)
		}
		return out
	}
	node := func(unit string) (out cod.NodeView) {
		for _, c := range s.Snapshot().View.Clusters {
			for _, n := range c.Nodes {
				if string(n.Unit) == unit {
					out = n
				}
			}
		}
		return out
	}

	// Another address: DHCP, DNS and the lessee follow.
	op.set(web.Child("cn", "web1"), "ipHostNumber", "10.99.1.77")
	op.becomes(dhcp.Child("cn", "web1"), "dhcpStatements", "fixed-address 10.99.1.77")
	op.becomes(zone.Child("relativeDomainName", "web1.web"), "aRecord", "10.99.1.77")
	op.becomes(zone2.Child("relativeDomainName", "77.1"), "pTRRecord", "web1.web.site.test.")
	until(t, "the old reverse record goes", func() bool { return op.get(zone2.Child("relativeDomainName", "1.1"), "pTRRecord") == "absent" })
	if c := <-changed; c.Unit != "u1" || c.Properties["unit.manage.ip"] != "10.99.1.77" {
		t.Errorf("the lessee hears of %+v", c)
	}
	// Another name.
	must(t, dir.Rename(t.Context(), web.Child("cn", "web1"), "cn=mail"))
	op.becomes(zone.Child("relativeDomainName", "mail.web"), "aRecord", "10.99.1.77")
	op.becomes(zone2.Child("relativeDomainName", "77.1"), "pTRRecord", "mail.web.site.test.")
	op.becomes(dhcp.Child("cn", "mail"), "dhcpStatements", "fixed-address 10.99.1.77")
	for _, gone := range []ldapschema.DN{zone.Child("relativeDomainName", "web1.web"), dhcp.Child("cn", "web1")} {
		until(t, string(gone)+" goes", func() bool { return op.get(gone, "cn") == "absent" })
	}
	if c := <-changed; c.Properties["unit.hostname"] != "mail" {
		t.Errorf("the lessee hears of %+v", c)
	}
	// A hold, and its end; whoever starts on this directory says what is true of it.
	op.set(web.Child("cn", "mail"), "codHold", "ada")
	if c := <-changed; c.Unit != "u1" || c.Reservation == "" || c.Properties["unit.hold"] != "ada" {
		t.Errorf("the lessee hears of %+v", c)
	}
	op.set(web.Child("cn", "mail"), "codHold")
	if c := <-changed; c.Properties["unit.hold"] != "" || c.Properties["host.pubIPaddr"] != "" || len(c.Properties) < 10 {
		t.Errorf("the lessee hears of %+v", c)
	}
	// Hardware address, image, boot mode.
	op.set(web.Child("cn", "mail"), "macAddress", "52:54:00:00:00:99")
	op.becomes(dhcp.Child("cn", "mail"), "dhcpHWAddress", "52:54:00:00:00:99")
	op.set(web.Child("cn", "mail"), "codImage", "rescue12")
	op.set(web.Child("cn", "mail"), "codBoot", "rescue")
	op.set(web.Child("cn", "mail"), "bootFile", "grub/core.0")
	op.becomes(dhcp.Child("cn", "mail"), "dhcpStatements", `filename "grub/core.0"`)
	until(t, "image and boot mode are taken over", func() bool { n := node("u1"); return n.Image == "rescue12" && n.Boot == "rescue" })
	// An extension leaves all of it.
	a := action("u1", "web", actors.Setup, 2)
	a.Properties = actors.Properties{"image.id": "debian"}
	s.Run(a)
	done("u1", 2)
	if got, _ := seen.last("u1"); got.Properties["unit.manage.ip"] != "10.99.1.77" || got.Properties["unit.hostname"] != "mail" {
		t.Errorf("the extension reports %v", got.Properties)
	}
	for attr, want := range map[string]string{"ipHostNumber": "10.99.1.77", "codImage": "rescue12", "codBoot": "rescue", "codGeneration": "2", "codState": "up"} {
		if got := op.get(web.Child("cn", "mail"), attr); got != want {
			t.Errorf("after the extension %s is %q, not %q", attr, got, want)
		}
	}

	// What cannot be: another node's address, one of nobody's here, no address, an
	// address and a hardware address twice. DHCP and DNS say what they said.
	bads := []string{"10.99.1.77", "192.0.2.1", "2001:db8::1", "10.99.0.1"}
	if strings.HasSuffix(t.Name(), "slapd") { // whose schema lets any text be an address
		bads[2] = "nonsense"
	}
	for _, bad := range bads {
		op.set(web.Child("cn", "web2"), "ipHostNumber", bad)
		until(t, bad+" is refused", func() bool { return slices.Contains(conflict("cn=web2,ou=hosts", "ipHostNumber").Theirs, bad) })
	}
	op.set(web.Child("cn", "web2"), "macAddress", "52:54:00:00:00:99")
	if c := conflict("cn=web2,ou=hosts", "macAddress"); !strings.Contains(c.What, "mail.web") {
		t.Errorf("it does not say whose it is: %+v", c)
	}
	s.Run(action("u2", "web", actors.Setup, 2))
	done("u2", 2)
	if got := op.get(dhcp.Child("cn", "web2"), "dhcpStatements"); !strings.Contains(got, "fixed-address 10.99.1.2|") || op.get(zone.Child("relativeDomainName", "web2.web"), "aRecord") != "10.99.1.2" {
		t.Errorf("a second node has the address: %s", got)
	}
	if got := op.get(web.Child("cn", "web2"), "ipHostNumber"); got != "10.99.0.1" {
		t.Errorf("the operator's value was overwritten with %s", got)
	}
	op.set(web.Child("cn", "web2"), "ipHostNumber", "10.99.1.2")
	op.set(web.Child("cn", "web2"), "macAddress", node("u2").MAC)
	until(t, "the conflicts are mended", func() bool {
		return !slices.ContainsFunc(s.Snapshot().View.Conflicts, func(c cod.ConflictView) bool { return c.Unit == "u2" })
	})

	// Somebody's printer has an address of ours: shown, not touched.
	printer, err := ldapschema.HostEntry("ou=hosts,"+base, ldapschema.Host{Name: "printer", IP: netip.MustParseAddr(node("u3").Address)})
	must(t, err)
	must(t, dir.Apply(t.Context(), ldapschema.AddEntry(printer)))
	conflict("cn=printer", "address")
	if e, err := dir.Read(t.Context(), printer.DN); err != nil || !e.Equal(printer) {
		t.Errorf("somebody else's entry was touched: %s, %v", e.LDIF(), err)
	}
	must(t, dir.Apply(t.Context(), ldapschema.DeleteEntry(printer.DN)))

	// A hold: nothing is done until it is let go.
	op.set(web.Child("cn", "web3"), "codHold", "ada: looks at the fan")
	until(t, "the hold is seen", func() bool { return node("u3").Hold != "" })
	s.Run(action("u3", "web", actors.Teardown, 2))
	s.Run(action("u4", "web", actors.Teardown, 2))
	done("u4", 2)
	if n := node("u3"); n.State != "up" || !strings.Contains(n.Waiting, "operator") || op.get(web.Child("cn", "web3"), "codState") != "up" {
		t.Errorf("a held node was worked on: %+v", n)
	}
	op.set(web.Child("cn", "web3"), "codHold")
	done("u3", 2)

	// A removed entry stays away, and is told of.
	must(t, dir.Apply(t.Context(), ldapschema.DeleteEntry(zone.Child("relativeDomainName", "web2.web"))))
	conflict("relativeDomainName=web2.web", "")
	must(t, dir.Apply(t.Context(), ldapschema.DeleteEntry(web.Child("cn", "web2"))))
	conflict("cn=web2,ou=hosts", "")
	s.Run(action("u2", "web", actors.Setup, 3))
	done("u2", 3)
	if op.get(web.Child("cn", "web2"), "cn") != "absent" {
		t.Error("a removed entry is back")
	}

	// Another process of the same owner takes over; this one writes nothing any more.
	other, heard := start(t, dir, instant())
	until(t, "the first is fenced off", func() bool { return s.Snapshot().View.Fenced != "" })
	s.Run(action("u1", "web", actors.Teardown, 9))
	other.Run(action("u1", "web", actors.Setup, 3))
	until(t, "the second works", func() bool { _, ok := heard.last("u1"); return ok })
	heard.expect(t, "u1", 3, 0)
	if got := op.get(web.Child("cn", "mail"), "codGeneration"); got != "3" || s.Snapshot().Sight {
		t.Errorf("generation %s, the first says %+v", got, s.Snapshot().Problem)
	}
	for _, u := range []string{"u2", "u1"} {
		other.Run(action(u, "web", actors.Teardown, 10))
		until(t, u+" is torn down", func() bool { d, ok := heard.last(u); return ok && d.Sequence == 10 })
		heard.expect(t, u, 10, 0)
	}
	until(t, "nothing is left", func() bool {
		all, err := dir.List(t.Context(), base)
		must(t, err)
		return !slices.ContainsFunc(all, func(e ldapschema.Entry) bool { return e.Has("codOwner") && !e.DN.Equal(config().ClaimDN()) })
	})
}

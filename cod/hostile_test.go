package cod_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/ldapschema"
	"pgregory.net/rapid"
)

// evil is what a lessee may write where a name is expected.
var evil = []string{
	"", " ", ".", "..", "@", "*", "-", "\x00", "\n", "\xff\xfe", "a,ou=hosts", "a+cn=b", "a\\,b", "cn=x,dc=site,dc=test", "#0401", `"`,
	"x; filename \"evil\"", "x } host y { fixed-address 10.99.0.1; }", "x\ndn: cn=evil,dc=site,dc=test", "web1.web", "ns1", "10.99.0.1",
	"日本語", "ＷＥＢ", "web\u202e", strings.Repeat("a", 5000), strings.Repeat("é", 100), "(cn=*)", "*)(objectClass=*", "$(reboot)", "`reboot`", "site.test.", "xn--", "0", "00", "1-1",
}

// checkNames looks at every entry of ours: names are host names, statements are the
// ones written here, records stay in their zones.
func checkNames(t failer, w *world) {
	var hostile string
	for _, e := range w.tree() {
		if err := ldapschema.Check(e); err != nil {
			t.Fatal(err)
		}
		if !e.Has("codOwner") {
			continue
		}
		_, name := e.DN.RDN()
		ok := name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
		if !ok || len(e.DN.AVAs()) != 1 || strings.ContainsAny(e.LDIF(), "\x00") {
			hostile = "name " + string(e.DN)
		}
		for _, s := range slices.Concat(e.Values("dhcpStatements"), e.Values("dhcpOption")) {
			word, rest, _ := strings.Cut(s, " ")
			known := slices.Contains([]string{"fixed-address", "next-server", "use-host-decl-names", "host-name", "domain-name"}, word)
			if !known || strings.ContainsAny(strings.Trim(rest, `"`), "\";{}\n ") {
				hostile = "statement " + s
			}
		}
		for _, a := range e.Values("aRecord") {
			if !strings.HasPrefix(a, "10.99.0.") {
				hostile = "record " + a
			}
		}
		if p := e.Get("pTRRecord"); p != "" && (!strings.HasSuffix(p, ".site.test.") || strings.Count(p, ".") != 4) {
			hostile = "record " + p
		}
		if n := e.Get("relativeDomainName"); strings.Count(n, ".") > 1 {
			hostile = "owner " + n
		}
	}
	if hostile != "" {
		t.Fatalf("a hostile %q", hostile)
	}
}

// TestHostile gives every field a lessee fills in every hostile value.
func TestHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	before := w.ldif()
	for _, v := range evil {
		for _, fill := range []func(*actors.Action){
			func(a *actors.Action) { a.Slice.Name = v },
			func(a *actors.Action) { a.Slice.ID = actors.SliceID(v) },
			func(a *actors.Action) { a.Reservation = actors.ReservationID("r" + v) },
			func(a *actors.Action) { a.Type = actors.ResourceType(v) },
			func(a *actors.Action) { a.Unit.Host = v },
			func(a *actors.Action) { a.Unit.ID = actors.UnitID("u" + v) },
			func(a *actors.Action) { a.Properties["host.prefix"] = v },
			func(a *actors.Action) { a.Properties["config.image.guid"] = v },
			func(a *actors.Action) { a.Properties["config.ssh.user1.login"] = v },
			func(a *actors.Action) { a.Properties["config.ssh.user1.keys"] = v },
			func(a *actors.Action) { a.Properties["config.ssh.numlogins"] = v },
			func(a *actors.Action) { a.Properties["mac"], a.Properties["unit.mac"] = "52:54:00:00:00:01", v },
			func(a *actors.Action) { a.Properties["unit.hostname"], a.Properties["unit.manage.ip"] = v, v },
		} {
			a := setup("u", "web", 1)
			a.Properties = actors.Properties{}
			fill(&a)
			w.step(cod.Do{Action: a})
			w.settle()
			checkNames(t, w)
			done := w.done[len(w.done)-1]
			if done.Code != cod.CodeDone {
				t.Fatalf("%q: %+v", v, done)
			}
			if p := done.Properties; !strings.HasPrefix(p["unit.manage.ip"], "10.99.0.") || p["unit.mac"] == "52:54:00:00:00:01" || strings.ContainsAny(p["unit.hostname"], " .\n") {
				t.Fatalf("%q: told %v", v, p)
			}
			a.Verb, a.Sequence = actors.Teardown, a.Sequence+1
			w.step(cod.Do{Action: a})
			w.settle()
			if w.ldif() != before {
				t.Fatalf("%q: something is left", v)
			}
			w.load() // forgets what is gone
		}
	}
}

// TestDriverIsToldTheSitesFacts: no property of a lessee replaces what the site
// decided.
func TestDriverIsToldTheSitesFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, siteConfig())
	a := setup("u1", "web", 1)
	a.Properties = actors.Properties{"unit.manage.ip": "192.0.2.1", "unit.id": "u9", "unit.mac": "02:00:00:00:00:01", "config.image.guid": "x"}
	a.Unit.Properties = actors.Properties{"unit.memory": "512", "config.image.guid": "site's"}
	w.step(cod.Do{Action: a})
	for len(w.line) > 0 && w.line[0].drive == nil {
		w.answer(0)
	}
	p := w.line[0].drive.Params
	for name, want := range map[string]string{
		"unit.manage.ip": "10.99.0.9", "unit.id": "u1", "unit.memory": "512", "config.image.guid": "site's",
		"unit.parent.id": "h-u1", "action.sequence": "1", "unit.hostname": "web1", "unit.directory.dn": "ou=web,ou=slices," + string(siteBase),
	} {
		if p[name] != want {
			t.Errorf("%s is %q, want %q", name, p[name], want)
		}
	}
	if p["unit.mac"] == "02:00:00:00:00:01" {
		t.Error("a lessee chose a hardware address")
	}
}

// TestSlicesNeverShareASubdomain, however they are called.
func TestSlicesNeverShareASubdomain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, siteConfig())
		for _, id := range []string{"1", "2", "3"} {
			a := setup("u"+id, "", 1)
			a.Slice = actors.Slice{ID: actors.SliceID(id), Name: rapid.OneOf(rapid.SampledFrom(evil), rapid.SampledFrom([]string{"a", "A", "a!", "a-2", "b"}), rapid.String()).Draw(rt, "name")}
			w.step(cod.Do{Action: a})
		}
		w.settle()
		checkNames(rt, w)
		domains := map[string]bool{}
		for _, c := range w.m.View().Clusters {
			domains[c.Domain] = true
		}
		if len(domains) != 3 {
			rt.Fatalf("three slices, domains %v", domains)
		}
	})
}

// FuzzLoad: whatever a directory holds, a machine starts on it, says what it does
// not understand, and can still set a node up.
func FuzzLoad(f *testing.F) {
	w := newWorld(f, siteConfig())
	for n, slice := range []string{"web", "web", "db"} {
		a := setup(string(rune('a'+n)), slice, 1)
		a.Properties = actors.Properties{"config.ssh.user1.login": "ada"}
		w.step(cod.Do{Action: a})
		w.settle()
	}
	f.Add([]byte(w.ldif()))
	f.Add([]byte("dn: ou=web,ou=slices,dc=site,dc=test\nobjectClass: codVirtualCluster\ncodOwner: site1\ncodSlice: x\nipNetworkNumber: 10.99.0.8\nipNetmaskNumber: 255.255.255.248\n"))
	f.Add([]byte("dn: cn=x,ou=hosts,ou=web,ou=slices,dc=site,dc=test\nobjectClass: codNode\ncodNodeId: -1\ncodOwner: site1\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		entries, err := ldapschema.ParseLDIF(bytes.NewReader(in), ldapschema.LDIFLimits{})
		if err != nil {
			return
		}
		m, err := cod.New(siteConfig())
		if err != nil {
			t.Fatal(err)
		}
		m.Load(entries)
		m.View()
		for _, a := range []actors.Action{setup("new", "web", 1), teardown("a", "web", 2)} {
			fx := m.Step(1, cod.Do{Action: a})
			for range 50 {
				var next cod.Effects
				switch {
				case len(fx.Write) > 0:
					next = m.Step(1, cod.Written{Token: fx.Write[0].Token})
				case len(fx.Drive) > 0:
					next = m.Step(1, cod.Driven{Token: fx.Drive[0].Token})
				case len(fx.Read) > 0:
					next = m.Step(1, cod.Found{Token: fx.Read[0].Token, Outcome: cod.Missing})
				}
				fx = next
			}
		}
	})
}

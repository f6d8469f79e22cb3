package dirtest

import (
	"fmt"
	"net/netip"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

const hosts ldapschema.DN = "ou=hosts," + Base

func host(name string, n byte) ldapschema.Entry {
	return must(ldapschema.HostEntry(hosts, ldapschema.Host{
		Name: name, Aliases: []string{name + ".site.test"}, IP: netip.AddrFrom4([4]byte{10, 99, 16, n}),
		MAC: ldapschema.MAC{0x52, 0x54, 0, 0x99, 0, n}, State: "active",
		Mark: ldapschema.Mark{Slice: "slice-a", Generation: 3},
	}))
}

func (f *fixture) hosts() { f.add(must(ldapschema.OrganizationalUnit(Base, "hosts", ""))) }

func comeBack(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	f.wantEntry(h)
	if got := f.read("CN=A1, OU=hosts, DC=site,DC=TEST"); !got.Equal(h) {
		f.Errorf("by another spelling: %s", got.LDIF())
	}
	one := "one value"
	odd := must(ldapschema.OrganizationalUnit(Base, "odd, \"names\" + #1 \\", "Grüße\nin two lines ")).
		With("userPassword", "\x00\xff binary", one)
	f.add(odd)
	f.wantEntry(odd)
	if _, err := f.d.Read(f.ctx, "cn=nobody,"+hosts); CodeIs(err, directory.NoSuchObject, directory.ErrNotFound) != nil {
		f.Error(CodeIs(err, directory.NoSuchObject, directory.ErrNotFound))
	}
	if got := f.list("cn=nobody," + hosts); len(got) != 0 {
		f.Errorf("an absent base has entries: %v", got)
	}
	if got := f.list(h.DN); len(got) != 1 || !got[0].Equal(h) {
		f.Errorf("a leaf lists as %v", got)
	}
}

// namedByItself: the values of a new entry's RDN are part of it, sent or not
// (RFC 4511 4.7).
func namedByItself(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	h.DN = hosts.Child("cn", "b1")
	f.add(h)
	f.wantEntry(h.With("cn", "b1", "a1", "a1.site.test"))
}

func parentMustExist(f *fixture) {
	f.refuse(directory.ErrNotFound, ldapschema.AddEntry(host("a1", 1)))
	f.refuse(directory.ErrNotFound, modify(hosts, mod(ldapschema.ModReplace, "description", "x")))
	f.refuse(directory.ErrNotFound, ldapschema.DeleteEntry(hosts))
}

func existsIsNotAdded(f *fixture) {
	f.hosts()
	f.add(host("a1", 1))
	f.refuse(directory.ErrExists, ldapschema.AddEntry(host("a1", 2)))
	f.refuse(directory.ErrExists, ldapschema.AddEntry(host("A1", 2)))
}

func childrenKeepParents(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	f.add(h)
	f.refuse(directory.ErrConflict, ldapschema.DeleteEntry(hosts))
	f.apply(ldapschema.DeleteEntry(h.DN), ldapschema.DeleteEntry(hosts))
	f.refuse(directory.ErrNotFound, ldapschema.DeleteEntry(hosts))
}

func schemaEnforced(f *fixture) {
	f.hosts()
	h := host("a1", 1)
	raw := func(change func(*ldapschema.Entry)) ldapschema.Change {
		e := h.Clone()
		change(&e)
		return ldapschema.AddEntry(e)
	}
	without := func(name string) ldapschema.Change {
		return raw(func(e *ldapschema.Entry) { *e = e.With(name) })
	}
	with := func(name string, values ...string) ldapschema.Change {
		return raw(func(e *ldapschema.Entry) { *e = e.With(name, values...) })
	}
	for what, c := range map[string]ldapschema.Change{
		"no class":            without("objectClass"),
		"unknown class":       with("objectClass", "device", "codNothing"),
		"no structural class": with("objectClass", "ipHost", "ieee802Device", "codNode"),
		"two structurals":     with("objectClass", "device", "organizationalUnit", "ipHost", "ieee802Device", "codNode"),
		"must missing":        without("ipHostNumber"),
		"attribute of none":   with("homeDirectory", "/"),
		"unknown attribute":   with("codNothing", "x"),
		"two of single":       with("codState", "a", "b"),
		"no integer":          with("codNodeId", "one"),
		"no time":             with("codLeaseEnd", "tomorrow"),
		"no DN":               with("codDom0", "somewhere"),
		"not ASCII":           with("macAddress", "ü"),
	} {
		f.Logf("%s", what)
		f.refuse(directory.ErrSchema, c)
	}
	f.add(h)
	f.refuse(directory.ErrSchema, modify(h.DN, mod(ldapschema.ModDelete, "ipHostNumber")))
	f.refuse(directory.ErrSchema, modify(h.DN, mod(ldapschema.ModAdd, "codState", "second")))
	f.refuse(directory.ErrSchema, modify(h.DN, mod(ldapschema.ModAdd, "homeDirectory", "/")))
	f.refuse(directory.ErrSchema, modify(h.DN, mod(ldapschema.ModDelete, "cn", "a1")))
	f.refuse(directory.ErrSchema, modify(h.DN, mod(ldapschema.ModReplace, "codNodeId", "x")))
	f.refuse(directory.ErrSchema, modify(h.DN,
		mod(ldapschema.ModDelete, "objectClass", "device"), mod(ldapschema.ModAdd, "objectClass", "applicationProcess")))
	f.wantEntry(h)
}

func listSubtree(f *fixture) {
	f.hosts()
	f.add(host("b1", 2), host("a1", 1),
		must(ldapschema.OrganizationalUnit(Base, "host", "a name that is a prefix of another")),
		must(ldapschema.OrganizationalUnit(hosts, "spare", "")),
		must(ldapschema.OrganizationalUnit("ou=spare,"+hosts, "z", "")))
	got := f.list(hosts)
	if len(got) != 5 {
		f.Fatalf("%d entries, want 5:\n%s", len(got), ldapschema.LDIF(got))
	}
	f.parentsFirst(hosts, got)
	if got := f.list(Base); len(got) != 7 {
		f.Errorf("%d entries in all, want 7", len(got))
	}
}

func (f *fixture) parentsFirst(base ldapschema.DN, entries []ldapschema.Entry) {
	f.Helper()
	seen := map[ldapschema.DN]bool{}
	for _, e := range entries {
		if !e.DN.Equal(base) && !seen[e.DN.Parent().Normal()] {
			f.Errorf("%s comes before its parent", e.DN)
		}
		seen[e.DN.Normal()] = true
	}
}

// listMany is more than a server hands out at once unless asked for pages: slapd's
// own limit is 500.
func listMany(f *fixture) {
	f.hosts()
	const n = 1203
	for i := range n {
		f.add(must(ldapschema.OrganizationalUnit(hosts, fmt.Sprintf("u%d", i), "")))
	}
	got := f.list(hosts)
	if len(got) != n+1 {
		f.Errorf("%d entries, want %d", len(got), n+1)
	}
	f.parentsFirst(hosts, got)
}

// hostileNames puts into a tree names made to climb out of their place, and finds
// each exactly there.
func hostileNames(f *fixture) {
	f.hosts()
	for _, name := range []string{
		"x,dc=site,dc=test", "x+ou=y", `x\`, `x\,dc=site`, `"x"`, "#0401", " x ", "x\x00y", "x\ny", "x;y<z>=", "*", "(|(cn=*))", "ü",
	} {
		e := must(ldapschema.OrganizationalUnit(hosts, name, ""))
		f.add(e)
		f.wantEntry(e)
		if got := f.read(e.DN).Get("ou"); got != name {
			f.Errorf("%q became %q", name, got)
		}
	}
	if got := len(f.list(Base)); got != 15 {
		f.Errorf("%d entries, want 15", got)
	}
}

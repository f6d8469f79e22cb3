package ldapdir_test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// kinds are what two directories have to agree on when they refuse a change.
var kinds = []error{directory.ErrNotFound, directory.ErrExists, directory.ErrConflict, directory.ErrSchema}

func kindOf(err error) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}

// drawChange makes up a change to a small tree, so that changes meet each other.
func drawChange(t *rapid.T) ldapschema.Change {
	dn := dirtest.Base
	for range rapid.IntRange(0, 2).Draw(t, "depth") {
		dn = dn.Child("ou", rapid.SampledFrom([]string{"a", "B", "b", "c, d"}).Draw(t, "ou"))
	}
	attr := rapid.SampledFrom([]string{"description", "codState", "codGeneration", "member", "ou", "objectClass", "codSlice", "seeAlso", "telephoneNumber"})
	value := func(attr string) string {
		return rapid.SampledFrom(map[string][]string{
			"description": {"x", "X", " x  y ", "x y", "ü"}, "codState": {"active", "ACTIVE", "closing"},
			"codGeneration": {"1", "2", "-7", "no number"}, "member": {"cn=a,dc=b"}, "ou": {"a", "b", "B", "c, d", "z"},
			"objectClass": {"codManaged", "codVirtualCluster", "organizationalUnit", "top", "device", "codNothing"},
			"codSlice":    {"slice-a", "Slice-A", "slice-b"}, "seeAlso": {"cn=a, dc=b", "CN=A,dc=b", "cn=c"},
			"telephoneNumber": {"+1 555-0100", "+15550100", "+1 555"},
		}[attr]).Draw(t, "value")
	}
	values := func(attr string, least int) []string {
		out := make([]string, rapid.IntRange(least, 2).Draw(t, "values"))
		for i := range out {
			out[i] = value(attr)
		}
		return out
	}
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0, 1:
		e := ldapschema.Entry{DN: dn, Attrs: []ldapschema.Attr{{Name: "objectClass", Values: []string{"organizationalUnit", "codManaged"}}}}
		for _, name := range slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(attr, 0, 3).Draw(t, "attrs")))) {
			if name != "objectClass" {
				e.Attrs = append(e.Attrs, ldapschema.Attr{Name: name, Values: values(name, 1)})
			}
		}
		return ldapschema.AddEntry(e)
	case 2:
		return ldapschema.DeleteEntry(dn)
	}
	c := ldapschema.Change{Kind: ldapschema.Modify, DN: dn}
	for range rapid.IntRange(1, 3).Draw(t, "mods") {
		m := ldapschema.Mod{Op: rapid.SampledFrom([]ldapschema.ModOp{ldapschema.ModAdd, ldapschema.ModDelete, ldapschema.ModReplace}).Draw(t, "op"), Attr: attr.Draw(t, "attr")}
		least := 0
		if m.Op == ldapschema.ModAdd {
			least = 1
		}
		m.Values = values(m.Attr, least)
		if m.Op == ldapschema.ModDelete && len(m.Values) == 2 { // a value named twice: slapd is of two minds
			m.Values = m.Values[:1]
		}
		c.Mods = append(c.Mods, m)
	}
	if rapid.Bool().Draw(t, "assert") {
		name := attr.Draw(t, "attr")
		c.Assert = rapid.SampledFrom([]string{
			ldapschema.EqualFilter(name, value(name)), "(!" + ldapschema.EqualFilter(name, value(name)) + ")", "(" + name + "=*)",
			"(codGeneration>=2)", "(description=x*)", "(|(codState=a*)(ou=b))", "(objectClass=top)",
		}).Draw(t, "filter")
	}
	return c
}

// TestAgreesWithSlapd makes up changes and has slapd and our own rules carry them
// out side by side: what one refuses the other refuses, for the same kind of
// reason, and both end up with the same tree.
func TestAgreesWithSlapd(t *testing.T) {
	t.Parallel()
	real := open(t, config(setup.StartSlapd(t)))
	rapid.Check(t, func(rt *rapid.T) {
		empty(t, real)
		model, err := memdir.New(dirtest.Base)
		if err != nil {
			rt.Fatal(err)
		}
		base, err := ldapschema.Base(dirtest.Base, "test")
		if err != nil {
			rt.Fatal(err)
		}
		changes := []ldapschema.Change{ldapschema.AddEntry(base)}
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			changes = append(changes, drawChange(rt))
		}
		for _, c := range changes {
			want, got := real.Apply(t.Context(), c), model.Apply(t.Context(), c)
			if kindOf(want) != kindOf(got) {
				rt.Fatalf("%v %v %v %q:\nslapd: %v\nours:  %v", c, c.Attrs, c.Mods, c.Assert, want, got)
			}
		}
		want, err := real.List(t.Context(), dirtest.Base)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := model.List(t.Context(), dirtest.Base)
		if err != nil {
			rt.Fatal(err)
		}
		if left := ldapschema.Diff(got, want); len(left) > 0 {
			rt.Fatalf("trees differ: %v\nslapd:\n%s\nours:\n%s", left, ldapschema.LDIF(want), ldapschema.LDIF(got))
		}
	})
}

// drawFilter makes up a filter about the entries of TestFiltersAgreeWithSlapd. It
// leaves out approximation: slapd's goes by sound, ours is equality.
func drawFilter(t *rapid.T, depth int) ldapschema.Filter {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 && kind < 3 {
		kind += 3
	}
	f := ldapschema.Filter{Op: ldapschema.FilterOp(kind + 1)}
	switch f.Op {
	case ldapschema.FilterAnd, ldapschema.FilterOr:
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			f.Sub = append(f.Sub, drawFilter(t, depth-1))
		}
		return f
	case ldapschema.FilterNot:
		f.Sub = []ldapschema.Filter{drawFilter(t, depth-1)}
		return f
	}
	value := rapid.SampledFrom([]string{
		"a1", "A1", " a1 ", "a1.site.test", "Grüße an alle", "GRÜSSE AN ALLE", "grüße  AN alle", "7", "07", "3", "x", "device", "top", "iphost", "2.5.6.14",
		"20261122120000Z", "202611221200Z", "20261122130000+0100", "cn=a1,ou=hosts,dc=site,dc=test", "CN=A1, ou=HOSTS,dc=site,dc=test",
		"52:54:00:99:00:01", "10.99.16.1", "slice-A", "+1 555 0100", "+15550100",
	})
	f.Attr = rapid.SampledFrom([]string{
		"cn", "name", "commonName", "objectClass", "description", "codNodeId", "codLeaseEnd", "seeAlso", "macAddress", "ipHostNumber",
		"codSlice", "codState", "codLease", "bootParameter", "ou", "noSuchAttribute", "telephoneNumber",
	}).Draw(t, "attr")
	switch f.Op {
	case ldapschema.FilterPresent:
	case ldapschema.FilterSubstrings:
		piece := rapid.SampledFrom([]string{"a", "1", "A1", "site", "an ", " a", "e", "lle", "test", "ü", "555", "0 1"})
		f.Parts = []string{"", ""}
		if rapid.Bool().Draw(t, "initial") {
			f.Parts[0] = piece.Draw(t, "piece")
		}
		f.Parts = slices.Insert(f.Parts, 1, rapid.SliceOfN(piece, 0, 2).Draw(t, "pieces")...)
		if last := len(f.Parts) - 1; rapid.Bool().Draw(t, "final") || last == 1 && f.Parts[0] == "" {
			f.Parts[last] = piece.Draw(t, "piece")
		}
	default:
		f.Value = value.Draw(t, "value")
	}
	return f
}

// TestFiltersAgreeWithSlapd makes up filters and asks slapd and our own matching
// which entries they choose.
func TestFiltersAgreeWithSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	d := open(t, config(s))
	var entries []ldapschema.Entry
	build := func(e ldapschema.Entry, err error) {
		if err == nil {
			err = d.Apply(t.Context(), ldapschema.AddEntry(e))
		}
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	build(ldapschema.Base(s.Base, "test"))
	build(ldapschema.OrganizationalUnit(s.Base, "hosts", "Grüße  an alle"))
	for i := range 6 {
		h := ldapschema.Host{
			Name: fmt.Sprintf("a%d", i), IP: netip.AddrFrom4([4]byte{10, 99, 16, byte(i)}), MAC: ldapschema.MAC{0x52, 0x54, 0, 0x99, 0, byte(i)},
			NodeID: i * 7 % 9, Mark: ldapschema.Mark{Slice: []string{"slice-a", "Slice-B", ""}[i%3], Lease: []string{"", "x", "X"}[i%3]},
			LeaseEnd: time.Date(2026, 11, 22, 10+i, 0, 0, 0, time.UTC), Aliases: []string{fmt.Sprintf("a%d.site.test", i)},
		}
		if i%2 == 0 {
			h.BootParameters, h.Description = []string{"root=nfs:/a1"}, "site"
		}
		e, err := ldapschema.HostEntry("ou=hosts,"+s.Base, h)
		if i == 3 {
			e = e.With("seeAlso", "cn=a1,ou=hosts,dc=site,dc=test")
		}
		build(e, err)
	}
	build(ldapschema.New(s.Base.Child("ou", "office"), "organizationalUnit").Set("telephoneNumber", "+1 555-0100").Build())
	conn, err := ldap.DialURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFilter(t, 3)
		again, err := ldapschema.ParseFilter(f.String())
		if err != nil || again.String() != f.String() {
			t.Fatalf("%s reads back as %s, %v", f, again, err)
		}
		res, err := conn.Search(ldap.NewSearchRequest(string(s.Base), ldap.ScopeWholeSubtree, 0, 0, 0, false, f.String(), []string{"1.1"}, nil))
		if err != nil {
			t.Fatal(f, err)
		}
		var want, got []string
		for _, e := range res.Entries {
			want = append(want, e.DN)
		}
		for _, e := range entries {
			if f.Match(e) {
				got = append(got, string(e.DN))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("%s:\nslapd: %q\nours:  %q", f, want, got)
		}
	})
}

// TestSchemaAgreesWithSlapd compares our tables with the schema that slapd has
// loaded: the standard families from its own files, the others from our text.
func TestSchemaAgreesWithSlapd(t *testing.T) {
	t.Parallel()
	c, err := ldap.DialURL(setup.StartSlapd(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	res, err := c.Search(ldap.NewSearchRequest("cn=Subschema", ldap.ScopeBaseObject, 0, 0, 0, false, "(objectClass=*)",
		[]string{"attributeTypes", "objectClasses"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	byOID := func(attr string) map[string]string {
		out := map[string]string{}
		for _, v := range res.Entries[0].GetAttributeValues(attr) {
			out[strings.Fields(v)[1]] = v
		}
		return out
	}
	attributes, classes := byOID("attributeTypes"), byOID("objectClasses")
	for _, a := range ldapschema.Attributes() {
		theirs, ok := attributes[a.OID]
		if !ok {
			t.Errorf("slapd has no attribute %s %s", a.OID, a.Name)
			continue
		}
		compare(t, a.Name, theirs, a.Definition(), "NAME", "SUP", "EQUALITY", "ORDERING", "SUBSTR", "SYNTAX", "SINGLE-VALUE")
	}
	for _, class := range ldapschema.Classes() {
		theirs, ok := classes[class.OID]
		if !ok {
			t.Errorf("slapd has no class %s %s", class.OID, class.Name)
			continue
		}
		compare(t, class.Name, theirs, class.Definition(), "NAME", "SUP", "ABSTRACT", "AUXILIARY", "MUST")
		// What we allow, slapd allows; it may know more attributes than we do.
		allowed := "$ " + field(theirs, "MAY") + " $"
		for _, name := range class.May {
			t0, _ := ldapschema.AttributeNamed(name)
			if !slices.ContainsFunc(append(t0.Aliases, t0.Name), func(n string) bool {
				return strings.Contains(strings.ToLower(allowed), "$ "+strings.ToLower(n)+" $")
			}) {
				t.Errorf("%s: slapd does not allow %s", class.Name, name)
			}
		}
	}
}

// field is what follows a keyword of a definition: one word, a list in parentheses
// without them, or "yes" for a keyword that stands alone.
func field(definition, key string) string {
	m := regexp.MustCompile(` ` + key + `( \( ([^)]*) \)| ([^ ]+)|$)`).FindStringSubmatch(regexp.MustCompile(` DESC '[^']*'`).ReplaceAllString(definition, ""))
	switch {
	case m == nil:
		return ""
	case key == "SINGLE-VALUE" || key == "ABSTRACT" || key == "AUXILIARY":
		return "yes"
	case m[2] != "":
		return m[2]
	}
	return m[3]
}

// differs are the points in which our tables say less than slapd's, on purpose:
// certificates are not compared by their contents, and the subschema entry is the
// only subentry there is.
var differs = map[string]bool{"userCertificate EQUALITY": true, "subentry MUST": true}

func compare(t *testing.T, name, theirs, ours string, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if differs[name+" "+key] {
			continue
		}
		a, b := strings.ToLower(field(theirs, key)), strings.ToLower(field(ours, key))
		if key == "MUST" || key == "NAME" {
			a, b = sorted(a), sorted(b)
		}
		if a != b {
			t.Errorf("%s: %s is %q in slapd and %q here\n%s\n%s", name, key, a, b, theirs, ours)
		}
	}
}

func sorted(list string) string {
	words := strings.Fields(strings.ReplaceAll(list, "$", " "))
	for i, w := range words {
		if a, ok := ldapschema.AttributeNamed(w); ok {
			words[i] = strings.ToLower(a.Name)
		}
	}
	slices.Sort(words)
	return fmt.Sprint(words)
}

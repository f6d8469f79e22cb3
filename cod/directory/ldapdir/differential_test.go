package ldapdir_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

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
			ldapschema.Equal(name, value(name)), "(!" + ldapschema.Equal(name, value(name)) + ")", "(" + name + "=*)",
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
		logf, _ := os.Create("/tmp/D/last")
		defer logf.Close()
		fmt.Fprintln(logf, "empty")
		empty(t, real)
		fmt.Fprintln(logf, "emptied")
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
			fmt.Fprintf(logf, "%v %v %v %q\n", c, c.Attrs, c.Mods, c.Assert); want, got := real.Apply(t.Context(), c), model.Apply(t.Context(), c)
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

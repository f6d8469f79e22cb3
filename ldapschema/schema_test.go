package ldapschema

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestTablesAreWhole: every name that a definition mentions is defined, every
// number and name is used once, and every attribute knows its syntax.
func TestTablesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	once := func(key, name string) {
		t.Helper()
		if other, ok := seen[strings.ToLower(key)]; ok {
			t.Errorf("%s: both %s and %s", key, other, name)
		}
		seen[strings.ToLower(key)] = name
	}
	for _, a := range Attributes() {
		for _, key := range append([]string{a.Name, a.OID}, a.Aliases...) {
			once(key, a.Name)
		}
		if !validOID(a.OID) || !validAttrName(a.Name) || a.Syntax == inherited || a.Desc == "" {
			t.Errorf("attribute %+v is not complete", a)
		}
		if a.Ordered && rules[a.Equality].ordering == "" || a.Substr && rules[a.Equality].substr == "" {
			t.Errorf("attribute %s: rule %s has no such companion", a.Name, a.Equality)
		}
	}
	for _, c := range Classes() {
		once(c.Name, c.Name)
		once(c.OID, c.Name)
		if !validOID(c.OID) || !validAttrName(c.Name) || c.Desc == "" {
			t.Errorf("class %+v is not complete", c)
		}
		if _, ok := ClassNamed(c.Sup); c.Sup != "" && !ok {
			t.Errorf("class %s: no superclass %s", c.Name, c.Sup)
		}
		for _, name := range append(append([]string(nil), c.Must...), c.May...) {
			if a, ok := AttributeNamed(name); !ok || a.Name != name {
				t.Errorf("class %s: no attribute %s", c.Name, name)
			}
		}
	}
	for _, r := range Rules() {
		if !validOID(r.OID()) || r.String() == "" || strings.Contains(r.Definition(), "SYNTAX  )") {
			t.Errorf("rule %d is not complete: %s", r, r.Definition())
		}
	}
	for _, s := range Syntaxes() {
		if !validOID(s.OID()) || s.String() == "" {
			t.Errorf("syntax %d is not complete", s)
		}
	}
}

// TestSchemaText holds the text we write out to what has been written before: a
// number, once published, keeps its meaning.
func TestSchemaText(t *testing.T) {
	t.Parallel()
	for _, f := range []Family{NISBis, DHCP, DNS, Automount, PublicKey, COD, Recovery} {
		path := filepath.Join("testdata", string(f)+".schema")
		got := SchemaText(f)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed; -update rewrites it\n%s", path, got)
		}
	}
}

func TestClassesAndAttributesRelate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class, sup string
		want       bool
	}{
		{"inetOrgPerson", "person", true}, {"INETORGPERSON", "top", true}, {"person", "inetOrgPerson", false},
		{"device", "2.5.6.14", true}, {"mystery", "mystery", true}, {"mystery", "top", false},
	} {
		if got := IsSubclass(c.class, c.sup); got != c.want {
			t.Errorf("%s below %s: %v", c.class, c.sup, got)
		}
	}
	for _, c := range []struct {
		name, sup string
		want      bool
	}{
		{"cn", "name", true}, {"commonName", "NAME", true}, {"name", "cn", false}, {"member", "distinguishedName", true},
		{"cn", "cn", true}, {"mystery", "Mystery", true}, {"mystery", "name", false},
	} {
		if got := IsSubtype(c.name, c.sup); got != c.want {
			t.Errorf("%s a kind of %s: %v", c.name, c.sup, got)
		}
	}
	if got := strings.Join(AllowedAttributes("ipHost"), " "); got != "cn description ipHostNumber l manager objectClass" {
		t.Errorf("attributes of ipHost: %s", got)
	}
	if a, _ := AttributeNamed("registeredAddress"); a.Equality != CaseIgnoreListMatch {
		t.Error("an attribute does not inherit its equality")
	}
	for _, e := range []struct {
		classes []string
		want    string
	}{
		{[]string{"top", "person", "inetOrgPerson", "posixAccount"}, "inetOrgPerson"}, {[]string{"ipHost"}, ""}, {[]string{"mystery"}, ""},
	} {
		if got := StructuralClass(Entry{Attrs: []Attr{{"objectClass", e.classes}}}); got != e.want {
			t.Errorf("%v is a %q", e.classes, got)
		}
	}
}

package ldapschema

import (
	"reflect"
	"testing"
)

// TestCanonicalMerges: an attribute that comes in several pieces, under whatever names,
// is one, and what Canonical returns shares nothing with what it was given.
func TestCanonicalMerges(t *testing.T) {
	t.Parallel()
	e := Entry{DN: "cn=b,dc=c", Attrs: []Attr{
		{"X-other", []string{"2"}}, {"CN", []string{"a"}}, {"description", nil}, {"x-OTHER", []string{"1"}},
		{"commonName", []string{"b"}}, {"objectclass", []string{"device", "top"}},
	}}
	out := e.Canonical()
	want := Entry{DN: e.DN, Attrs: []Attr{{"cn", []string{"b", "a"}}, {"objectClass", []string{"top", "device"}}, {"X-other", []string{"1", "2"}}}}
	if !reflect.DeepEqual(out, want) {
		t.Fatalf("got %v, want %v", out, want)
	}
	out.Attrs[0].Values = append(out.Attrs[0].Values, "c") // must not run into the next attribute's
	if out.Attrs[1].Values[0] = "changed"; out.Attrs[0].Values[2] != "c" || e.Attrs[5].Values[0] != "device" {
		t.Errorf("values are shared: %v, %v", out, e)
	}
	copied := want.Clone()
	copied.Attrs[0].Values = append(copied.Attrs[0].Values, "c")
	copied.Attrs[1].Values[0] = "changed"
	if copied.Attrs[0].Values[2] != "c" || want.Attrs[1].Values[0] != "top" {
		t.Errorf("a clone shares values: %v, %v", copied, want)
	}
}

package ldapschema

import (
	"fmt"
	"strings"
	"testing"
)

// TestMerge has one line for each way in which base, have and want can differ in
// one attribute. Values are parted by "|".
func TestMerge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, attr, base, have, want, mods, conflict string }{
		{"nothing new", "codState", "a", "a", "a", "", ""},
		{"ours alone", "codState", "a", "a", "b", "delete a; add b", ""},
		{"ours, new", "codState", "", "", "b", "add b", ""},
		{"ours, gone", "codState", "a", "a", "", "delete a", ""},
		{"theirs alone", "codState", "a", "x", "a", "", "x"},
		{"theirs against ours", "codState", "a", "x", "b", "", "x"},
		{"theirs is ours", "codState", "a", "b", "b", "", ""},
		{"theirs gone", "codState", "a", "", "b", "", "-"},
		{"theirs first", "codState", "", "x", "b", "", "x"},
		{"theirs against our removal", "codState", "a", "x", "", "", "x"},
		{"another spelling is no change", "codState", "A", "a", "b", "delete a; add b", ""},

		{"a set: ours added", "cn", "h|a", "h|a", "h|a|b", "add b", ""},
		{"a set: both added", "cn", "h|a", "h|a|x", "h|a|b", "add b", "h|a|x"},
		{"a set: both added the same", "cn", "h|a", "h|a|b", "h|a|b", "", ""},
		{"a set: ours removed, theirs added", "cn", "h|a", "h|a|x", "h", "delete a", "h|a|x"},
		{"a set: theirs removed", "cn", "h|a", "h", "h|a|b", "add b", "h"},
		{"a set: both removed", "cn", "h|a", "h", "h", "", ""},
		{"a set of one is a set", "memberUid", "ann", "bob", "cat", "add cat", "bob"},
		{"no equality rule: replaced whole", "bootParameter", "a=b:c", "a=b:c|x=y:z", "d=e:f", "replace x=y:z|d=e:f", "a=b:c|x=y:z"},
		{"no equality rule: new", "bootParameter", "", "", "d=e:f", "add d=e:f", ""},

		{"a setting: ours", "ipHostNumber", "10.0.0.1", "10.0.0.1", "10.0.0.2", "delete 10.0.0.1; add 10.0.0.2", ""},
		{"a setting: theirs against ours", "ipHostNumber", "10.0.0.1", "10.0.0.9", "10.0.0.2", "", "10.0.0.9"},
		{"a setting with two values is a set", "ipHostNumber", "10.0.0.1", "10.0.0.1|10.0.0.9", "10.0.0.2", "delete 10.0.0.1; add 10.0.0.2", "10.0.0.1|10.0.0.9"},

		{"settings: each by itself", "dhcpStatements", "fixed-address 10.0.0.1|filename \"a\"", "fixed-address 10.0.0.1|filename \"x\"",
			"fixed-address 10.0.0.2|filename \"b\"", "delete fixed-address 10.0.0.1; add fixed-address 10.0.0.2", "fixed-address 10.0.0.1|filename \"x\""},
		{"settings: a condition is the setting in it", "dhcpStatements", "filename \"a\"", "filename \"x\"",
			"if c { filename \"e\"; } else { filename \"a\"; }", "", "filename \"x\""},
		{"settings: theirs stays", "dhcpStatements", "filename \"a\"", "filename \"a\"|allow booting", "filename \"b\"",
			"delete filename \"a\"; add filename \"b\"", "filename \"a\"|allow booting"},
		{"settings: several of a kind", "dhcpOption", "x 1|x 2", "x 1|x 2|x 9", "x 1|x 3", "delete x 2; add x 3", "x 1|x 2|x 9"},
		{"what we do not know is not touched", "mystery", "", "x", "", "", ""},
	} {
		entry := func(values string) Entry {
			e := Entry{DN: "cn=h,dc=x", Attrs: []Attr{{"objectClass", []string{"device"}}}}
			if values != "" {
				e.Attrs = append(e.Attrs, Attr{c.attr, strings.Split(values, "|")})
			}
			return e
		}
		change, todo, conflicts := Merge(entry(c.base), entry(c.have), entry(c.want))
		var mods []string
		for _, m := range change.Mods {
			if m.Attr != c.attr {
				t.Errorf("%s: touches %s", c.name, m.Attr)
			}
			mods = append(mods, m.Op.String()+" "+strings.Join(m.Values, "|"))
		}
		if got := strings.Join(mods, "; "); got != c.mods || todo != (c.mods != "") {
			t.Errorf("%s: %q (%v), want %q", c.name, got, todo, c.mods)
		}
		got := ""
		for _, x := range conflicts {
			got += strings.Join(x.Have, "|")
			if len(x.Have) == 0 {
				got += "-"
			}
			if x.Attr != c.attr || fmt.Sprint(x.Base) != fmt.Sprint(entry(c.base).Values(c.attr)) || fmt.Sprint(x.Want) != fmt.Sprint(entry(c.want).Values(c.attr)) {
				t.Errorf("%s: conflict %+v", c.name, x)
			}
		}
		if got != c.conflict {
			t.Errorf("%s: conflict %q, want %q", c.name, got, c.conflict)
		}
	}
}

func TestMergeAbsent(t *testing.T) {
	t.Parallel()
	e, other, none := testHost(), testHost().With("codState", "closing"), Entry{}
	for _, c := range []struct {
		name             string
		base, have, want Entry
		kind             ChangeKind // 0 for nothing to do
		conflicts        string
	}{
		{"all absent", none, none, none, 0, ""},
		{"new", none, none, e, Add, ""},
		{"over", e, e, none, Delete, ""},
		{"over, edited", e, other, none, Delete, "codState"},
		{"over, never ours", none, e, none, Delete, ""},
		{"over, gone already", e, none, none, 0, ""},
		{"removed by an operator", e, none, other, 0, "(entry)"},
		{"there before us", none, other, e, 0, "codState"},
	} {
		change, todo, conflicts := Merge(c.base, c.have, c.want)
		var got []string
		for _, x := range conflicts {
			name := x.Attr
			if name == "" {
				name = "(entry)"
			}
			got = append(got, name)
		}
		if change.Kind != c.kind && (c.kind != 0 || todo) || todo != (c.kind != 0) || strings.Join(got, " ") != c.conflicts {
			t.Errorf("%s: %v %v %v", c.name, change, todo, got)
		}
		if todo && change.DN != e.DN {
			t.Errorf("%s: concerns %q", c.name, change.DN)
		}
	}
}

func TestDiffReplacesClass(t *testing.T) {
	t.Parallel()
	unit, err := OrganizationalUnit("dc=x", "a", "")
	if err != nil {
		t.Fatal(err)
	}
	org := New("ou=a,dc=x", "account").Set("uid", "a").e
	got := Diff([]Entry{unit}, []Entry{org, org})
	if len(got) != 2 || got[0].Kind != Delete || got[1].Kind != Add {
		t.Errorf("got %v", got)
	}
	if got := Diff([]Entry{unit}, []Entry{unit.With("OBJECTCLASS", "OrganizationalUnit", "TOP")}); len(got) != 0 {
		t.Errorf("another spelling is a change: %v", got)
	}
}

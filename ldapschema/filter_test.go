package ldapschema

import (
	"errors"
	"strings"
	"testing"
)

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(!", MaxFilterDepth) + "(cn=a)" + strings.Repeat(")", MaxFilterDepth)
	wide := "(|" + strings.Repeat("(cn=a)", MaxFilterItems) + ")"
	for _, c := range []struct{ in, why string }{
		{"", "no ("}, {"cn=a", "no ("}, {"(cn=a", "unfinished"}, {"(cn=a))", "text after"}, {"(cn)", "no ="}, {"(=a)", "bad attribute name"},
		{"(c n=a)", "bad attribute name"}, {"(cn=(a)", "unfinished"}, {`(cn=\)`, "unfinished escape"}, {`(cn=\4)`, "unfinished escape"},
		{`(cn=\zz)`, "bad escape"}, {"(cn>=a*)", "unescaped *"}, {"(cn=a**b)", "empty part"}, {"(cn:caseExactMatch:=a)", "extensible"},
		{"(:=a)", "extensible"}, {"(&(cn=a)", "no )"}, {"(!)", "no ("}, {"(!(cn=a)(cn=b))", "no )"}, {"(&cn=a)", "no )"},
		{deep, "deeper than 32"}, {wide, "more than 4096"},
	} {
		if _, err := ParseFilter(c.in); !errors.Is(err, ErrFilter) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.40q: %v, want %q", c.in, err, c.why)
		}
	}
}

// TestFilterText: a value in a filter's text is that value and nothing more.
func TestFilterText(t *testing.T) {
	t.Parallel()
	e := Entry{Attrs: []Attr{{"cn", []string{"plain"}}, {"objectClass", []string{"device"}}}}
	for _, v := range []string{"*", "plain)(objectClass=*", "(", `\`, "\x00", "ü", "plain*", " plain "} {
		text := EqualFilter("cn", v)
		f, err := ParseFilter(text)
		if err != nil || f.Op != FilterEqual || f.Value != v || f.String() != text {
			t.Errorf("%q: %s %+v %v", v, text, f, err)
		}
		if got := f.Match(e); got != (v == " plain ") {
			t.Errorf("%s matches: %v", text, got)
		}
	}
	var names []string
	f, _ := ParseFilter("(&(cn=a*b)(|(sn=*)(!(ou>=x))))")
	f.Attributes(func(n string) { names = append(names, n) })
	if strings.Join(names, " ") != "cn sn ou" {
		t.Errorf("attributes: %v", names)
	}
	if (Filter{}).Match(e) || (Filter{Op: FilterNot}).Match(e) {
		t.Error("an empty filter matches")
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"(cn=a)", "(&(cn=a*b*c)(|(sn=*)(!(ou>=x))))", "(&)", "(|)", `(cn=\2a\c3\bc)`, "(cn~=x)", "(entryDN=cn=a,dc=b)", "(codNodeId<=7)", "(objectClass=2.5.6.14)"} {
		f.Add(s)
	}
	e := testHost()
	f.Fuzz(func(t *testing.T, in string) {
		x, err := ParseFilter(in)
		if err != nil {
			return
		}
		again, err := ParseFilter(x.String())
		if err != nil || again.String() != x.String() {
			t.Fatalf("%q is written %q and reads %q, %v", in, x, again, err)
		}
		if x.Match(e) != again.Match(e) {
			t.Fatalf("%q matches differently when written %q", in, x)
		}
	})
}

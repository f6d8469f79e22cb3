package ldapschema

import (
	"strings"
	"testing"
)

func TestParseDN(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, normal string }{
		{"", ""},
		{"  ", ""},
		{"cn=a", "cn=a"},
		{"CN=A,DC=Site,DC=Test", "cn=a,dc=site,dc=test"},
		{" cn = a b , dc = test ", "cn=a b,dc=test"},
		{"commonName=A  B,2.5.4.11=x", "cn=a b,ou=x"},
		{`cn=a\,b,dc=test`, `cn=a\,b,dc=test`},
		{`cn=a\2Cb`, `cn=a\,b`},
		{`cn=Lu\C4\8Di\C4\87`, "cn=lučić"},
		{`cn=\ a\ `, `cn=a`}, // blanks at the ends do not matter to caseIgnoreMatch
		{`codLease=\ A\ b`, `codlease=A b`},
		{`cn=\#x`, `cn=\#x`},
		{`cn=a=b`, "cn=a=b"},
		{"cn=#04024869", "cn=hi"},
		{"uid=b+cn=a,dc=x", "cn=a+uid=b,dc=x"},
		{`cn=a\0Ab`, "cn=a b"},
		{`unknown=A\0Ab`, "unknown=a b"},
		{"uidNumber=7", "uidnumber=7"},
		{`member=cn\=x\,dc\=y`, `member=cn=x\,dc=y`},
	} {
		dn, err := ParseDN(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if got := dn.Normal(); string(got) != c.normal {
			t.Errorf("%q is %q, want %q", c.in, got, c.normal)
		}
		if got := dn.Normal().Normal(); string(got) != c.normal {
			t.Errorf("%q: normal form of %q is %q", c.in, c.normal, got)
		}
	}
}

func TestParseDNRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("a=b,", MaxRDNs) + "a=b"
	wide := strings.Repeat("a=b+", MaxAVAs) + "a=b"
	for _, c := range []struct{ in, why string }{
		{"cn", "no ="},
		{"cn=", "empty value"},
		{"=x", "bad attribute name"},
		{"c n=x", "bad attribute name"},
		{"1.=x", "bad attribute name"},
		{"01.2=x", "bad attribute name"},
		{"cn=a,", "no ="},
		{",cn=a", "bad attribute name"},
		{"cn=a,,dc=b", "bad attribute name"},
		{"cn=a+,dc=b", "bad attribute name"},
		{`cn=a\`, `lone \`},
		{`cn=a\x`, "bad escape"},
		{`cn=a\4`, "bad escape"},
		{`cn="a"`, "unescaped"},
		{"cn=a;dc=b", "unescaped"},
		{"cn=a<b", "unescaped"},
		{"cn=a\x00", "unescaped"},
		{`cn=\FF`, "not UTF-8"},
		{"cn=#0", "odd hexadecimal"},
		{"cn=#0x", "bad hexadecimal"},
		{"cn=#0402", "not a short string"},
		{"cn=#0401", "not a short string"},
		{"cn=#04024869 x", "text after"},
		{"cn=#0401ff", "not UTF-8"},
		{deep, "more than 128 levels"},
		{wide, "more than 16 values"},
		{"cn=" + strings.Repeat("x", MaxDNBytes), "longer than 8192"},
	} {
		if _, err := ParseDN(c.in); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%.40q: %v, want %q", c.in, err, c.why)
		}
	}
}

// TestChildKeepsItsPlace: whatever the value, the child is one level below its
// parent, says that value, and nothing else.
func TestChildKeepsItsPlace(t *testing.T) {
	t.Parallel()
	const parent DN = "ou=hosts,dc=site,dc=test"
	for _, value := range []string{
		"a", "a,dc=evil", "a+cn=b", `a\`, `\`, `"`, `a"b`, " a", "a ", " ", "  ", "#", "#04", "a;b", "<", ">", "=", "a=b",
		"\x00", "a\x00b", "\n", "\x7f", "ü", "日本", `\2c`, "a\tb", ",", "+", `\,`, "*", "(", ")",
	} {
		dn := parent.Child("cn", value)
		if _, err := ParseDN(string(dn)); err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		attr, got := dn.RDN()
		if attr != "cn" || got != value || len(dn.AVAs()) != 1 {
			t.Errorf("%q reads back as %q %q", value, attr, got)
		}
		if dn.Depth() != 4 || dn.Parent() != parent || !dn.Under(parent) || parent.Under(dn) {
			t.Errorf("%q left its place: %q", value, dn)
		}
	}
	// Octets that are not UTF-8 cannot be in a name at all.
	if _, err := ParseDN(string(parent.Child("cn", "\xff"))); err == nil {
		t.Error("broken UTF-8 was accepted")
	}
	if got := DN("").Child("dc", "test"); got != "dc=test" {
		t.Errorf("child of the root: %q", got)
	}
}

func TestDNRelations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b         DN
		equal, under bool
	}{
		{"cn=a,dc=x", "CN=A, DC=X", true, true},
		{"cn=a,dc=x", "dc=x", false, true},
		{"cn=a,cn=b,dc=x", "dc=x", false, true},
		{"dc=x", "cn=a,dc=x", false, false},
		{"cn=a,dc=x", "", false, true},
		{"", "", true, true},
		{"dc=xx", "dc=x", false, false},
		{`cn=a\,dc\=x`, "dc=x", false, false},
		{`cn=\\,dc=x`, "dc=x", false, true},
		{"codLease=a,dc=x", "codLease=A,dc=x", false, false},
		{"malformed", "dc=x", false, false},
		{"dc=x", "malformed", false, false},
		{"malformed", "malformed", true, false},
		{"malformed", "", false, false},
	} {
		if got := c.a.Equal(c.b); got != c.equal {
			t.Errorf("%q equals %q: %v", c.a, c.b, got)
		}
		if got := c.a.Under(c.b); got != c.under {
			t.Errorf("%q under %q: %v", c.a, c.b, got)
		}
	}
	if got := DN(`cn=a\,b , dc=x`).Parent(); got != "dc=x" {
		t.Errorf("parent: %q", got)
	}
	if got := DN("dc=x").Parent(); got != "" {
		t.Errorf("parent of the topmost: %q", got)
	}
	if p, err := DN("CN=a,DC=x,dc=y").Path(); err != nil || strings.Join(p, "/") != "dc=y/dc=x/cn=a" {
		t.Errorf("path: %q %v", p, err)
	}
	for _, bad := range []DN{"malformed", "a=b,,c=d"} {
		attr, value := bad.RDN()
		if bad.Depth() != 0 || bad.Parent() != "" || attr+value != "" || bad.Normal() != bad {
			t.Errorf("%q has parts", bad)
		}
		if _, err := bad.Path(); err == nil {
			t.Errorf("%q has a path", bad)
		}
	}
}

func FuzzParseDN(f *testing.F) {
	for _, s := range []string{"", "cn=a", `cn=a\,b+ou=\20x,dc=test`, "cn=#04024869,dc=x", " CN = ü , 2.5.4.3 = y", `member=cn\=x\,dc\=y`, `cn=\\`} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, in, value string) {
		dn, err := ParseDN(in)
		if err != nil {
			return
		}
		n := dn.Normal()
		if len(n) > MaxDNBytes {
			return // escapes made it too long to be read again
		}
		if again, err := ParseDN(string(n)); err != nil || again.Normal() != n {
			t.Fatalf("%q: normal form %q is not stable: %q, %v", in, n, again.Normal(), err)
		}
		if !dn.Equal(n) || dn.Depth() != n.Depth() || !dn.Under("") {
			t.Fatalf("%q and its normal form %q differ", in, n)
		}
		if p := dn.Parent(); dn.Depth() > 0 && p.Depth() != dn.Depth()-1 {
			t.Fatalf("%q: parent %q", in, p)
		}
		child := dn.Child("cn", value)
		if _, err := ParseDN(string(child)); err != nil {
			return // empty, not UTF-8, or too long
		}
		if _, got := child.RDN(); got != value || child.Depth() != dn.Depth()+1 {
			t.Fatalf("%q below %q became %q", value, in, child)
		}
	})
}

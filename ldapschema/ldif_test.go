package ldapschema

import (
	"errors"
	"strings"
	"testing"
)

func TestParseLDIF(t *testing.T) {
	t.Parallel()
	in := `version: 1
# a comment
 that goes on
dn: cn=a\, b,dc=te
 st
objectClass: device
objectclass: top
cn: a, b
description:: R3LDvMOfZQ==
description: folded in
  two
serialNumber:

dn:: Y249w7wsZGM9dGVzdA==
changetype: add
cn: ü
commonName: other

`
	got, err := ParseLDIF(strings.NewReader(strings.ReplaceAll(in, "\n", "\r\n")), LDIFLimits{})
	if err != nil {
		t.Fatal(err)
	}
	want := `dn: cn=a\, b,dc=test
cn: a, b
description:: R3LDvMOfZQ==
description: folded in two
objectClass: top
objectClass: device
serialNumber:

dn:: Y249w7wsZGM9dGVzdA==
cn:: w7w=
cn: other
`
	if LDIF(got) != want {
		t.Errorf("got\n%s\nwant\n%s", LDIF(got), want)
	}
	again, err := ParseLDIF(strings.NewReader(want), LDIFLimits{})
	if err != nil || LDIF(again) != want {
		t.Errorf("read again: %v\n%s", err, LDIF(again))
	}
}

func TestParseLDIFRefuses(t *testing.T) {
	t.Parallel()
	small := LDIFLimits{Bytes: 100, Line: 30, Entries: 2, Values: 3}
	for _, c := range []struct {
		in   string
		line int
		why  string
	}{
		{"cn: a\n", 1, "does not start with dn"},
		{"dn: a\ncn: a\n", 1, "malformed"},
		{"dn: cn=a\n", 2, "without attributes"},
		{"dn: cn=a\ncn: a\ndn: cn=b\n", 3, "second dn"},
		{"dn: cn=a\nno colon\n", 2, "no colon"},
		{"dn: cn=a\nc n: x\n", 2, "bad attribute name"},
		{"dn: cn=a\ncn;: x\n", 2, "bad attribute name"},
		{"dn: cn=a\ncn:: %%\n", 2, "bad base64"},
		{"dn: cn=a\ncn:< file:///etc/passwd\n", 2, "not fetched"},
		{"dn: cn=a\ncn: \xff\n", 2, "not UTF-8"},
		{"dn: cn=a\nchangetype: modify\nreplace: cn\n", 2, "only content records"},
		{"dn: cn=a\ncn: a\nchangetype: add\n", 3, "only content records"},
		{"dn: cn=a\ncontrol: 1.2 true\n", 2, "control lines"},
		{"version: 2\n", 1, "unknown LDIF version"},
		{" x\n", 1, "continuation of nothing"},
		{"dn: cn=a\ncn: a\n\nversion: 1\n", 4, "does not start with dn"},
		{strings.Repeat("#", 101), 1, "longer than 100 octets"},
		{"dn: cn=a\ncn: " + strings.Repeat("x", 40), 2, "line longer than 30"},
		{"dn: cn=a\ncn: xxxxxxxxxxxxxxx\n xxxxxxxxxxxxxxxx\n", 2, "line longer than 30"},
		{"dn: cn=a\ncn: a\ncn: b\ncn: c\ncn: d\n", 5, "more than 3 values"},
		{"dn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n\ndn: cn=c\ncn: c\n", 7, "more than 2 records"},
	} {
		got, err := ParseLDIF(strings.NewReader(c.in), small)
		var e *LDIFError
		if !errors.As(err, &e) || e.Line != c.line || !strings.Contains(e.What, c.why) || got != nil {
			t.Errorf("%.60q: %v, want line %d: %s", c.in, err, c.line, c.why)
		}
	}
}

func FuzzParseLDIF(f *testing.F) {
	for _, s := range []string{
		"dn: cn=a\ncn: a\n", "version: 1\n\ndn:: Y249YQ==\nchangetype: add\ncn:: YQ==\nobjectClass: top\n", "# x\n y\ndn: cn=a\n ,dc=b\nx;lang-en: 1\n",
		"dn: cn=a\nuserPassword:: //8=\ndescription:\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		entries, err := ParseLDIF(strings.NewReader(in), LDIFLimits{Bytes: 1 << 16})
		if err != nil {
			return
		}
		out := LDIF(entries)
		again, err := ParseLDIF(strings.NewReader(out), LDIFLimits{})
		if err != nil || LDIF(again) != out {
			t.Fatalf("%q does not read back: %v\n%q", out, err, LDIF(again))
		}
		for _, e := range entries {
			Check(e) // whatever it says, it says it without a panic
		}
	})
}

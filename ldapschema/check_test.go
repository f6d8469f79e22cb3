package ldapschema

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func testHost() Entry {
	e, err := HostEntry("ou=hosts,dc=site,dc=test", Host{
		Name: "a1", IP: netip.MustParseAddr("10.99.16.1"), MAC: MAC{0x52, 0x54, 0, 0x99, 0, 1}, State: "active",
	})
	if err != nil {
		panic(err)
	}
	return e
}

// TestCheck takes a good entry, spoils it in one way at a time, and expects that
// very complaint.
func TestCheck(t *testing.T) {
	t.Parallel()
	good := testHost()
	if err := Check(good); err != nil {
		t.Fatal(err)
	}
	named := func(dn DN) Entry { e := good.Clone(); e.DN = dn; return e }
	twice := good.Clone()
	twice.Attrs = append(twice.Attrs, Attr{"description", []string{"x", "X "}})
	empty := good.Clone()
	empty.Attrs = append(empty.Attrs, Attr{"description", nil})
	for _, c := range []struct {
		name    string
		e       Entry
		problem Problem
		attr    string
	}{
		{"malformed name", named("cn=a1,,dc=x"), BadName, ""},
		{"the root", named(""), BadName, ""},
		{"named by another", named("cn=b1,dc=x"), BadName, "cn"},
		{"named by half", named("cn=a1+ou=x,dc=x"), BadName, "ou"},
		{"named by the unknown", named("mystery=a1,dc=x"), UnknownAttribute, "mystery"},
		{"no class", good.With("objectClass"), BadClasses, "objectClass"},
		{"unknown class", good.With("objectClass", "device", "mystery"), BadValue, "objectClass"},
		{"only auxiliaries", good.With("objectClass", "ipHost", "ieee802Device", "codNode"), BadClasses, "objectClass"},
		{"two structurals", good.With("objectClass", "device", "organizationalUnit", "ipHost", "ieee802Device", "codNode"), BadClasses, "objectClass"},
		{"must missing", good.With("ipHostNumber"), MissingAttribute, "ipHostNumber"},
		{"not allowed", good.With("uidNumber", "7"), ForbiddenAttr, "uidNumber"},
		{"unknown attribute", good.With("mystery", "x"), UnknownAttribute, "mystery"},
		{"kept by the server", good.With("entryUUID", "7c1ca7bb-1a0a-4a3c-8c2b-1f0a1b2c3d4e"), ReadOnlyAttr, "entryUUID"},
		{"two of one", good.With("codState", "a", "b"), TooManyValues, "codState"},
		{"one twice", twice, DuplicateValue, "description"},
		{"none", empty, BadValue, "description"},
		{"empty value", good.With("description", ""), BadValue, "description"},
		{"too long", good.With("codState", strings.Repeat("x", 65)), BadValue, "codState"},
		{"not a number", good.With("codNodeId", "07"), BadValue, "codNodeId"},
		{"not a time", good.With("codLeaseEnd", "2026-11-22"), BadValue, "codLeaseEnd"},
		{"not a name", good.With("codDom0", "somewhere"), BadValue, "codDom0"},
		{"not an address", good.With("ipHostNumber", "10.99.16"), BadValue, "ipHostNumber"},
		{"not a MAC", good.With("macAddress", "52-54-00-99-00-01"), BadValue, "macAddress"},
		{"not UTF-8", good.With("description", "\xff"), BadValue, "description"},
		{"two lines", good.With("bootFile", "a\nb"), BadValue, "bootFile"},
	} {
		err := Check(c.e)
		var e *Error
		if !errors.As(err, &e) || e.Problem != c.problem || e.Attr != c.attr {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), c.problem.String()) {
			t.Errorf("%s: %v does not say %q", c.name, err, c.problem)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attr      string
		good, bad []string
	}{
		{"ipHostNumber", []string{"10.0.0.1", "2001:db8::1"}, []string{"10.0.0", "010.0.0.1", "fe80::1%eth0", "host"}},
		{"aRecord", []string{"10.0.0.1"}, []string{"2001:db8::1", "10.0.0.1 "}},
		{"aAAARecord", []string{"2001:db8::1"}, []string{"10.0.0.1"}},
		{"ipNetworkNumber", []string{"10.99.16.0", "10.99", "10", "2001:db8::"}, []string{"10.", "10.99.256", "10.0.0.0.0", "x", "1.02"}},
		{"ipNetmaskNumber", []string{"255.255.0.0", "0.0.0.0", "255.255.255.255"}, []string{"255.0.255.0", "/16", "ffff::"}},
		{"macAddress", []string{"52:54:00:99:00:01", "52:54:00:AB:cd:ef"}, []string{"52:54:00:99:00", "52:54:00:99:00:0g", "525400990001", "52:54:00:99:00:01:02", "52;54;00;99;00;01"}},
		{"dhcpHWAddress", []string{"ethernet 52:54:00:99:00:01"}, []string{"52:54:00:99:00:01", "ethernet  52:54:00:99:00:01", "ethernet x"}},
		{"nSRecord", []string{"ns1.site.test.", "ns1", "_ldap._tcp.x", "*.x", "@", "."}, []string{"a..b", "-" + strings.Repeat("x", 64), "a b", "a*.b", strings.Repeat("a.", 127) + "ab"}},
		{"bootParameter", []string{"root=nfs1:/export/a", "swap=:"}, []string{"root", "=x:y", "root=nfs1"}},
		{"nisNetgroupTriple", []string{"(a,b,c)", "(,,)"}, []string{"a,b,c", "(a,b)"}},
		{"x500UniqueIdentifier", []string{"'0101'B", "''B"}, []string{"0101", "'012'B"}},
		{"codLeaseEnd", []string{"20261122120000Z", "2026112212Z", "202611221200+0100", "20261122120000.5Z"}, []string{"20261122120000", "20261322120000Z", "x"}},
		{"codNodeId", []string{"0", "-7", "12345678901234567890"}, []string{"-0", "00", "", "-", "1.5", strings.Repeat("1", 65)}},
		{"dhcpBootpFlag", nil, nil},
		{"c", []string{"SE"}, []string{"SWE", "é1"}},
		{"homePhone", []string{"+1 555 0100"}, []string{"#1", "a\nb"}},
		{"userPassword", []string{"x", "\x00\xff", ""}, nil},
		{"codDom0", []string{"cn=a,dc=b"}, []string{"a"}},
	} {
		a, _ := AttributeNamed(c.attr)
		for _, v := range c.good {
			if err := CheckValue(a, v); err != nil {
				t.Errorf("%s: %v", c.attr, err)
			}
		}
		for _, v := range c.bad {
			if CheckValue(a, v) == nil {
				t.Errorf("%s: %q was accepted", c.attr, v)
			}
		}
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule Rule
		a, b string
		same bool
	}{
		{CaseIgnoreMatch, " Grüße  AN\talle ", "grüße an ALLE", true},
		{CaseExactMatch, " a  b", "a b", true}, {CaseExactMatch, "a", "A", false},
		{TelephoneNumberMatch, "+1 555-0100", "+15550100", true}, {NumericStringMatch, "12 34", "1234", true},
		{BooleanMatch, "TRUE", "true", true}, {UUIDMatch, "AB", "ab", true},
		{GeneralizedTimeMatch, "20261122120000Z", "202611221300+0100", true}, {GeneralizedTimeMatch, "x", "x ", false},
		{GeneralizedTimeMatch, "20261122120000Z", "20261122120000.5Z", false},
		{DistinguishedNameMatch, "CN=a, dc=x", "cn=A,DC=X", true}, {DistinguishedNameMatch, "bad", "Bad", false},
		{ObjectIdentifierMatch, "2.5.6.14", "Device", true}, {ObjectIdentifierMatch, "2.5.4.3", "commonname", true},
		{FirstComponentMatch, "( 2.5.4.3 NAME 'cn' )", "CN", true}, {OctetStringMatch, "a", "a ", false}, {NoMatch, "a", "A", false},
	} {
		if got := c.rule.Normal(c.a) == c.rule.Normal(c.b); got != c.same {
			t.Errorf("%s: %q and %q: %v", c.rule, c.a, c.b, got)
		}
	}
	for _, c := range []struct {
		rule     Rule
		a, b     string
		less, ok bool
	}{
		{IntegerMatch, "9", "10", true, true}, {IntegerMatch, "-10", "-9", true, true}, {IntegerMatch, "-1", "0", true, true},
		{IntegerMatch, "1", "1", false, true}, {IntegerMatch, "x", "1", false, false},
		{GeneralizedTimeMatch, "20261122120000Z", "20261122130000Z", true, true}, {GeneralizedTimeMatch, "20261122120000Z", "202611221200+0100", false, true},
		{GeneralizedTimeMatch, "x", "y", true, false}, {CaseIgnoreMatch, "a", "B", true, true}, {CaseIgnoreIA5Match, "a", "b", true, false},
	} {
		if less, ok := c.rule.Less(c.a, c.b); less != c.less || ok != c.ok {
			t.Errorf("%s: %q < %q: %v %v", c.rule, c.a, c.b, less, ok)
		}
	}
}

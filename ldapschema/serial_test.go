package ldapschema_test

import (
	"slices"
	"testing"

	"github.com/leasehold/leasehold/ldapschema"
)

func TestNextSerial(t *testing.T) {
	t.Parallel()
	zone := ldapschema.Entry{DN: "zoneName=site.test,ou=DNS,dc=site,dc=test"}.
		With("objectClass", "top", "dNSZone").With("zoneName", "site.test").With("relativeDomainName", "@").With("nSRecord", "ns1.site.test.")
	for _, c := range []struct{ old, want string }{
		{"ns1.site.test. h.site.test. 1 300 60 86400 10", "ns1.site.test. h.site.test. 2 300 60 86400 10"},
		{"ns1.site.test. h.site.test. 2026113001 300 60 86400 10", "ns1.site.test. h.site.test. 2026113002 300 60 86400 10"},
		{" ns1.site.test.  h.site.test.\t0007  300 60 86400 10 ", " ns1.site.test.  h.site.test.\t8  300 60 86400 10 "},
		{"ns1.site.test. h.site.test. 4294967295 300 60 86400 10", "ns1.site.test. h.site.test. 1 300 60 86400 10"},
		{"ns1.site.test. h.site.test. 4294967296 300 60 86400 10", ""},
		{"ns1.site.test. h.site.test. 1", ""},
		{"ns1.site.test. h.site.test. -1 300 60 86400 10", ""},
		{"", ""},
	} {
		got, err := ldapschema.NextSerial(zone.With("sOARecord", c.old))
		if c.want == "" {
			if err == nil {
				t.Errorf("%q gives %v", c.old, got.Mods)
			}
			continue
		}
		want := []ldapschema.Mod{{Op: ldapschema.ModDelete, Attr: "sOARecord", Values: []string{c.old}}, {Op: ldapschema.ModAdd, Attr: "sOARecord", Values: []string{c.want}}}
		if err != nil || got.DN != zone.DN || !slices.EqualFunc(got.Mods, want, func(a, b ldapschema.Mod) bool {
			return a.Op == b.Op && a.Attr == b.Attr && slices.Equal(a.Values, b.Values)
		}) {
			t.Errorf("%q gives %v, %v", c.old, got, err)
		}
	}
}

package zones_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/cod/dns/zones"
	"github.com/leasehold/leasehold/ldapschema"
)

// entry is an entry from lines of "attribute: value".
func entry(lines ...string) ldapschema.Entry {
	e := ldapschema.Entry{DN: "relativeDomainName=x,zoneName=site.test,ou=DNS,dc=site,dc=test"}
	for _, l := range lines {
		attr, value, _ := strings.Cut(l, ": ")
		e = e.With(attr, append(slices.Clone(e.Values(attr)), value)...)
	}
	return e
}

func at(owner string) zones.Name { return zones.Name{Zone: "site.test.", Owner: owner} }

// text is records and problems, a line each.
func text(rrs []dns.RR, bad []zones.Problem) string {
	var b strings.Builder
	for _, rr := range rrs {
		fmt.Fprintln(&b, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	for _, p := range bad {
		fmt.Fprintf(&b, "! %s: %s\n", p.Attr, p.Text)
	}
	return b.String()
}

// TestRecords: what entries say, and what is left out of what they say.
func TestRecords(t *testing.T) {
	t.Parallel()
	apex := entry("zoneName: site.test", "relativeDomainName: @", "dNSTTL: 300", "mXRecord: 10 mail",
		"sOARecord: ns1 hostmaster 7 300 60 86400 10", "nSRecord: ns1.site.test.", "aRecord: 10.0.0.9")
	for _, c := range []struct {
		name, owner string
		entries     []ldapschema.Entry
		want        string
	}{
		{"addresses, with the zone's time to live", "a1.a.site.test.",
			[]ldapschema.Entry{entry("zoneName: Site.TEST.", "relativeDomainName: A1.a", "aRecord: 10.0.0.1", "aAAARecord: fd00::1")},
			"a1.a.site.test. 300 IN A 10.0.0.1\na1.a.site.test. 300 IN AAAA fd00::1\n"},
		{"the apex keeps its SOA and NS to the server", "site.test.", nil,
			"site.test. 300 IN A 10.0.0.9\nsite.test. 300 IN MX 10 mail.site.test.\n"},
		{"a bad value leaves out itself", "x.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: x", "dNSTTL: 5", "aRecord: not-an-ip", "aRecord: 10.0.0.1", "mXRecord: mail")},
			"x.site.test. 5 IN A 10.0.0.1\n" +
				"! aRecord: \"not-an-ip\" is no A record: bad A A: \"not-an-ip\"\n" +
				"! mXRecord: \"mail\" is no MX record: bad MX Pref: \"mail\"\n"},
		{"two entries for a name, the shorter time for both", "x.site.test.",
			[]ldapschema.Entry{
				entry("zoneName: site.test", "relativeDomainName: x", "dNSTTL: 50", "aRecord: 10.0.0.2", "aRecord: 10.0.0.1"),
				entry("zoneName: site.test", "relativeDomainName: x", "dNSTTL: 9", "aRecord: 10.0.0.1", "tXTRecord: \"a b\" c"),
			},
			"x.site.test. 9 IN A 10.0.0.1\nx.site.test. 9 IN A 10.0.0.2\nx.site.test. 9 IN TXT \"a b\" \"c\"\n"},
		{"an alias stands alone", "x.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: x", "cNAMERecord: y", "aRecord: 10.0.0.1")},
			"x.site.test. 300 IN A 10.0.0.1\n! cNAMERecord: an alias can have no other records: it is left out\n"},
		{"and for one name", "x.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: x", "cNAMERecord: z", "cNAMERecord: y")},
			"x.site.test. 300 IN CNAME y.site.test.\n! cNAMERecord: an alias can stand for one name only: the first counts\n"},
		{"more names of one entry, a wildcard among them", "*.w.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: v", "relativeDomainName: *.w", "sRVRecord: 0 0 389 ldap")},
			"*.w.site.test. 300 IN SRV 0 0 389 ldap.site.test.\n"},
		{"a second record in a value", "x.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: x", "tXTRecord: a\nevil A 6.6.6.6", "aRecord: 1.2.3.4 ; x")},
			"x.site.test. 300 IN A 1.2.3.4\n! tXTRecord: \"a\\nevil A 6.6.6.6\" holds control characters\n"},
		{"a parenthesis that is not closed", "x.site.test.",
			[]ldapschema.Entry{entry("zoneName: site.test", "relativeDomainName: x", "tXTRecord: ( a")},
			"! tXTRecord: \"( a\" is no TXT record: bad TXT Txt: \"unbalanced brace\"\n"},
		{"nothing where there is no entry", "nobody.site.test.", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b zones.Book
			b.Put("apex", apex)
			for i, e := range c.entries {
				names, bad := b.Put(fmt.Sprint(i), e)
				if len(bad) > 0 || !slices.Contains(names, at(c.owner)) {
					t.Errorf("entry %d touches %v, with %v", i, names, bad)
				}
			}
			if got := text(b.Records(at(c.owner))); got != c.want {
				t.Errorf("records:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

// TestRefusedEntries: entries that cannot be served name nothing and say why.
func TestRefusedEntries(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ lines, want string }{
		{"zoneName: site.test|relativeDomainName: x y", "relativeDomainName: \"x y\" is no name in a zone"},
		{"zoneName: site.test|relativeDomainName: x$ORIGIN", "relativeDomainName: \"x$ORIGIN\" is no name in a zone"},
		{"zoneName: site..test|relativeDomainName: x", "zoneName: \"site..test\" is no domain name"},
		{"zoneName: site.test|relativeDomainName: " + strings.Repeat("a", 64), "relativeDomainName: \"" + strings.Repeat("a", 64) + "\" is no name in a zone"},
		{"zoneName: site.test|relativeDomainName: x|dNSClass: CH", "dNSClass: only class IN is served, not \"CH\""},
	} {
		var b zones.Book
		names, bad := b.Put("1", entry(strings.Split(c.lines, "|")...))
		if len(names) != 0 || len(bad) != 1 || !strings.HasSuffix(bad[0].String(), c.want) {
			t.Errorf("%s: touches %v, with %v", c.lines, names, bad)
		}
	}
}

// TestBook: which names a change touches.
func TestBook(t *testing.T) {
	t.Parallel()
	var b zones.Book
	touches := func(got []zones.Name, want ...string) {
		t.Helper()
		var owners []string
		for _, n := range got {
			owners = append(owners, n.Owner)
		}
		if !slices.Equal(owners, want) {
			t.Errorf("touches %v, want %v", owners, want)
		}
	}
	put := func(id string, lines ...string) []zones.Name {
		names, _ := b.Put(id, entry(append([]string{"zoneName: site.test"}, lines...)...))
		return names
	}
	touches(put("a", "relativeDomainName: a", "aRecord: 10.0.0.1"), "a.site.test.")
	touches(put("b", "relativeDomainName: b", "aRecord: 10.0.0.2"), "b.site.test.")
	touches(put("z", "relativeDomainName: @", "dNSTTL: 9"), "a.site.test.", "b.site.test.", "site.test.")
	touches(put("z", "relativeDomainName: @", "dNSTTL: 9", "sOARecord: n h 8 1 1 1 1"), "site.test.") // a serial is no change to others
	touches(put("a", "relativeDomainName: c", "aRecord: 10.0.0.1"), "a.site.test.", "c.site.test.")   // renamed
	if got := b.Zones(); !slices.Equal(got, []string{"site.test."}) {
		t.Errorf("zones %v", got)
	}
	touches(b.Names("site.test."), "b.site.test.", "c.site.test.", "site.test.")
	touches(b.Remove("nobody"))
	touches(b.Remove("b"), "b.site.test.")
	touches(b.Remove("z"), "c.site.test.", "site.test.") // its time to live goes with it
	touches(b.Names("site.test."), "c.site.test.")
}

// TestStart: a zone begins with what its entry says, or not at all.
func TestStart(t *testing.T) {
	t.Parallel()
	var b zones.Book
	b.Put("z", entry("zoneName: site.test", "relativeDomainName: @", "sOARecord: ns1.site.test. hostmaster.site.test. 7 300 60 86400 10", "nSRecord: ns1", "nSRecord: ns.outside.test."))
	if rrs, err := b.Start("site.test."); err == nil || !strings.Contains(err.Error(), "ns1.site.test. has no address") {
		t.Errorf("starts without its server's address: %v, %v", rrs, err)
	}
	b.Put("n", entry("zoneName: site.test", "relativeDomainName: ns1", "aRecord: 10.0.0.1"))
	rrs, err := b.Start("site.test.")
	want := "site.test. 60 IN SOA ns1.site.test. hostmaster.site.test. 7 300 60 86400 10\nsite.test. 60 IN NS ns.outside.test.\n" +
		"site.test. 60 IN NS ns1.site.test.\nns1.site.test. 60 IN A 10.0.0.1\n"
	if got := text(rrs, nil); err != nil || got != want {
		t.Errorf("starts with %v:\n%s", err, got)
	}
	for _, lines := range [][]string{{}, {"sOARecord: ns1 h 7 300 60 86400 10"}, {"nSRecord: ns1", "sOARecord: ns1 h x 1 1 1 1"}} {
		b.Put("z", entry(append(lines, "zoneName: site.test", "relativeDomainName: @")...))
		if rrs, err := b.Start("site.test."); err == nil {
			t.Errorf("%v starts a zone with %v", lines, rrs)
		}
	}
}

// TestSame compares as name servers do.
func TestSame(t *testing.T) {
	t.Parallel()
	rr := func(s string) dns.RR {
		r, err := dns.NewRR(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := []dns.RR{rr("X.test. 5 IN A 10.0.0.1"), rr("x.test. 5 IN TXT \"a\"")}
	if !zones.Same(a, []dns.RR{rr("x.test. 5 IN TXT a"), rr("x.test. 5 IN A 10.0.0.1")}) {
		t.Error("order, quotes or case make a difference")
	}
	for _, other := range []string{"x.test. 6 IN TXT a", "x.test. 5 IN TXT A", "y.test. 5 IN TXT a"} {
		if zones.Same(a, []dns.RR{rr("x.test. 5 IN A 10.0.0.1"), rr(other)}) {
			t.Errorf("%s makes no difference", other)
		}
	}
	if zones.Same(a, a[:1]) {
		t.Error("a missing record makes no difference")
	}
}

// FuzzRecords: whatever stands in an entry, what comes out is of the names and
// types that were asked for and fits into a message.
func FuzzRecords(f *testing.F) {
	f.Add("site.test", "a", "aRecord", "10.0.0.1", "60")
	f.Add("site.test", "@", "tXTRecord", "\"a b\" ( c ) ; d", "x")
	f.Add("9.in-addr.arpa.", "1.2", "pTRRecord", "a.site.test.", "")
	f.Add("site.test", "*", "LocRecord", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m", "1")
	f.Add("site.test", "a", "nAPTRRecord", `100 10 "u" "sip+E2U" "!^.*$!sip:x@y!" .`, "1")
	f.Add("site.test", "a", "certRecord", "PGP 0 0 AAAA", "1")
	f.Fuzz(func(t *testing.T, zone, owner, attr, value, ttl string) {
		var b zones.Book
		e := ldapschema.Entry{DN: "cn=x"}.With("zoneName", zone).With("relativeDomainName", owner).With("dNSTTL", ttl)
		e = e.With(attr, append(slices.Clone(e.Values(attr)), value)...)
		names, _ := b.Put("1", e)
		for _, n := range names {
			if n.Owner != n.Zone && !strings.HasSuffix(n.Owner, "."+n.Zone) {
				t.Fatalf("%q is not in %q", n.Owner, n.Zone)
			}
			rrs, _ := b.Records(n)
			m := new(dns.Msg)
			m.Answer = rrs
			if _, err := m.Pack(); err != nil {
				t.Fatalf("%v cannot be sent: %v", rrs, err)
			}
			for _, rr := range rrs {
				if rr.Header().Name != n.Owner || !zones.Managed(n, rr.Header().Rrtype) {
					t.Fatalf("%v among the records of %v", rr, n)
				}
			}
		}
		b.Remove("1")
		if len(b.Names(strings.ToLower(zone))) != 0 {
			t.Fatal("something is left")
		}
	})
}

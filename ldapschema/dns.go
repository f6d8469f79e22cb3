package ldapschema

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A ZoneRecord is the start of a DNS zone: the entry of its apex, below which the
// entries of its names lie.
type ZoneRecord struct {
	Name        string // without the dot at the end: "site.test", "99.10.in-addr.arpa"
	TTL         int    // seconds; 0 leaves it out
	Primary     string // primary server's full name
	Contact     string // "hostmaster.site.test."
	Serial      uint32 // must grow with every change, for the readers that render whole zones
	Refresh     int    // seconds, as are the next three
	Retry       int
	Expire      int
	Minimum     int
	NameServers []string // full names; the primary when empty
	Mark
}

// Zone is the entry zoneName=Name of a zone.
func Zone(under DN, z ZoneRecord) (Entry, error) {
	ns := z.NameServers
	if len(ns) == 0 {
		ns = []string{z.Primary}
	}
	b := New(under.Child("zoneName", z.Name), "top", "dNSZone").
		Set("relativeDomainName", "@").
		Set("dNSTTL", number(z.TTL)).
		Set("dNSClass", "IN").
		Set("nSRecord", fqdns(ns)...)
	for _, name := range []string{z.Primary, z.Contact} {
		if !validDomain(name) {
			b.Fail(&Error{b.e.DN, "sOARecord", BadValue, fmt.Sprintf("%.64q is not a domain name", name)})
		}
	}
	return b.Set("sOARecord", fmt.Sprintf("%s %s %d %d %d %d %d", fqdn(z.Primary), fqdn(z.Contact), z.Serial, z.Refresh, z.Retry, z.Expire, z.Minimum)).
		mark(z.Mark).
		Build()
}

// ParseZone reads a zone's entry back.
func ParseZone(e Entry) (ZoneRecord, error) {
	r := reader{e: e}
	r.class("dNSZone")
	z := ZoneRecord{Name: r.text("zoneName"), TTL: int(r.number("dNSTTL")), NameServers: e.Values("nSRecord"), Mark: markOf(&r)}
	f := strings.Fields(r.text("sOARecord"))
	if len(f) != 7 {
		r.fail("sOARecord", BadValue, "not seven fields")
		return ZoneRecord{}, r.err
	}
	z.Primary, z.Contact = f[0], f[1]
	var n [5]uint64
	for i := range n {
		v, err := strconv.ParseUint(f[2+i], 10, 32)
		if err != nil {
			r.fail("sOARecord", BadValue, "not a number")
		}
		n[i] = v
	}
	z.Serial, z.Refresh, z.Retry, z.Expire, z.Minimum = uint32(n[0]), int(n[1]), int(n[2]), int(n[3]), int(n[4])
	if r.err != nil {
		return ZoneRecord{}, r.err
	}
	return z, nil
}

// A NameRecord is all we say about one owner name of a zone.
type NameRecord struct {
	Name  string       // relative to the zone: "a1.a", "1.16"
	TTL   int          // seconds; 0 leaves it out
	Addrs []netip.Addr // A and AAAA records
	PTR   string       // full name a PTR record points to
	Mark
}

// ZoneRecordA is the entry of a name with addresses, below the zone's own entry.
func ZoneRecordA(zone DN, n NameRecord) (Entry, error) {
	b := newName(zone, n)
	if len(n.Addrs) == 0 {
		b.Fail(&Error{b.e.DN, "aRecord", MissingAttribute, "no address"})
	}
	for _, a := range n.Addrs {
		if a.Is4() {
			b.Set("aRecord", a.String())
		} else {
			b.Set("aAAARecord", addrText(a))
		}
	}
	return b.mark(n.Mark).Build()
}

// ZoneRecordPTR is the entry that names an address, below the entry of a reverse
// zone. With one address and no Name the owner name is worked out from them; an
// address outside the zone is refused.
func ZoneRecordPTR(zone DN, n NameRecord) (Entry, error) {
	var err error
	if n.Name == "" && len(n.Addrs) == 1 {
		_, zoneName := zone.RDN()
		n.Name, err = ReverseName(n.Addrs[0], zoneName)
	}
	b := newName(zone, n)
	if err != nil {
		b.Fail(&Error{b.e.DN, "relativeDomainName", BadName, err.Error()})
	}
	return b.Need("pTRRecord", fqdn(n.PTR)).mark(n.Mark).Build()
}

func newName(zone DN, n NameRecord) *Builder {
	_, zoneName := zone.RDN()
	return New(zone.Child("relativeDomainName", n.Name), "top", "dNSZone").
		Set("zoneName", zoneName).
		Set("dNSTTL", number(n.TTL))
}

// ParseZoneRecord reads a name's entry back.
func ParseZoneRecord(e Entry) (NameRecord, error) {
	r := reader{e: e}
	r.class("dNSZone")
	n := NameRecord{Name: r.text("relativeDomainName"), TTL: int(r.number("dNSTTL")), PTR: r.text("pTRRecord"), Mark: markOf(&r)}
	for _, attr := range []string{"aRecord", "aAAARecord"} {
		for _, v := range e.Values(attr) {
			n.Addrs = append(n.Addrs, r.addr(attr, v))
		}
	}
	if r.err != nil {
		return NameRecord{}, r.err
	}
	return n, nil
}

// ReverseName is the name, relative to the reverse zone named zone, under which an
// address is looked up: 10.99.16.1 in "99.10.in-addr.arpa" is "1.16".
func ReverseName(a netip.Addr, zone string) (string, error) {
	var labels []string
	suffix := "in-addr.arpa"
	if a.Is4() {
		for _, o := range a.As4() {
			labels = append([]string{strconv.Itoa(int(o))}, labels...)
		}
	} else {
		suffix = "ip6.arpa"
		for _, o := range a.As16() {
			labels = append([]string{strconv.FormatUint(uint64(o&15), 16), strconv.FormatUint(uint64(o>>4), 16)}, labels...)
		}
	}
	full := strings.Join(append(labels, suffix), ".")
	name, ok := strings.CutSuffix(full, "."+strings.ToLower(strings.TrimSuffix(zone, ".")))
	if !ok || !a.IsValid() {
		return "", fmt.Errorf("address %s is not in zone %.64q", a, zone)
	}
	return name, nil
}

// fqdn puts the dot at the end that keeps a name from being taken as relative.
func fqdn(name string) string {
	if name == "" || strings.HasSuffix(name, ".") {
		return name
	}
	return name + "."
}

func fqdns(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fqdn(n)
	}
	return out
}

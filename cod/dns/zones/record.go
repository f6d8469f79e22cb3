package zones

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/ldapschema"
)

// DefaultTTL is how long records may be kept, in seconds, whose entry and zone
// say nothing.
const DefaultTTL = 60

// maxTTL is the largest time to live (RFC 2181 8).
const maxTTL = 1<<31 - 1

// types are the attributes that are read, in the order of their records.
var types = []struct {
	attr string
	code uint16
}{
	{"aRecord", dns.TypeA},
	{"nSRecord", dns.TypeNS},
	{"cNAMERecord", dns.TypeCNAME},
	{"pTRRecord", dns.TypePTR},
	{"hInfoRecord", dns.TypeHINFO},
	{"mXRecord", dns.TypeMX},
	{"tXTRecord", dns.TypeTXT},
	{"aFSDBRecord", dns.TypeAFSDB},
	{"aAAARecord", dns.TypeAAAA},
	{"LocRecord", dns.TypeLOC},
	{"sRVRecord", dns.TypeSRV},
	{"nAPTRRecord", dns.TypeNAPTR},
	{"kXRecord", dns.TypeKX},
	{"certRecord", dns.TypeCERT},
	{"dNAMERecord", dns.TypeDNAME},
	{"dSRecord", dns.TypeDS},
	{"sSHFPRecord", dns.TypeSSHFP},
}

// Managed reports whether records of a type are the directory's at a name. Those
// that are not stay as the name server has them.
func Managed(n Name, rrtype uint16) bool {
	if n.Apex() && (rrtype == dns.TypeNS || rrtype == dns.TypeSOA) {
		return false
	}
	for _, t := range types {
		if t.code == rrtype {
			return true
		}
	}
	return false
}

// A Name is an owner name in a zone. Both parts are full, in lower case and with a
// dot at the end; Owner is Zone itself or ends in it.
type Name struct{ Zone, Owner string }

// Apex reports whether the name is the zone's own.
func (n Name) Apex() bool { return n.Owner == n.Zone }

// A Problem is something in an entry that no record can be made of.
type Problem struct {
	DN   ldapschema.DN
	Attr string
	Text string
}

// String is one line for a log.
func (p Problem) String() string { return fmt.Sprintf("%s: %s: %s", p.DN, p.Attr, p.Text) }

// page is what one entry says: its names, each with the same values.
type page struct {
	dn    ldapschema.DN
	names []Name
	ttl   uint32 // 0 when it names none
	data  []datum
	start []datum // the SOA and NS records, when it speaks of an apex
}

// datum is one value of an attribute.
type datum struct {
	attr string
	code uint16
	text string
}

// read takes an entry apart. An entry that names no owner gives none.
func read(e ldapschema.Entry) (p page, bad []Problem) {
	p.dn = e.DN
	complain := func(attr, format string, args ...any) {
		bad = append(bad, Problem{e.DN, attr, fmt.Sprintf(format, args...)})
	}
	if class := e.Get("dNSClass"); class != "" && !strings.EqualFold(class, "IN") {
		complain("dNSClass", "only class IN is served, not %.20q", class)
		return p, bad
	}
	if text := e.Get("dNSTTL"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil || n > maxTTL {
			complain("dNSTTL", "%.20q is no time to live", text)
		} else {
			p.ttl = uint32(n)
		}
	}
	for _, zone := range e.Values("zoneName") {
		z, ok := domain(zone, "")
		if !ok {
			complain("zoneName", "%.64q is no domain name", zone)
			continue
		}
		for _, owner := range e.Values("relativeDomainName") {
			n := Name{Zone: z, Owner: z}
			if owner != "@" {
				if n.Owner, ok = domain(owner, z); !ok {
					complain("relativeDomainName", "%.64q is no name in a zone", owner)
					continue
				}
			}
			p.names = append(p.names, n)
		}
	}
	for _, t := range types {
		for _, v := range e.Values(t.attr) {
			p.data = append(p.data, datum{t.attr, t.code, v})
		}
	}
	for _, v := range e.Values("sOARecord") {
		p.start = append(p.start, datum{"sOARecord", dns.TypeSOA, v})
	}
	for _, v := range e.Values("nSRecord") {
		p.start = append(p.start, datum{"nSRecord", dns.TypeNS, v})
	}
	return p, bad
}

// domain is a name of letters, digits, hyphens, underscores and stars in full, or
// not ok. In a zone it is relative to it.
func domain(name, zone string) (string, bool) {
	name = strings.ToLower(name)
	if zone == "" {
		name = strings.TrimSuffix(name, ".")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_*/") != "" {
			return "", false
		}
	}
	full := name + "." + zone
	_, ok := dns.IsDomainName(full)
	return full, ok
}

// parse makes a record of one value.
func parse(n Name, ttl uint32, d datum) (dns.RR, error) {
	if strings.ContainsFunc(d.text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return nil, fmt.Errorf("%.64q holds control characters", d.text)
	}
	line := fmt.Sprintf("%s %d IN %s %s\n", n.Owner, ttl, dns.TypeToString[d.code], d.text)
	p := dns.NewZoneParser(strings.NewReader(line), n.Zone, "")
	rr, ok := p.Next()
	if ok {
		_, more := p.Next()
		ok = !more
	}
	if err := p.Err(); err != nil {
		return nil, d.refuse(err)
	}
	if !ok || rr.Header().Rrtype != d.code {
		return nil, fmt.Errorf("%.64q is no %s record", d.text, dns.TypeToString[d.code])
	}
	// What cannot be written down in a message cannot be sent in one.
	if _, err := dns.PackRR(rr, make([]byte, dns.MaxMsgSize), 0, nil, false); err != nil {
		return nil, d.refuse(err)
	}
	return rr, nil
}

// refuse says what is wrong with a value, without the parser's line numbers: the
// line is not anybody's.
func (d datum) refuse(err error) error {
	text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "dns: "), " at line: ")
	return fmt.Errorf("%.64q is no %s record: %s", d.text, dns.TypeToString[d.code], text)
}

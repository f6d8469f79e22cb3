package zones

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Book is what is known of a directory's dNSZone entries. The zero value is
// empty. It is not safe for concurrent use.
type Book struct {
	pages map[string]page          // by the entry's identity
	names map[Name]map[string]bool // which pages speak of a name
}

// Put notes an entry, known by an identity that outlives its name, and returns the
// names whose records may have changed, in order, with what is wrong in the entry
// itself. What is wrong with single values is told by Records.
func (b *Book) Put(id string, e ldapschema.Entry) ([]Name, []Problem) {
	if b.pages == nil {
		b.pages, b.names = map[string]page{}, map[Name]map[string]bool{}
	}
	p, bad := read(e)
	before := b.defaults(append(p.names, b.pages[id].names...))
	touched := b.drop(id)
	b.pages[id] = p
	for _, n := range p.names {
		if b.names[n] == nil {
			b.names[n] = map[string]bool{}
		}
		b.names[n][id] = true
		touched[n] = true
	}
	b.widen(touched, before)
	return sortNames(slices.Collect(maps.Keys(touched))), bad
}

// defaults is the time to live of each zone whose apex is among names.
func (b *Book) defaults(names []Name) map[string]uint32 {
	out := map[string]uint32{}
	for _, n := range names {
		if n.Apex() {
			out[n.Zone] = b.zoneTTL(n.Zone)
		}
	}
	return out
}

// widen touches every name of the zones whose time to live is not what it was.
func (b *Book) widen(touched map[Name]bool, before map[string]uint32) {
	for zone, ttl := range before {
		if b.zoneTTL(zone) == ttl {
			continue
		}
		for n := range b.names {
			if n.Zone == zone {
				touched[n] = true
			}
		}
	}
}

// Remove forgets an entry and returns the names whose records may have changed.
func (b *Book) Remove(id string) []Name {
	before := b.defaults(b.pages[id].names)
	touched := b.drop(id)
	b.widen(touched, before)
	return sortNames(slices.Collect(maps.Keys(touched)))
}

// drop takes an entry out of both indexes.
func (b *Book) drop(id string) map[Name]bool {
	touched := map[Name]bool{}
	for _, n := range b.pages[id].names {
		delete(b.names[n], id)
		if len(b.names[n]) == 0 {
			delete(b.names, n)
		}
		touched[n] = true
	}
	delete(b.pages, id)
	return touched
}

// Zones are the zones that have an entry of their own, in order.
func (b *Book) Zones() []string {
	var out []string
	for n := range b.names {
		if n.Apex() {
			out = append(out, n.Zone)
		}
	}
	slices.Sort(out)
	return out
}

// Start is what a zone begins with at a name server that does not have it yet: the
// SOA and NS records of the zone's own entry, and the addresses of those servers
// that lie in the zone, without which BIND does not load it.
func (b *Book) Start(zone string) ([]dns.RR, error) {
	apex := Name{zone, zone}
	var out []dns.RR
	var ns int
	for _, id := range slices.Sorted(maps.Keys(b.names[apex])) {
		for _, d := range b.pages[id].start {
			rr, err := parse(apex, b.zoneTTL(zone), d)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: %s: %w", b.pages[id].dn, d.attr, err)
			case d.code == dns.TypeNS:
				ns++
			}
			out = append(out, rr)
		}
	}
	if ns == 0 || len(out)-ns != 1 {
		return nil, fmt.Errorf("zone %s: its entry needs one sOARecord and an nSRecord", zone)
	}
	for _, server := range NameServers(zone, out) {
		rrs, _ := b.Records(server)
		if !Addressed(rrs) {
			return nil, fmt.Errorf("zone %s: its name server %s has no address: it lies in the zone and needs an entry", zone, server.Owner)
		}
		out = append(out, rrs...)
	}
	return out, nil
}

// NameServers are the servers among a zone's records that lie in the zone.
func NameServers(zone string, rrs []dns.RR) []Name {
	var out []Name
	for _, rr := range rrs {
		if ns, ok := rr.(*dns.NS); ok && dns.CanonicalName(ns.Hdr.Name) == zone && dns.IsSubDomain(zone, ns.Ns) {
			out = append(out, Name{zone, dns.CanonicalName(ns.Ns)})
		}
	}
	return sortNames(out)
}

// Addressed reports whether an address is among records.
func Addressed(rrs []dns.RR) bool {
	return slices.ContainsFunc(rrs, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeA || rr.Header().Rrtype == dns.TypeAAAA
	})
}

// Names are the owner names of a zone, in order.
func (b *Book) Names(zone string) []Name {
	var out []Name
	for n := range b.names {
		if n.Zone == zone {
			out = append(out, n)
		}
	}
	return sortNames(out)
}

// Records is what a name should have, in the order of types and then of their
// text, each record once; and the values that are no records. When several entries
// speak of one name, all of their records count, and the shortest time to live of
// those of one type is that of all (RFC 2181 5.2).
func (b *Book) Records(n Name) ([]dns.RR, []Problem) {
	var out []dns.RR
	var bad []Problem
	for _, id := range slices.Sorted(maps.Keys(b.names[n])) {
		p := b.pages[id]
		ttl := p.ttl
		if ttl == 0 {
			ttl = b.zoneTTL(n.Zone)
		}
		for _, d := range p.data {
			if !Managed(n, d.code) {
				continue
			}
			rr, err := parse(n, ttl, d)
			if err != nil {
				bad = append(bad, Problem{p.dn, d.attr, err.Error()})
				continue
			}
			out = append(out, rr)
		}
	}
	out, problem := settle(out)
	if problem != "" {
		for _, id := range slices.Sorted(maps.Keys(b.names[n])) {
			bad = append(bad, Problem{b.pages[id].dn, "cNAMERecord", problem})
		}
	}
	return out, bad
}

// zoneTTL is the time to live that a zone's entry gives to all names.
func (b *Book) zoneTTL(zone string) uint32 {
	ttl := uint32(0)
	for id := range b.names[Name{zone, zone}] {
		if t := b.pages[id].ttl; t != 0 && (ttl == 0 || t < ttl) {
			ttl = t
		}
	}
	if ttl == 0 {
		return DefaultTTL
	}
	return ttl
}

// settle puts records in order, drops repetitions, gives records of one type one
// time to live, and takes out what cannot stand beside the rest: a CNAME beside
// anything else, and all CNAMEs but the first (RFC 1034 3.6.2).
func settle(rrs []dns.RR) (out []dns.RR, problem string) {
	slices.SortFunc(rrs, func(a, b dns.RR) int {
		return cmp.Or(cmp.Compare(a.Header().Rrtype, b.Header().Rrtype), cmp.Compare(Data(a), Data(b)))
	})
	alone := len(rrs) == 0 || rrs[0].Header().Rrtype == rrs[len(rrs)-1].Header().Rrtype
	for _, rr := range rrs {
		h := rr.Header()
		if h.Rrtype == dns.TypeCNAME && !alone {
			problem = "an alias can have no other records: it is left out"
			continue
		}
		if len(out) > 0 {
			last := out[len(out)-1]
			if last.Header().Rrtype == h.Rrtype {
				if h.Rrtype == dns.TypeCNAME {
					if Data(last) != Data(rr) {
						problem = "an alias can stand for one name only: the first counts"
					}
					continue
				}
				for i := len(out) - 1; i >= 0 && out[i].Header().Rrtype == h.Rrtype; i-- {
					least := min(out[i].Header().Ttl, h.Ttl)
					out[i].Header().Ttl, h.Ttl = least, least
				}
				if Data(last) == Data(rr) {
					continue
				}
			}
		}
		out = append(out, rr)
	}
	return out, problem
}

// Data is a record's content as text, in one spelling, without owner and time to
// live.
func Data(rr dns.RR) string { return rr.String()[len(rr.Header().String()):] }

// Same reports whether two lists of records say the same, in whatever order.
func Same(a, b []dns.RR) bool {
	if len(a) != len(b) {
		return false
	}
	line := func(rr dns.RR) string {
		return dns.CanonicalName(rr.Header().Name) + rr.String()[len(rr.Header().Name):]
	}
	x, y := make([]string, len(a)), make([]string, len(b))
	for i := range a {
		x[i], y[i] = line(a[i]), line(b[i])
	}
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// Compare orders names by zone and owner.
func Compare(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Owner, b.Owner))
}

func sortNames(names []Name) []Name {
	slices.SortFunc(names, Compare)
	return names
}

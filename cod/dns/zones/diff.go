package zones

import (
	"maps"
	"slices"

	"github.com/miekg/dns"
)

// A Change is one name whose records at a server are not what they should be.
type Change struct {
	Name Name
	Had  []dns.RR // managed records only
	Want []dns.RR
}

// Diff compares what a server has of a zone with the book, in the order of names.
// Records that are the server's own do not count. Problems are those of all names.
func (b *Book) Diff(zone string, have []dns.RR) (changes []Change, bad []Problem) {
	had := map[Name][]dns.RR{}
	for _, rr := range have {
		h := rr.Header()
		n := Name{Zone: zone, Owner: dns.CanonicalName(h.Name)}
		if Managed(n, h.Rrtype) {
			had[n] = append(had[n], rr)
		}
	}
	names := b.Names(zone)
	for n := range maps.Keys(had) {
		if len(b.names[n]) == 0 {
			names = append(names, n)
		}
	}
	for _, n := range sortNames(names) {
		want, problems := b.Records(n)
		bad = append(bad, problems...)
		if !Same(had[n], want) {
			changes = append(changes, Change{n, had[n], want})
		}
	}
	return changes, bad
}

// Update is the RFC 2136 update that makes a server's records at the changes' names
// those wanted. All changes are in one zone; a change says the whole truth about
// its name, so that to send it again is harmless.
func Update(zone string, changes []Change) *dns.Msg {
	m := new(dns.Msg)
	m.SetUpdate(zone)
	for _, c := range changes {
		if c.Name.Apex() {
			for _, t := range types {
				if Managed(c.Name, t.code) {
					m.RemoveRRset([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: zone, Rrtype: t.code}}})
				}
			}
		} else {
			m.RemoveName([]dns.RR{&dns.ANY{Hdr: dns.RR_Header{Name: c.Name.Owner}}})
		}
		m.Insert(slices.Clone(c.Want))
	}
	return m
}

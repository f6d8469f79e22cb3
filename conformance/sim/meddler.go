package sim

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/leasehold/leasehold/ldapschema"
)

// meddle is an operator with a tool of his own at work in a directory: he describes
// an entry of the site's, takes one away, or adds and removes his own.
func (w *world) meddle() {
	s := w.sites[w.rnd.IntN(len(w.sites))]
	b := &s.book
	switch w.rnd.IntN(8) {
	case 0, 1:
		w.addForeign(s)
	case 2:
		keys := slices.DeleteFunc(sortedKeys(b.foreign), func(dn ldapschema.DN) bool { return b.base[dn] })
		if len(keys) > 0 {
			w.meddled(s, ldapschema.DeleteEntry(keys[w.rnd.IntN(len(keys))]))
		}
	case 3:
		if e := w.entryOf(s, func(ldapschema.Entry) bool { return true }); !e.IsZero() {
			if w.meddled(s, ldapschema.DeleteEntry(e.DN)) {
				b.robbed[e.Get("codSlice")] = true
			}
		}
	default:
		e := w.entryOf(s, func(e ldapschema.Entry) bool {
			return !e.Has("relativeDomainName") && !e.IsA("dhcpHost") && !e.IsA("dhcpGroup") // these have no description
		})
		text := fmt.Sprintf("edit %d", w.counts.Edits)
		if !e.IsZero() && w.meddled(s, ldapschema.Change{Kind: ldapschema.Modify, DN: e.DN, Mods: []ldapschema.Mod{
			{Op: ldapschema.ModReplace, Attr: "description", Values: []string{text}},
		}}) {
			b.edits[e.DN.Normal()] = text
		}
	}
}

// entryOf is one of the site's own entries, the zero Entry if it has none.
func (w *world) entryOf(s *site, fit func(ldapschema.Entry) bool) ldapschema.Entry {
	entries, err := s.dir.List(context.Background(), s.cfg.Base)
	if err != nil {
		w.fail(saysLoadable, "%s: %v", s.p.Name, err)
	}
	entries = slices.DeleteFunc(entries, func(e ldapschema.Entry) bool { return e.Get("codOwner") != s.cfg.Owner || !fit(e) })
	if len(entries) == 0 {
		return ldapschema.Entry{}
	}
	return entries[w.rnd.IntN(len(entries))]
}

// addForeign puts an entry of somebody else where a slice lives, or will.
func (w *world) addForeign(s *site) {
	slicesDN := s.cfg.Base.Child("ou", "slices")
	label := fmt.Sprintf("s%d", 1+w.rnd.IntN(3))
	cluster := slicesDN.Child("ou", label)
	node := fmt.Sprintf("%s-%d", label, 1+w.rnd.IntN(3))
	n := w.counts.Edits
	name := fmt.Sprintf("x%d", n)
	elsewhere := netip.AddrFrom4([4]byte{192, 168, byte(n >> 8), byte(n)})
	var e ldapschema.Entry
	var err error
	switch w.rnd.IntN(7) {
	case 0:
		e, err = ldapschema.OrganizationalUnit(cluster, name, "mounts")
	case 1:
		e, err = ldapschema.OrganizationalUnit(cluster.Child("ou", "hosts"), name, "notes")
	case 2:
		e, err = ldapschema.OrganizationalUnit(slicesDN, label, "somebody's own")
	case 3: // a name that a node would like to have
		e, err = ldapschema.ZoneRecordA(s.cfg.Base.Child("ou", "DNS").Child("zoneName", s.cfg.Domain),
			ldapschema.NameRecord{Name: node + "." + label, TTL: 60, Addrs: []netip.Addr{elsewhere}})
	case 4:
		e, err = ldapschema.HostEntry(cluster.Child("ou", "hosts"), ldapschema.Host{
			Name: node, IP: elsewhere, MAC: ldapschema.MAC{2, 1, 0, 0, byte(n >> 8), byte(n)},
		})
	case 5:
		e, err = ldapschema.Account(cluster.Child("ou", "people"), ldapschema.AccountRecord{UID: "ada", Number: 40_000 + n, Group: 40_000})
	default:
		e, err = ldapschema.Group(s.cfg.Base.Child("ou", "group"), ldapschema.GroupRecord{Name: name, Number: 40_000 + n})
	}
	if err != nil {
		w.fail(saysLoadable, "meddling: %v", err)
		return
	}
	w.meddled(s, ldapschema.AddEntry(e))
}

// meddled carries out an operator's change, if the directory has it.
func (w *world) meddled(s *site, c ldapschema.Change) bool {
	if err := s.book.apply(c, outsider); err != nil {
		return false
	}
	w.counts.Edits++
	w.trace.add(w.now, "an operator of %s: %v %s", s.p.Name, c.Kind, c.DN)
	return true
}

package ldapschema

import (
	"slices"
	"sort"
	"strings"
)

// Diff says how to turn the entries one has into the entries one wants:
// deletions first, deepest first, so that nothing is removed from under its
// children and no address is in two entries at once; then modifications; then
// additions, shallowest first, so that parents exist. Entries are the same when
// their names are Equal. An entry whose structural class changes cannot be
// modified into shape (RFC 4512 2.4.2): it is deleted and added.
//
// Diff makes have exactly like want: it is for programs that load or restore a tree that
// is theirs alone. Where people may have edited, as in a site's, use [Merge], as the site
// itself does.
func Diff(have, want []Entry) []Change {
	old := make(map[DN]Entry, len(have))
	for _, e := range have {
		old[e.DN.Normal()] = e
	}
	var dels, mods, adds []Change
	seen := make(map[DN]bool, len(want))
	for _, w := range want {
		key := w.DN.Normal()
		if seen[key] {
			continue
		}
		seen[key] = true
		h, ok := old[key]
		switch {
		case !ok:
			adds = append(adds, AddEntry(w))
		case !strings.EqualFold(StructuralClass(h), StructuralClass(w)):
			dels = append(dels, DeleteEntry(h.DN))
			adds = append(adds, AddEntry(w))
		default:
			if m := replaceMods(h, w); len(m) > 0 {
				mods = append(mods, Change{Kind: Modify, DN: h.DN, Mods: m})
			}
		}
	}
	for key, e := range old {
		if !seen[key] {
			dels = append(dels, DeleteEntry(e.DN))
		}
	}
	sortByDepth(dels, -1)
	sortByDepth(mods, 1)
	sortByDepth(adds, 1)
	out := append(dels, mods...)
	return append(out, adds...)
}

func sortByDepth(cs []Change, sign int) {
	type key struct {
		depth int
		dn    DN
	}
	keys := make(map[DN]key, len(cs))
	for _, c := range cs {
		keys[c.DN] = key{sign * c.DN.Depth(), c.DN.Normal()}
	}
	sort.SliceStable(cs, func(i, j int) bool {
		a, b := keys[cs[i].DN], keys[cs[j].DN]
		if a.depth != b.depth {
			return a.depth < b.depth
		}
		return a.dn < b.dn
	})
}

// replaceMods makes every attribute of have that differs like want's.
func replaceMods(have, want Entry) []Mod {
	var out []Mod
	for _, name := range diffAttrs(have, want) {
		out = append(out, Mod{ModReplace, name, append([]string(nil), want.Values(name)...)})
	}
	return out
}

// diffAttrs are the canonical names, sorted, of the attributes whose values
// differ between a and b.
func diffAttrs(a, b Entry) []string {
	var out []string
	for _, name := range attrNames(a, b) {
		if !sameValues(attributeOrDefault(name), a.Values(name), b.Values(name)) {
			out = append(out, name)
		}
	}
	return out
}

// attrNames are the canonical names, sorted, of the attributes of all entries.
func attrNames(entries ...Entry) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range entries {
		for _, a := range e.Attrs {
			name := canonicalName(a.Name)
			if key := lower(name); !seen[key] {
				seen[key] = true
				out = append(out, name)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(lower(a), lower(b)) })
	return out
}

// sameValues compares two sets of values by the attribute's equality rule.
func sameValues(t Attribute, a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	if slices.Equal(a, b) {
		return true
	}
	set := valueSet(t, b)
	for _, v := range a {
		if _, ok := set[t.Normal(v)]; !ok {
			return false
		}
	}
	return true
}

// valueSet maps the normal form of each value to the value as written.
func valueSet(t Attribute, values []string) map[string]string {
	set := make(map[string]string, len(values))
	for _, v := range values {
		set[t.Normal(v)] = v
	}
	return set
}

package ldapschema

import "strings"

// A Conflict is an attribute that does not end up as wanted, because somebody else
// changed it since we last wrote it and their change stands. An empty Attr means
// the entry itself: we want it, and somebody removed it.
type Conflict struct {
	Attr             string
	Base, Have, Want []string // as we wrote it, as it is, as we would have it
}

// Merge brings an entry up to date without undoing what operators did to it.
// base is the entry as we last wrote it, have the entry as it is, want the entry
// as we would have it now; the zero Entry stands for an absent one.
//
// Only what differs between base and want is written. Where have already differs
// from base, somebody else was there, and theirs stands: their single values stay,
// values they added stay, values they removed stay away. Attributes that base and
// want do not name are never touched. Each attribute that therefore does not end
// up as wanted is reported as a Conflict, whether or not we would have written it.
//
// An attribute of several values is merged value by value, except for those that
// are one setting however many values the schema allows (an address, a boot file:
// Scalar) and those whose values each begin with the setting they make, which are
// merged setting by setting (dhcpStatements: Keyed).
//
// Values are removed by naming them, so that a server refuses the change when yet
// another edit came between; then read again and merge again. The bool is false
// when there is nothing to do.
//
// When want is absent the entry is deleted, edits and all: its lease is over. When
// have is absent but base was not, an operator deleted it, and it stays deleted.
func Merge(base, have, want Entry) (Change, bool, []Conflict) {
	switch {
	case want.IsZero() && have.IsZero():
		return Change{}, false, nil
	case want.IsZero():
		return DeleteEntry(have.DN), true, edits(base, have)
	case have.IsZero() && base.IsZero():
		return AddEntry(want), true, nil
	case have.IsZero():
		return Change{}, false, []Conflict{{}}
	}
	c := Change{Kind: Modify, DN: have.DN}
	var conflicts []Conflict
	for _, name := range attrNames(base, want) {
		t := attributeOrDefault(name)
		b, h, w := base.Values(name), have.Values(name), want.Values(name)
		del, add := mergeValues(t, b, h, w)
		if !sameValues(t, apply(t, h, del, add), w) {
			conflicts = append(conflicts, Conflict{name, b, h, w})
		}
		c.Mods = append(c.Mods, mods(t, name, h, del, add)...)
	}
	return c, len(c.Mods) > 0, conflicts
}

// edits lists what was changed between base and have.
func edits(base, have Entry) []Conflict {
	if base.IsZero() {
		return nil
	}
	var out []Conflict
	for _, name := range diffAttrs(base, have) {
		out = append(out, Conflict{Attr: name, Base: base.Values(name), Have: have.Values(name)})
	}
	return out
}

// mergeValues says which of the values an entry has must go and which must come.
func mergeValues(t Attribute, base, have, want []string) (del, add []string) {
	if !t.Keyed {
		return mergeGroup(t, base, have, want)
	}
	b, h, w := byKey(base), byKey(have), byKey(want)
	for _, key := range keys(base, want) {
		d, a := mergeGroup(t, b[key], h[key], w[key])
		del, add = append(del, d...), append(add, a...)
	}
	return del, add
}

// mergeGroup merges the values of one setting, or of a set without settings.
func mergeGroup(t Attribute, base, have, want []string) (del, add []string) {
	if sameValues(t, base, want) {
		return nil, nil
	}
	scalar := t.Single || (t.Scalar || t.Keyed) && len(base) <= 1 && len(have) <= 1 && len(want) <= 1
	if scalar {
		if sameValues(t, base, have) {
			return minus(t, have, want), minus(t, want, have)
		}
		return nil, nil
	}
	for _, v := range minus(t, base, want) {
		if i := indexValue(t, have, v); i >= 0 {
			del = append(del, have[i])
		}
	}
	return del, minus(t, minus(t, want, base), have)
}

// mods writes a merge down. A value can only be removed by name where the
// attribute has an equality rule; elsewhere all values are replaced.
func mods(t Attribute, name string, have, del, add []string) []Mod {
	var out []Mod
	switch {
	case len(del) == 0 && len(add) == 0:
	case t.Equality == NoMatch && len(have) > 0:
		out = append(out, Mod{ModReplace, name, apply(t, have, del, add)})
	default:
		if len(del) > 0 {
			out = append(out, Mod{ModDelete, name, del})
		}
		if len(add) > 0 {
			out = append(out, Mod{ModAdd, name, add})
		}
	}
	return out
}

func apply(t Attribute, have, del, add []string) []string {
	return append(minus(t, have, del), add...)
}

// minus is the values of a that b does not have.
func minus(t Attribute, a, b []string) []string {
	set := valueSet(t, b)
	var out []string
	for _, v := range a {
		if _, ok := set[t.Normal(v)]; !ok {
			out = append(out, v)
		}
	}
	return out
}

// settingOf is the first word of a value, the setting that it makes: "fixed-address" of
// "fixed-address 10.0.0.1". A condition makes the setting that its first branch makes.
func settingOf(v string) string {
	v = strings.TrimSpace(v)
	if _, then, ok := strings.Cut(v, "{"); ok && strings.HasPrefix(v, "if ") {
		v = strings.TrimSpace(then)
	}
	key, _, _ := strings.Cut(v, " ")
	return strings.ToLower(key)
}

func byKey(values []string) map[string][]string {
	out := map[string][]string{}
	for _, v := range values {
		out[settingOf(v)] = append(out[settingOf(v)], v)
	}
	return out
}

// keys lists the settings of both lists, each once, in order of appearance.
func keys(a, b []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range append(append([]string(nil), a...), b...) {
		if k := settingOf(v); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

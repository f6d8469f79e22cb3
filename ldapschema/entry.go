package ldapschema

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// An Attr is one attribute of an entry: its name and its values, octets that are
// text nearly always. The values form a set; their order means nothing.
type Attr struct {
	Name   string
	Values []string
}

// An Entry is one object of a directory. Entries made by this package's builders
// and parsers are canonical: attributes sorted by name, values in one fixed order,
// so equal entries have equal LDIF. The zero Entry stands for "no such entry".
type Entry struct {
	DN    DN
	Attrs []Attr
}

// IsZero says whether e is the zero Entry: absent.
func (e Entry) IsZero() bool { return e.DN == "" && len(e.Attrs) == 0 }

// Values are the values of the named attribute, nil when e has none. The name may
// be any of its names, in any case. The slice belongs to e.
func (e Entry) Values(name string) []string {
	if i := e.index(name); i >= 0 {
		return e.Attrs[i].Values
	}
	return nil
}

// Get is the first value of the named attribute, or "".
func (e Entry) Get(name string) string {
	if v := e.Values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Has says whether e has any value of the named attribute.
func (e Entry) Has(name string) bool { return len(e.Values(name)) > 0 }

// HasValue says whether one value of the named attribute equals value by the
// attribute's own equality rule.
func (e Entry) HasValue(name, value string) bool {
	t := attributeOrDefault(name)
	return indexValue(t, e.Values(name), value) >= 0
}

// IsA says whether e's object classes include class, listed or as a superclass of
// one that is listed.
func (e Entry) IsA(class string) bool {
	for _, c := range e.Values("objectClass") {
		if IsSubclass(c, class) {
			return true
		}
	}
	return false
}

// With is a copy of e in which the named attribute has exactly these values; none
// removes it.
func (e Entry) With(name string, values ...string) Entry {
	out := e.Clone()
	i := out.index(name)
	switch {
	case len(values) == 0 && i >= 0:
		out.Attrs = append(out.Attrs[:i], out.Attrs[i+1:]...)
	case len(values) == 0:
	case i >= 0:
		out.Attrs[i].Values = append([]string(nil), values...)
	default:
		out.Attrs = append(out.Attrs, Attr{canonicalName(name), append([]string(nil), values...)})
	}
	return out.Canonical()
}

// Clone is a copy of e that shares nothing with it.
func (e Entry) Clone() Entry {
	out := Entry{DN: e.DN, Attrs: make([]Attr, len(e.Attrs))}
	values := 0
	for _, a := range e.Attrs {
		values += len(a.Values)
	}
	all := make([]string, 0, values)
	for i, a := range e.Attrs {
		first := len(all)
		all = append(all, a.Values...)
		out.Attrs[i] = Attr{a.Name, all[first:len(all):len(all)]}
	}
	return out
}

// Canonical is a copy of e in this package's one order: attributes by name and
// under their canonical names, attributes without values dropped, values sorted,
// but superclasses before the classes below them, and the value that names the
// entry before its others (for a host the first cn is the one that counts).
func (e Entry) Canonical() Entry {
	type keyed struct {
		key string // of the name, in lower case
		Attr
	}
	attrs, values := make([]keyed, 0, len(e.Attrs)), 0
	for _, a := range e.Attrs {
		if len(a.Values) == 0 {
			continue
		}
		name := canonicalName(a.Name)
		attrs = append(attrs, keyed{lower(name), Attr{name, a.Values}})
		values += len(a.Values)
	}
	slices.SortStableFunc(attrs, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	out := Entry{DN: e.DN, Attrs: make([]Attr, 0, len(attrs))}
	all := make([]string, 0, values) // the values of one attribute after those of another
	var avas []AVA
	for i := 0; i < len(attrs); {
		first := len(all)
		at := attrs[i]
		for ; i < len(attrs) && attrs[i].key == at.key; i++ {
			all = append(all, attrs[i].Values...)
		}
		one := Attr{at.Name, all[first:len(all):len(all)]}
		if len(one.Values) > 1 {
			if avas == nil {
				avas = e.DN.AVAs()
			}
			sortValues(one, avas)
		}
		out.Attrs = append(out.Attrs, one)
	}
	return out
}

func sortValues(a Attr, avas []AVA) {
	if strings.EqualFold(a.Name, "objectClass") {
		slices.SortStableFunc(a.Values, func(a, b string) int {
			return cmp.Or(cmp.Compare(classRank(a), classRank(b)), strings.Compare(a, b))
		})
		return
	}
	t := attributeOrDefault(a.Name)
	naming := func(v string) bool {
		for _, ava := range avas {
			if strings.EqualFold(canonicalName(ava.Attr), a.Name) && t.Equal(ava.Value, v) {
				return true
			}
		}
		return false
	}
	slices.SortStableFunc(a.Values, func(a, b string) int {
		na, nb := naming(a), naming(b)
		if na != nb {
			if na {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}

// Equal says whether e and other have the same name and, by each attribute's own
// equality rule, the same values.
func (e Entry) Equal(other Entry) bool {
	if !e.DN.Equal(other.DN) {
		return false
	}
	asWritten := func(a, b Attr) bool { return a.Name == b.Name && slices.Equal(a.Values, b.Values) }
	return slices.EqualFunc(e.Attrs, other.Attrs, asWritten) || len(diffAttrs(e, other)) == 0
}

func (e Entry) index(name string) int {
	for i := range e.Attrs {
		if e.Attrs[i].Name == name {
			return i
		}
	}
	want := lower(canonicalName(name))
	for i := range e.Attrs {
		if lower(canonicalName(e.Attrs[i].Name)) == want {
			return i
		}
	}
	return -1
}

// indexValue finds value among values by t's equality rule; -1 when absent.
func indexValue(t Attribute, values []string, value string) int {
	want, done := "", false
	for i, v := range values {
		if v == value {
			return i
		}
		if !done {
			want, done = t.Normal(value), true
		}
		if t.Normal(v) == want {
			return i
		}
	}
	return -1
}

// SortEntries puts entries in the order of a walk through the tree: parents before
// their children, a subtree in one piece, siblings by name.
func SortEntries(entries []Entry) {
	key := make(map[DN]string, len(entries))
	for _, e := range entries {
		path, _ := e.DN.Path()
		key[e.DN] = strings.Join(path, "\x00")
	}
	sort.SliceStable(entries, func(i, j int) bool { return key[entries[i].DN] < key[entries[j].DN] })
}

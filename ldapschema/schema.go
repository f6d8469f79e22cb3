package ldapschema

import (
	"sort"
	"strings"
)

// An Attribute is the definition of an attribute type (RFC 4512 4.1.2). What is
// zero is taken from its superior, if it names one.
type Attribute struct {
	OID      string
	Name     string   // the name used when writing
	Aliases  []string // other names it is known by
	Desc     string
	Sup      string // the more general attribute it is a kind of
	Equality Rule
	Ordered  bool // values have an order: >= and <= work
	Substr   bool // substring filters work
	Syntax   Syntax
	MaxLen   int  // octets a value may have, 0 for no limit of its own
	Single   bool // SINGLE-VALUE
	Form     Form // what we ask beyond the syntax
	Scalar   bool // though several values are legal, one value means one setting: see Merge
	Keyed    bool // values start with the name of the setting they make: see Merge
	Operate  bool // kept by the server: operational, not for users to modify
}

// Normal is the form of v shared by every value that the attribute's equality
// rule calls equal.
func (t Attribute) Normal(v string) string { return t.Equality.Normal(v) }

// Equal says whether a and b are one value.
func (t Attribute) Equal(a, b string) bool { return a == b || t.Normal(a) == t.Normal(b) }

// A ClassKind is the kind of an object class (RFC 4512 2.4).
type ClassKind uint8

// The kinds of class.
const (
	Structural ClassKind = iota // what an entry is; every entry has one
	Auxiliary                   // what an entry has besides
	Abstract                    // only ever a superclass
)

// String is the kind's word in schema text.
func (k ClassKind) String() string { return [...]string{"STRUCTURAL", "AUXILIARY", "ABSTRACT"}[k] }

// A Class is the definition of an object class (RFC 4512 4.1.1).
type Class struct {
	OID  string
	Name string
	Desc string
	Sup  string // its superclass; "" for top alone
	Kind ClassKind
	Must []string // attributes an entry of the class has
	May  []string // attributes it may have
	// Loose says that a structural class is auxiliary beside another one: RFC 2307 and
	// RFC 2307bis differ in it, and entries of both kinds are understood.
	Loose bool
}

// A Family is the body of schema that a definition comes from, in the order in
// which a server has to load them.
type Family string

// The families. The first four ship with every OpenLDAP; DHCP, DNS, Automount,
// PublicKey, COD and Recovery are written out by [SchemaText] for servers that lack them.
const (
	Core          Family = "core"          // RFC 4512, RFC 4519
	Cosine        Family = "cosine"        // RFC 4524
	NIS           Family = "nis"           // RFC 2307
	InetOrgPerson Family = "inetorgperson" // RFC 2798
	DHCP          Family = "dhcp"          // the schema ISC dhcpd reads
	DNS           Family = "dnszone"       // the schema ldap2zone and others read
	Automount     Family = "automount"     // automount maps of RFC 2307bis
	PublicKey     Family = "openssh-lpk"   // public keys of accounts, as sshd is commonly told them
	COD           Family = "cod"           // ours
	Recovery      Family = "recovery"      // ours: actors' records
	// NISBis is RFC 2307bis. It takes the place of NIS and Automount, which cannot be
	// loaded beside it, and has no definitions of its own: it is only written out.
	NISBis Family = "rfc2307bis"
)

// Loadable are the families that [SchemaText] and [SchemaLDIF] write for a site's
// server, in the order in which they are loaded.
func Loadable() []Family { return []Family{DHCP, DNS, Automount, PublicKey, COD} }

// A family's definitions, each in one file of this package.
type family struct {
	name       Family
	attributes []Attribute
	classes    []Class
}

var schema = newTables(
	family{Core, coreAttributes, coreClasses},
	family{Core, operationalAttributes, operationalClasses},
	family{Cosine, cosineAttributes, cosineClasses},
	family{NIS, nisAttributes, nisClasses},
	family{InetOrgPerson, inetOrgAttributes, inetOrgClasses},
	family{DHCP, dhcpAttributes, dhcpClasses},
	family{DNS, dnsAttributes, dnsClasses},
	family{Automount, automountAttributes, automountClasses},
	family{PublicKey, publicKeyAttributes, publicKeyClasses},
	family{COD, codAttributes, codClasses},
	family{Recovery, recoveryAttributes, recoveryClasses},
)

// tables find definitions by any of their names; never written once made.
type tables struct {
	families   []family
	attributes map[string]Attribute // by lower-case name, alias and OID
	exact      map[string]string    // canonical name by itself: the quick way in
	lower      map[string]string    // every name in lower case by the way it is usually written
	classes    map[string]Class     // by lower-case name and OID
}

func newTables(families ...family) tables {
	t := tables{families: families, attributes: map[string]Attribute{}, exact: map[string]string{}, lower: map[string]string{}, classes: map[string]Class{}}
	for _, f := range families {
		for _, a := range f.attributes {
			if a.Sup != "" {
				a = inherit(a, t.attributes[strings.ToLower(a.Sup)])
			}
			t.exact[a.Name] = a.Name
			for _, name := range append([]string{a.Name, a.OID}, a.Aliases...) {
				t.attributes[strings.ToLower(name)] = a
				t.lower[name] = strings.ToLower(name)
			}
		}
		for _, c := range f.classes {
			t.classes[strings.ToLower(c.Name)] = c
			t.classes[c.OID] = c
			t.lower[c.Name], t.lower[c.OID] = strings.ToLower(c.Name), c.OID
		}
	}
	return t
}

func inherit(a, sup Attribute) Attribute {
	if a.Equality == NoMatch {
		a.Equality, a.Ordered, a.Substr = sup.Equality, sup.Ordered, sup.Substr
	}
	if a.Syntax == inherited {
		a.Syntax, a.MaxLen = sup.Syntax, sup.MaxLen
	}
	return a
}

// AttributeNamed finds an attribute type by name, alias or OID, in any case.
func AttributeNamed(name string) (Attribute, bool) {
	a, ok := schema.attributes[lower(name)]
	return a, ok
}

// ClassNamed finds an object class by name or OID, in any case.
func ClassNamed(name string) (Class, bool) {
	c, ok := schema.classes[lower(name)]
	return c, ok
}

// lower is strings.ToLower of a name, without the work for those that are written as the
// schema has them, which are nearly all.
func lower(name string) string {
	if s, ok := schema.lower[name]; ok {
		return s
	}
	return strings.ToLower(name)
}

// Attributes are all attribute types of the given families, or of all when none
// is given, in the order in which they are defined.
func Attributes(only ...Family) []Attribute {
	var out []Attribute
	for _, f := range chosen(only) {
		for _, a := range f.attributes {
			out = append(out, schema.attributes[strings.ToLower(a.Name)])
		}
	}
	return out
}

// Classes are all object classes of the given families, or of all.
func Classes(only ...Family) []Class {
	var out []Class
	for _, f := range chosen(only) {
		out = append(out, f.classes...)
	}
	return out
}

func chosen(only []Family) []family {
	if len(only) == 0 {
		return schema.families
	}
	var out []family
	for _, name := range only {
		if name == NISBis {
			out = append(out, nisBis())
		}
	}
	for _, f := range schema.families {
		for _, name := range only {
			if f.name == name {
				out = append(out, f)
			}
		}
	}
	return out
}

// IsSubclass says whether class is sup or has it among its superclasses. Names not
// in the table are equal only to themselves.
func IsSubclass(class, sup string) bool {
	want := sup
	if c, ok := ClassNamed(sup); ok {
		want = c.Name
	}
	for range 16 { // the table is no deeper; a bound costs nothing
		c, ok := ClassNamed(class)
		if !ok {
			return strings.EqualFold(class, want)
		}
		if strings.EqualFold(c.Name, want) {
			return true
		}
		if c.Sup == "" {
			return false
		}
		class = c.Sup
	}
	return false
}

// IsSubtype says whether the attribute named name is sup or a kind of it, as cn
// and ou are kinds of name.
func IsSubtype(name, sup string) bool {
	want := canonicalName(sup)
	for range 16 {
		a, ok := AttributeNamed(name)
		if !ok {
			return strings.EqualFold(name, want)
		}
		if a.Name == want {
			return true
		}
		if a.Sup == "" {
			return false
		}
		name = a.Sup
	}
	return false
}

// StructuralClass is the name of e's most specific structural class, or "" when
// it has none. For what an entry must be, see [Check].
func StructuralClass(e Entry) string {
	best, rank := "", -1
	for _, name := range e.Values("objectClass") {
		if c, ok := ClassNamed(name); ok && c.Kind == Structural {
			d := 2 * classDepth(c)
			if c.Loose {
				d--
			}
			if d > rank {
				best, rank = c.Name, d
			}
		}
	}
	return best
}

func classDepth(c Class) int {
	d := 0
	for c.Sup != "" && d < 16 {
		c, _ = ClassNamed(c.Sup)
		d++
	}
	return d
}

// classRank puts top first, then structural classes from general to special, then
// auxiliary ones, then those we do not know.
func classRank(name string) int {
	c, ok := ClassNamed(name)
	switch {
	case !ok:
		return 200
	case c.Kind == Abstract:
		return 0
	case c.Kind == Structural:
		return classDepth(c)
	}
	return 100
}

// canonicalName is the name under which this package writes an attribute; names
// it does not know are kept.
func canonicalName(name string) string {
	if n, ok := schema.exact[name]; ok {
		return n
	}
	if a, ok := AttributeNamed(name); ok {
		return a.Name
	}
	return name
}

// attributeOrDefault lets entries with attributes from elsewhere be compared: an
// unknown attribute's values are octets.
func attributeOrDefault(name string) Attribute {
	if a, ok := AttributeNamed(name); ok {
		return a
	}
	return Attribute{Name: name, Syntax: OctetString}
}

// knownOID turns the number of a class or attribute into its name.
func knownOID(v string) string {
	if c, ok := ClassNamed(v); ok {
		return c.Name
	}
	if a, ok := AttributeNamed(v); ok {
		return a.Name
	}
	return v
}

// AllowedAttributes are the canonical names, sorted, of every attribute that an
// entry with these classes must or may have.
func AllowedAttributes(classes ...string) []string {
	set := map[string]bool{}
	for _, name := range classes {
		for c, ok := ClassNamed(name); ok; c, ok = ClassNamed(c.Sup) {
			for _, a := range append(append([]string(nil), c.Must...), c.May...) {
				set[canonicalName(a)] = true
			}
			if c.Sup == "" {
				break
			}
		}
	}
	out := make([]string, 0, len(set))
	for a := range set {
		out = append(out, a)
	}
	sort.Strings(out)
	return out
}

package ldapschema

import (
	"fmt"
	"strings"
)

// A ChangeKind says what a Change does to its entry.
type ChangeKind uint8

// The kinds of change.
const (
	Add    ChangeKind = iota + 1 // make the entry; it must not exist
	Modify                       // alter some attributes of an entry that exists
	Delete                       // remove the entry; nothing may lie below it
)

// String is the changetype of LDIF: "add", "modify" or "delete".
func (k ChangeKind) String() string {
	switch k {
	case Add:
		return "add"
	case Modify:
		return "modify"
	case Delete:
		return "delete"
	}
	return fmt.Sprintf("ChangeKind(%d)", uint8(k))
}

// A ModOp is one way to alter an attribute (RFC 4511 4.6; increment RFC 4525).
type ModOp uint8

// The ways to alter an attribute.
const (
	ModAdd       ModOp = iota // add these values; each must be new
	ModDelete                 // remove these values, each must be there; none named removes all
	ModReplace                // make these the only values; none named removes all, absent or not
	ModIncrement              // add the one given integer to each value
)

// String is the operation's word in LDIF.
func (o ModOp) String() string {
	switch o {
	case ModAdd:
		return "add"
	case ModDelete:
		return "delete"
	case ModReplace:
		return "replace"
	case ModIncrement:
		return "increment"
	}
	return fmt.Sprintf("ModOp(%d)", uint8(o))
}

// A Mod alters one attribute. The mods of one Change take effect together or not
// at all.
type Mod struct {
	Op     ModOp
	Attr   string
	Values []string
}

// A Change is one write to a directory, atomic by itself and by nothing more:
// what needs several writes is ordered so that each state between is acceptable.
type Change struct {
	Kind ChangeKind
	DN   DN
	// Attrs are the attributes of the new entry. Add only.
	Attrs []Attr
	// Mods are carried out in order. Modify only.
	Mods []Mod
	// Assert, when set, is a filter (RFC 4515) that the entry must match at the
	// moment of the write, else nothing is written (RFC 4528). Not for Add.
	Assert string
}

// AddEntry is the change that makes e.
func AddEntry(e Entry) Change { return Change{Kind: Add, DN: e.DN, Attrs: e.Clone().Attrs} }

// DeleteEntry is the change that removes the entry named dn.
func DeleteEntry(dn DN) Change { return Change{Kind: Delete, DN: dn} }

// Entry is the entry that an Add makes.
func (c Change) Entry() Entry { return Entry{DN: c.DN, Attrs: c.Attrs} }

// String names the change for a log: "modify cn=a1,ou=hosts,dc=site,dc=test".
func (c Change) String() string { return c.Kind.String() + " " + string(c.DN) }

// LDIF is the change as one record of RFC 2849 4, without the empty line that parts
// records. An assertion is shown as a comment: LDIF has no form for it that people read.
func (c Change) LDIF() string {
	var b strings.Builder
	writeLDIFLine(&b, "dn", string(c.DN))
	if c.Assert != "" {
		fmt.Fprintf(&b, "# only if %q\n", c.Assert)
	}
	b.WriteString("changetype: " + c.Kind.String() + "\n")
	for _, a := range c.Attrs {
		for _, v := range a.Values {
			writeLDIFLine(&b, a.Name, v)
		}
	}
	for _, m := range c.Mods {
		b.WriteString(m.Op.String() + ": " + m.Attr + "\n")
		for _, v := range m.Values {
			writeLDIFLine(&b, m.Attr, v)
		}
		b.WriteString("-\n")
	}
	return b.String()
}

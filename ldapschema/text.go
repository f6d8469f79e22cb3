package ldapschema

import (
	"fmt"
	"strings"
)

// Definition is the attribute type as schema text (RFC 4512 4.1.2), in
// parentheses, on one line.
func (t Attribute) Definition() string { return strings.Join(t.parts(), " ") }

// parts are the lines that a definition is folded into.
func (t Attribute) parts() []string {
	own := schema.declared(t.Name)
	first := "( " + t.OID + " NAME " + quotedNames(t.Name, t.Aliases)
	parts := []string{first}
	if t.Desc != "" {
		parts = append(parts, "DESC "+quoted(t.Desc))
	}
	if t.Sup != "" {
		parts = append(parts, "SUP "+t.Sup)
	}
	if own.Equality != NoMatch {
		match := "EQUALITY " + own.Equality.String()
		if r := rules[own.Equality]; own.Ordered && r.ordering != "" {
			match += " ORDERING " + r.ordering
		}
		if r := rules[own.Equality]; own.Substr && r.substr != "" {
			match += " SUBSTR " + r.substr
		}
		parts = append(parts, match)
	}
	last := ""
	if own.Syntax != inherited {
		last = "SYNTAX " + own.Syntax.OID()
		if own.MaxLen > 0 {
			last += fmt.Sprintf("{%d}", own.MaxLen)
		}
	}
	if t.Single {
		last += " SINGLE-VALUE"
	}
	if t.Operate {
		last += " NO-USER-MODIFICATION USAGE directoryOperation"
	}
	if last = strings.TrimSpace(last); last != "" {
		parts = append(parts, last)
	}
	parts[len(parts)-1] += " )"
	return parts
}

// Definition is the object class as schema text (RFC 4512 4.1.1), on one line.
func (c Class) Definition() string { return strings.Join(c.parts(), " ") }

func (c Class) parts() []string {
	parts := []string{"( " + c.OID + " NAME " + quoted(c.Name)}
	if c.Desc != "" {
		parts = append(parts, "DESC "+quoted(c.Desc))
	}
	kind := c.Kind.String()
	if c.Sup != "" {
		kind = "SUP " + c.Sup + " " + kind
	}
	parts = append(parts, kind)
	if len(c.Must) > 0 {
		parts = append(parts, "MUST ( "+strings.Join(c.Must, " $ ")+" )")
	}
	if len(c.May) > 0 {
		parts = append(parts, "MAY ( "+strings.Join(c.May, " $ ")+" )")
	}
	parts[len(parts)-1] += " )"
	return parts
}

// Definition is the equality rule as schema text (RFC 4512 4.1.3).
func (r Rule) Definition() string {
	syntax := map[Rule]Syntax{
		CaseIgnoreMatch: DirectoryString, CaseExactMatch: DirectoryString, CaseIgnoreIA5Match: IA5String,
		CaseExactIA5Match: IA5String, CaseIgnoreListMatch: PostalAddress, NumericStringMatch: NumericString,
		TelephoneNumberMatch: TelephoneNumber, IntegerMatch: Integer, BooleanMatch: Boolean, BitStringMatch: BitString,
		GeneralizedTimeMatch: GeneralizedTime, DistinguishedNameMatch: DNSyntax, ObjectIdentifierMatch: OIDSyntax, FirstComponentMatch: OIDSyntax,
		OctetStringMatch: OctetString, UUIDMatch: UUID, CSNMatch: CSN,
	}[r]
	return fmt.Sprintf("( %s NAME %s SYNTAX %s )", r.OID(), quoted(r.String()), syntax.OID())
}

// Definition is the syntax as schema text (RFC 4512 4.1.5).
func (s Syntax) Definition() string {
	return fmt.Sprintf("( %s DESC %s )", s.OID(), quoted(s.String()))
}

// SchemaText writes families in the form of an OpenLDAP schema file: our own for a
// server that has the standard ones, the others for a server that lacks them. Load
// them in the order of the constants.
func SchemaText(families ...Family) string {
	var b strings.Builder
	for _, name := range families {
		fmt.Fprintf(&b, "# %s.schema, written by Leasehold from its own tables.\n", name)
		if name == NISBis {
			b.WriteString("# It takes the place of nis.schema and of automount.schema.\n")
		}
		for _, a := range Attributes(name) {
			b.WriteString("\nattributetype " + strings.Join(a.parts(), "\n  ") + "\n")
		}
		for _, c := range Classes(name) {
			b.WriteString("\nobjectclass " + strings.Join(fold(c.parts(), 100), "\n  ") + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// SchemaLDIF writes families as entries of cn=config, for a server that keeps its
// configuration in itself: they are loaded while it runs, with ldapadd.
func SchemaLDIF(families ...Family) string {
	var out []Entry
	for _, name := range families {
		var attributes, classes []string
		for i, a := range Attributes(name) {
			attributes = append(attributes, fmt.Sprintf("{%d}%s", i, a.Definition()))
		}
		for i, c := range Classes(name) {
			classes = append(classes, fmt.Sprintf("{%d}%s", i, c.Definition()))
		}
		out = append(out, Entry{DN: DN("cn=schema,cn=config").Child("cn", string(name)), Attrs: []Attr{
			{"objectClass", []string{"olcSchemaConfig"}}, {"cn", []string{string(name)}},
			{"olcAttributeTypes", attributes}, {"olcObjectClasses", classes}}})
	}
	return LDIF(out)
}

// fold breaks long lists after a "$", so that people can read the file.
func fold(parts []string, width int) []string {
	var out []string
	for _, p := range parts {
		for len(p) > width {
			cut := strings.LastIndex(p[:width], "$ ")
			if cut < 0 {
				break
			}
			out = append(out, p[:cut+1])
			p = "  " + p[cut+2:]
		}
		out = append(out, p)
	}
	return out
}

// declared is an attribute as its family declares it, nothing inherited yet.
func (t tables) declared(name string) Attribute {
	for _, f := range t.families {
		for _, a := range f.attributes {
			if a.Name == name {
				return a
			}
		}
	}
	return Attribute{}
}

func quotedNames(name string, aliases []string) string {
	if len(aliases) == 0 {
		return quoted(name)
	}
	out := "( " + quoted(name)
	for _, a := range aliases {
		out += " " + quoted(a)
	}
	return out + " )"
}

// quoted writes a qdstring; the tables hold nothing that would need an escape but
// the apostrophe and the backslash.
func quoted(s string) string {
	return "'" + strings.NewReplacer(`\`, `\5C`, `'`, `\27`).Replace(s) + "'"
}

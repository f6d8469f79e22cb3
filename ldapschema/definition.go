package ldapschema

import (
	"fmt"
	"slices"
	"strings"
)

// A Definition is what a server says of one attribute type or object class, as far as
// it matters whether that is the one meant here.
type Definition struct {
	OID   string
	Names []string
	Kind  ClassKind // of a class
}

// maxDefinition is more octets than any definition has.
const maxDefinition = 64 << 10

// ParseDefinition reads the text by which servers publish an attribute type or an
// object class (RFC 4512 4.1.1, 4.1.2).
func ParseDefinition(text string) (Definition, error) {
	d := Definition{}
	bad := func(why string) (Definition, error) {
		return Definition{}, fmt.Errorf("definition %.64q: %s", text, why)
	}
	if len(text) > maxDefinition {
		return bad("too long")
	}
	words, err := definitionWords(text)
	if err != nil {
		return bad(err.Error())
	}
	if len(words) < 3 || words[0] != "(" || words[len(words)-1] != ")" {
		return bad("not in parentheses")
	}
	d.OID = words[1]
	for i := 2; i < len(words)-1; i++ {
		switch words[i] {
		case "NAME":
			for i++; i < len(words)-1; i++ {
				name, quoted := strings.CutPrefix(words[i], "'")
				if quoted {
					d.Names = append(d.Names, name)
				}
				if !quoted && words[i] != "(" || quoted && words[i-1] == "NAME" {
					break
				}
			}
		case "AUXILIARY":
			d.Kind = Auxiliary
		case "ABSTRACT":
			d.Kind = Abstract
		}
	}
	return d, nil
}

// definitionWords parts a definition: parentheses, plain words, and quoted strings,
// which keep their first quote.
func definitionWords(text string) (out []string, err error) {
	for i := 0; i < len(text); {
		switch c := text[i]; c {
		case ' ':
			i++
		case '(', ')':
			out = append(out, string(c))
			i++
		case '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("a string without end")
			}
			out = append(out, text[i:i+1+end])
			i += end + 2
		default:
			end := strings.IndexAny(text[i:], " ()'")
			if end < 0 {
				end = len(text) - i
			}
			out = append(out, text[i:i+end])
			i += end
		}
	}
	return out, nil
}

// A Lack is what a server's schema lacks of one family, or has otherwise.
type Lack struct {
	Family  Family
	Missing []string // names of attributes and classes
	Clash   []string // those that are there under another number, as "name (number)"
}

// Lacking compares what a server publishes with the families that are needed, in the
// order in which they have to be loaded. It returns those that are not whole.
func Lacking(published []Definition, needed ...Family) []Lack {
	oid := map[string]string{}
	for _, d := range published {
		for _, n := range d.Names {
			oid[strings.ToLower(n)] = d.OID
		}
	}
	var out []Lack
	for _, f := range chosen(needed) {
		lack := Lack{Family: f.name}
		look := func(name, number string) {
			switch have, ok := oid[strings.ToLower(name)]; {
			case !ok:
				lack.Missing = append(lack.Missing, name)
			case have != number:
				lack.Clash = append(lack.Clash, fmt.Sprintf("%s (%s)", name, have))
			}
		}
		for _, a := range f.attributes {
			look(a.Name, a.OID)
		}
		for _, c := range f.classes {
			look(c.Name, c.OID)
		}
		if len(lack.Missing)+len(lack.Clash) == 0 {
			continue
		}
		if i := slices.IndexFunc(out, func(l Lack) bool { return l.Family == f.name }); i >= 0 {
			out[i].Missing, out[i].Clash = append(out[i].Missing, lack.Missing...), append(out[i].Clash, lack.Clash...)
			continue
		}
		out = append(out, lack)
	}
	return out
}

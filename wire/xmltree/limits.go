package xmltree

import (
	"fmt"
	"math"
)

// Limits bound what one document may cost (wssec.md A19). A field that is zero
// or negative stands for the default of that field.
type Limits struct {
	Bytes      int // octets of source, byte order mark included
	Depth      int // elements open at once
	Elements   int // elements in the document
	Attributes int // attributes of one element, namespace declarations not counted
	Namespaces int // declarations in scope at one element, hidden ones counted
	Name       int // octets of one qualified name, or of the name of one namespace; a prefix has 255 at most
	Text       int // source octets of one run of character data, or of one attribute value
}

// DefaultLimits are those of wssec.md A19: 4 MiB, 64 deep, 50,000 elements, 64
// attributes, 64 namespaces, names of 256 octets and texts of 2 MiB.
func DefaultLimits() Limits {
	return Limits{
		Bytes:      4 << 20,
		Depth:      64,
		Elements:   50_000,
		Attributes: 64,
		Namespaces: 64,
		Name:       256,
		Text:       2 << 20,
	}
}

// complete fills in defaults and keeps every limit inside what the node array
// can number: offsets are 32 bits wide, lengths of names 16.
func (l Limits) complete() Limits {
	d := DefaultLimits()
	fill := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	fill(&l.Bytes, d.Bytes, math.MaxInt32)
	fill(&l.Depth, d.Depth, math.MaxInt32)
	fill(&l.Elements, d.Elements, math.MaxInt32)
	fill(&l.Attributes, d.Attributes, math.MaxInt32)
	fill(&l.Namespaces, d.Namespaces, math.MaxInt32)
	fill(&l.Name, d.Name, math.MaxUint16)
	fill(&l.Text, d.Text, math.MaxInt32)
	return l
}

// A LimitError says which limit a document exceeded, and where.
type LimitError struct {
	Limit  string // name of the field of Limits, in lower case
	Max    int    // what that field allowed
	Offset int    // octets before the place, from the start of the source
}

// Error names the limit, its value and the place.
func (e *LimitError) Error() string {
	return fmt.Sprintf("xml: offset %d: more %s than the limit of %d", e.Offset, limitText(e.Limit), e.Max)
}

func limitText(limit string) string {
	switch limit {
	case "depth":
		return "nested elements"
	case "name":
		return "octets in a name"
	case "text":
		return "octets of text"
	}
	return limit
}

// A SyntaxError says why a document was refused, and where.
type SyntaxError struct {
	Offset int    // octets before the place, from the start of the source
	What   string // what is wrong, without quoting the document
}

// Error gives the place and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("xml: offset %d: %s", e.Offset, e.What)
}

package xmlrpc

import "github.com/leasehold/leasehold/wire/xmltree"

// Limits bound what one document may cost. A field that is zero stands for its
// default.
type Limits struct {
	Bytes    int // octets of the document, unfolded; default 4 MiB
	Depth    int // values inside one another; default 32
	Elements int // XML elements; default 200,000, which a lease of the largest size needs
	Text     int // octets of one text as written; default 2 MiB
}

// Complete is l with the defaults in place of what is zero.
func (l Limits) Complete() Limits {
	fill := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	fill(&l.Bytes, 4<<20)
	fill(&l.Depth, 32)
	fill(&l.Elements, 200_000)
	fill(&l.Text, 2<<20)
	return l
}

// tree is the same for the scanner. A value inside another is three elements
// deeper, and four hold the first.
func (l Limits) tree() xmltree.Limits {
	return xmltree.Limits{Bytes: l.Bytes, Depth: 3*l.Depth + 6, Elements: l.Elements, Text: l.Text}
}

package inspect

import (
	"bytes"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Difference is where two texts first differ.
type Difference struct {
	Part   string `json:"part"`   // what was compared: Body, or Document
	Same   bool   `json:"same"`   // then the rest is empty
	Offset int    `json:"offset"` // octets before the first difference
	Line   int    `json:"line"`   // of that place, from 1
	A      string `json:"a"`      // what surrounds it in the one
	B      string `json:"b"`      // and in the other
}

// Diff compares the canonical octets of two documents: of their Bodies, if both
// are SOAP envelopes, or else of all of them.
func Diff(a, b []byte) (Difference, error) {
	docA, err := xmltree.Parse(bytes.TrimSpace(a), xmltree.DefaultLimits())
	if err != nil {
		return Difference{}, err
	}
	docB, err := xmltree.Parse(bytes.TrimSpace(b), xmltree.DefaultLimits())
	if err != nil {
		return Difference{}, err
	}
	d := Difference{Part: "Body"}
	nodeA, nodeB := docA.Root().Child(soapNS, "Body"), docB.Root().Child(soapNS, "Body")
	if !nodeA.Valid() || !nodeB.Valid() {
		d.Part, nodeA, nodeB = "Document", docA.Root(), docB.Root()
	}
	formA, err := canonical(nodeA, nil)
	if err != nil {
		return Difference{}, err
	}
	formB, err := canonical(nodeB, nil)
	if err != nil {
		return Difference{}, err
	}
	for d.Offset < min(len(formA), len(formB)) && formA[d.Offset] == formB[d.Offset] {
		d.Offset++
	}
	if d.Offset == len(formA) && d.Offset == len(formB) {
		return Difference{Part: d.Part, Same: true}, nil
	}
	d.Line = 1 + bytes.Count(formA[:d.Offset], []byte("\n"))
	d.A, d.B = around(formA, d.Offset), around(formB, d.Offset)
	return d, nil
}

// around is some text before and after a place.
func around(form []byte, at int) string {
	return string(form[max(0, at-24):min(len(form), at+40)])
}

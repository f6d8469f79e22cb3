package soap

import (
	"fmt"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// EncodeResponse appends the canonical octets of the answer to op: an element
// with nothing in it, which says that the request was queued and no more (wire
// contract 1.7).
func EncodeResponse(dst []byte, op wire.Op) ([]byte, error) {
	row, ok := wire.Lookup(op)
	if !ok {
		return dst, &wire.Error{What: fmt.Sprintf("no operation %d", uint8(op))}
	}
	e := encoder{dst: dst}
	e.wrapper(row.Response, func() {})
	return e.dst, nil
}

// DecodeResponse reads the child of Body that answered a call of op. Nil says
// that the peer took the request. A fault is returned as an error of type
// wire.Fault, anything else that is not the answer to op as a *wire.Error.
func DecodeResponse(n xmltree.Node, op wire.Op) error {
	row, ok := wire.Lookup(op)
	switch {
	case !ok:
		return &wire.Error{What: fmt.Sprintf("no operation %d", uint8(op))}
	case n.Is(EnvelopeNS, "Fault"):
		f, err := DecodeFault(n)
		if err != nil {
			return err
		}
		return f
	case !n.Is(ServicesNS, row.Response):
		return &wire.Error{What: "no answer to " + row.Name + " but " + describe(n)}
	}
	var d decoder
	c := d.enter(n, nil)
	c.leave()
	return d.err
}

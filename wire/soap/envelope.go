package soap

import (
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

const (
	envelopeOpen  = `<soapenv:Envelope xmlns:soapenv="` + EnvelopeNS + `">`
	headerOpen    = `<soapenv:Header>`
	headerClose   = `</soapenv:Header>`
	bodyOpen      = `<soapenv:Body>`
	envelopeClose = `</soapenv:Body></soapenv:Envelope>`
)

// EncodeEnvelope appends a SOAP 1.1 envelope without signatures, for tools, tests
// and answers to peers that want none. The header blocks and the body element are
// octets that declare their own namespaces; no header leaves the element out.
func EncodeEnvelope(dst, header, body []byte) []byte { return V11.Envelope(dst, header, body) }

// DecodeEnvelope finds the header, invalid if there is none, and the one child of
// Body. Two bodies, a body with two children and anything else beside them are
// errors of type *wire.Error, and so is SOAP 1.2. It checks no signature: what it
// returns is for reading where nothing was promised, such as an unsigned fault.
func DecodeEnvelope(doc *xmltree.Document) (header, payload xmltree.Node, err error) {
	return decodeEnvelope(doc, V11)
}

func decodeEnvelope(doc *xmltree.Document, v Version) (header, payload xmltree.Node, err error) {
	root, space := doc.Root(), versions[v].space
	switch {
	case root.Is(space, "Envelope"):
	case root.Is(envelope12NS, "Envelope"):
		return header, payload, &wire.Error{What: "SOAP 1.2 is not spoken here"}
	case root.Is(EnvelopeNS, "Envelope"):
		return header, payload, &wire.Error{What: "SOAP 1.1 that is said to be another"}
	default:
		return header, payload, &wire.Error{What: "no SOAP envelope but " + describe(root)}
	}
	var d decoder
	var buf [2]xmltree.Node
	c := d.enter(root, buf[:0])
	if len(c.kids) > 0 && c.kids[0].Is(space, "Header") {
		header, c.kids = c.kids[0], c.kids[1:]
	}
	if len(c.kids) == 0 || !c.kids[0].Is(space, "Body") {
		d.fail("element Body is missing")
	} else {
		var buf [2]xmltree.Node
		body := d.enter(c.kids[0], buf[:0])
		c.kids = c.kids[1:]
		if len(body.kids) == 0 {
			d.fail("Body is empty")
		} else {
			payload, body.kids = body.kids[0], body.kids[1:]
		}
		body.leave()
	}
	c.leave()
	if d.err != nil {
		return xmltree.Node{}, xmltree.Node{}, d.err
	}
	return header, payload, nil
}

package embedded

import (
	"errors"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// responseTag is the kind of answer that a request gets; -1 for those that get
// none.
func responseTag(request ber.Tag) int {
	switch request {
	case opBindRequest, opModifyRequest, opAddRequest, opDelRequest, opModifyDNRequest, opCompareRequest, opExtendedRequest:
		return int(request) + 1
	case opSearchRequest:
		return opSearchDone
	}
	return -1
}

// octets is an OCTET STRING.
func octets(s string) *ber.Packet {
	p := &ber.Packet{Identifier: ber.Identifier{ClassType: ber.ClassUniversal, TagType: ber.TypePrimitive, Tag: ber.TagOctetString}}
	p.Data = newBuffer(s)
	return p
}

// envelope is a message to a client (RFC 4511 4.1.1).
func envelope(id int64, op *ber.Packet, controls ...*ber.Packet) *ber.Packet {
	p := ber.NewSequence("")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	if len(controls) > 0 {
		list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
		for _, c := range controls {
			list.AppendChild(c)
		}
		p.AppendChild(list)
	}
	return p
}

// resultOf is the LDAPResult that err amounts to (RFC 4511 4.1.9).
func resultOf(tag int, err error) *ber.Packet {
	code, matched, say := directory.Success, ldapschema.DN(""), ""
	if err != nil {
		code, say = codeOf(err), err.Error()
		var e *directory.Error
		if errors.As(err, &e) {
			matched = e.Matched
			if e.Err != nil {
				say = e.Err.Error()
			} else {
				say = ""
			}
		}
	}
	return result(tag, code, string(matched), say)
}

func result(tag int, code directory.Code, matched, say string) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ber.Tag(tag), nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	p.AppendChild(octets(matched))
	p.AppendChild(octets(say))
	return p
}

func codeOf(err error) directory.Code {
	var e *directory.Error
	if errors.Is(err, errProtocol) && !errors.As(err, &e) {
		return directory.ProtocolError
	}
	return directory.CodeOf(err)
}

// entryPacket is a SearchResultEntry (RFC 4511 4.5.2); the answer to a pre-read or
// post-read control has the same fields in a plain SEQUENCE.
func entryPacket(e ldapschema.Entry, typesOnly, plain bool) *ber.Packet {
	p := ber.NewSequence("")
	if !plain {
		p = ber.Encode(ber.ClassApplication, ber.TypeConstructed, opSearchEntry, nil, "")
	}
	p.AppendChild(octets(string(e.DN)))
	attrs := ber.NewSequence("")
	for _, a := range e.Attrs {
		attr := ber.NewSequence("")
		attr.AppendChild(octets(a.Name))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		if !typesOnly {
			for _, v := range a.Values {
				values.AppendChild(octets(v))
			}
		}
		attr.AppendChild(values)
		attrs.AppendChild(attr)
	}
	p.AppendChild(attrs)
	return p
}

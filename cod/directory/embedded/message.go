package embedded

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// Limits on the shape of one request, besides Config.PDU on its size.
const (
	maxDepth    = 64    // elements inside elements
	maxElements = 50000 // elements in all
	maxControls = 16
	maxID       = 1<<31 - 1
)

// errProtocol is wrapped by every complaint about what a client sent.
var errProtocol = errors.New("protocol error")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// The application tags of requests and responses (RFC 4511 4.1.1).
const (
	opBindRequest      = 0
	opBindResponse     = 1
	opUnbindRequest    = 2
	opSearchRequest    = 3
	opSearchEntry      = 4
	opSearchDone       = 5
	opModifyRequest    = 6
	opModifyResponse   = 7
	opAddRequest       = 8
	opAddResponse      = 9
	opDelRequest       = 10
	opDelResponse      = 11
	opModifyDNRequest  = 12
	opModifyDNResponse = 13
	opCompareRequest   = 14
	opCompareResponse  = 15
	opAbandonRequest   = 16
	opExtendedRequest  = 23
	opExtendedResponse = 24
)

// A message is one request, its body not yet looked into.
type message struct {
	id       int64
	tag      ber.Tag
	op       *ber.Packet
	controls []control
}

// readPDU reads the octets of one message and refuses one larger than limit
// before reading it. begun is called when its first octet has arrived.
func readPDU(r *bufio.Reader, limit int, begun func()) ([]byte, error) {
	if _, err := r.Peek(1); err != nil {
		return nil, err
	}
	begun()
	var head [6]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return nil, err
	}
	if head[0] != 0x30 {
		return nil, protocolError("a message starts with octet 0x30, not 0x%02x", head[0])
	}
	n, used := int(head[1]), 2
	if n >= 0x80 {
		more := n & 0x7f
		if more == 0 || more > 4 {
			return nil, protocolError("length of %d octets", more)
		}
		if _, err := io.ReadFull(r, head[2:2+more]); err != nil {
			return nil, err
		}
		n, used = 0, 2+more
		for _, c := range head[2:used] {
			n = n<<8 | int(c)
		}
	}
	if n > limit {
		return nil, protocolError("message of %d octets; the limit is %d", n, limit)
	}
	pdu := make([]byte, used+n)
	copy(pdu, head[:used])
	_, err := io.ReadFull(r, pdu[used:])
	return pdu, err
}

// checkShape walks the elements of a message before they are decoded: definite
// lengths that fit, small tags, bounded depth and number.
func checkShape(b []byte, depth int, left *int) error {
	if depth > maxDepth {
		return protocolError("elements deeper than %d", maxDepth)
	}
	for len(b) > 0 {
		if *left--; *left < 0 {
			return protocolError("more than %d elements", maxElements)
		}
		if len(b) < 2 || b[0]&0x1f == 0x1f {
			return protocolError("malformed element")
		}
		n, used := int(b[1]), 2
		if n >= 0x80 {
			more := n & 0x7f
			if more == 0 || more > 4 || len(b) < 2+more {
				return protocolError("malformed length")
			}
			n, used = 0, 2+more
			for _, c := range b[2:used] {
				n = n<<8 | int(c)
			}
		}
		if n > len(b)-used {
			return protocolError("element longer than what holds it")
		}
		if b[0]&0x20 != 0 {
			if err := checkShape(b[used:used+n], depth+1, left); err != nil {
				return err
			}
		}
		b = b[used+n:]
	}
	return nil
}

// parseMessage decodes the envelope of RFC 4511 4.1.1.
func parseMessage(pdu []byte) (message, error) {
	left := maxElements
	if err := checkShape(pdu, 0, &left); err != nil {
		return message{}, err
	}
	p, err := ber.DecodePacketErr(pdu)
	if err != nil {
		return message{}, protocolError("%v", err)
	}
	if len(p.Children) < 2 || len(p.Children) > 3 {
		return message{}, protocolError("a message has two or three parts, not %d", len(p.Children))
	}
	m := message{op: p.Children[1], tag: p.Children[1].Tag}
	if m.id, err = integer(p.Children[0], ber.TagInteger); err != nil {
		return message{}, err
	}
	if m.id < 1 || m.id > maxID {
		return message{}, protocolError("message id %d", m.id)
	}
	if m.op.ClassType != ber.ClassApplication {
		return message{}, protocolError("no operation")
	}
	if len(p.Children) == 3 {
		if m.controls, err = parseControls(p.Children[2]); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// integer reads an INTEGER or ENUMERATED.
func integer(p *ber.Packet, tag ber.Tag) (int64, error) {
	if p.ClassType != ber.ClassUniversal || p.Tag != tag || p.TagType != ber.TypePrimitive {
		return 0, protocolError("an integer was due")
	}
	if n := p.Data.Len(); n < 1 || n > 8 {
		return 0, protocolError("integer of %d octets", n)
	}
	n, err := ber.ParseInt64(p.Data.Bytes())
	if err != nil {
		return 0, protocolError("%v", err)
	}
	return n, nil
}

// text reads an OCTET STRING.
func text(p *ber.Packet) (string, error) {
	if p.ClassType != ber.ClassUniversal || p.Tag != ber.TagOctetString || p.TagType != ber.TypePrimitive {
		return "", protocolError("an octet string was due")
	}
	return p.Data.String(), nil
}

// boolean reads a BOOLEAN.
func boolean(p *ber.Packet) (bool, error) {
	if p.ClassType != ber.ClassUniversal || p.Tag != ber.TagBoolean || p.TagType != ber.TypePrimitive || p.Data.Len() != 1 {
		return false, protocolError("a boolean was due")
	}
	return p.Data.Bytes()[0] != 0, nil
}

// list returns the elements of a SEQUENCE or SET.
func list(p *ber.Packet, tag ber.Tag) ([]*ber.Packet, error) {
	if p.ClassType != ber.ClassUniversal || p.Tag != tag || p.TagType != ber.TypeConstructed {
		return nil, protocolError("a list was due")
	}
	return p.Children, nil
}

// parts returns the elements of a request, or of another constructed element, that
// has to have so many.
func parts(p *ber.Packet, least, most int) ([]*ber.Packet, error) {
	if p.TagType != ber.TypeConstructed || len(p.Children) < least || len(p.Children) > most {
		return nil, protocolError("operation of %d parts", len(p.Children))
	}
	return p.Children, nil
}

// texts reads a list of octet strings.
func texts(p *ber.Packet, tag ber.Tag) ([]string, error) {
	items, err := list(p, tag)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		if out[i], err = text(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isContext says whether p is the context-specific element with this tag.
func isContext(p *ber.Packet, tag ber.Tag, kind ber.Type) bool {
	return p.ClassType == ber.ClassContext && p.Tag == tag && p.TagType == kind
}

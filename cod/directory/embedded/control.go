package embedded

import (
	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// The controls that are understood.
const (
	controlAssert    = "1.3.6.1.1.12"            // RFC 4528
	controlPreRead   = "1.3.6.1.1.13.1"          // RFC 4527
	controlPostRead  = "1.3.6.1.1.13.2"          // RFC 4527
	controlPaged     = "1.2.840.113556.1.4.319"  // RFC 2696
	controlManageDSA = "2.16.840.1.113730.3.4.2" // RFC 3296: there are no referrals, so it changes nothing
)

// A control is one control of a request (RFC 4511 4.1.11).
type control struct {
	oid      string
	critical bool
	value    []byte
}

func parseControls(p *ber.Packet) ([]control, error) {
	if !isContext(p, 0, ber.TypeConstructed) {
		return nil, protocolError("what follows the operation is not controls")
	}
	if len(p.Children) > maxControls {
		return nil, protocolError("more than %d controls", maxControls)
	}
	var out []control
	for _, c := range p.Children {
		fields, err := list(c, ber.TagSequence)
		if err != nil {
			return nil, err
		}
		if len(fields) < 1 || len(fields) > 3 {
			return nil, protocolError("control of %d parts", len(fields))
		}
		var ctl control
		if ctl.oid, err = text(fields[0]); err != nil {
			return nil, err
		}
		for _, f := range fields[1:] {
			if f.Tag == ber.TagBoolean {
				if ctl.critical, err = boolean(f); err != nil {
					return nil, err
				}
				continue
			}
			v, err := text(f)
			if err != nil {
				return nil, err
			}
			ctl.value = []byte(v)
		}
		out = append(out, ctl)
	}
	return out, nil
}

// An extras is what a request's controls ask for.
type extras struct {
	assert   *ldapschema.Filter
	preRead  []string // attributes; nil when not asked for
	postRead []string
	paged    *paging
	sync     *syncing
}

// A paging is what the paged results control says (RFC 2696 2).
type paging struct {
	size   int
	cookie []byte
}

// controlsFor reads the controls that fit an operation. Another that is critical
// is refused, with the result that RFC 4511 4.1.11 names; others are passed over.
func (m message) controlsFor(fit ...string) (extras, error) {
	var x extras
	seen := map[string]bool{}
	for _, c := range m.controls {
		known := c.oid == controlManageDSA
		for _, oid := range fit {
			known = known || oid == c.oid
		}
		if !known {
			if c.critical {
				return x, &directory.Error{Op: "control", Code: directory.UnavailableCriticalExt, Err: protocolError("control %.64q is not understood here", c.oid)}
			}
			continue
		}
		if seen[c.oid] {
			return x, protocolError("control %s twice", c.oid)
		}
		seen[c.oid] = true
		if err := x.read(c); err != nil {
			return x, err
		}
	}
	return x, nil
}

func (x *extras) read(c control) error {
	if c.oid == controlManageDSA {
		return nil
	}
	left := maxElements
	if err := checkShape(c.value, 0, &left); err != nil {
		return err
	}
	p, err := ber.DecodePacketErr(c.value)
	if err != nil {
		return protocolError("control %s: %v", c.oid, err)
	}
	switch c.oid {
	case controlAssert:
		f, err := parseFilter(p)
		if err != nil {
			return err
		}
		x.assert = &f
	case controlPreRead, controlPostRead:
		attrs, err := texts(p, ber.TagSequence)
		if err != nil {
			return err
		}
		if attrs == nil {
			attrs = []string{}
		}
		if c.oid == controlPreRead {
			x.preRead = attrs
		} else {
			x.postRead = attrs
		}
	case controlSync:
		if x.sync, err = parseSync(p); err != nil {
			return err
		}
	case controlPaged:
		f, err := list(p, ber.TagSequence)
		if err != nil || len(f) != 2 {
			return protocolError("malformed paged results control")
		}
		size, err := integer(f[0], ber.TagInteger)
		if err != nil {
			return err
		}
		if size < 0 || size > maxID {
			return protocolError("page of %d entries", size)
		}
		cookie, err := text(f[1])
		if err != nil {
			return err
		}
		x.paged = &paging{int(size), []byte(cookie)}
	}
	return nil
}

// encode is the control as the answer to a search carries it; the size is an
// estimate that nobody needs, and 0 says so.
func (p paging) encode() *ber.Packet {
	v := ber.NewSequence("")
	v.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""))
	v.AppendChild(octets(string(p.cookie)))
	return responseControl(controlPaged, v)
}

// responseControl is a control whose value is the encoding of v.
func responseControl(oid string, v *ber.Packet) *ber.Packet {
	c := ber.NewSequence("")
	c.AppendChild(octets(oid))
	c.AppendChild(octets(string(v.Bytes())))
	return c
}

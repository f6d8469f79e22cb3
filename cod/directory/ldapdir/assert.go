package ldapdir

import (
	"fmt"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/ldapschema"
)

// assertionOID names the assertion control (RFC 4528 3).
const assertionOID = "1.3.6.1.1.12"

// An assertion is the control that makes a write depend on the entry's matching a
// filter at that moment. It is always critical: a server that does not know it has
// to refuse the write.
type assertion struct {
	text   string
	filter *ber.Packet
}

// assertControls are the controls that a change asks for.
func assertControls(c ldapschema.Change) ([]ldap.Control, error) {
	if c.Assert == "" {
		return nil, nil
	}
	f, err := ldapschema.ParseFilter(c.Assert)
	if err != nil {
		return nil, err
	}
	p, err := ldap.CompileFilter(f.String())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ldapschema.ErrFilter, err)
	}
	return []ldap.Control{&assertion{c.Assert, p}}, nil
}

// GetControlType is the control's OID.
func (a *assertion) GetControlType() string { return assertionOID }

// String is for go-ldap's debug output.
func (a *assertion) String() string { return "assertion " + a.text }

// Encode writes the control: its value is the BER of the filter (RFC 4528 3).
func (a *assertion) Encode() *ber.Packet {
	p := ber.NewSequence("Control")
	p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, assertionOID, "type"))
	p.AppendChild(ber.NewLDAPBoolean(ber.ClassUniversal, ber.TypePrimitive, ber.TagBoolean, true, "criticality"))
	p.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, string(a.filter.Bytes()), "filter"))
	return p
}

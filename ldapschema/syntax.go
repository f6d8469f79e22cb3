package ldapschema

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Syntax is the form a value must have (RFC 4517 3.3).
type Syntax uint8

// The syntaxes that the attributes here use.
const (
	inherited       Syntax = iota // taken from the attribute's superior
	DirectoryString               // UTF-8, not empty
	IA5String                     // ASCII
	PrintableString
	NumericString
	TelephoneNumber
	PostalAddress
	CountryString
	Integer
	Boolean
	BitString
	GeneralizedTime
	DNSyntax // a distinguished name
	OIDSyntax
	OctetString
	JPEG
	Certificate
	Binary
	DeliveryMethod
	Facsimile
	NISNetgroupTriple // RFC 2307: "(host,user,domain)"
	BootParameter     // RFC 2307: "key=server:path"
	UUID
	CSN
	AttributeTypeText // schema definitions, RFC 4512 4.1
	ObjectClassText
	MatchingRuleText
	SyntaxText
)

var syntaxes = [...]struct {
	oid, desc string
	valid     func(string) bool
}{
	DirectoryString:   {"1.3.6.1.4.1.1466.115.121.1.15", "Directory String", utf8.ValidString},
	IA5String:         {"1.3.6.1.4.1.1466.115.121.1.26", "IA5 String", validIA5},
	PrintableString:   {"1.3.6.1.4.1.1466.115.121.1.44", "Printable String", validPrintable},
	NumericString:     {"1.3.6.1.4.1.1466.115.121.1.36", "Numeric String", validNumeric},
	TelephoneNumber:   {"1.3.6.1.4.1.1466.115.121.1.50", "Telephone Number", validPrintable},
	PostalAddress:     {"1.3.6.1.4.1.1466.115.121.1.41", "Postal Address", utf8.ValidString},
	CountryString:     {"1.3.6.1.4.1.1466.115.121.1.11", "Country String", func(v string) bool { return len(v) == 2 && validPrintable(v) }},
	Integer:           {"1.3.6.1.4.1.1466.115.121.1.27", "Integer", validInteger},
	Boolean:           {"1.3.6.1.4.1.1466.115.121.1.7", "Boolean", func(v string) bool { return v == "TRUE" || v == "FALSE" }},
	BitString:         {"1.3.6.1.4.1.1466.115.121.1.6", "Bit String", validBits},
	GeneralizedTime:   {"1.3.6.1.4.1.1466.115.121.1.24", "Generalized Time", func(v string) bool { _, err := ParseTime(v); return err == nil }},
	DNSyntax:          {"1.3.6.1.4.1.1466.115.121.1.12", "DN", func(v string) bool { _, err := ParseDN(v); return err == nil }},
	OIDSyntax:         {"1.3.6.1.4.1.1466.115.121.1.38", "OID", validAttrName},
	OctetString:       {"1.3.6.1.4.1.1466.115.121.1.40", "Octet String", anything},
	JPEG:              {"1.3.6.1.4.1.1466.115.121.1.28", "JPEG", anything},
	Certificate:       {"1.3.6.1.4.1.1466.115.121.1.8", "Certificate", anything},
	Binary:            {"1.3.6.1.4.1.1466.115.121.1.5", "Binary", anything},
	DeliveryMethod:    {"1.3.6.1.4.1.1466.115.121.1.14", "Delivery Method", validPrintable},
	Facsimile:         {"1.3.6.1.4.1.1466.115.121.1.22", "Facsimile Telephone Number", utf8.ValidString},
	NISNetgroupTriple: {"1.3.6.1.1.1.0.0", "RFC2307 NIS Netgroup Triple", validTriple},
	BootParameter:     {"1.3.6.1.1.1.0.1", "RFC2307 Boot Parameter", validBootParameter},
	UUID:              {"1.3.6.1.1.16.1", "UUID", validUUID},
	CSN:               {"1.3.6.1.4.1.4203.666.11.2.1", "CSN", validIA5},
	AttributeTypeText: {"1.3.6.1.4.1.1466.115.121.1.3", "Attribute Type Description", utf8.ValidString},
	ObjectClassText:   {"1.3.6.1.4.1.1466.115.121.1.37", "Object Class Description", utf8.ValidString},
	MatchingRuleText:  {"1.3.6.1.4.1.1466.115.121.1.30", "Matching Rule Description", utf8.ValidString},
	SyntaxText:        {"1.3.6.1.4.1.1466.115.121.1.54", "LDAP Syntax Description", utf8.ValidString},
}

// Syntaxes are all syntaxes, for a server that lists them.
func Syntaxes() []Syntax {
	out := make([]Syntax, 0, len(syntaxes)-1)
	for s := DirectoryString; int(s) < len(syntaxes); s++ {
		out = append(out, s)
	}
	return out
}

// OID is the syntax's object identifier.
func (s Syntax) OID() string { return syntaxes[s].oid }

// String is what RFC 4517 calls the syntax.
func (s Syntax) String() string { return syntaxes[s].desc }

// Valid says whether v has the syntax. Only octet strings may be empty.
func (s Syntax) Valid(v string) bool {
	if v == "" {
		return s == OctetString
	}
	return syntaxes[s].valid(v)
}

// A Form is what we ask of a value beyond its LDAP syntax, for attributes that a
// daemon reads: slapd takes any ASCII for an address, and one bad address stops
// the update of a whole DNS zone.
type Form uint8

// The forms.
const (
	AnyForm      Form = iota
	IPForm            // an IPv4 or IPv6 address
	IPv4Form          // "10.99.16.1"
	IPv6Form          // "2001:db8::1"
	NetworkForm       // an address, or an IPv4 one cut after whole octets (RFC 2307 2.4)
	NetmaskForm       // "255.255.255.0"
	MACForm           // "52:54:00:99:00:01", as RFC 2307 5.4 asks
	HardwareForm      // "ethernet 52:54:00:99:00:01", as dhcpd looks it up
	DomainForm        // a DNS name, with or without the dot at its end; "@" is the zone itself
	LineForm          // one line of text without control characters
)

var forms = [...]struct {
	what  string
	valid func(string) bool
}{
	AnyForm:      {"a value", anything},
	IPForm:       {"an IP address", validIP},
	IPv4Form:     {"an IPv4 address", func(v string) bool { a, err := netip.ParseAddr(v); return err == nil && a.Is4() }},
	IPv6Form:     {"an IPv6 address", func(v string) bool { a, err := netip.ParseAddr(v); return err == nil && a.Is6() && a.Zone() == "" }},
	NetworkForm:  {"a network number", validNetwork},
	NetmaskForm:  {"a netmask", validNetmask},
	MACForm:      {"a MAC address", validMAC},
	HardwareForm: {"a hardware type and address", validHardware},
	DomainForm:   {"a domain name", validDomain},
	LineForm:     {"one line of text", validLine},
}

// String says what a value of the form is: "an IPv4 address".
func (f Form) String() string { return forms[f].what }

// Valid says whether v has the form.
func (f Form) Valid(v string) bool { return forms[f].valid(v) }

func anything(string) bool { return true }

func validIA5(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] >= 0x80 {
			return false
		}
	}
	return true
}

func validPrintable(v string) bool {
	for i := 0; i < len(v); i++ {
		c := v[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(" '()+,-./:?=$", c) < 0 {
			return false
		}
	}
	return true
}

func validNumeric(v string) bool { return strings.Trim(v, "0123456789 ") == "" }

// validInteger accepts the one spelling that RFC 4517 3.3.16 gives each number: no
// leading zeros, no minus zero. It keeps integers below 64 digits: nothing here
// counts further, and an unbounded number would be an unbounded value.
func validInteger(v string) bool {
	digits := strings.TrimPrefix(v, "-")
	if digits == "" || len(digits) >= 64 || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	return digits[0] != '0' || v == "0"
}

func validBits(v string) bool {
	return len(v) >= 3 && v[0] == '\'' && strings.HasSuffix(v, "'B") && strings.Trim(v[1:len(v)-2], "01") == ""
}

func validOID(v string) bool {
	parts := strings.Split(v, ".")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" || len(p) > 1 && p[0] == '0' {
			return false
		}
	}
	return len(parts) > 1
}

func validUUID(v string) bool {
	if len(v) != 36 {
		return false
	}
	for i := 0; i < len(v); i++ {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if v[i] != '-' {
				return false
			}
		} else if _, ok := hexDigit(v[i]); !ok {
			return false
		}
	}
	return true
}

func validTriple(v string) bool {
	return validIA5(v) && strings.HasPrefix(v, "(") && strings.HasSuffix(v, ")") && strings.Count(v, ",") == 2
}

// validBootParameter: a key, "=", a server, ":", a path (RFC 2307 2.4); any but
// the separators may be empty.
func validBootParameter(v string) bool {
	eq := strings.IndexByte(v, '=')
	return eq > 0 && validIA5(v) && strings.IndexByte(v[eq:], ':') > 0
}

func validIP(v string) bool {
	a, err := netip.ParseAddr(v)
	return err == nil && a.Zone() == ""
}

func validMAC(v string) bool {
	_, err := ParseMAC(v)
	return err == nil
}

func validNetwork(v string) bool {
	if validIP(v) {
		return true
	}
	octets := strings.Split(v, ".")
	if len(octets) > 3 {
		return false
	}
	for _, o := range octets {
		n, err := strconv.Atoi(o)
		if err != nil || n < 0 || n > 255 || strconv.Itoa(n) != o {
			return false
		}
	}
	return true
}

func validNetmask(v string) bool {
	a, err := netip.ParseAddr(v)
	if err != nil || !a.Is4() {
		return false
	}
	b := a.As4()
	bits := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return ^bits&(^bits+1) == 0 // ones, then zeros
}

func validHardware(v string) bool {
	kind, addr, ok := strings.Cut(v, " ")
	return ok && validAttrName(kind) && validMAC(addr)
}

// validDomain accepts what RFC 1035 lets a zone hold, underscores and a leading
// wildcard included: at most 253 octets of labels up to 63.
func validDomain(v string) bool {
	if v == "@" || v == "." {
		return true
	}
	v = strings.TrimSuffix(v, ".")
	if v == "" || len(v) > 253 {
		return false
	}
	for i, label := range strings.Split(v, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		if label == "*" && i == 0 {
			continue
		}
		for j := 0; j < len(label); j++ {
			c := label[j]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '/' {
				return false
			}
		}
	}
	return true
}

func validLine(v string) bool {
	for i := 0; i < len(v); i++ {
		if v[i] < ' ' || v[i] == 0x7f {
			return false
		}
	}
	return true
}

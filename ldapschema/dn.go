package ldapschema

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Limits on distinguished names, so that a hostile name costs little.
const (
	MaxDNBytes = 8192 // octets of one DN in its text form
	MaxRDNs    = 128  // names from an entry up to the root
	MaxAVAs    = 16   // attribute values in one multi-valued RDN
)

// ErrDN is wrapped by every complaint about the text of a DN.
var ErrDN = errors.New("malformed distinguished name")

// A DN is a distinguished name in the text form of RFC 4514, leaf first:
// "cn=a1,ou=hosts,dc=site,dc=test". The empty DN is the root of every tree.
// Build names with [DN.Child], which escapes, and take names from outside
// through [ParseDN]; the methods of a malformed DN answer as for a name that has
// no parent and equals nothing but its own text.
type DN string

// An AVA is one attribute value assertion of a name: the "cn" and "a1" of "cn=a1",
// unescaped.
type AVA struct{ Attr, Value string }

// ParseDN checks text and returns it as a DN, otherwise unchanged.
func ParseDN(text string) (DN, error) {
	if _, err := splitDN(text); err != nil {
		return "", err
	}
	return DN(text), nil
}

// Child is the name of the entry attr=value directly below d. Every character
// that RFC 4514 gives a meaning is escaped, so no value can add a level, leave
// its level or forge a multi-valued RDN.
func (d DN) Child(attr, value string) DN {
	rdn := attr + "=" + escapeValue(value)
	if d == "" {
		return DN(rdn)
	}
	return DN(rdn) + "," + d
}

// Parent is the name of the entry above d; empty for a name of one RDN and for
// the root.
func (d DN) Parent() DN {
	rdns, err := splitDN(string(d))
	if err != nil || len(rdns) < 2 {
		return ""
	}
	return d[rdns[1].start:]
}

// RDN is the first attribute and unescaped value of d's own, leftmost name; both
// are empty for the root.
func (d DN) RDN() (attr, value string) {
	avas := d.AVAs()
	if len(avas) == 0 {
		return "", ""
	}
	return avas[0].Attr, avas[0].Value
}

// AVAs are all attributes and values of d's own name, more than one only for a
// multi-valued RDN such as "cn=a+uid=b".
func (d DN) AVAs() []AVA {
	rdns, err := splitDN(string(d))
	if err != nil || len(rdns) == 0 {
		return nil
	}
	return rdns[0].avas
}

// Depth is the number of RDNs: 0 for the root.
func (d DN) Depth() int {
	rdns, err := splitDN(string(d))
	if err != nil {
		return 0
	}
	return len(rdns)
}

// Normal is the one spelling shared by all names that denote the same entry:
// attribute names canonical and lower case, values as their equality rule sees
// them (RFC 4517), multi-valued RDNs sorted, no spare spaces.
func (d DN) Normal() DN {
	n, err := d.normal()
	if err != nil {
		return d
	}
	return n
}

func (d DN) normal() (DN, error) {
	rdns, err := splitDN(string(d))
	if err != nil {
		return "", err
	}
	return DN(strings.Join(normalRDNs(rdns), ",")), nil
}

// Path is the normal form of d's names from the root down, the order in which a
// tree is walked: the path of an entry is a prefix of the paths below it. A
// malformed name is an error.
func (d DN) Path() ([]string, error) {
	rdns, err := splitDN(string(d))
	if err != nil {
		return nil, err
	}
	names := normalRDNs(rdns)
	for i, j := 0, len(names)-1; i < j; i, j = i+1, j-1 {
		names[i], names[j] = names[j], names[i]
	}
	return names, nil
}

func normalRDNs(rdns []rdn) []string {
	out := make([]string, len(rdns))
	for i, r := range rdns {
		parts := make([]string, len(r.avas))
		for j, a := range r.avas {
			parts[j] = normalAVA(a)
		}
		sort.Strings(parts)
		out[i] = strings.Join(parts, "+")
	}
	return out
}

// normalAVA does not look inside a value that is itself a DN: such names are not
// used by anyone, and looking would let a short hostile name become a long one.
func normalAVA(a AVA) string {
	rule := CaseIgnoreMatch
	name := lower(a.Attr)
	if t, ok := AttributeNamed(a.Attr); ok {
		name = lower(t.Name)
		if t.Equality != NoMatch && t.Equality != DistinguishedNameMatch {
			rule = t.Equality
		}
	}
	return name + "=" + escapeValue(rule.Normal(a.Value))
}

// Equal says whether d and other name the same entry.
func (d DN) Equal(other DN) bool { return d == other || d.Normal() == other.Normal() }

// Under says whether d is base or lies anywhere below it. Everything lies under
// the root.
func (d DN) Under(base DN) bool {
	dn, err := d.normal()
	if err != nil {
		return false
	}
	bn, err := base.normal()
	if err != nil {
		return false
	}
	return bn == "" || dn == bn || strings.HasSuffix(string(dn), ","+string(bn)) && dn.Depth() > bn.Depth()
}

// An rdn is one level of a name: where its text starts, and what it says.
type rdn struct {
	start int
	avas  []AVA
}

// splitDN takes a name apart, leaf first. Blanks around separators are accepted,
// as deployed servers do, though RFC 4514 does not write them.
func splitDN(text string) ([]rdn, error) {
	if len(text) > MaxDNBytes {
		return nil, fmt.Errorf("%w: longer than %d octets", ErrDN, MaxDNBytes)
	}
	if strings.Trim(text, " ") == "" {
		return nil, nil
	}
	var rdns []rdn
	for pos := 0; ; {
		pos = skipBlanks(text, pos)
		r := rdn{start: pos}
		for {
			ava, next, err := splitAVA(text, pos)
			if err != nil {
				return nil, err
			}
			r.avas = append(r.avas, ava)
			if len(r.avas) > MaxAVAs {
				return nil, fmt.Errorf("%w: more than %d values in one name", ErrDN, MaxAVAs)
			}
			pos = next
			if pos >= len(text) || text[pos] != '+' {
				break
			}
			pos = skipBlanks(text, pos+1)
		}
		rdns = append(rdns, r)
		if len(rdns) > MaxRDNs {
			return nil, fmt.Errorf("%w: more than %d levels", ErrDN, MaxRDNs)
		}
		if pos >= len(text) {
			return rdns, nil
		}
		pos++ // the comma
	}
}

// splitAVA reads "attr=value" from pos and returns the position of the separator
// that ended it, or the end of the text.
func splitAVA(text string, pos int) (AVA, int, error) {
	eq := strings.IndexByte(text[pos:], '=')
	if eq < 0 {
		return AVA{}, 0, fmt.Errorf("%w: no = after octet %d", ErrDN, pos)
	}
	attr := strings.Trim(text[pos:pos+eq], " ")
	if !validAttrName(attr) {
		return AVA{}, 0, fmt.Errorf("%w: bad attribute name at octet %d", ErrDN, pos)
	}
	pos = skipBlanks(text, pos+eq+1)
	if pos < len(text) && text[pos] == '#' {
		return hexAVA(attr, text, pos+1)
	}
	var b strings.Builder
	keep := 0 // length of b up to the last character that is not a trailing blank
	for pos < len(text) && text[pos] != ',' && text[pos] != '+' {
		switch c := text[pos]; c {
		case '\\':
			v, n, err := unescape(text, pos)
			if err != nil {
				return AVA{}, 0, err
			}
			b.WriteByte(v)
			pos += n
			keep = b.Len()
		case '"', ';', '<', '>', 0:
			return AVA{}, 0, fmt.Errorf("%w: unescaped %q at octet %d", ErrDN, c, pos)
		default:
			b.WriteByte(c)
			pos++
			if c != ' ' {
				keep = b.Len()
			}
		}
	}
	value := b.String()[:keep]
	if value == "" {
		return AVA{}, 0, fmt.Errorf("%w: empty value of %s", ErrDN, attr)
	}
	if !utf8.ValidString(value) {
		return AVA{}, 0, fmt.Errorf("%w: value of %s is not UTF-8", ErrDN, attr)
	}
	return AVA{attr, value}, pos, nil
}

// unescape reads the escape at pos: \, before a special character, or two hex
// digits. It returns the octet meant and how much text it took.
func unescape(text string, pos int) (byte, int, error) {
	if pos+1 >= len(text) {
		return 0, 0, fmt.Errorf("%w: lone \\ at the end", ErrDN)
	}
	if strings.IndexByte(` "#+,;<=>\`, text[pos+1]) >= 0 {
		return text[pos+1], 2, nil
	}
	if pos+2 < len(text) {
		hi, ok1 := hexDigit(text[pos+1])
		lo, ok2 := hexDigit(text[pos+2])
		if ok1 && ok2 {
			return hi<<4 | lo, 3, nil
		}
	}
	return 0, 0, fmt.Errorf("%w: bad escape at octet %d", ErrDN, pos)
}

// hexAVA reads the "#04024869" form: the BER of a string value in hexadecimal.
func hexAVA(attr, text string, pos int) (AVA, int, error) {
	var raw []byte
	for pos < len(text) && text[pos] != ',' && text[pos] != '+' && text[pos] != ' ' {
		if pos+1 >= len(text) {
			return AVA{}, 0, fmt.Errorf("%w: odd hexadecimal value of %s", ErrDN, attr)
		}
		hi, ok1 := hexDigit(text[pos])
		lo, ok2 := hexDigit(text[pos+1])
		if !ok1 || !ok2 {
			return AVA{}, 0, fmt.Errorf("%w: bad hexadecimal value of %s", ErrDN, attr)
		}
		raw = append(raw, hi<<4|lo)
		pos += 2
	}
	pos = skipBlanks(text, pos)
	if pos < len(text) && text[pos] != ',' && text[pos] != '+' {
		return AVA{}, 0, fmt.Errorf("%w: text after the hexadecimal value of %s", ErrDN, attr)
	}
	// OCTET STRING, UTF8String, PrintableString and IA5String of up to 127 octets.
	if len(raw) < 3 || !strings.ContainsRune("\x04\x0c\x13\x16", rune(raw[0])) || int(raw[1]) != len(raw)-2 || raw[1] > 127 {
		return AVA{}, 0, fmt.Errorf("%w: hexadecimal value of %s is not a short string", ErrDN, attr)
	}
	if !utf8.Valid(raw[2:]) {
		return AVA{}, 0, fmt.Errorf("%w: value of %s is not UTF-8", ErrDN, attr)
	}
	return AVA{attr, string(raw[2:])}, pos, nil
}

// escapeValue writes a value so that it reads back as itself (RFC 4514 2.4).
// Control characters and broken UTF-8 become hexadecimal too: they are legal in a
// name, but not in the logs and shells that names end up in.
func escapeValue(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRuneInString(v[i:])
		c := v[i]
		switch {
		case r == utf8.RuneError && n == 1, c < ' ', c == 0x7f:
			fmt.Fprintf(&b, "\\%02X", c)
		case strings.IndexByte("\"+,;<>\\", c) >= 0,
			c == '#' && i == 0,
			c == ' ' && (i == 0 || i == len(v)-1):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteString(v[i : i+n])
		}
		i += n
	}
	return b.String()
}

// validAttrName accepts a descriptor (RFC 4512 1.4) or a numeric OID.
func validAttrName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	if s[0] >= '0' && s[0] <= '9' {
		return validOID(s)
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

func skipBlanks(text string, pos int) int {
	for pos < len(text) && text[pos] == ' ' {
		pos++
	}
	return pos
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

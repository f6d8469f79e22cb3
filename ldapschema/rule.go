package ldapschema

import (
	"strings"
	"time"
	"unicode"
)

// A Rule is an equality matching rule (RFC 4517 4.2): when two values are one.
type Rule uint8

// The equality rules that the attributes here use.
const (
	NoMatch Rule = iota // no equality: values are compared as octets, and cannot be searched for
	CaseIgnoreMatch
	CaseExactMatch
	CaseIgnoreIA5Match
	CaseExactIA5Match
	CaseIgnoreListMatch
	NumericStringMatch
	TelephoneNumberMatch
	IntegerMatch
	BooleanMatch
	BitStringMatch
	GeneralizedTimeMatch
	DistinguishedNameMatch
	ObjectIdentifierMatch
	FirstComponentMatch // of definitions: by the OID or name they define
	OctetStringMatch
	UUIDMatch // RFC 4530
	CSNMatch  // OpenLDAP's change sequence numbers
)

// rules gives each rule's name and OID, and the names of the ordering and
// substring rules that go with it ("" where there is none).
var rules = [...]struct{ oid, name, ordering, substr string }{
	CaseIgnoreMatch:        {"2.5.13.2", "caseIgnoreMatch", "caseIgnoreOrderingMatch", "caseIgnoreSubstringsMatch"},
	CaseExactMatch:         {"2.5.13.5", "caseExactMatch", "caseExactOrderingMatch", "caseExactSubstringsMatch"},
	CaseIgnoreIA5Match:     {"1.3.6.1.4.1.1466.109.114.2", "caseIgnoreIA5Match", "", "caseIgnoreIA5SubstringsMatch"},
	CaseExactIA5Match:      {"1.3.6.1.4.1.1466.109.114.1", "caseExactIA5Match", "", "caseExactIA5SubstringsMatch"},
	CaseIgnoreListMatch:    {"2.5.13.11", "caseIgnoreListMatch", "", "caseIgnoreListSubstringsMatch"},
	NumericStringMatch:     {"2.5.13.8", "numericStringMatch", "numericStringOrderingMatch", "numericStringSubstringsMatch"},
	TelephoneNumberMatch:   {"2.5.13.20", "telephoneNumberMatch", "", "telephoneNumberSubstringsMatch"},
	IntegerMatch:           {"2.5.13.14", "integerMatch", "integerOrderingMatch", ""},
	BooleanMatch:           {"2.5.13.13", "booleanMatch", "", ""},
	BitStringMatch:         {"2.5.13.16", "bitStringMatch", "", ""},
	GeneralizedTimeMatch:   {"2.5.13.27", "generalizedTimeMatch", "generalizedTimeOrderingMatch", ""},
	DistinguishedNameMatch: {"2.5.13.1", "distinguishedNameMatch", "", ""},
	ObjectIdentifierMatch:  {"2.5.13.0", "objectIdentifierMatch", "", ""},
	FirstComponentMatch:    {"2.5.13.30", "objectIdentifierFirstComponentMatch", "", ""},
	OctetStringMatch:       {"2.5.13.17", "octetStringMatch", "octetStringOrderingMatch", ""},
	UUIDMatch:              {"1.3.6.1.1.16.2", "UUIDMatch", "UUIDOrderingMatch", ""},
	CSNMatch:               {"1.3.6.1.4.1.4203.666.11.2.2", "CSNMatch", "CSNOrderingMatch", ""},
}

// Rules are all equality rules, for a server that lists them.
func Rules() []Rule {
	out := make([]Rule, 0, len(rules)-1)
	for r := CaseIgnoreMatch; int(r) < len(rules); r++ {
		out = append(out, r)
	}
	return out
}

// String is the rule's name in schema text; empty for NoMatch.
func (r Rule) String() string {
	if int(r) < len(rules) {
		return rules[r].name
	}
	return ""
}

// OID is the rule's object identifier.
func (r Rule) OID() string {
	if int(r) < len(rules) {
		return rules[r].oid
	}
	return ""
}

// Normal is the form shared by all values that the rule calls equal. A value that
// breaks the rule's syntax is returned as it is, and so equals only itself.
func (r Rule) Normal(v string) string {
	switch r {
	case CaseIgnoreMatch, CaseIgnoreIA5Match, CaseIgnoreListMatch:
		return foldCase(squeeze(v))
	case CaseExactMatch, CaseExactIA5Match:
		return squeeze(v)
	case NumericStringMatch:
		return strings.ReplaceAll(v, " ", "")
	case TelephoneNumberMatch:
		return foldCase(strings.NewReplacer(" ", "", "-", "").Replace(v))
	case BooleanMatch, UUIDMatch, ObjectIdentifierMatch:
		if r == ObjectIdentifierMatch {
			v = knownOID(v)
		}
		return foldCase(v)
	case FirstComponentMatch:
		if f := strings.Fields(v); len(f) > 1 && f[0] == "(" {
			v = f[1]
		}
		return foldCase(knownOID(v))
	case GeneralizedTimeMatch:
		if t, err := ParseTime(v); err == nil {
			return t.UTC().Format("20060102150405.000000000Z")
		}
	case DistinguishedNameMatch:
		return string(DN(v).Normal())
	}
	return v
}

// Less orders two values for the >= and <= filters; ok is false when the rule has
// no order or a value breaks its syntax.
func (r Rule) Less(a, b string) (less, ok bool) {
	a, b = r.Normal(a), r.Normal(b)
	switch r {
	case IntegerMatch:
		if !validInteger(a) || !validInteger(b) {
			return false, false
		}
		return lessInteger(a, b), true
	case GeneralizedTimeMatch:
		_, err1 := ParseTime(a)
		_, err2 := ParseTime(b)
		return a < b, err1 == nil && err2 == nil
	}
	return a < b, int(r) < len(rules) && rules[r].ordering != ""
}

// foldCase is strings.ToLower, quicker for the usual text.
func foldCase(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || s[i] >= 'A' && s[i] <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}

// squeeze drops blanks at both ends and makes inner runs of them one, the
// insignificant space handling of RFC 4518 2.6 as far as it matters for equality.
// Blanks alone are one blank, so that no value becomes empty.
func squeeze(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || c == '\t' || c == '\n' || c == '\r' ||
			c == ' ' && (i == 0 || i == len(s)-1 || s[i+1] == ' ') {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	if out := strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " "); out != "" || s == "" {
		return out
	}
	return " "
}

// lessInteger compares two integers of any length. The syntax leaves each number
// one spelling, so their lengths tell.
func lessInteger(a, b string) bool {
	an, bn := strings.HasPrefix(a, "-"), strings.HasPrefix(b, "-")
	switch {
	case an != bn:
		return an
	case an:
		return lessInteger(b[1:], a[1:])
	case len(a) != len(b):
		return len(a) < len(b)
	}
	return a < b
}

// TimeLayout is how this package writes a generalized time: UTC, whole seconds.
const TimeLayout = "20060102150405Z"

// FormatTime writes t as a generalized time in UTC (RFC 4517 3.3.13).
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// ParseTime reads a generalized time: date and hour at least, then minutes,
// seconds and a fraction, and always a zone.
func ParseTime(v string) (time.Time, error) {
	var first error
	for _, layout := range []string{
		TimeLayout, "20060102150405-0700", "200601021504Z", "200601021504-0700", "2006010215Z", "2006010215-0700",
	} {
		// The time package accepts a fraction after the seconds unasked.
		t, err := time.Parse(layout, strings.Replace(v, ",", ".", 1))
		if err == nil {
			return t, nil
		}
		if first == nil {
			first = err
		}
	}
	return time.Time{}, first
}

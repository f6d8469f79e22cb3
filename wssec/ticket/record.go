package ticket

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits on any ticket this package reads or writes (tickets 13.2).
const (
	MaxRecords    = 16        // records in one chain, the root included
	MaxText       = 256 << 10 // octets of text
	MaxProperties = 1024      // properties in all records together
	MaxUnits      = 1<<31 - 1 // units of one record: a legacy reader keeps 32 bits
	maxName       = 256       // octets of a record's name, a type or a property name
)

// Causes of refusal; errors.Is tells them apart. The error around one says
// which record it concerns. None of it is for peers.
var (
	// ErrMalformed: the text is not a ticket in canonical form.
	ErrMalformed = errors.New("malformed")
	// ErrLimit: more records, text, properties or units than allowed.
	ErrLimit = errors.New("over the limit")
	// ErrRecord: a field of a record has a value no record may have.
	ErrRecord = errors.New("bad record")
	// ErrLink: issuer, holder and certificate of neighbours do not fit together.
	ErrLink = errors.New("broken link")
	// ErrContainment: a record gives away more than its parent holds.
	ErrContainment = errors.New("exceeds its parent")
	// ErrKey: a key of a kind or size that is not used for tickets.
	ErrKey = errors.New("unsuitable key")
	// ErrSignature: a signature does not verify.
	ErrSignature = errors.New("signature does not verify")
	// ErrOrder: the signature of a legacy record does not verify, and the record
	// has too many properties to try every order in which they may have been
	// signed. It comes with ErrSignature; a human may want to look (tickets 4.3.4).
	ErrOrder = errors.New("properties may have been re-ordered")
	// ErrScheme: a chain in another scheme, or a scheme that does not exist.
	ErrScheme = errors.New("wrong scheme")
	// ErrUntrusted: the root is sound but its key is nobody's that the caller trusts.
	ErrUntrusted = errors.New("untrusted root")
)

// Record is one delegation: issuer gives holder the right to units of a type
// over a term (tickets 2.1). Instants are milliseconds since 1970 and both ends
// of the term belong to it.
type Record struct {
	GUID       string            // names the record; chosen by its issuer
	Issuer     string            // actor GUID, a lower-case UUID
	Holder     string            // actor GUID; the issuer itself in a root record
	Units      int               // 1..MaxUnits
	Type       string            // resource type, such as "site1.node"
	Start      int64             // first instant of the whole holding
	NewStart   int64             // first instant of the latest interval
	End        int64             // last instant
	Properties map[string]string // certified by the issuer; nil is the same as empty
}

// check says what is wrong with r taken alone, or nil.
func (r Record) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrRecord, fmt.Sprintf(format, args...))
	}
	switch {
	case !plainName(r.GUID):
		return bad("guid %q", clip(r.GUID))
	case !isUUID(r.Issuer):
		return bad("issuer %q is not a lower-case UUID", clip(r.Issuer))
	case !isUUID(r.Holder):
		return bad("holder %q is not a lower-case UUID", clip(r.Holder))
	case r.Units < 1 || r.Units > MaxUnits:
		return bad("%d units", r.Units)
	case r.Type == "" || len(r.Type) > maxName || !legalText(r.Type):
		return bad("type %q", clip(r.Type))
	case r.Start <= 0 || r.End <= r.Start || r.NewStart < r.Start || r.NewStart > r.End:
		return bad("term %d, %d, %d", r.Start, r.NewStart, r.End)
	case len(r.Properties) > MaxProperties:
		return fmt.Errorf("%w: %d properties, at most %d", ErrLimit, len(r.Properties), MaxProperties)
	}
	for k, v := range r.Properties {
		if k == "" || len(k) > maxName || !legalText(k) {
			return bad("property name %q", clip(k))
		}
		if !legalText(v) {
			return bad("property %q holds characters that XML cannot carry", k)
		}
	}
	return nil
}

// within says why child may not be carved from parent, or nil.
func (r Record) within(parent Record) error {
	switch {
	case r.Issuer != parent.Holder:
		return fmt.Errorf("%w: issued by %s, held by %s", ErrLink, r.Issuer, parent.Holder)
	case r.Type != parent.Type:
		return fmt.Errorf("%w: type %q from %q", ErrContainment, r.Type, parent.Type)
	case r.Units > parent.Units:
		return fmt.Errorf("%w: %d units from %d", ErrContainment, r.Units, parent.Units)
	case r.Start < parent.Start || r.End > parent.End:
		return fmt.Errorf("%w: term %d..%d from %d..%d", ErrContainment, r.Start, r.End, parent.Start, parent.End)
	}
	return nil
}

// isUUID reports whether s is a UUID in lower case, the only spelling of an
// actor's GUID: two spellings of one name would be two names (wssec A27).
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
				return false
			}
		}
	}
	return true
}

// plainName reports whether s can name a record: legacy issuers use UUIDs, ours
// may use other short names.
func plainName(s string) bool {
	return s != "" && len(s) <= maxName && strings.IndexFunc(s, func(c rune) bool {
		return !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' ||
			c == '-' || c == '.' || c == '_' || c == ':')
	}) < 0
}

// legalText reports whether XML 1.0 can carry s at all, escaped or not.
func legalText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool {
		return c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF
	}) < 0
}

// clip keeps a hostile value from filling the log.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

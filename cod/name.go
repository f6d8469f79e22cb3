package cod

import (
	"strings"
	"unicode/utf8"

	"github.com/leasehold/leasehold/actors"
)

// Limits on the names made here. A DNS label may have 63 octets (RFC 1035
// 2.3.4); these leave room for a number at the end.
const (
	maxLabel  = 40  // a slice's DNS subdomain
	maxPrefix = 40  // what comes before the node's id in a host name
	maxText   = 128 // identities kept in directory attributes
)

// Properties of configuration that name hosts (paper B 3.1).
const (
	PropPrefix = "host.prefix"       // what host names begin with; the slice's name otherwise
	PropImage  = "config.image.guid" // what the node boots
	// What the paper calls them: the image by another name, the slice's subdomain, and
	// whether the node has a public address ("true").
	PropImageID = "image.id"
	PropSubnet  = "subnet.name"
	PropVisible = "host.visible"
)

// hostLabel is s as a DNS label that is also a host name (RFC 1123 2.1): lower-case
// letters, digits and single hyphens, neither first nor last, at most max
// octets. Everything else becomes a hyphen. Empty when nothing is left.
func hostLabel(s string, max int) string {
	var b strings.Builder
	gap := false
	for i := 0; i < len(s) && b.Len() < max; i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteByte(c)
			continue
		}
		gap = true
	}
	return strings.Trim(b.String()[:min(b.Len(), max)], "-")
}

// sliceLabel is the subdomain a slice would like: its name, or its identity where
// the name has nothing a domain name may hold.
func sliceLabel(s actors.Slice) string {
	if l := hostLabel(s.Name, maxLabel); l != "" {
		return l
	}
	return "slice-" + actors.DeriveID("slice", string(s.ID), s.Name)[:8]
}

// hostPrefix is what the names of a node's host begin with: a letter first, and
// a hyphen last where the id that follows would run into a digit, so that no two
// prefixes and ids give the same name.
func hostPrefix(wanted, label string) string {
	p := hostLabel(wanted, maxPrefix)
	if p == "" {
		p = label
	}
	if p[0] >= '0' && p[0] <= '9' {
		p = "n" + p
	}
	if last := p[len(p)-1]; last >= '0' && last <= '9' {
		p += "-"
	}
	return p
}

// plain is s if it can stand in a directory attribute and in a log as it is, and
// otherwise an identity derived from it. Two different strings stay different.
func plain(s string) string {
	if s == "" || len(s) > maxText || !utf8.ValidString(s) || strings.TrimSpace(s) != s ||
		strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
		return actors.DeriveID("plain", s)
	}
	return s
}

// plainOr is plain, but nothing stays nothing.
func plainOr(s string) string {
	if s == "" {
		return ""
	}
	return plain(s)
}

// printable is s for an attribute of printable strings (RFC 4517 3.3.29), for people
// to recognise: what does not fit becomes a hyphen.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("'()+,-./:=? ", r) {
			return r
		}
		return '-'
	}, s)
	return strings.TrimSpace(s[:min(len(s), 64)])
}

// clip is s as one line of at most max octets that may be shown to people and
// kept in a directory.
func clip(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	for len(s) > max {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

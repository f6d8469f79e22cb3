package wire

import (
	"strings"
	"unicode"
)

// Limits on what one message may hold. The number of octets and elements of the
// document is bounded before, by wire/xmltree.
const (
	MaxProperties = 4096 // entries of one property list
	MaxNodes      = 8192 // nodes of a concrete set, and so units of a lease
)

// Error says what is wrong with a message, and where. Codecs return it; it never
// quotes more than a few octets of the message.
type Error struct {
	Path string // elements or keys from the outside in: "ticket/reservation/term"
	What string
}

// Error gives the place and the reason on one line: control characters that a
// peer put into a key or a namespace do not reach a log.
func (e *Error) Error() string {
	s := "wire: " + e.What
	if e.Path != "" {
		s = "wire: " + e.Path + ": " + e.What
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

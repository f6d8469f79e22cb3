package wire

import (
	"strings"
	"unicode/utf8"
)

// Clip shortens a peer's text for an error message.
func Clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && s[n]&0xC0 == 0x80 { // not inside a character
		n--
	}
	return s[:n] + "..."
}

// Clean is s with every character that XML cannot carry replaced by U+FFFD. It is
// for texts from handlers and logs, which may hold anything and must not keep a
// message from being sent (wire contract 3.6).
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r // octets that are not UTF-8 arrive here as U+FFFD
	}, s)
}

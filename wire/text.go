package wire

import (
	"fmt"
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

// plain are the octets that stand for themselves in canonical character data.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '&' && c != '<' && c != '>'
	}
	t['\t'], t['\n'] = true, true
	return t
}()

// AppendText appends s as canonical character data (Canonical XML 1.0, 2.3), which
// any reader of XML gives back as it was. It stops before the first octet that XML
// 1.0 cannot carry in any form and returns its offset; -1 says that all of s was
// written.
func AppendText(dst []byte, s string) (out []byte, bad int) {
	done := 0 // octets of s that are in dst
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		esc := ""
		switch c := s[i]; c {
		case '&':
			esc = "&amp;"
		case '<':
			esc = "&lt;"
		case '>':
			esc = "&gt;"
		case '\r':
			esc = "&#xD;"
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r < ' ' || r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				return append(dst, s[done:i]...), i
			}
			i += size
			continue
		}
		dst = append(dst, s[done:i]...)
		dst = append(dst, esc...)
		i++
		done = i
	}
	return append(dst, s[done:]...), -1
}

// FirstIllegal is the offset of the first octet of s that XML 1.0 cannot carry in any
// form, or -1.
func FirstIllegal(s string) int {
	for i := 0; i < len(s); {
		if plain[s[i]] || s[i] == '&' || s[i] == '<' || s[i] == '>' || s[i] == '\r' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r < ' ' || r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
			return i
		}
		i += size
	}
	return -1
}

// IllegalText says what stands at offset i of s.
func IllegalText(s string, i int) string {
	r, size := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && size == 1 {
		return fmt.Sprintf("octet %d is not UTF-8", i)
	}
	return fmt.Sprintf("octet %d: XML cannot carry the character %U", i, r)
}

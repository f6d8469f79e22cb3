package soap

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leasehold/leasehold/wire"
)

// encoder appends canonical octets. Its first error sticks and ends the writing,
// so that encoding reads like the document.
type encoder struct {
	dst  []byte
	path []string // open elements, for errors
	err  error
}

func (e *encoder) fail(what string) {
	if e.err == nil {
		e.err = &wire.Error{Path: strings.Join(e.path, "/"), What: what}
	}
}

// wrapper writes name in the services' namespace around what body writes.
func (e *encoder) wrapper(name string, body func()) {
	e.path = append(e.path, name)
	e.dst = append(e.dst, "<ns2:"...)
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, ` xmlns:ns2="`+ServicesNS+`">`...)
	body()
	e.dst = append(e.dst, "</ns2:"...)
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
	e.path = e.path[:len(e.path)-1]
}

func (e *encoder) open(name string) {
	e.path = append(e.path, name)
	e.dst = append(e.dst, '<')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
}

func (e *encoder) close() {
	name := e.path[len(e.path)-1]
	e.path = e.path[:len(e.path)-1]
	e.dst = append(e.dst, '<', '/')
	e.dst = append(e.dst, name...)
	e.dst = append(e.dst, '>')
}

func (e *encoder) text(name, s string) {
	if e.err != nil {
		return
	}
	e.open(name)
	var bad int
	if e.dst, bad = appendText(e.dst, s); bad >= 0 {
		e.fail(illegal(s, bad))
	}
	e.close()
}

func (e *encoder) number(name string, n int64) {
	e.open(name)
	e.dst = strconv.AppendInt(e.dst, n, 10)
	e.close()
}

func (e *encoder) boolean(name string, b bool) {
	e.open(name)
	e.dst = strconv.AppendBool(e.dst, b)
	e.close()
}

// plain are the octets that stand for themselves in canonical character data.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '&' && c != '<' && c != '>'
	}
	t['\t'], t['\n'] = true, true
	return t
}()

// appendText appends s as canonical character data (Canonical XML 1.0, 2.3). It
// stops before the first octet that XML 1.0 cannot carry in any form and returns
// its offset; -1 says that all of s was written.
func appendText(dst []byte, s string) (out []byte, bad int) {
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

// illegal says what stands at offset i of s.
func illegal(s string, i int) string {
	r, size := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && size == 1 {
		return fmt.Sprintf("octet %d is not UTF-8", i)
	}
	return fmt.Sprintf("octet %d: XML cannot carry the character %U", i, r)
}

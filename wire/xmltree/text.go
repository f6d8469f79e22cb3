package xmltree

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// text reads character data up to the markup after it.
func (s *scanner) text() error {
	from, src := s.pos, s.src
	special := -1 // where decoding has something to do first
	form := plain
	i := from
loop:
	for {
		if i = dull(src, i); i == len(src) {
			return s.fail(i, "element not closed")
		}
		switch c := src[i]; {
		case c == '<':
			break loop
		case c == '&':
			if special < 0 {
				special = i
			}
			i++
		case c == '>':
			if strings.HasSuffix(src[from:i], "]]") {
				return s.fail(i-2, "]]> in text")
			}
			form = 0
			i++
		case c == '\r':
			if special < 0 {
				special = i
			}
			form = 0
			i++
		case c == '\n' || c == '\t':
			i++
		default:
			size := charLen(src[i:])
			if size == 0 {
				return s.fail(i, illegal)
			}
			i += size
		}
	}
	if err := s.grow(i - from); err != nil {
		return err
	}
	s.pos = i
	if special < 0 {
		s.addText(from, i, form, 0, none)
		return nil
	}
	start, canonical, err := s.decode(from, special, i, false)
	if err != nil {
		return err
	}
	if !canonical {
		form = 0
	}
	s.addText(from, i, form|decoded, start, s.since(start))
	return nil
}

// illegal is what is wrong with octets that are no character.
const illegal = "character that XML does not have, or not UTF-8"

// charLen is the length of the character that s begins with, or 0 if XML does not
// have it.
func charLen(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 || !isChar(r) {
		return 0
	}
	return size
}

// dull is the first octet from i on that a text may not just go on with: one of
// '<', '>' and '&', a control character, or one outside ASCII. Eight octets are
// looked at together.
func dull(s string, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		p := s[i : i+8]
		w := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		// Where an octet equals the one looked for, x is 0 and borrows a top bit, as
		// does an octet below 0x20 in the last term. Borrows go upward: the lowest
		// top bit is never wrong. '<' and '>' differ in one bit only.
		x := w ^ '&'*ones
		y := (w | 2*ones) ^ '>'*ones
		if t := ((x-ones)&^x | (y-ones)&^y | w | (w - 0x20*ones)) & tops; t != 0 {
			return i + bits.TrailingZeros64(t)/8
		}
	}
	for i < len(s) && class[s[i]]&lively == 0 {
		i++
	}
	return i
}

// cdata reads a CDATA section, whose content is text without references.
func (s *scanner) cdata() error {
	from := s.pos + len("<![CDATA[")
	n := strings.Index(s.src[from:], "]]>")
	if n < 0 {
		return s.fail(s.pos, "CDATA section not ended")
	}
	raw := s.src[from : from+n]
	for i := dull(raw, 0); i < n; i = dull(raw, i) {
		size := charLen(raw[i:])
		if size == 0 {
			return s.fail(from+i, illegal)
		}
		i += size
	}
	if err := s.grow(n); err != nil {
		return err
	}
	s.doc.nodes[s.open].form &^= whole
	switch {
	case strings.IndexByte(raw, '\r') >= 0:
		s.reserve(n)
		start := uint32(s.room.Len())
		s.room.WriteString(lineEnds(raw))
		s.addText(from, from+n, decoded, start, s.since(start))
	case n > 0:
		s.addText(from, from+n, 0, 0, none)
	}
	s.pos = from + n + len("]]>")
	return nil
}

// grow accounts for n more octets of the present run of character data.
func (s *scanner) grow(n int) error {
	if s.run += n; s.run > s.lim.Text {
		return &LimitError{"text", s.lim.Text, s.pos}
	}
	return nil
}

// addText adds a run of text; where and length are those of the decoded form.
func (s *scanner) addText(from, stop int, f form, where, length uint32) {
	if f&plain == 0 {
		s.doc.nodes[s.open].form &^= whole
	}
	s.doc.nodes = append(s.doc.nodes, node{
		start: uint32(from),
		stop:  uint32(stop),
		end:   uint32(len(s.doc.nodes) + 1),
		scope: s.doc.nodes[s.open].scope,
		space: length,
		attr:  where,
		form:  f,
	})
}

// attValue reads the quoted value of a.
func (s *scanner) attValue(a *attr) error {
	quote := s.peek()
	if quote != '"' && quote != '\'' {
		return s.fail(s.pos, "attribute value not quoted")
	}
	s.pos++
	from := s.pos
	n := strings.IndexByte(s.src[from:], quote)
	if n < 0 {
		return s.fail(from, "attribute value not ended")
	}
	if n > s.lim.Text {
		return &LimitError{"text", s.lim.Text, from}
	}
	raw := s.src[from : from+n]
	special := -1
	for i := dull(raw, 0); i < n; i = dull(raw, i) {
		switch c := raw[i]; {
		case c == '<':
			return s.fail(from+i, "'<' in an attribute value")
		case c == '>':
			i++
		case c == '&' || class[c]&space != 0:
			if special < 0 {
				special = from + i
			}
			i++
		default:
			size := charLen(raw[i:])
			if size == 0 {
				return s.fail(from+i, illegal)
			}
			i += size
		}
	}
	s.pos = from + n + 1
	a.start, a.stop = uint32(from), uint32(from+n)
	if special >= 0 {
		start, _, err := s.decode(from, special, from+n, true)
		if err != nil {
			return err
		}
		a.form |= decoded
		a.decoded, a.length = start, s.since(start)
	}
	return nil
}

// value is what will be the value of a, while the scanner is at work.
func (s *scanner) value(a *attr) string {
	if a.form&decoded != 0 {
		return s.room.String()[a.decoded : a.decoded+a.length]
	}
	return s.src[a.start:a.stop]
}

// since is how much has been decoded from start on.
func (s *scanner) since(start uint32) uint32 { return uint32(s.room.Len()) - start }

// reserve makes room for the decoded form of n octets, and the first time for
// that of others which are to come.
func (s *scanner) reserve(n int) {
	if s.room.Cap() == 0 {
		rest := s.src[s.pos:]
		n = max(n, min(len(rest)*3/8, 64*strings.Count(rest, "&")))
	}
	if s.room.Cap()-s.room.Len() < n {
		s.room.Grow(n)
	}
}

// decode expands references and normalises line ends in the octets from from to
// stop, of which those before special need nothing; in an attribute value literal
// white space becomes spaces as well (XML 1.0 3.3.3). Start is where the decoded
// form begins among what has been decoded. Canonical says that the references of
// a text are those of canonical form, and are written as it does.
func (s *scanner) decode(from, special, stop int, attr bool) (start uint32, canonical bool, err error) {
	s.reserve(stop - from) // no text is longer than its source
	b := &s.room
	start = uint32(b.Len())
	done := from
	canonical = true
	for i := special; i < stop; {
		c := s.src[i]
		if c != '&' && c != '\r' && !(attr && (c == '\t' || c == '\n')) {
			i++
			continue
		}
		b.WriteString(s.src[done:i])
		switch c {
		case '&':
			r, size, usual := reference(s.src[i:stop])
			if size == 0 {
				return 0, false, s.fail(i, "reference to something unknown")
			}
			b.WriteRune(r)
			canonical = canonical && usual
			i += size
		case '\r':
			if i+1 < stop && s.src[i+1] == '\n' {
				i++
			}
			i++
			if attr {
				b.WriteByte(' ')
			} else {
				b.WriteByte('\n')
			}
		default:
			b.WriteByte(' ')
			i++
		}
		done = i
	}
	b.WriteString(s.src[done:stop])
	return start, canonical, nil
}

func lineEnds(raw string) string {
	return strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "\n")
}

// reference is the character that the reference at the beginning of s stands
// for, and the reference's length; length 0 means there is no such reference.
// Usual are those with which the canonical form of a text is written.
func reference(s string) (r rune, size int, usual bool) {
	switch {
	case strings.HasPrefix(s, "&amp;"):
		return '&', len("&amp;"), true
	case strings.HasPrefix(s, "&lt;"):
		return '<', len("&lt;"), true
	case strings.HasPrefix(s, "&gt;"):
		return '>', len("&gt;"), true
	case strings.HasPrefix(s, "&quot;"):
		return '"', len("&quot;"), false
	case strings.HasPrefix(s, "&apos;"):
		return '\'', len("&apos;"), false
	}
	end := strings.IndexByte(s[:min(len(s), 64)], ';')
	if end < 0 {
		return 0, 0, false
	}
	digits, base := s[1:end], rune(10)
	if !strings.HasPrefix(digits, "#") {
		return 0, 0, false
	}
	digits = digits[1:]
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if digits == "" {
		return 0, 0, false
	}
	for i := 0; i < len(digits); i++ {
		v := digit(digits[i])
		if v >= base {
			return 0, 0, false
		}
		if r = r*base + v; r > utf8.MaxRune {
			return 0, 0, false
		}
	}
	if !isChar(r) {
		return 0, 0, false
	}
	return r, end + 1, s[:end] == "&#xD"
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 99
}

package xmltree

import (
	"strings"
	"unicode/utf8"
)

// text reads character data up to stop, where markup begins.
func (s *scanner) text(stop int) error {
	from := s.pos
	raw := s.src[from:stop]
	if err := s.grow(len(raw)); err != nil {
		return err
	}
	if i := strings.Index(raw, "]]>"); i >= 0 {
		return s.fail(from+i, "]]> in text")
	}
	decoded := int32(-1)
	if strings.IndexByte(raw, '&') >= 0 || strings.IndexByte(raw, '\r') >= 0 {
		var err error
		if decoded, err = s.decode(raw, from, false); err != nil {
			return err
		}
	}
	s.addText(from, stop, decoded)
	s.pos = stop
	return nil
}

// cdata reads a CDATA section, whose content is text without references.
func (s *scanner) cdata() error {
	from := s.pos + len("<![CDATA[")
	i := strings.Index(s.src[from:], "]]>")
	if i < 0 {
		return s.fail(s.pos, "CDATA section not ended")
	}
	raw := s.src[from : from+i]
	if err := s.grow(len(raw)); err != nil {
		return err
	}
	decoded := int32(-1)
	if strings.IndexByte(raw, '\r') >= 0 {
		decoded = s.keep(lineEnds(raw))
	}
	if len(raw) > 0 {
		s.addText(from, from+i, decoded)
	}
	s.pos = from + i + len("]]>")
	return nil
}

// grow accounts for n more octets of the present run of character data.
func (s *scanner) grow(n int) error {
	if s.run += n; s.run > s.lim.Text {
		return &LimitError{"text", s.lim.Text, s.pos}
	}
	return nil
}

func (s *scanner) addText(from, stop int, decoded int32) {
	s.doc.nodes = append(s.doc.nodes, node{
		parent: s.open,
		end:    int32(len(s.doc.nodes) + 1),
		start:  int32(from),
		stop:   int32(stop),
		name:   -1,
		space:  -1,
		scope:  s.doc.nodes[s.open].scope,
		attr:   decoded,
	})
}

// keep stores a decoded text and gives its number.
func (s *scanner) keep(text string) int32 {
	if s.doc.decoded == nil {
		s.doc.decoded = make([]string, 0, min(1+strings.Count(s.src, "&")/2, 64))
	}
	s.doc.decoded = append(s.doc.decoded, text)
	return int32(len(s.doc.decoded) - 1)
}

// attValue reads a quoted value: its octets, and the number of its decoded form
// where that differs.
func (s *scanner) attValue() (start, stop, decoded int32, err error) {
	quote := s.peek()
	if quote != '"' && quote != '\'' {
		return 0, 0, 0, s.fail(s.pos, "attribute value not quoted")
	}
	s.pos++
	from := s.pos
	n := strings.IndexByte(s.src[from:], quote)
	if n < 0 {
		return 0, 0, 0, s.fail(from, "attribute value not ended")
	}
	if n > s.lim.Text {
		return 0, 0, 0, &LimitError{"text", s.lim.Text, from}
	}
	raw := s.src[from : from+n]
	plain := true
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '<':
			return 0, 0, 0, s.fail(from+i, "'<' in an attribute value")
		case '&', '\t', '\n', '\r':
			plain = false
		}
	}
	decoded = -1
	if !plain {
		if decoded, err = s.decode(raw, from, true); err != nil {
			return 0, 0, 0, err
		}
	}
	s.pos = from + n + 1
	return int32(from), int32(from + n), decoded, nil
}

// decode expands references and normalises line ends; in an attribute value
// literal white space becomes spaces as well (XML 1.0 3.3.3).
func (s *scanner) decode(raw string, from int, attr bool) (int32, error) {
	// Decoded texts share pieces of memory: what is in a builder stays where it is
	// as long as there is room for more, and no text is longer than its source.
	b := s.room
	if b == nil || b.Cap()-b.Len() < len(raw) {
		b = new(strings.Builder)
		b.Grow(max(len(raw), min(len(s.src)/8, roomSize)))
		s.room = b
	}
	start := b.Len()
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '&':
			r, n := reference(raw[i:])
			if n == 0 {
				return 0, s.fail(from+i, "reference to something unknown")
			}
			b.WriteRune(r)
			i += n
		case c == '\r':
			if i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			i++
			if attr {
				b.WriteByte(' ')
			} else {
				b.WriteByte('\n')
			}
		case attr && (c == '\t' || c == '\n'):
			b.WriteByte(' ')
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	return s.keep(b.String()[start:]), nil
}

// roomSize is how much memory for decoded texts is taken at a time.
const roomSize = 4096

func lineEnds(raw string) string {
	return strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "\n")
}

// reference is the character that the reference at the beginning of s stands
// for, and the reference's length; length 0 means there is no such reference.
func reference(s string) (rune, int) {
	end := strings.IndexByte(s[:min(len(s), 64)], ';')
	if end < 0 {
		return 0, 0
	}
	switch s[1:end] {
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	}
	digits, base := s[1:end], rune(10)
	if !strings.HasPrefix(digits, "#") {
		return 0, 0
	}
	digits = digits[1:]
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	if digits == "" {
		return 0, 0
	}
	r := rune(0)
	for i := 0; i < len(digits); i++ {
		v := digit(digits[i])
		if v >= base {
			return 0, 0
		}
		if r = r*base + v; r > utf8.MaxRune {
			return 0, 0
		}
	}
	if !isChar(r) {
		return 0, 0
	}
	return r, end + 1
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

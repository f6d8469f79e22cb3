package xmltree

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Parse scans src into a Document. A refusal is a *[LimitError] or a
// *[SyntaxError]. Parse keeps a copy of src, so the caller may reuse it.
func Parse(src []byte, lim Limits) (*Document, error) {
	lim = lim.complete()
	if len(src) > lim.Bytes {
		return nil, &LimitError{Limit: "bytes", Max: lim.Bytes, Offset: lim.Bytes}
	}
	// A usual element has two tags and makes at most two nodes, itself and a text.
	// None is shorter than "<a/>".
	nodes := min(bytes.Count(src, []byte{'<'}), len(src)/4, 2*lim.Elements) + 1
	// Attributes are in the header, and the header comes first.
	attrs := bytes.Count(src[:min(len(src), 6<<10)], []byte{'='})
	d := &Document{
		src:      string(src),
		nodes:    make([]node, 0, nodes),
		attrs:    make([]attr, 0, min(attrs, 128)),
		bindings: make([]binding, 1, 24),
	}
	d.bindings[0] = binding{prefix: "xml", uri: xmlSpace, owner: none, outer: none}
	s := scanner{src: d.src, lim: lim, doc: d, open: none, near: [2]meaning{{scope: none}, {scope: none}}}
	if err := s.document(); err != nil {
		// Octets that are no characters are told first, wherever they are.
		if i := firstIllegal(src); i >= 0 {
			err = &SyntaxError{i, illegal}
		}
		return nil, err
	}
	d.decoded = s.room.String()
	return d, nil
}

// scanner walks src once. Its methods leave pos after what they read.
type scanner struct {
	src   string
	pos   int
	lim   Limits
	doc   *Document
	open  uint32 // innermost open element, or none
	depth int
	count int             // elements so far
	run   int             // source octets of the present run of character data
	room  strings.Builder // where decoded texts go
	near  [2]meaning      // what no prefix, and the last prefix, meant where last seen
}

// meaning is what a prefix stands for in a scope.
type meaning struct {
	scope, space uint32
	prefix       string
}

func (s *scanner) fail(at int, what string) error { return &SyntaxError{at, what} }

func (s *scanner) has(lit string) bool { return strings.HasPrefix(s.src[s.pos:], lit) }

// peek is the octet at pos, or 0 at the end; XML has no such character.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// skipSpace reports whether there was any white space.
func (s *scanner) skipSpace() bool {
	from := s.pos
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
	return s.pos > from
}

// document is XML 1.0 rule [1] without comments, instructions and doctype.
func (s *scanner) document() error {
	if s.has("\uFEFF") {
		s.pos += len("\uFEFF")
	}
	if err := s.declaration(); err != nil {
		return err
	}
	s.skipSpace()
	if s.peek() != '<' {
		return s.fail(s.pos, "no root element")
	}
	if err := s.markup(); err != nil {
		return err
	}
	for s.open != none {
		if s.peek() != '<' {
			if err := s.text(); err != nil {
				return err
			}
		}
		if err := s.markup(); err != nil {
			return err
		}
	}
	s.skipSpace()
	if s.pos < len(s.src) {
		if s.peek() == '<' {
			return s.notElement("second root element")
		}
		return s.fail(s.pos, "text after the root element")
	}
	return nil
}

// markup reads what begins with the '<' at pos.
func (s *scanner) markup() error {
	if s.pos+1 == len(s.src) {
		return s.fail(s.pos, "document ends in markup")
	}
	switch s.src[s.pos+1] {
	case '/':
		s.run = 0
		return s.endTag()
	case '!':
		if s.open != none && s.has("<![CDATA[") {
			return s.cdata()
		}
		return s.notElement("")
	case '?':
		return s.notElement("")
	}
	s.run = 0
	return s.startTag()
}

// notElement names the kind of markup at pos that no document may hold, or
// gives other when it is an element after all.
func (s *scanner) notElement(other string) error {
	switch {
	case s.has("<!--"):
		return s.fail(s.pos, "comment")
	case s.has("<!DOCTYPE"):
		return s.fail(s.pos, "document type declaration")
	case s.has("<?"):
		return s.fail(s.pos, "processing instruction")
	case s.has("<!") || other == "":
		return s.fail(s.pos, "unknown markup")
	}
	return s.fail(s.pos, other)
}

func (s *scanner) startTag() error {
	at := s.pos
	if s.count++; s.count > s.lim.Elements {
		return &LimitError{"elements", s.lim.Elements, at}
	}
	if s.depth++; s.depth > s.lim.Depth {
		return &LimitError{"depth", s.lim.Depth, at}
	}
	d := s.doc
	i := uint32(len(d.nodes))
	n := node{
		start: uint32(at),
		end:   s.open,
		attr:  uint32(len(d.attrs)),
		form:  plain | whole,
	}
	if s.open != none {
		n.scope = d.nodes[s.open].scope // else the binding of xml
	}
	s.pos++
	empty := false
	if length := s.usual(); length > 0 {
		n.nameLen = uint16(length)
		n.space = s.meaning(n.scope, "")
		s.pos += length
	} else {
		var err error
		if n.prefixLen, n.nameLen, err = s.qname(); err != nil {
			return err
		}
		if s.peek() != '>' {
			n.form = 0
			if err := s.attributes(&n, i); err != nil {
				return err
			}
		}
		prefix := s.src[at+1 : at+1+int(n.prefixLen)]
		if n.space = s.meaning(n.scope, prefix); n.space == none && prefix != "" {
			return s.fail(at+1, "prefix not declared")
		}
		if n.form&adorned != 0 {
			if err := s.resolve(&n); err != nil {
				return err
			}
		}
		if empty = s.peek() == '/'; empty {
			s.pos++
		}
		if s.peek() != '>' {
			return s.fail(s.pos, "tag not ended")
		}
	}
	s.pos++
	d.nodes = append(d.nodes, n)
	s.open = i
	if empty {
		s.closeElement()
	}
	return nil
}

// usual is the length of the name at pos when it has no prefix and nothing outside
// ASCII, and the tag ends right after it: most do. Otherwise it is 0.
func (s *scanner) usual() int {
	rest := s.src[s.pos:]
	n := 0
	for n < len(rest) && class[rest[n]]&namePart != 0 {
		n++
	}
	if n == 0 || n == len(rest) || rest[n] != '>' || n > s.lim.Name || class[rest[0]]&nameStart == 0 {
		return 0
	}
	return n
}

// attributes reads what stands between the name of element i and the end of its
// start tag.
func (s *scanner) attributes(n *node, i uint32) error {
	outside, tidy := n.scope, true
	for {
		from := s.pos
		spaced := s.skipSpace()
		c := s.peek()
		if c == '>' || c == '/' {
			tidy = tidy && !spaced && c == '>'
			break
		}
		if !spaced {
			return s.fail(s.pos, "no white space before an attribute")
		}
		tidy = tidy && s.pos == from+1 && s.src[from] == ' '
		if err := s.attribute(n, i); err != nil {
			return err
		}
	}
	attrs := s.doc.attrs[n.attr:]
	if len(attrs) > 0 {
		n.form |= adorned
	}
	if tidy && n.scope == outside && s.doc.plainAttrs(attrs) {
		n.form |= plain | whole
	}
	return nil
}

// plainAttrs reports whether attributes are written as canonical form writes them,
// in the same order. Prefixes may have to be declared first, so they may not have any.
func (d *Document) plainAttrs(attrs []attr) bool {
	for i := range attrs {
		a := &attrs[i]
		if a.form&plain == 0 || a.prefixLen > 0 || i > 0 && d.attrName(&attrs[i-1]) >= d.attrName(a) {
			return false
		}
	}
	return true
}

// meaning is the binding of prefix in a scope, or none. Neighbours mostly ask for
// the same.
func (s *scanner) meaning(scope uint32, prefix string) uint32 {
	m := &s.near[min(len(prefix), 1)]
	if m.scope != scope || m.prefix != prefix {
		*m = meaning{scope, s.doc.lookup(scope, prefix), prefix}
	}
	return m.space
}

// endTag reads "</name>" and closes the innermost element, whose name, as
// written, it must repeat.
func (s *scanner) endTag() error {
	at := s.pos
	if s.open == none {
		return s.fail(at, "end tag outside every element")
	}
	e := &s.doc.nodes[s.open]
	s.pos += 2
	if !s.has(s.doc.name(e)) {
		return s.fail(at, "end tag of another element")
	}
	s.pos += int(e.nameLen)
	if s.peek() != '>' {
		e.form &^= plain | whole
		s.skipSpace()
		if s.peek() != '>' {
			return s.fail(at, "end tag of another element, or not ended")
		}
	}
	s.pos++
	s.closeElement()
	return nil
}

func (s *scanner) closeElement() {
	e := &s.doc.nodes[s.open]
	s.open = e.end
	if s.open != none {
		if outer := &s.doc.nodes[s.open]; e.form&whole == 0 || e.space != outer.space {
			outer.form &^= whole
		}
	}
	e.end = uint32(len(s.doc.nodes))
	e.stop = uint32(s.pos)
	s.depth--
}

// qname reads a qualified name: an NCName, or two with a colon between them.
func (s *scanner) qname() (prefixLen uint8, nameLen uint16, err error) {
	from := s.pos
	if err := s.ncname(from); err != nil {
		return 0, 0, err
	}
	if s.peek() == ':' {
		if s.pos-from > maxPrefix {
			return 0, 0, &LimitError{"name", maxPrefix, from}
		}
		prefixLen = uint8(s.pos - from)
		s.pos++
		if err := s.ncname(from); err != nil {
			return 0, 0, err
		}
	}
	return prefixLen, uint16(s.pos - from), nil
}

// maxPrefix is what a node has room for. With the usual limit on names no prefix
// can be longer.
const maxPrefix = 255

// ncname reads a name without colons that is part of the name begun at from.
func (s *scanner) ncname(from int) error {
	src, i := s.src, s.pos
	for first := true; ; first = false {
		for i < len(src) && class[src[i]]&namePart != 0 {
			if first && class[src[i]]&nameStart == 0 {
				return s.fail(i, "name expected")
			}
			first = false
			i++
		}
		if i-from > s.lim.Name {
			return &LimitError{"name", s.lim.Name, from}
		}
		if i < len(src) && src[i] >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(src[i:])
			if r == utf8.RuneError && size == 1 {
				return s.fail(i, illegal) // U+FFFD itself may stand in a name
			}
			if isNameStart(r) || !first && isNamePart(r) {
				i += size
				continue
			}
		}
		if first {
			return s.fail(i, "name expected")
		}
		s.pos = i
		return nil
	}
}

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
	if i := firstIllegal(src); i >= 0 {
		return nil, &SyntaxError{i, "character that XML does not have, or not UTF-8"}
	}
	// Every '<' but those of end tags begins an element, and where no '>' is right
	// before one, there is text before it. Every attribute has a '='.
	tags := bytes.Count(src, []byte{'<'})
	nodes := 2*tags - bytes.Count(src, []byte("</")) - bytes.Count(src, []byte("><"))
	s := scanner{
		src: string(src),
		lim: lim,
		doc: &Document{
			nodes:    make([]node, 0, min(max(nodes, 1), 4096)),
			attrs:    make([]attr, 0, min(bytes.Count(src, []byte{'='}), 1024)),
			bindings: make([]binding, 1, 8),
		},
		open: -1,
	}
	s.doc.src = s.src
	s.doc.bindings[0] = binding{prefix: "xml", uri: xmlSpace, outer: -1}
	if err := s.document(); err != nil {
		return nil, err
	}
	return s.doc, nil
}

// scanner walks src once. Its methods leave pos after what they read.
type scanner struct {
	src   string
	pos   int
	lim   Limits
	doc   *Document
	open  int32 // innermost open element, or -1
	depth int
	count int              // elements so far
	run   int              // source octets of the present run of character data
	room  *strings.Builder // where decoded texts go
}

func (s *scanner) fail(at int, what string) error { return &SyntaxError{at, what} }

func (s *scanner) has(lit string) bool { return strings.HasPrefix(s.src[s.pos:], lit) }

// peek is the octet at pos, or 0 at the end; no document contains 0.
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
	for s.open >= 0 {
		if err := s.content(); err != nil {
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

// content reads one run of text and the markup after it.
func (s *scanner) content() error {
	i := strings.IndexByte(s.src[s.pos:], '<')
	if i < 0 {
		return s.fail(len(s.src), "element not closed")
	}
	if i > 0 {
		if err := s.text(s.pos + i); err != nil {
			return err
		}
	}
	return s.markup()
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
		if s.has("<![CDATA[") && s.open >= 0 {
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
	outer := int32(0) // the binding of xml
	if s.open >= 0 {
		outer = s.doc.nodes[s.open].scope
	}
	n := node{
		parent:     s.open,
		start:      int32(at),
		scope:      outer,
		firstScope: outer,
		attr:       int32(len(s.doc.attrs)),
	}
	s.pos++
	var err error
	if n.name, n.prefixLen, n.nameLen, err = s.qname(); err != nil {
		return err
	}
	for {
		spaced := s.skipSpace()
		c := s.peek()
		if c == '>' || c == '/' {
			break
		}
		if !spaced {
			return s.fail(s.pos, "no white space before an attribute")
		}
		if err := s.attribute(&n); err != nil {
			return err
		}
	}
	n.attrEnd = int32(len(s.doc.attrs))
	if err := s.resolve(&n); err != nil {
		return err
	}
	empty := s.peek() == '/'
	if empty {
		s.pos++
	}
	if s.peek() != '>' {
		return s.fail(s.pos, "tag not ended")
	}
	s.pos++
	i := int32(len(s.doc.nodes))
	s.doc.nodes = append(s.doc.nodes, n)
	s.open = i
	if empty {
		s.closeElement()
	}
	return nil
}

// endTag reads "</name>" and closes the innermost element, whose name, as
// written, it must repeat.
func (s *scanner) endTag() error {
	at := s.pos
	if s.open < 0 {
		return s.fail(at, "end tag outside every element")
	}
	e := &s.doc.nodes[s.open]
	s.pos += 2
	if name := s.src[e.name : e.name+int32(e.nameLen)]; !s.has(name) {
		return s.fail(at, "end tag of another element")
	}
	s.pos += int(e.nameLen)
	s.skipSpace()
	if s.peek() != '>' {
		return s.fail(at, "end tag of another element, or not ended")
	}
	s.pos++
	s.closeElement()
	return nil
}

func (s *scanner) closeElement() {
	e := &s.doc.nodes[s.open]
	e.end = int32(len(s.doc.nodes))
	e.stop = int32(s.pos)
	s.open = e.parent
	s.depth--
}

// qname reads a qualified name: an NCName, or two with a colon between them.
func (s *scanner) qname() (at int32, prefixLen, nameLen uint16, err error) {
	from := s.pos
	if err := s.ncname(from); err != nil {
		return 0, 0, 0, err
	}
	if s.peek() == ':' {
		prefixLen = uint16(s.pos - from)
		s.pos++
		if err := s.ncname(from); err != nil {
			return 0, 0, 0, err
		}
	}
	return int32(from), prefixLen, uint16(s.pos - from), nil
}

// ncname reads a name without colons that is part of the name begun at from.
func (s *scanner) ncname(from int) error {
	limit := from + s.lim.Name
	for first := true; ; first = false {
		c := s.peek()
		if c < utf8.RuneSelf {
			if class[c]&namePart == 0 || first && class[c]&nameStart == 0 {
				if first {
					return s.fail(s.pos, "name expected")
				}
				return nil
			}
			s.pos++
		} else {
			r, size := utf8.DecodeRuneInString(s.src[s.pos:])
			if !isNamePart(r) || first && !isNameStart(r) {
				if first {
					return s.fail(s.pos, "name expected")
				}
				return nil
			}
			s.pos += size
		}
		if s.pos > limit {
			return &LimitError{"name", s.lim.Name, from}
		}
	}
}

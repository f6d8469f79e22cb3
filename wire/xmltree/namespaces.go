package xmltree

// Namespaces in XML 1.0, section 3: these two prefixes belong to these two
// names and to nothing else.
const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// attribute reads name="value" into element i: an attribute, or a declaration.
func (s *scanner) attribute(n *node, i uint32) error {
	at := s.pos
	prefixLen, nameLen, err := s.qname()
	if err != nil {
		return err
	}
	s.skipSpace()
	if s.peek() != '=' {
		return s.fail(s.pos, "attribute without a value")
	}
	s.pos++
	s.skipSpace()
	a := attr{owner: i, name: uint32(at), prefixLen: prefixLen, nameLen: nameLen, space: none}
	tight := s.pos == at+int(nameLen)+1 && s.peek() == '"'
	if err := s.attValue(&a); err != nil {
		return err
	}
	if tight && a.form&decoded == 0 {
		a.form = plain
	}
	full := s.doc.attrName(&a)
	if full == "xmlns" {
		return s.declare(n, i, at, "", s.value(&a))
	}
	if full[:prefixLen] == "xmlns" {
		return s.declare(n, i, at, localName(full, prefixLen), s.value(&a))
	}
	if len(s.doc.attrs)-int(n.attr) >= s.lim.Attributes {
		return &LimitError{"attributes", s.lim.Attributes, at}
	}
	s.doc.attrs = append(s.doc.attrs, a)
	return nil
}

// declare adds a binding to the scope of n, element i.
func (s *scanner) declare(n *node, i uint32, at int, prefix, uri string) error {
	switch {
	case prefix == "xmlns":
		return s.fail(at, "declaration of the prefix xmlns")
	case (prefix == "xml") != (uri == xmlSpace):
		return s.fail(at, "prefix xml and its namespace belong to each other")
	case uri == xmlnsSpace:
		return s.fail(at, "declaration of the namespace of xmlns")
	case prefix != "" && uri == "":
		return s.fail(at, "prefix declared as nothing")
	}
	// Canonical form repeats the name wherever a prefix comes into use, so a long
	// one would let a small document grow large.
	if len(uri) > s.lim.Name {
		return &LimitError{"name", s.lim.Name, at}
	}
	for b := &s.doc.bindings[n.scope]; b.owner == i; b = &s.doc.bindings[b.outer] {
		if b.prefix == prefix {
			return s.fail(at, "prefix declared twice")
		}
	}
	count := s.doc.bindings[n.scope].count + 1
	if int(count) > s.lim.Namespaces {
		return &LimitError{"namespaces", s.lim.Namespaces, at}
	}
	s.doc.bindings = append(s.doc.bindings, binding{prefix, uri, i, n.scope, count})
	n.scope = uint32(len(s.doc.bindings) - 1)
	return nil
}

// resolve gives the attributes of n their namespaces, once all declarations of the
// tag are known, and refuses one given twice.
func (s *scanner) resolve(n *node) error {
	d := s.doc
	attrs := d.attrs[n.attr:]
	for i := range attrs {
		a := &attrs[i]
		if a.prefixLen > 0 {
			if a.space = s.meaning(n.scope, d.attrName(a)[:a.prefixLen]); a.space == none {
				return s.fail(int(a.name), "prefix not declared")
			}
		}
		local := localName(d.attrName(a), a.prefixLen)
		for j := range attrs[:i] {
			b := &attrs[j]
			if local == localName(d.attrName(b), b.prefixLen) && d.uri(a.space) == d.uri(b.space) {
				return s.fail(int(a.name), "attribute given twice")
			}
		}
	}
	return nil
}

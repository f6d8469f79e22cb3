package xmltree

// Namespaces in XML 1.0, section 3: these two prefixes belong to these two
// names and to nothing else.
const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// attribute reads name="value" into element n: an attribute, or a declaration.
func (s *scanner) attribute(n *node) error {
	at := s.pos
	name, prefixLen, nameLen, err := s.qname()
	if err != nil {
		return err
	}
	s.skipSpace()
	if s.peek() != '=' {
		return s.fail(s.pos, "attribute without a value")
	}
	s.pos++
	s.skipSpace()
	start, stop, decoded, err := s.attValue()
	if err != nil {
		return err
	}
	a := attr{name: name, prefixLen: prefixLen, nameLen: nameLen, space: -1, start: start, stop: stop, decoded: decoded}
	full := s.src[name : name+int32(nameLen)]
	if full == "xmlns" {
		return s.declare(n, at, "", s.doc.value(&a))
	}
	if full[:prefixLen] == "xmlns" {
		return s.declare(n, at, localName(full, prefixLen), s.doc.value(&a))
	}
	if len(s.doc.attrs)-int(n.attr) >= s.lim.Attributes {
		return &LimitError{"attributes", s.lim.Attributes, at}
	}
	s.doc.attrs = append(s.doc.attrs, a)
	return nil
}

// declare adds a binding to the scope of n.
func (s *scanner) declare(n *node, at int, prefix, uri string) error {
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
	for b := n.scope; b != n.firstScope; b = s.doc.bindings[b].outer {
		if s.doc.bindings[b].prefix == prefix {
			return s.fail(at, "prefix declared twice")
		}
	}
	count := s.doc.bindings[n.scope].count + 1
	if int(count) > s.lim.Namespaces {
		return &LimitError{"namespaces", s.lim.Namespaces, at}
	}
	s.doc.bindings = append(s.doc.bindings, binding{prefix, uri, n.scope, count})
	n.scope = int32(len(s.doc.bindings) - 1)
	return nil
}

// resolve gives the names of n and of its attributes their namespaces, once all
// declarations of the tag are known, and refuses an attribute given twice.
func (s *scanner) resolve(n *node) error {
	d := s.doc
	prefix := s.src[n.name : n.name+int32(n.prefixLen)]
	n.space = d.lookup(n.scope, prefix)
	if prefix != "" && n.space < 0 {
		return s.fail(int(n.name), "prefix not declared")
	}
	attrs := d.attrs[n.attr:n.attrEnd]
	for i := range attrs {
		a := &attrs[i]
		if a.prefixLen > 0 {
			a.space = d.lookup(n.scope, s.src[a.name:a.name+int32(a.prefixLen)])
			if a.space < 0 {
				return s.fail(int(a.name), "prefix not declared")
			}
		}
		local := localName(s.src[a.name:a.name+int32(a.nameLen)], a.prefixLen)
		for j := range attrs[:i] {
			b := &attrs[j]
			if local == localName(s.src[b.name:b.name+int32(b.nameLen)], b.prefixLen) && d.uri(a.space) == d.uri(b.space) {
				return s.fail(int(a.name), "attribute given twice")
			}
		}
	}
	return nil
}

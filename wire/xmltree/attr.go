package xmltree

import "iter"

// Attr is one attribute, its value decoded and normalised. Declarations of
// namespaces are not attributes; see [Node.Declared].
type Attr struct {
	Prefix, Local string
	Space         string // empty without a prefix: attributes take no default namespace
	Value         string
}

// Namespace is one declaration of a namespace.
type Namespace struct {
	Prefix string // empty for the default namespace
	URI    string // empty only for xmlns="", which takes the default away
}

// Attrs are the attributes in source order.
func (n Node) Attrs() iter.Seq[Attr] {
	return func(yield func(Attr) bool) {
		if n.doc == nil || n.IsText() {
			return
		}
		attrs := n.doc.attrsOf(n.i)
		for i := range attrs {
			if !yield(n.doc.attribute(&attrs[i])) {
				return
			}
		}
	}
}

// Attrs are all attributes of the document, with their elements, in source order.
func (d *Document) Attrs() iter.Seq2[Node, Attr] {
	return func(yield func(Node, Attr) bool) {
		for i := range d.attrs {
			if !yield(Node{d, d.attrs[i].owner}, d.attribute(&d.attrs[i])) {
				return
			}
		}
	}
}

// Declares reports whether any element declares a prefix for that namespace, or
// makes it the default one. If none does, no name in the document is in it.
func (d *Document) Declares(uri string) bool {
	for i := range d.bindings {
		if d.bindings[i].uri == uri {
			return true
		}
	}
	return false
}

// attrsOf are the attributes of element i.
func (d *Document) attrsOf(i uint32) []attr {
	e := &d.nodes[i]
	if e.form&adorned == 0 {
		return nil
	}
	last := e.attr
	for int(last) < len(d.attrs) && d.attrs[last].owner == i {
		last++
	}
	return d.attrs[e.attr:last]
}

func (d *Document) attrName(a *attr) string {
	return d.src[a.name : a.name+uint32(a.nameLen)]
}

func (d *Document) attribute(a *attr) Attr {
	name := d.attrName(a)
	return Attr{
		Prefix: name[:a.prefixLen],
		Local:  localName(name, a.prefixLen),
		Space:  d.uri(a.space),
		Value:  d.value(a),
	}
}

func (d *Document) value(a *attr) string {
	if a.form&decoded != 0 {
		return d.decoded[a.decoded : a.decoded+a.length]
	}
	return d.src[a.start:a.stop]
}

// Attr is the value of the attribute of that expanded name. An attribute
// without a prefix is in no namespace, so space is then empty.
func (n Node) Attr(space, local string) (string, bool) {
	if n.doc == nil || n.IsText() {
		return "", false
	}
	d := n.doc
	attrs := d.attrsOf(n.i)
	for i := range attrs {
		a := &attrs[i]
		if localName(d.attrName(a), a.prefixLen) == local && d.uri(a.space) == space {
			return d.value(a), true
		}
	}
	return "", false
}

// Declared are the namespaces this element declares, the last one first.
func (n Node) Declared() iter.Seq[Namespace] {
	return func(yield func(Namespace) bool) {
		if n.doc == nil || n.IsText() {
			return
		}
		for b := &n.doc.bindings[n.doc.nodes[n.i].scope]; b.owner == n.i; b = &n.doc.bindings[b.outer] {
			if !yield(Namespace{b.prefix, b.uri}) {
				return
			}
		}
	}
}

// Lookup is what a prefix means at this element, whoever declared it. The empty
// prefix asks for the default namespace. Not declared, or taken away by
// xmlns="", is false.
func (n Node) Lookup(prefix string) (uri string, ok bool) {
	if n.doc == nil {
		return "", false
	}
	uri = n.doc.uri(n.doc.lookup(n.doc.nodes[n.i].scope, prefix))
	return uri, uri != ""
}

// lookup is the innermost binding of prefix from scope outward, or none.
func (d *Document) lookup(scope uint32, prefix string) uint32 {
	for b := scope; b != none; b = d.bindings[b].outer {
		if d.bindings[b].prefix == prefix {
			return b
		}
	}
	return none
}

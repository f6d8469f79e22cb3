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
		e := &n.doc.nodes[n.i]
		for i := e.attr; i < e.attrEnd; i++ {
			if !yield(n.doc.attribute(i)) {
				return
			}
		}
	}
}

func (d *Document) attribute(i int32) Attr {
	a := &d.attrs[i]
	name := d.src[a.name : a.name+int32(a.nameLen)]
	return Attr{
		Prefix: name[:a.prefixLen],
		Local:  localName(name, a.prefixLen),
		Space:  d.uri(a.space),
		Value:  d.value(a),
	}
}

func (d *Document) value(a *attr) string {
	if a.decoded >= 0 {
		return d.decoded[a.decoded]
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
	e := &d.nodes[n.i]
	for i := e.attr; i < e.attrEnd; i++ {
		a := &d.attrs[i]
		name := d.src[a.name : a.name+int32(a.nameLen)]
		if localName(name, a.prefixLen) == local && d.uri(a.space) == space {
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
		e := &n.doc.nodes[n.i]
		for b := e.scope; b != e.firstScope; b = n.doc.bindings[b].outer {
			if !yield(Namespace{n.doc.bindings[b].prefix, n.doc.bindings[b].uri}) {
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

// lookup is the innermost binding of prefix from scope outward, or -1.
func (d *Document) lookup(scope int32, prefix string) int32 {
	for b := scope; b >= 0; b = d.bindings[b].outer {
		if d.bindings[b].prefix == prefix {
			return b
		}
	}
	return -1
}

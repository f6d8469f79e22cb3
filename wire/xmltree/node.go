package xmltree

import (
	"iter"
	"strings"
)

// A Document is one parsed document. It never changes after Parse, so any
// number of goroutines may read it.
type Document struct {
	src      string
	nodes    []node    // document order; the root element is number 0
	attrs    []attr    // grouped by element, in source order
	bindings []binding // namespace declarations, each linked to the one it was made under
	decoded  []string  // texts and values that differ from their source
}

// node is an element or a run of text.
type node struct {
	parent     int32 // element that holds it; -1 for the root
	end        int32 // number after the last descendant
	start      int32 // source octets: the whole element, or the text alone
	stop       int32
	name       int32 // offset of the qualified name; -1 for text
	prefixLen  uint16
	nameLen    uint16
	space      int32 // binding that gives its namespace; -1 for none
	scope      int32 // innermost binding in scope
	attr       int32 // first attribute; for text, decoded text or -1
	attrEnd    int32
	firstScope int32 // innermost binding in scope outside: what lies between is declared here
}

type attr struct {
	name      int32
	prefixLen uint16
	nameLen   uint16
	space     int32 // binding, or -1
	start     int32 // source octets of the value
	stop      int32
	decoded   int32 // index of the decoded value, or -1 when it equals its source
}

type binding struct {
	prefix, uri string
	outer       int32 // next binding outward; -1 ends the list
	count       int32 // bindings from here outward
}

// Root is the document element. A nil Document has none.
func (d *Document) Root() Node {
	if d == nil || len(d.nodes) == 0 {
		return Node{}
	}
	return Node{doc: d}
}

// Len is the number of nodes, runs of text included.
func (d *Document) Len() int { return len(d.nodes) }

// Size is the number of octets the document was parsed from.
func (d *Document) Size() int { return len(d.src) }

// At is the node of number i, which must be below Len. Numbers follow document
// order: an element is followed by its content.
func (d *Document) At(i int) Node {
	_ = d.nodes[i]
	return Node{doc: d, i: int32(i)}
}

// Node is a place in a document: an element, or, where [Document.At] is used, a
// run of text. The zero Node is no place at all; its methods answer with zero
// values, so that chains such as a.Child(x, y).Child(x, z).Text() need no checks.
type Node struct {
	doc *Document
	i   int32
}

// Valid reports whether the node exists.
func (n Node) Valid() bool { return n.doc != nil }

// Document is the document that holds the node.
func (n Node) Document() *Document { return n.doc }

// Index is the node's number in the document.
func (n Node) Index() int { return int(n.i) }

// End is the number after the node's last descendant.
func (n Node) End() int {
	if n.doc == nil {
		return 0
	}
	return int(n.doc.nodes[n.i].end)
}

// IsText reports whether the node is a run of text.
func (n Node) IsText() bool { return n.doc != nil && n.doc.nodes[n.i].name < 0 }

// Data is the decoded text of a run of text, and empty for an element.
func (n Node) Data() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	switch {
	case e.name >= 0:
		return ""
	case e.attr >= 0:
		return n.doc.decoded[e.attr]
	}
	return n.doc.src[e.start:e.stop]
}

// Name is the qualified name as written, such as "soap:Body".
func (n Node) Name() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	if e.name < 0 {
		return ""
	}
	return n.doc.src[e.name : e.name+int32(e.nameLen)]
}

// Prefix is the part of the name before the colon, or empty.
func (n Node) Prefix() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	if e.name < 0 {
		return ""
	}
	return n.doc.src[e.name : e.name+int32(e.prefixLen)]
}

// Local is the part of the name after the colon.
func (n Node) Local() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	if e.name < 0 {
		return ""
	}
	return localName(n.doc.src[e.name:e.name+int32(e.nameLen)], e.prefixLen)
}

func localName(name string, prefixLen uint16) string {
	if prefixLen == 0 {
		return name
	}
	return name[prefixLen+1:]
}

// Space is the namespace of the name, or empty.
func (n Node) Space() string {
	if n.doc == nil {
		return ""
	}
	return n.doc.uri(n.doc.nodes[n.i].space)
}

func (d *Document) uri(b int32) string {
	if b < 0 {
		return ""
	}
	return d.bindings[b].uri
}

// Is reports whether the node is an element of that expanded name.
func (n Node) Is(space, local string) bool {
	return n.doc != nil && n.Local() == local && n.Space() == space && n.doc.nodes[n.i].name >= 0
}

// Parent is the element that holds the node; invalid for the root.
func (n Node) Parent() Node {
	if n.doc == nil || n.doc.nodes[n.i].parent < 0 {
		return Node{}
	}
	return Node{n.doc, n.doc.nodes[n.i].parent}
}

// Children are the elements directly inside, in order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.doc == nil {
			return
		}
		for i := n.i + 1; i < n.doc.nodes[n.i].end; i = n.doc.nodes[i].end {
			if n.doc.nodes[i].name >= 0 && !yield(Node{n.doc, i}) {
				return
			}
		}
	}
}

// Child is the first element of that expanded name directly inside; invalid if
// there is none.
func (n Node) Child(space, local string) Node {
	for c := range n.Children() {
		if c.Is(space, local) {
			return c
		}
	}
	return Node{}
}

// Text is all character data directly inside, references decoded, CDATA as
// text. Text inside child elements is not part of it.
func (n Node) Text() string {
	if n.doc == nil {
		return ""
	}
	if n.IsText() {
		return n.Data()
	}
	first, rest := "", false
	for i := n.i + 1; i < n.doc.nodes[n.i].end; i = n.doc.nodes[i].end {
		if n.doc.nodes[i].name >= 0 {
			continue
		}
		if first == "" {
			first = Node{n.doc, i}.Data()
			continue
		}
		rest = true
		break
	}
	if !rest {
		return first
	}
	var b strings.Builder
	for i := n.i + 1; i < n.doc.nodes[n.i].end; i = n.doc.nodes[i].end {
		b.WriteString(Node{n.doc, i}.Data())
	}
	return b.String()
}

// Source is a copy of the node's octets as they were received.
func (n Node) Source() []byte {
	if n.doc == nil {
		return nil
	}
	e := &n.doc.nodes[n.i]
	return []byte(n.doc.src[e.start:e.stop])
}

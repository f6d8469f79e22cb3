package xmltree

import (
	"iter"
	"math"
	"strings"
)

// A Document is one parsed document. It never changes after Parse, so any
// number of goroutines may read it.
type Document struct {
	src      string
	nodes    []node    // document order; the root element is number 0
	attrs    []attr    // grouped by element, in source order
	bindings []binding // namespace declarations, each linked to the one it was made under
	decoded  string    // texts and values that differ from their source, one after the other
}

// node is an element or a run of text. There is one for every dozen octets or so
// of a message, so it is kept small: its name stands right after its '<', and its
// parent is found by looking back.
type node struct {
	start     uint32 // source octets: the whole element, or the text alone
	stop      uint32
	end       uint32 // number after the last descendant; in an open element, of its parent
	scope     uint32 // innermost binding in scope
	space     uint32 // binding that gives its namespace, or none; of decoded text, its length
	attr      uint32 // first attribute; of decoded text, where it begins
	nameLen   uint16 // of the qualified name; 0 for text
	prefixLen uint8
	form      form
}

// none stands for no binding and no parent. Sources are too short to have as many
// of anything.
const none = math.MaxUint32

// form is what is known about how a node is written.
type form uint8

const (
	// plain is written as canonical form writes it: see [Node.Plain].
	plain form = 1 << iota
	// adorned is an element with attributes.
	adorned
	// whole is an element that is plain with all its content: see [Node.Whole].
	whole
	// decoded is a text or a value that differs from its source.
	decoded
)

func (e *node) isText() bool { return e.nameLen == 0 }

type attr struct {
	owner     uint32 // element
	name      uint32
	start     uint32 // source octets of the value
	stop      uint32
	space     uint32 // binding, or none
	decoded   uint32 // where the decoded value begins, and its length
	length    uint32
	nameLen   uint16
	prefixLen uint8
	form      form // plain or decoded
}

type binding struct {
	prefix, uri string
	owner       uint32 // element that declares it; none for the prefix xml
	outer       uint32 // next binding outward, or none
	count       uint32 // bindings from here outward
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
	return Node{doc: d, i: uint32(i)}
}

// Node is a place in a document: an element, or, where [Document.At] is used, a
// run of text. The zero Node is no place at all; its methods answer with zero
// values, so that chains such as a.Child(x, y).Child(x, z).Text() need no checks.
type Node struct {
	doc *Document
	i   uint32
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
func (n Node) IsText() bool { return n.doc != nil && n.doc.nodes[n.i].isText() }

// Data is the decoded text of a run of text, and empty for an element.
func (n Node) Data() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	switch {
	case !e.isText():
		return ""
	case e.form&decoded != 0:
		return n.doc.decoded[e.attr : e.attr+e.space]
	}
	return n.doc.src[e.start:e.stop]
}

// Name is the qualified name as written, such as "soap:Body".
func (n Node) Name() string {
	if n.doc == nil {
		return ""
	}
	return n.doc.name(&n.doc.nodes[n.i])
}

func (d *Document) name(e *node) string {
	if e.isText() {
		return ""
	}
	return d.src[e.start+1 : e.start+1+uint32(e.nameLen)]
}

// Prefix is the part of the name before the colon, or empty.
func (n Node) Prefix() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	return n.doc.name(e)[:e.prefixLen]
}

// Local is the part of the name after the colon.
func (n Node) Local() string {
	if n.doc == nil {
		return ""
	}
	e := &n.doc.nodes[n.i]
	return localName(n.doc.name(e), e.prefixLen)
}

func localName(name string, prefixLen uint8) string {
	if prefixLen == 0 {
		return name
	}
	return name[prefixLen+1:]
}

// Space is the namespace of the name, or empty.
func (n Node) Space() string {
	if n.doc == nil || n.IsText() {
		return ""
	}
	return n.doc.uri(n.doc.nodes[n.i].space)
}

func (d *Document) uri(b uint32) string {
	if b == none {
		return ""
	}
	return d.bindings[b].uri
}

// Is reports whether the node is an element of that expanded name.
func (n Node) Is(space, local string) bool {
	return n.doc != nil && n.Local() == local && n.Space() == space && !n.IsText()
}

// Parent is the element that holds the node; invalid for the root. It looks back
// over everything before the node in its parent, which is good enough for error
// messages.
func (n Node) Parent() Node {
	if n.doc == nil {
		return Node{}
	}
	for i := n.i; i > 0; {
		if i--; n.doc.nodes[i].end > n.i {
			return Node{n.doc, i}
		}
	}
	return Node{}
}

// Children are the elements directly inside, in order.
func (n Node) Children() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.doc == nil {
			return
		}
		for i := n.i + 1; i < n.doc.nodes[n.i].end; i = n.doc.nodes[i].end {
			if !n.doc.nodes[i].isText() && !yield(Node{n.doc, i}) {
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
		if !n.doc.nodes[i].isText() {
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
	return []byte(n.doc.Octets(n.Span()))
}

// Span is where in the source the node is: its octets are those from start up to
// stop. Of a CDATA section, they are the content alone.
func (n Node) Span() (start, stop int) {
	if n.doc == nil {
		return 0, 0
	}
	e := &n.doc.nodes[n.i]
	return int(e.start), int(e.stop)
}

// Octets is the part of the source from start up to stop.
func (d *Document) Octets(start, stop int) string { return d.src[start:stop] }

// Plain reports whether the node is written as canonical form would write it. Of a
// text, nothing would be escaped in another way. Of an element, there are two tags
// that hold its name and perhaps attributes without prefixes, and not an octet
// more; what is between the tags is another matter, and so are namespaces that
// would have to be declared there.
func (n Node) Plain() bool { return n.doc != nil && n.doc.nodes[n.i].form&plain != 0 }

// Inside is where in the source the content of an element is that is plain: between
// its two tags.
func (n Node) Inside() (start, stop int) {
	if !n.Plain() || n.IsText() {
		return 0, 0
	}
	e := &n.doc.nodes[n.i]
	start, stop = int(e.start)+len("<>")+int(e.nameLen), int(e.stop)-len("</>")-int(e.nameLen)
	if attrs := n.doc.attrsOf(n.i); len(attrs) > 0 {
		start = int(attrs[len(attrs)-1].stop) + len(`">`)
	}
	return start, stop
}

// Whole reports whether all octets of an element are as canonical form would write
// them, once its own namespace has been declared: it is plain, and so is everything
// inside it, where no name needs another declaration.
func (n Node) Whole() bool { return n.doc != nil && n.doc.nodes[n.i].form&whole != 0 }

// Binding is the number of the declaration that gives the name its namespace, or
// a negative number. Equal numbers in one document are the same namespace.
func (n Node) Binding() int {
	if n.doc == nil || n.IsText() {
		return -1
	}
	return int(int32(n.doc.nodes[n.i].space))
}

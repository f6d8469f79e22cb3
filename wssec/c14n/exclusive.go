package c14n

import (
	"errors"
	"math"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Algorithm identifies this canonical form in signatures.
const Algorithm = "http://www.w3.org/2001/10/xml-exc-c14n#"

// ErrTooLong is what [Bounded] answers when the canonical form would exceed its
// bound.
var ErrTooLong = errors.New("c14n: canonical form too long")

// Exclusive appends the canonical form of n, an element and all its content, to
// dst. The prefixes of prefixList, "#default" meaning the default namespace, are
// treated as inclusive canonicalisation treats them (section 3, rule 3): they
// are declared at n whether used or not.
func Exclusive(dst []byte, n xmltree.Node, prefixList []string) []byte {
	dst, _ = Bounded(dst, n, prefixList, math.MaxInt)
	return dst
}

// Bounded is [Exclusive] for documents of strangers. It stops with [ErrTooLong]
// when the canonical form of n exceeds limit octets: a prefix declared far
// outside is declared again at every element that uses it, so the form of a
// hostile document can be many times as long as the document (wssec.md A20).
func Bounded(dst []byte, n xmltree.Node, prefixList []string, limit int) ([]byte, error) {
	b := Buffer{out: dst}
	err := b.append(n, prefixList, limit)
	return b.out, err
}

// A Buffer is room for one canonical form after the other. The zero Buffer is
// ready for use, by one goroutine at a time.
type Buffer struct {
	out []byte
	w   writer
}

// Bounded is the function of that name. What it gives is good until the next call.
func (b *Buffer) Bounded(n xmltree.Node, prefixList []string, limit int) ([]byte, error) {
	b.out = b.out[:0]
	err := b.append(n, prefixList, limit)
	return b.out, err
}

// Size is how many octets the longest canonical form so far has taken.
func (b *Buffer) Size() int { return cap(b.out) }

// Forget lets go of the documents of earlier calls, for when the buffer is kept
// longer than they are.
func (b *Buffer) Forget() {
	w := &b.w
	clear(w.open[:cap(w.open)])
	clear(w.rendered[:cap(w.rendered)])
	clear(w.fresh[:cap(w.fresh)])
	clear(w.attrs[:cap(w.attrs)])
	w.doc, w.list = nil, nil
}

func (b *Buffer) append(n xmltree.Node, list []string, limit int) (err error) {
	switch {
	case !n.Valid():
	case n.IsText():
		b.out = AppendText(b.out, n.Data())
	default:
		b.w.doc, b.w.list, b.w.limit = n.Document(), list, limit
		b.out, err = b.w.tree(b.out, n)
	}
	return err
}

// writer is what is known between tags.
//
// What the source has in canonical form already is copied in runs that are as
// long as can be: first and last are the octets of the run that is still to be
// copied. Whatever extends it has to begin where it ends, so nothing that stands
// between two nodes, of which no node speaks, is ever copied.
type writer struct {
	doc         *xmltree.Document
	list        []string
	limit       int
	first, last int
	open        []level             // elements whose end tag is owed
	rendered    []xmltree.Namespace // declarations written by open elements
	fresh       []xmltree.Namespace // scratch: declarations of the present element
	attrs       []xmltree.Attr      // scratch: its attributes, sorted
	known       [2]int              // bindings that rendered agrees with, of no prefix and of one
}

// unknown is no number of a binding.
const unknown = math.MinInt

type level struct {
	node     xmltree.Node
	end      int  // number after its last descendant
	last     int  // where its content ends in the source, if it is plain
	rendered int  // length of writer.rendered outside this element
	plain    bool // its end tag is copied with what is around it
}

func (w *writer) tree(dst []byte, apex xmltree.Node) ([]byte, error) {
	w.first, w.last, w.known = 0, 0, [2]int{unknown, unknown}
	w.open, w.rendered = w.open[:0], w.rendered[:0]
	if w.limit < math.MaxInt-len(dst) {
		w.limit += len(dst)
	}
	end := apex.End()
	for i := apex.Index(); i < end; i++ {
		if len(dst) > w.limit {
			return dst, ErrTooLong
		}
		n := w.doc.At(i)
		for len(w.open) > 0 && w.open[len(w.open)-1].end <= i {
			dst = w.endTag(dst)
		}
		start, stop := n.Span()
		switch {
		case n.IsText() && n.Plain():
			dst = w.extend(dst, start, stop)
		case n.IsText():
			dst = w.flush(dst)
			if text := n.Data(); len(text) <= w.limit-len(dst) {
				dst = AppendText(dst, text)
				continue
			}
			return dst, ErrTooLong
		case i > apex.Index() && n.Plain() && w.says(n):
			if n.Whole() {
				dst = w.extend(dst, start, stop)
				i = n.End() - 1
				continue
			}
			first, last := n.Inside()
			dst = w.extend(dst, start, first)
			w.open = append(w.open, level{n, n.End(), last, len(w.rendered), true})
		default:
			dst = w.flush(dst)
			dst = w.startTag(dst, n, i == apex.Index())
		}
	}
	for len(w.open) > 0 {
		dst = w.endTag(dst)
	}
	dst = w.flush(dst)
	if len(dst) > w.limit {
		return dst, ErrTooLong
	}
	return dst, nil
}

// extend has the octets from first up to last copied, after what is in dst.
func (w *writer) extend(dst []byte, first, last int) []byte {
	if first != w.last {
		dst = w.flush(dst)
		w.first = first
	}
	w.last = last
	return dst
}

// flush copies what is still to be copied, unless dst would become too long.
func (w *writer) flush(dst []byte) []byte {
	if w.last-w.first > w.limit-len(dst) {
		w.limit = -1 // nothing is as short as that
	} else {
		dst = append(dst, w.doc.Octets(w.first, w.last)...)
	}
	w.first, w.last = 0, 0
	return dst
}

// endTag closes the innermost element.
func (w *writer) endTag(dst []byte) []byte {
	top := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	if top.plain {
		_, stop := top.node.Span()
		return w.extend(dst, top.last, stop)
	}
	dst = w.flush(dst)
	dst = append(dst, '<', '/')
	dst = append(dst, top.node.Name()...)
	if len(w.rendered) != top.rendered {
		w.rendered = w.rendered[:top.rendered]
		w.known = [2]int{unknown, unknown}
	}
	return append(dst, '>')
}

// says reports whether the output already says what the name of n needs, an
// element that is plain.
func (w *writer) says(n xmltree.Node) bool {
	prefix := n.Prefix()
	known := &w.known[min(len(prefix), 1)]
	if b := n.Binding(); *known != b {
		w.fresh = w.fresh[:0]
		depth := len(w.rendered)
		w.need(prefix, n.Space())
		if len(w.fresh) > 0 {
			w.rendered = w.rendered[:depth]
			return false
		}
		*known = b
	}
	return true
}

func (w *writer) startTag(dst []byte, n xmltree.Node, apex bool) []byte {
	w.open = append(w.open, level{node: n, end: n.End(), rendered: len(w.rendered)})
	w.fresh = w.fresh[:0]
	w.attrs = w.attrs[:0]
	w.need(n.Prefix(), n.Space())
	for a := range n.Attrs() {
		w.insert(a)
		if a.Prefix != "" {
			w.need(a.Prefix, a.Space)
		}
	}
	// What a listed prefix means can only change where something is declared.
	if len(w.list) > 0 && (apex || declares(n)) {
		for _, prefix := range w.list {
			if prefix == "#default" {
				prefix = ""
			}
			if uri, ok := n.Lookup(prefix); ok || prefix == "" {
				w.need(prefix, uri)
			}
		}
	}

	if len(w.fresh) > 0 {
		w.known = [2]int{unknown, unknown}
	}
	dst = append(dst, '<')
	dst = append(dst, n.Name()...)
	for i := range w.fresh {
		ns := &w.fresh[i]
		dst = append(dst, " xmlns"...)
		if ns.Prefix != "" {
			dst = append(dst, ':')
			dst = append(dst, ns.Prefix...)
		}
		dst = append(dst, '=', '"')
		dst = AppendAttr(dst, ns.URI)
		dst = append(dst, '"')
	}
	for i := range w.attrs {
		a := &w.attrs[i]
		dst = append(dst, ' ')
		if a.Prefix != "" {
			dst = append(dst, a.Prefix...)
			dst = append(dst, ':')
		}
		dst = append(dst, a.Local...)
		dst = append(dst, '=', '"')
		dst = AppendAttr(dst, a.Value)
		dst = append(dst, '"')
	}
	return append(dst, '>')
}

func declares(n xmltree.Node) bool {
	for range n.Declared() {
		return true
	}
	return false
}

// need adds a declaration to the present element unless the output already says
// the same there. Where nothing was written, the default namespace is "none",
// which is why a redundant xmlns="" vanishes.
func (w *writer) need(prefix, uri string) {
	if prefix == "xml" {
		return // declared by XML itself; canonical form never repeats it
	}
	for i := len(w.rendered) - 1; ; i-- {
		if i < 0 {
			if prefix == "" && uri == "" {
				return
			}
			break
		}
		if w.rendered[i].Prefix == prefix {
			if w.rendered[i].URI == uri {
				return
			}
			break
		}
	}
	ns := xmltree.Namespace{Prefix: prefix, URI: uri}
	w.rendered = append(w.rendered, ns)
	w.fresh = append(w.fresh, ns)
	for i := len(w.fresh) - 1; i > 0 && w.fresh[i].Prefix < w.fresh[i-1].Prefix; i-- {
		w.fresh[i], w.fresh[i-1] = w.fresh[i-1], w.fresh[i]
	}
}

// insert keeps w.attrs sorted by namespace, then local name (Canonical XML 2.2).
func (w *writer) insert(a xmltree.Attr) {
	w.attrs = append(w.attrs, a)
	for i := len(w.attrs) - 1; i > 0 && before(&w.attrs[i], &w.attrs[i-1]); i-- {
		w.attrs[i], w.attrs[i-1] = w.attrs[i-1], w.attrs[i]
	}
}

func before(a, b *xmltree.Attr) bool {
	if c := strings.Compare(a.Space, b.Space); c != 0 {
		return c < 0
	}
	return a.Local < b.Local
}

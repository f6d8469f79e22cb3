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
// soon after the canonical form of n exceeds limit octets: a prefix declared far
// outside is declared again at every element that uses it, so the form of a
// hostile document can be many times as long as the document (wssec.md A20).
func Bounded(dst []byte, n xmltree.Node, prefixList []string, limit int) ([]byte, error) {
	if !n.Valid() {
		return dst, nil
	}
	if n.IsText() {
		return AppendText(dst, n.Data()), nil
	}
	w := writer{doc: n.Document(), list: prefixList}
	w.open = w.openBuf[:0]
	w.rendered = w.renderedBuf[:0]
	w.attrs = w.attrBuf[:0]
	w.fresh = w.freshBuf[:0]
	return w.tree(dst, n, limit)
}

// writer is what is known between tags. Its scratch space holds what usual
// messages need, so that one canonicalisation is one allocation.

type writer struct {
	doc      *xmltree.Document
	list     []string
	open     []level             // elements whose end tag is owed
	rendered []xmltree.Namespace // declarations written by open elements
	fresh    []xmltree.Namespace // scratch: declarations of the present element
	attrs    []xmltree.Attr      // scratch: its attributes, sorted

	openBuf     [16]level
	renderedBuf [8]xmltree.Namespace
	freshBuf    [8]xmltree.Namespace
	attrBuf     [8]xmltree.Attr
}

type level struct {
	node     xmltree.Node
	rendered int // length of writer.rendered outside this element
}

func (w *writer) tree(dst []byte, apex xmltree.Node, limit int) ([]byte, error) {
	from, end := len(dst), apex.End()
	for i := apex.Index(); i < end; i++ {
		if len(dst)-from > limit {
			return dst, ErrTooLong
		}
		n := w.doc.At(i)
		dst = w.closeUpTo(dst, i)
		if n.IsText() {
			if text := n.Data(); len(text) <= limit {
				dst = AppendText(dst, text)
				continue
			}
			return dst, ErrTooLong
		}
		dst = w.startTag(dst, n, i == apex.Index())
	}
	dst = w.closeUpTo(dst, end)
	if len(dst)-from > limit {
		return dst, ErrTooLong
	}
	return dst, nil
}

// closeUpTo writes the end tags of elements that end before node i.
func (w *writer) closeUpTo(dst []byte, i int) []byte {
	for len(w.open) > 0 {
		top := w.open[len(w.open)-1]
		if top.node.End() > i {
			break
		}
		dst = append(dst, '<', '/')
		dst = append(dst, top.node.Name()...)
		dst = append(dst, '>')
		w.rendered = w.rendered[:top.rendered]
		w.open = w.open[:len(w.open)-1]
	}
	return dst
}

func (w *writer) startTag(dst []byte, n xmltree.Node, apex bool) []byte {
	w.open = append(w.open, level{n, len(w.rendered)})
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

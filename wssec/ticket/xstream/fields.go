package xstream

import (
	"iter"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// fields are the elements of an object by name, in any order. An element that
// the class does not have, or a second one, is refused as legacy readers do.
func (r *reader) fields(n xmltree.Node, names ...string) map[string]xmltree.Node {
	r.attributes(n)
	return r.elements(n, names...)
}

// elements is fields without a look at the attributes of n.
func (r *reader) elements(n xmltree.Node, names ...string) map[string]xmltree.Node {
	f := make(map[string]xmltree.Node, len(names))
	for c := range r.content(n) {
		name := c.Local()
		switch {
		case c.Space() != "" || !slices.Contains(names, name):
			r.fail(c, "unknown element in %s", clip(n.Local()))
			return nil
		case f[name].Valid():
			r.fail(c, "second element of this name")
			return nil
		}
		f[name] = c
	}
	return f
}

// items are the elements of an array, or none if it is absent.
func (r *reader) items(n xmltree.Node) iter.Seq[xmltree.Node] {
	if n.Valid() {
		r.attributes(n)
	}
	return r.content(n)
}

// content is the children of n until an error, and nothing but white space
// between them.
func (r *reader) content(n xmltree.Node) iter.Seq[xmltree.Node] {
	return func(yield func(xmltree.Node) bool) {
		if !n.Valid() {
			return
		}
		for i := n.Index() + 1; i < n.End() && r.err == nil; {
			c := n.Document().At(i)
			i = c.End()
			if c.IsText() {
				if strings.Trim(c.Data(), " \t\r\n") != "" {
					r.fail(n, "text between elements")
				}
				continue
			}
			if !yield(c) {
				return
			}
		}
	}
}

// attributes refuses those that have a legacy reader make an object of a class
// the text names (wssec A23). All others it ignores, and so do we.
func (r *reader) attributes(n xmltree.Node) {
	for _, name := range []string{"class", "resolves-to"} {
		if class, ok := n.Attr("", name); ok {
			r.fail(n, "attribute %s=%q: a ticket names no classes", name, clip(class))
		}
	}
}

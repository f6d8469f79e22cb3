package soap

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// decoder walks verified nodes along the schema. Its first error sticks; readers
// then return zero values until the walk is over.
type decoder struct {
	path []string // open elements, for errors
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &wire.Error{Path: strings.Join(d.path, "/"), What: fmt.Sprintf(format, args...)}
	}
}

// cursor hands out the children of one element in order.
type cursor struct {
	d    *decoder
	kids []xmltree.Node
}

// enter starts on the children of n, between which only white space may stand.
// leave ends what enter began.
func (d *decoder) enter(n xmltree.Node, kids []xmltree.Node) cursor {
	d.path = append(d.path, n.Local())
	if isNil(n) {
		d.fail("xsi:nil is not understood on an element with children; leave it out")
	}
	doc := n.Document()
	for i := n.Index() + 1; i < n.End() && d.err == nil; {
		c := doc.At(i)
		i = c.End()
		if !c.IsText() {
			kids = append(kids, c)
		} else if text := strings.Trim(c.Data(), " \t\r\n"); text != "" {
			d.fail("unexpected text %q between elements", wire.Clip(text))
		}
	}
	return cursor{d, kids}
}

// leave refuses children that nobody took.
func (c *cursor) leave() {
	if len(c.kids) > 0 {
		c.d.fail("unexpected element %s", describe(c.kids[0]))
	}
	c.d.path = c.d.path[:len(c.d.path)-1]
}

// maybe takes the next child if it has that name.
func (c *cursor) maybe(name string) (xmltree.Node, bool) {
	if c.d.err != nil || len(c.kids) == 0 || !c.kids[0].Is("", name) {
		return xmltree.Node{}, false
	}
	n := c.kids[0]
	c.kids = c.kids[1:]
	return n, true
}

// take takes the next child, which must have that name and no namespace.
func (c *cursor) take(name string) xmltree.Node {
	if n, ok := c.maybe(name); ok {
		return n
	}
	if c.d.err != nil {
		return xmltree.Node{}
	}
	switch {
	case len(c.kids) == 0:
		c.d.fail("element %s is missing", name)
	case c.kids[0].Local() == name:
		c.d.fail("element %s must be in no namespace", describe(c.kids[0]))
	default:
		c.d.fail("found element %s where %s belongs", describe(c.kids[0]), name)
	}
	return xmltree.Node{}
}

// describe names an element for an error.
func describe(n xmltree.Node) string {
	if n.Space() == "" {
		return wire.Clip(n.Local())
	}
	return wire.Clip(n.Local()) + " of namespace " + wire.Clip(n.Space())
}

// isNil reports xsi:nil.
func isNil(n xmltree.Node) bool {
	v, _ := n.Attr(schemaNS, "nil")
	v = strings.Trim(v, " \t\r\n")
	return v == "true" || v == "1"
}

// text is the content of a string element, as it is: nothing is trimmed. It is a
// copy, so that a field of a message does not keep the whole document alive.
func (d *decoder) text(n xmltree.Node) string {
	if d.err != nil {
		return ""
	}
	for c := range n.Children() {
		d.fail("%s holds element %s, want text", n.Local(), describe(c))
		return ""
	}
	s := n.Text()
	if s != "" && isNil(n) {
		d.fail("%s is xsi:nil and holds text", n.Local())
		return ""
	}
	return strings.Clone(s)
}

// number is the content of an integer element of that many bits. Blanks around
// it are refused, as legacy readers refuse them (wire contract 1.9).
func (d *decoder) number(n xmltree.Node, bits int) int64 {
	s := d.text(n)
	if d.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		d.fail("%s is %q, want an integer of %d bits", n.Local(), wire.Clip(s), bits)
	}
	return v
}

// boolean is true or false, in any case.
func (d *decoder) boolean(n xmltree.Node) bool {
	s := d.text(n)
	switch {
	case d.err != nil:
		return false
	case strings.EqualFold(s, "true"):
		return true
	case !strings.EqualFold(s, "false"):
		d.fail("%s is %q, want true or false", n.Local(), wire.Clip(s))
	}
	return false
}

package wssec

import (
	"slices"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// layout is where things stand in an envelope. Every element is found by its
// position, never by an id.
type layout struct {
	soap      string // namespace of the envelope
	security  xmltree.Node
	signature xmltree.Node
	payload   xmltree.Node        // the one child of Body
	part      [parts]xmltree.Node // what can be signed; invalid where absent
	final     bool                // the confirmation is in the namespace of the finished standard
}

// maxHeaders bounds the children of Header and of Security (wssec.md A19). More
// than one of a kind is refused anyway.
const maxHeaders = 16

// find checks the frame of an envelope: Envelope(Header, Body) and nothing
// else, each part at most once and in its place, one payload in Body (wssec.md
// 12, step 3, and A21). Which parts have to be there is for later. The namespaces are
// those that the envelope may be in.
func find(doc *xmltree.Document, spaces ...string) (layout, error) {
	root := doc.Root()
	l := layout{soap: root.Space()}
	if root.Local() != "Envelope" || !slices.Contains(spaces, l.soap) {
		return l, refuse(ErrShape, "no envelope of a version of SOAP that is spoken here")
	}
	var room [3][maxHeaders]xmltree.Node
	outer, err := children(room[0][:0], root, 2)
	if err != nil {
		return l, err
	}
	if len(outer) != 2 || !outer[0].Is(l.soap, "Header") || !outer[1].Is(l.soap, "Body") {
		return l, refuse(ErrShape, "Envelope is not Header and Body")
	}
	for _, n := range []xmltree.Node{root, outer[0]} {
		if err := onlyAttrs(n, "", ""); err != nil {
			return l, err
		}
	}
	l.part[body.index()] = outer[1]
	if err := onlyAttrs(outer[1], wsuNS, "Id"); err != nil {
		return l, err
	}
	inner, err := children(room[1][:0], outer[1], 1)
	if err != nil {
		return l, err
	}
	if len(inner) != 1 {
		return l, refuse(ErrShape, "Body is empty")
	}
	l.payload = inner[0]

	headers, err := children(room[2][:0], outer[0], maxHeaders)
	if err != nil {
		return l, err
	}
	for _, n := range headers {
		switch {
		case n.Is(wsseNS, "Security"):
			if err := once(&l.security, n); err != nil {
				return l, err
			}
		default:
			if err := l.place(n, authToken|to|messageID|relatesTo); err != nil {
				return l, err
			}
		}
	}
	if !l.security.Valid() {
		return l, refuse(ErrShape, "no Security")
	}
	return l, l.findSecurity()
}

func (l *layout) findSecurity() error {
	// An actor attribute, or a role as SOAP 1.2 calls it, would make the header somebody else's.
	if err := onlyAttrs(l.security, l.soap, "mustUnderstand"); err != nil {
		return err
	}
	var room [maxHeaders]xmltree.Node
	kids, err := children(room[:0], l.security, maxHeaders)
	if err != nil {
		return err
	}
	for _, n := range kids {
		if n.Is(dsig.Space, "Signature") {
			if err := once(&l.signature, n); err != nil {
				return err
			}
			continue
		}
		if n.Is(finalNS, "SignatureConfirmation") {
			if err := once(&l.part[confirmation.index()], n); err != nil {
				return err
			}
			l.final = true
			continue
		}
		if err := l.place(n, token|timestamp|confirmation); err != nil {
			return err
		}
	}
	if !l.signature.Valid() {
		return refuse(ErrUnsigned, "no Signature")
	}
	return nil
}

// place files n as the part it is, if parts of that kind may stand here.
func (l *layout) place(n xmltree.Node, allowed part) error {
	for i, info := range partInfo {
		if allowed.has(1<<i) && n.Is(info.space, info.local) {
			return once(&l.part[i], n)
		}
	}
	return refuse(ErrShape, "unexpected %.60q in %s", n.Local(), n.Parent().Local())
}

func once(slot *xmltree.Node, n xmltree.Node) error {
	if slot.Valid() {
		return refuse(ErrShape, "second %.60q", n.Local())
	}
	*slot = n
	return nil
}

// get is the part p, which must be a single one; invalid if it is absent.
func (l *layout) get(p part) xmltree.Node { return l.part[p.index()] }

// children appends to kids the elements in n, at most most, and nothing but
// white space between them.
func children(kids []xmltree.Node, n xmltree.Node, most int) ([]xmltree.Node, error) {
	for i := n.Index() + 1; i < n.End(); {
		c := n.Document().At(i)
		i = c.End()
		if c.IsText() {
			if strings.Trim(c.Data(), " \t\r\n") != "" {
				return nil, refuse(ErrShape, "text in %.60q", n.Local())
			}
			continue
		}
		if len(kids) == most {
			return nil, refuse(ErrShape, "too many children in %.60q", n.Local())
		}
		kids = append(kids, c)
	}
	return kids, nil
}

// onlyAttrs refuses any attribute of n but one; no attribute has an empty name,
// so an empty name allows none.
func onlyAttrs(n xmltree.Node, space, local string) error {
	for a := range n.Attrs() {
		if a.Space != space || a.Local != local {
			return refuse(ErrShape, "attribute %.60q of %.60q", a.Local, n.Local())
		}
	}
	return nil
}

// text is the text of an element that has no children.
func text(n xmltree.Node) (string, error) {
	for range n.Children() {
		return "", refuse(ErrShape, "element in %.60q", n.Local())
	}
	return n.Text(), nil
}

// ids are the elements of a document by their ids. Messages have few.
type ids struct {
	few   [16]idOf
	count int                     // of few
	more  map[string]xmltree.Node // those beyond
	last  xmltree.Node            // the element found last
}

type idOf struct {
	id   string
	node xmltree.Node
}

// get is the element of that id; invalid if there is none.
func (x *ids) get(id string) xmltree.Node {
	for i := range x.few[:x.count] {
		if x.few[i].id == id {
			return x.few[i].node
		}
	}
	return x.more[id]
}

func (x *ids) add(id string, n xmltree.Node) {
	x.last = n
	switch {
	case x.count < len(x.few):
		x.few[x.count] = idOf{id, n}
		x.count++
	case x.more == nil:
		x.more = map[string]xmltree.Node{id: n}
	default:
		x.more[id] = n
	}
}

// indexIDs finds the elements of a document that have ids. Anything that any stack
// takes for an id counts: wsu:Id, Id, ID, id and xml:id, in whatever namespace.
// An id used twice, or a second id of one element, makes it unclear what a
// reference means (wssec.md A3). XOP includes stand for octets elsewhere, so
// none may be near a digest (A29).
func indexIDs(doc *xmltree.Document) (x ids, err error) {
	if doc.Declares(xopNS) {
		for i := range doc.Len() {
			if doc.At(i).Is(xopNS, "Include") {
				return x, refuse(ErrShape, "XOP include")
			}
		}
	}
	for n, a := range doc.Attrs() {
		if len(a.Local) != 2 || !strings.EqualFold(a.Local, "id") {
			continue
		}
		if !dsig.ValidID(a.Value) {
			return x, refuse(ErrID, "id %.60q", a.Value)
		}
		if x.last == n || x.get(a.Value).Valid() {
			return x, refuse(ErrID, "id %.60q again", a.Value)
		}
		x.add(a.Value, n)
	}
	return x, nil
}

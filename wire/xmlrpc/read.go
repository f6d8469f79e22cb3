package xmlrpc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// extensions is the namespace of what Apache's library adds.
const extensions = "http://ws.apache.org/xmlrpc/namespaces/extensions"

// maxMethod bounds the octets of a method's name.
const maxMethod = 256

// Call is one call.
type Call struct {
	Method string
	Params []Value
}

// ParseCall reads a call, zipped or not. The error is an *[Error].
func ParseCall(body []byte, lim Limits) (Call, error) {
	r, root, err := open(body, lim)
	if err != nil {
		return Call{}, err
	}
	c := r.call(root)
	if r.err != nil {
		return Call{}, r.err
	}
	return c, nil
}

// ParseAnswer reads the answer to a call, zipped or not: the one value in it, which
// is nil when there is none, as in the answers of methods without a result. The error
// is a *[Fault] if the callee answered with one, and otherwise an *[Error].
func ParseAnswer(body []byte, lim Limits) (Value, error) {
	r, root, err := open(body, lim)
	if err != nil {
		return Value{}, err
	}
	v, fault := r.answer(root)
	switch {
	case r.err != nil:
		return Value{}, r.err
	case fault != nil:
		return Value{}, fault
	}
	return v, nil
}

// open scans a document.
func open(body []byte, lim Limits) (*reader, xmltree.Node, error) {
	lim = lim.Complete()
	body, err := Unzip(body, lim)
	if err != nil {
		return nil, xmltree.Node{}, err
	}
	// Scripts like to begin with an empty line, which XML does not.
	body = bytes.TrimLeft(body, " \t\r\n")
	if body, err = toUTF8(body, lim.Bytes); err != nil {
		return nil, xmltree.Node{}, err
	}
	doc, err := xmltree.Parse(body, lim.tree())
	if err != nil {
		e := &Error{Code: NotWellFormed, Offset: -1, Err: err}
		if errors.As(err, new(*xmltree.LimitError)) {
			e.Code = NotACall
		}
		return nil, xmltree.Node{}, e
	}
	return &reader{doc: doc}, doc.Root(), nil
}

// reader walks a document, whose depth the scanner has bounded. Its first error sticks;
// methods then give zero values until the walk is over.
type reader struct {
	doc *xmltree.Document
	err error
}

func (r *reader) fail(at xmltree.Node, format string, args ...any) {
	if r.err == nil {
		offset, _ := at.Span()
		r.err = &Error{Code: NotACall, Offset: offset, What: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) call(root xmltree.Node) (c Call) {
	if !root.Is("", "methodCall") {
		r.fail(root, "no methodCall but %s", name(root))
		return c
	}
	kids := r.kids(root, 2)
	if len(kids) == 0 || !kids[0].Is("", "methodName") {
		r.fail(root, "no methodName")
		return c
	}
	c.Method = r.method(kids[0])
	if len(kids) == 2 {
		c.Params = r.params(kids[1])
	}
	return c
}

// method reads the name of a method: the characters of the specification, and the
// hyphen.
func (r *reader) method(n xmltree.Node) string {
	s := strings.Trim(r.text(n), " \t\r\n")
	if r.err == nil && !ValidMethod(s) {
		r.fail(n, "no name of a method")
	}
	return s
}

// ValidMethod reports whether s may name a method.
func ValidMethod(s string) bool {
	if s == "" || len(s) > maxMethod {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("_.:/-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func (r *reader) params(n xmltree.Node) []Value {
	if !n.Is("", "params") {
		r.fail(n, "found %s where params belong", name(n))
		return nil
	}
	kids := r.kids(n, 0)
	out := make([]Value, 0, len(kids))
	for _, p := range kids {
		if !p.Is("", "param") {
			r.fail(p, "found %s where param belongs", name(p))
			return nil
		}
		out = append(out, r.only(p))
	}
	return out
}

// only is the one value inside n.
func (r *reader) only(n xmltree.Node) Value {
	kids := r.kids(n, 1)
	if len(kids) == 0 || !kids[0].Is("", "value") {
		r.fail(n, "no value in %s", name(n))
		return Value{}
	}
	return r.value(kids[0])
}

func (r *reader) answer(root xmltree.Node) (Value, *Fault) {
	if !root.Is("", "methodResponse") {
		r.fail(root, "no methodResponse but %s", name(root))
		return Value{}, nil
	}
	kids := r.kids(root, 1)
	switch {
	case len(kids) == 0:
		r.fail(root, "an answer without params and fault")
	case kids[0].Is("", "fault"):
		return Value{}, r.fault(kids[0])
	default:
		switch values := r.params(kids[0]); len(values) {
		case 0:
		case 1:
			return values[0], nil
		default:
			r.fail(kids[0], "an answer of %d values", len(values))
		}
	}
	return Value{}, nil
}

// fault reads a fault. Both members are there in all that is sent; a code that is no
// number, and a text that is none, are read as what they most resemble.
func (r *reader) fault(n xmltree.Node) *Fault {
	v := r.only(n)
	if r.err == nil && v.kind != KindStruct {
		r.fail(n, "a fault that is no struct")
	}
	code, _ := v.Member("faultCode").Number()
	text, _ := v.Member("faultString").Raw()
	return &Fault{Code: int32(code), Text: strings.ToValidUTF8(text, "\uFFFD")}
}

// value reads a value element.
func (r *reader) value(n xmltree.Node) (v Value) {
	if r.err != nil {
		return v
	}
	i, end := n.Index()+1, n.End()
	if i == end {
		return String("")
	}
	first := r.doc.At(i)
	if first.End() == end {
		if first.IsText() {
			return String(first.Data())
		}
		return r.typed(first)
	}
	// Several nodes: white space around an element, or a text with CDATA in it.
	var element xmltree.Node
	for ; i < end; i = r.doc.At(i).End() {
		if c := r.doc.At(i); !c.IsText() {
			if element.Valid() {
				r.fail(c, "a second type in one value")
				return v
			}
			element = c
		}
	}
	if !element.Valid() {
		return String(n.Text())
	}
	if strings.Trim(n.Text(), " \t\r\n") != "" {
		r.fail(n, "text beside the type of a value")
		return v
	}
	return r.typed(element)
}

// typed reads the element inside a value.
func (r *reader) typed(n xmltree.Node) (v Value) {
	if space := n.Space(); space != "" {
		if space != extensions {
			r.fail(n, "no type %s", name(n))
			return v
		}
		return r.extended(n)
	}
	switch n.Local() {
	case "string":
		return String(r.text(n))
	case "int", "i4", "i8", "i2", "i1":
		return r.integer(n)
	case "boolean":
		return r.boolean(n)
	case "double":
		return r.double(n)
	case "base64":
		return r.base64(n)
	case "dateTime.iso8601":
		return r.date(n)
	case "nil":
		return r.null(n)
	case "array":
		return r.array(n)
	case "struct":
		return r.structure(n)
	}
	r.fail(n, "no type %s", name(n))
	return v
}

// extended reads a type of Apache's namespace.
func (r *reader) extended(n xmltree.Node) (v Value) {
	switch n.Local() {
	case "i8", "i2", "i1":
		return r.integer(n)
	case "float":
		return r.double(n)
	case "nil":
		return r.null(n)
	case "dateTime":
		return r.date(n)
	}
	r.fail(n, "no type %s", name(n)) // serialized Java objects too: nobody unpacks those
	return v
}

func (r *reader) array(n xmltree.Node) Value {
	v := Value{kind: KindArray}
	kids := r.kids(n, 1)
	if len(kids) == 0 { // <array/>, as some write an empty one
		return v
	}
	if !kids[0].Is("", "data") {
		r.fail(kids[0], "found %s where data belongs", name(kids[0]))
		return v
	}
	for c := range r.each(kids[0]) {
		if !c.Is("", "value") {
			r.fail(c, "found %s where value belongs", name(c))
			return v
		}
		v.list = append(v.list, Member{Value: r.value(c)})
		if r.err != nil {
			return v
		}
	}
	return v
}

func (r *reader) structure(n xmltree.Node) Value {
	v := Value{kind: KindStruct}
	for c := range r.each(n) {
		if !c.Is("", "member") {
			r.fail(c, "found %s where member belongs", name(c))
			return v
		}
		v.list = append(v.list, r.member(c))
		if r.err != nil {
			return v
		}
	}
	if again, ok := repeated(v.list); ok {
		r.fail(n, "two members named %.64q", again)
	}
	return v
}

// member reads the name and the value of a member, in either order.
func (r *reader) member(n xmltree.Node) (m Member) {
	var name, value xmltree.Node
	for c := range r.each(n) {
		switch {
		case c.Is("", "name") && !name.Valid():
			name = c
		case c.Is("", "value") && !value.Valid():
			value = c
		default:
			r.fail(c, "a member is a name and a value")
			return m
		}
	}
	if !name.Valid() || !value.Valid() {
		r.fail(n, "a member is a name and a value")
		return m
	}
	return Member{r.text(name), r.value(value)}
}

// repeated finds a name that two members have. Readers differ on which of them
// counts, and so two could understand one message in two ways.
func repeated(list []Member) (string, bool) {
	if len(list) <= 12 {
		for i := range list {
			for j := range list[:i] {
				if list[i].Name == list[j].Name {
					return list[i].Name, true
				}
			}
		}
		return "", false
	}
	seen := make(map[string]struct{}, len(list))
	for i := range list {
		if _, again := seen[list[i].Name]; again {
			return list[i].Name, true
		}
		seen[list[i].Name] = struct{}{}
	}
	return "", false
}

// each gives the elements inside n, between which only white space may stand.
func (r *reader) each(n xmltree.Node) func(func(xmltree.Node) bool) {
	return func(yield func(xmltree.Node) bool) {
		for i, end := n.Index()+1, n.End(); i < end && r.err == nil; {
			c := r.doc.At(i)
			i = c.End()
			switch {
			case !c.IsText():
				if !yield(c) {
					return
				}
			case strings.Trim(c.Data(), " \t\r\n") != "":
				r.fail(c, "text between elements of %s", name(n))
			}
		}
	}
}

// kids are the elements inside n. More than most are an error, unless most is 0.
func (r *reader) kids(n xmltree.Node, most int) (kids []xmltree.Node) {
	for c := range r.each(n) {
		if most > 0 && len(kids) == most {
			r.fail(c, "unexpected %s", name(c))
			break
		}
		kids = append(kids, c)
	}
	return kids
}

// text is the content of an element that holds nothing else. Nothing is trimmed.
func (r *reader) text(n xmltree.Node) string {
	if r.err != nil {
		return ""
	}
	for c := range n.Children() {
		r.fail(c, "%s inside %s", name(c), name(n))
		return ""
	}
	return n.Text()
}

// name is what an element is called, for an error.
func name(n xmltree.Node) string {
	s := n.Local()
	if len(s) > 40 {
		s = s[:40]
	}
	s = strings.ToValidUTF8(s, "")
	if n.Space() != "" {
		return s + " of another namespace"
	}
	return s
}

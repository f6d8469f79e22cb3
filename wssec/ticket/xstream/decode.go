package xstream

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire/xmltree"
)

// Limits of a text (tickets 13.2). Other sizes follow from the length.
const (
	MaxText       = 256 << 10 // octets
	MaxLevels     = 16        // delegations, and certificates above one another
	MaxProperties = 1024      // in all delegations together
	maxElements   = 8192
)

// ErrText is wrapped by errors about a text that legacy readers refuse too, or
// that this one refuses although they do not (see the package comment).
var ErrText = errors.New("not a ticket a legacy actor writes")

// ErrLimit is wrapped by errors about a text that is over a limit, which they
// name.
var ErrLimit = errors.New("over the limit")

// Parse reads the text of a ticket. It checks the form only: records may lack
// anything and contradict one another.
func Parse(text string) (*Ticket, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%w: %d octets of text, at most %d", ErrLimit, len(text), MaxText)
	}
	lim := xmltree.DefaultLimits()
	lim.Bytes, lim.Text, lim.Elements, lim.Depth = MaxText, MaxText, maxElements, MaxLevels+16
	doc, err := xmltree.Parse([]byte(text), lim)
	if err != nil {
		var over *xmltree.LimitError
		if errors.As(err, &over) {
			return nil, fmt.Errorf("%w: %w", ErrLimit, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	r := reader{}
	t := r.ticket(doc.Root())
	if r.err != nil {
		return nil, r.err
	}
	return t, nil
}

// reader keeps the first error, so that reading an object looks like the object.
// After an error its answers mean nothing.
type reader struct {
	err        error
	properties int
}

func (r *reader) fail(n xmltree.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s: %s", ErrText, path(n), fmt.Sprintf(format, args...))
	}
}

func (r *reader) over(n xmltree.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s: %s", ErrLimit, path(n), fmt.Sprintf(format, args...))
	}
}

// path says where n is, for messages.
func path(n xmltree.Node) string {
	var names []string
	for ; n.Valid() && len(names) < 4; n = n.Parent() {
		names = append([]string{clip(n.Local())}, names...)
	}
	return strings.Join(names, "/")
}

func clip(s string) string {
	if len(s) > 48 {
		return s[:48] + "…"
	}
	return s
}

// alias reports whether an element is of a class, by its short name or the
// name of the class itself.
func alias(n xmltree.Node, short, class string) bool {
	return n.Space() == "" && (n.Local() == short || n.Local() == class)
}

func (r *reader) ticket(n xmltree.Node) *Ticket {
	t := &Ticket{}
	names := []string{"delegations"}
	switch {
	case alias(n, "ticket", packageName+"ResourceTicket"):
		t.Form = Simple
	case alias(n, "sharpTicket", packageName+"SharpResourceTicket"):
		t.Form = Sharp
		names = append(names, "certificate", "otherCertificates")
	default:
		r.fail(n, "no ticket")
		return nil
	}
	f := r.fields(n, names...)
	t.Bare = !f["delegations"].Valid()
	for item := range r.items(f["delegations"]) {
		if len(t.Delegations) == MaxLevels {
			r.over(item, "more than %d delegations", MaxLevels)
			return nil
		}
		d := r.delegation(item)
		if d != nil && d.Signed && t.Form == Simple {
			t.Form = Signed
		}
		t.Delegations = append(t.Delegations, d)
	}
	if c := f["certificate"]; c.Valid() {
		t.Certificate = r.certificate(c, 1)
	}
	if o := f["otherCertificates"]; o.Valid() {
		t.Others = []*Certificate{}
		for item := range r.items(o) {
			switch {
			case null(item):
				t.Others = append(t.Others, nil)
			case item.Is("", certificateItem):
				if len(t.Others) == MaxLevels {
					r.over(item, "more than %d certificates", MaxLevels)
					return nil
				}
				t.Others = append(t.Others, r.certificate(item, 1))
			default:
				r.fail(item, "no certificate")
			}
		}
	}
	return t
}

func null(n xmltree.Node) bool { return n.Is("", "null") }

func (r *reader) delegation(n xmltree.Node) *Delegation {
	d := &Delegation{}
	names := []string{"guid", "term", "units", "vector", "type", "properties", "issuer", "holder", "sources", "bins"}
	switch {
	case null(n):
		return nil
	case alias(n, "signedDelegation", packageName+"SignedResourceDelegation"):
		d.Signed = true
		names = append(names, "signature")
	case !alias(n, "delegation", packageName+"ResourceDelegation"):
		r.fail(n, "no delegation")
		return nil
	}
	f := r.fields(n, names...)
	d.GUID = r.text(f["guid"])
	d.Term = r.term(f["term"])
	d.Units = r.int(f["units"])
	d.Vector = r.vector(f["vector"])
	d.Type = r.typ(f["type"])
	d.Properties = r.table(f["properties"], 0)
	d.Issuer, d.Holder = r.text(f["issuer"]), r.text(f["holder"])
	if s := f["sources"]; s.Valid() {
		d.Sources = []string{}
		for item := range r.items(s) {
			switch {
			case null(item):
				d.Sources = append(d.Sources, "")
			case alias(item, "id", "orca.util.ID"):
				d.Sources = append(d.Sources, r.text(item))
			default:
				r.fail(item, "no id")
			}
		}
	}
	if b := f["bins"]; b.Valid() {
		d.Bins = []*Bin{}
		for item := range r.items(b) {
			d.Bins = append(d.Bins, r.bin(item))
		}
	}
	if s := f["signature"]; s.Valid() {
		f := r.fields(s, "signature", "ts")
		d.Signature = &Signature{Value: r.text(f["signature"]), Time: r.date(f["ts"])}
	}
	return d
}

func (r *reader) term(n xmltree.Node) *Term {
	if !n.Valid() {
		return nil
	}
	f := r.fields(n, "startTime", "endTime", "newStartTime")
	return &Term{Start: r.date(f["startTime"]), End: r.date(f["endTime"]), NewStart: r.date(f["newStartTime"])}
}

func (r *reader) vector(n xmltree.Node) *Vector {
	if !n.Valid() {
		return nil
	}
	v := &Vector{}
	if in := r.fields(n, "vector")["vector"]; in.Valid() {
		v.Values = []int32{}
		for item := range r.items(in) {
			if !item.Is("", "int") {
				r.fail(item, "no int")
				return nil
			}
			v.Values = append(v.Values, r.int(item))
		}
	}
	return v
}

// typ reads the three ways a type is written: as an attribute, as an element
// inside, and as text, which legacy readers drop (tickets 3.3).
func (r *reader) typ(n xmltree.Node) *Type {
	if !n.Valid() {
		return nil
	}
	r.attributes(n)
	if name, ok := n.Attr("", "type"); ok {
		if n.End() != n.Index()+1 {
			r.fail(n, "a type in two places")
		}
		return &Type{Name: name}
	}
	for range n.Children() {
		if in := r.fields(n, "type")["type"]; in.Valid() {
			r.attributes(in)
			r.flat(in)
			return &Type{Name: in.Text()}
		}
	}
	return &Type{Null: true}
}

func (r *reader) table(n xmltree.Node, behind int) *Properties {
	if !n.Valid() {
		return nil
	}
	if behind == 4 {
		r.over(n, "more than 4 tables behind one another")
		return nil
	}
	p := &Properties{}
	seen := make(map[string]bool)
	for item := range r.items(n) {
		if item.Is("", "defaults") && p.Defaults == nil {
			p.Defaults = r.table(item, behind+1)
			continue
		}
		name, named := item.Attr("", "name")
		value, valued := item.Attr("", "value")
		switch {
		case !item.Is("", "property") || !named || !valued:
			r.fail(item, "no property with a name and a value")
			return nil
		case item.End() != item.Index()+1:
			r.fail(item, "property with content")
			return nil
		case seen[name]:
			r.fail(item, "property %q twice", clip(name))
			return nil
		}
		r.attributes(item)
		if r.properties++; r.properties > MaxProperties {
			r.over(item, "more than %d properties", MaxProperties)
			return nil
		}
		seen[name] = true
		p.List = append(p.List, Property{name, value})
	}
	return p
}

func (r *reader) bin(n xmltree.Node) *Bin {
	if null(n) {
		return nil
	}
	if !alias(n, "bin", packageName+"ResourceBin") {
		r.fail(n, "no bin")
		return nil
	}
	f := r.fields(n, "guid", "parentGuid", "physicalUnits", "vector", "term")
	return &Bin{
		GUID: r.text(f["guid"]), ParentGUID: r.text(f["parentGuid"]), Units: r.int(f["physicalUnits"]),
		Vector: r.vector(f["vector"]), Term: r.term(f["term"]),
	}
}

func (r *reader) certificate(n xmltree.Node, level int) *Certificate {
	if level > MaxLevels {
		r.over(n, "more than %d certificates", MaxLevels)
		return nil
	}
	f := r.fields(n, "id", "ts", "issuerCertificate", "holderCertificate", "signature")
	c := &Certificate{ID: r.text(f["id"]), Time: r.date(f["ts"])}
	if in := f["issuerCertificate"]; in.Valid() {
		c.Issuer = r.certificate(in, level+1)
	}
	if h := f["holderCertificate"]; h.Valid() {
		c.Holder = r.holder(h)
	}
	c.Signature = r.blob(f["signature"])
	return c
}

// holder reads an X.509 certificate as Java replaces it (tickets 3.4). Which
// class it had at the writer says nothing.
func (r *reader) holder(n xmltree.Node) *Blob {
	class, _ := n.Attr("", "class")
	resolves, ok := n.Attr("", "resolves-to")
	if !ok {
		resolves = class
	}
	if resolves != certificateRep {
		r.fail(n, "neither class nor resolves-to is %s", certificateRep)
		return nil
	}
	f := r.elements(n, "type", "data")
	if r.text(f["type"]) != "X.509" {
		r.fail(n, "certificate of another type than X.509")
	}
	b := r.blob(f["data"])
	if b == nil {
		r.fail(n, "no data")
	}
	return b
}

func (r *reader) blob(n xmltree.Node) *Blob {
	s := r.text(n)
	if s == "" {
		return nil
	}
	// The standard library skips line breaks; trim what a pretty printer adds.
	b, err := base64.StdEncoding.DecodeString(strings.Trim(s, " \t\n"))
	if err != nil || len(b) == 0 {
		r.fail(n, "no Base64")
		return nil
	}
	return &Blob{Octets: b, Lines: strings.Contains(s, "\n")}
}

// Octets decodes the signature; nil when its text is no Base64.
func (s *Signature) Octets() []byte {
	b, err := base64.StdEncoding.DecodeString(strings.Trim(s.Value, " \t\n"))
	if err != nil {
		return nil
	}
	return b
}

// text is the text of an element without children. Absent is empty; present and
// empty is refused, because no legacy writer leaves it so.
func (r *reader) text(n xmltree.Node) string {
	if !n.Valid() {
		return ""
	}
	r.attributes(n)
	r.flat(n)
	s := n.Text()
	if s == "" {
		r.fail(n, "empty")
	}
	return s
}

func (r *reader) flat(n xmltree.Node) {
	for c := range n.Children() {
		r.fail(c, "element in a text")
		return
	}
}

// int reads a number as it is written. The library takes octal and hexadecimal
// too, where two readers would differ about a text.
func (r *reader) int(n xmltree.Node) int32 {
	if !n.Valid() {
		return 0
	}
	s := r.text(n)
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil || strconv.FormatInt(v, 10) != s {
		r.fail(n, "%q is no number of 32 bits", clip(s))
		return 0
	}
	return int32(v)
}

func (r *reader) date(n xmltree.Node) Date {
	if !n.Valid() {
		return Date{}
	}
	s := r.text(n)
	ms, err := ParseDate(s)
	if err != nil {
		r.fail(n, "%q is no date", clip(s))
	}
	return At(ms)
}

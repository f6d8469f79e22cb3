package ticket

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"iter"
	"strconv"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/ticket/xstream"
)

// limits is what the text of a ticket may make the XML scanner spend.
func limits() xmltree.Limits {
	lim := xmltree.DefaultLimits()
	lim.Bytes = MaxText
	lim.Depth = MaxRecords + 8 // certificates nest, one level each
	lim.Elements = MaxRecords*32 + MaxProperties
	lim.Text = MaxText
	return lim
}

// parse reads the text of a chain, newest link first, and refuses any text that
// is not exactly what appendTicket would write. It checks no signature.
func parse(text string) ([]link, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%w: %d octets of text, at most %d", ErrLimit, len(text), MaxText)
	}
	src := []byte(text)
	doc, err := xmltree.Parse(src, limits())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	root := doc.Root()
	if !root.Is("", "sharpTicket") {
		return nil, fmt.Errorf("%w: root element is %q", ErrMalformed, clip(root.Local()))
	}
	if s, _ := root.Attr("", "scheme"); s != scheme {
		return nil, fmt.Errorf("%w: signature scheme %q, want %q", ErrMalformed, clip(s), scheme)
	}
	chain, err := readRecords(root.Child("", "delegations"))
	if err != nil {
		return nil, err
	}
	if err := readCertificates(root.Child("", "certificate"), chain); err != nil {
		return nil, err
	}
	if again := appendTicket(make([]byte, 0, len(src)), chain); !bytes.Equal(again, src) {
		return nil, fmt.Errorf("%w: not in canonical form from octet %d on", ErrMalformed, differ(again, src))
	}
	return chain, nil
}

func readRecords(list xmltree.Node) ([]link, error) {
	if !list.Valid() {
		return nil, fmt.Errorf("%w: no delegations", ErrMalformed)
	}
	var chain []link
	properties := 0
	for n := range list.Children() {
		if len(chain) == MaxRecords {
			return nil, fmt.Errorf("%w: more than %d records", ErrLimit, MaxRecords)
		}
		l, err := readRecord(n)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(chain), err)
		}
		if properties += len(l.Properties); properties > MaxProperties {
			return nil, fmt.Errorf("%w: more than %d properties", ErrLimit, MaxProperties)
		}
		chain = append(chain, l)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%w: no records", ErrMalformed)
	}
	return chain, nil
}

func readRecord(n xmltree.Node) (link, error) {
	var l link
	if !n.Is("", "signedDelegation") {
		return l, fmt.Errorf("%w: element %q instead of a record", ErrMalformed, clip(n.Local()))
	}
	f := fields{next: n.Children()}
	l.GUID = f.text("guid")
	term := fields{next: f.node("term").Children()}
	l.Start, l.End, l.NewStart = term.date("startTime"), term.date("endTime"), term.date("newStartTime")
	l.Units = f.int("units")
	l.Type = f.attr("type", "type")
	l.Properties = f.properties()
	l.Issuer, l.Holder = f.text("issuer"), f.text("holder")
	sig := fields{next: f.node("signature").Children()}
	l.signature = sig.base64("signature")
	if err := first(f.err, term.err, sig.err); err != nil {
		return l, err
	}
	return l, l.check()
}

// readCertificates fills in the holders' certificates: level k belongs to
// record k, and there are as many levels as records (tickets 13.2).
func readCertificates(n xmltree.Node, chain []link) error {
	for k := range chain {
		if !n.Valid() {
			return fmt.Errorf("%w: %d records but %d certificates", ErrMalformed, len(chain), k)
		}
		holder := n.Child("", "holderCertificate")
		if !holder.Valid() || !holder.Child("", "data").Valid() {
			return fmt.Errorf("%w: certificate %d is empty", ErrMalformed, k)
		}
		der, err := decode64(holder.Child("", "data").Text())
		if err != nil {
			return fmt.Errorf("certificate %d: %w", k, err)
		}
		chain[k].der = der
		n = n.Child("", "issuerCertificate")
	}
	if n.Valid() {
		return fmt.Errorf("%w: more certificates than records", ErrMalformed)
	}
	return nil
}

// fields reads children that come in a fixed order and keeps the first error,
// so that reading a record looks like the record.
type fields struct {
	next iter.Seq[xmltree.Node]
	all  []xmltree.Node
	at   int
	err  error
}

func (f *fields) node(name string) xmltree.Node {
	if f.all == nil && f.next != nil {
		for n := range f.next {
			f.all = append(f.all, n)
		}
		f.next = nil
	}
	if f.at < len(f.all) && f.all[f.at].Is("", name) {
		f.at++
		return f.all[f.at-1]
	}
	f.fail("no %s where it belongs", name)
	return xmltree.Node{}
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

func (f *fields) text(name string) string {
	if n := f.node(name); n.Valid() {
		return n.Text()
	}
	return ""
}

func (f *fields) attr(name, attr string) string {
	n := f.node(name)
	if !n.Valid() {
		return ""
	}
	v, ok := n.Attr("", attr)
	if !ok {
		f.fail("%s without %s", name, attr)
	}
	return v
}

func (f *fields) int(name string) int {
	s := f.text(name)
	v, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		f.fail("%s %q is no number", name, clip(s))
	}
	return int(v)
}

func (f *fields) date(name string) int64 {
	s := f.text(name)
	ms, err := readDate(s)
	if err != nil {
		f.fail("%s %q is no date", name, clip(s))
	}
	return ms
}

func (f *fields) base64(name string) []byte {
	b, err := decode64(f.text(name))
	if f.err == nil {
		f.err = err
	}
	return b
}

func (f *fields) properties() map[string]string {
	n := f.node("properties")
	if !n.Valid() {
		return nil
	}
	var out map[string]string
	for p := range n.Children() {
		name, named := p.Attr("", "name")
		value, valued := p.Attr("", "value")
		if !p.Is("", "property") || !named || !valued {
			f.fail("properties hold something else")
			return nil
		}
		if out == nil {
			out = make(map[string]string)
		}
		out[name] = value // a repeated name makes the text differ from its canonical form
	}
	return out
}

// decode64 reads Base64 whatever its line breaks; canonical form settles those.
func decode64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: Base64: %w", ErrMalformed, err)
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty Base64", ErrMalformed)
	}
	return b, nil
}

// readDate reads what xstream.FormatDate writes and no other spelling.
func readDate(s string) (int64, error) {
	ms, err := xstream.ParseDate(s)
	if err != nil || xstream.FormatDate(ms) != s {
		return 0, ErrMalformed
	}
	return ms, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// differ is the first index at which a and b are not the same.
func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

package xstream

import (
	"encoding/base64"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// What the library writes of an X.509 certificate (tickets 3.4).
const (
	certificateClass = "sun.security.x509.X509CertImpl"
	certificateRep   = "java.security.cert.Certificate$CertificateRep"
	certificateItem  = packageName + "SharpCertificate"
	packageName      = "orca.shirako.common.delegation."
)

// Append writes the ticket (tickets 3.2): no declaration, two spaces for each
// level, LF, nothing after the last tag.
func (t *Ticket) Append(dst []byte) []byte {
	w := writer{dst: dst}
	name := "ticket"
	if t.Form == Sharp {
		name = "sharpTicket"
	}
	if t.Bare && t.Certificate == nil && t.Others == nil {
		w.empty(name)
		return w.dst
	}
	w.open(name)
	if !t.Bare {
		w.list("delegations", len(t.Delegations), func(i int) { w.delegation(t.Delegations[i], true) })
	}
	if t.Certificate != nil {
		w.certificate("certificate", t.Certificate)
	}
	if t.Others != nil {
		w.list("otherCertificates", len(t.Others), func(i int) {
			if t.Others[i] == nil {
				w.empty("null")
				return
			}
			w.certificate(certificateItem, t.Others[i])
		})
	}
	w.shut(name)
	return w.dst
}

// SignedBytes is what the signature of a delegation covers: the delegation
// alone, without its signature (tickets 4.1.2). The properties are in the order
// of the text; try others with [Properties.Orders].
func (d *Delegation) SignedBytes() []byte {
	w := writer{}
	w.delegation(d, false)
	return w.dst
}

// writer is the pretty printer. An element that gets no content is written as
// an empty one, so start tags stay open until something follows.
type writer struct {
	dst   []byte
	level int
}

const spaces = "                                                                " // 32 levels; a ticket has fewer

func (w *writer) line() {
	if len(w.dst) == 0 {
		return
	}
	w.dst = append(w.dst, '\n')
	for n := 2 * w.level; n > 0; n -= len(spaces) {
		w.dst = append(w.dst, spaces[:min(n, len(spaces))]...)
	}
}

func (w *writer) open(name string) {
	w.line()
	w.dst = append(append(append(w.dst, '<'), name...), '>')
	w.level++
}

func (w *writer) shut(name string) {
	w.level--
	w.line()
	w.dst = append(append(append(w.dst, "</"...), name...), '>')
}

func (w *writer) empty(name string) {
	w.line()
	w.dst = append(append(append(w.dst, '<'), name...), "/>"...)
}

func (w *writer) leaf(name, text string) {
	w.line()
	w.dst = append(append(append(w.dst, '<'), name...), '>')
	w.dst = escape(w.dst, text, false)
	w.dst = append(append(append(w.dst, "</"...), name...), '>')
}

// optional is a leaf that is absent when its text is empty.
func (w *writer) optional(name, text string) {
	if text != "" {
		w.leaf(name, text)
	}
}

func (w *writer) int(name string, n int32) { w.leaf(name, strconv.Itoa(int(n))) }

func (w *writer) date(name string, d Date) {
	if d.Set {
		w.leaf(name, FormatDate(d.Millis))
	}
}

// list is an element with n items, or an empty element.
func (w *writer) list(name string, n int, item func(int)) {
	if n == 0 {
		w.empty(name)
		return
	}
	w.open(name)
	for i := range n {
		item(i)
	}
	w.shut(name)
}

func (w *writer) delegation(d *Delegation, sealed bool) {
	if d == nil {
		w.empty("null")
		return
	}
	name := "delegation"
	if d.Signed {
		name = "signedDelegation"
	}
	w.open(name)
	w.optional("guid", d.GUID)
	w.term(d.Term)
	w.int("units", d.Units)
	w.vector(d.Vector)
	w.typ(d.Type)
	w.properties("properties", d.Properties)
	w.optional("issuer", d.Issuer)
	w.optional("holder", d.Holder)
	if d.Sources != nil {
		w.list("sources", len(d.Sources), func(i int) {
			if d.Sources[i] == "" {
				w.empty("null")
				return
			}
			w.leaf("id", d.Sources[i])
		})
	}
	if d.Bins != nil {
		w.list("bins", len(d.Bins), func(i int) { w.bin(d.Bins[i]) })
	}
	if sealed && d.Signature != nil {
		s := d.Signature
		if s.Value == "" && !s.Time.Set {
			w.empty("signature")
		} else {
			w.open("signature")
			w.optional("signature", s.Value)
			w.date("ts", s.Time)
			w.shut("signature")
		}
	}
	w.shut(name)
}

func (w *writer) term(t *Term) {
	switch {
	case t == nil:
	case !t.Start.Set && !t.End.Set && !t.NewStart.Set:
		w.empty("term")
	default:
		w.open("term")
		w.date("startTime", t.Start)
		w.date("endTime", t.End)
		w.date("newStartTime", t.NewStart)
		w.shut("term")
	}
}

// vector writes the object and, in it, its one field of the same name (E10).
func (w *writer) vector(v *Vector) {
	switch {
	case v == nil:
	case v.Values == nil:
		w.empty("vector")
	default:
		w.open("vector")
		w.list("vector", len(v.Values), func(i int) { w.int("int", v.Values[i]) })
		w.shut("vector")
	}
}

func (w *writer) typ(t *Type) {
	switch {
	case t == nil:
	case t.Null:
		w.empty("type")
	default:
		w.line()
		w.dst = append(w.dst, `<type type="`...)
		w.dst = append(escape(w.dst, t.Name, true), `"/>`...)
	}
}

func (w *writer) properties(name string, p *Properties) {
	if p == nil {
		return
	}
	if len(p.List) == 0 && p.Defaults == nil {
		w.empty(name)
		return
	}
	w.open(name)
	for _, q := range p.List {
		w.line()
		w.dst = append(w.dst, `<property name="`...)
		w.dst = append(escape(w.dst, q.Name, true), `" value="`...)
		w.dst = append(escape(w.dst, q.Value, true), `"/>`...)
	}
	w.properties("defaults", p.Defaults)
	w.shut(name)
}

func (w *writer) bin(b *Bin) {
	if b == nil {
		w.empty("null")
		return
	}
	w.open("bin")
	w.optional("guid", b.GUID)
	w.optional("parentGuid", b.ParentGUID)
	w.int("physicalUnits", b.Units)
	w.vector(b.Vector)
	w.term(b.Term)
	w.shut("bin")
}

func (w *writer) certificate(name string, c *Certificate) {
	if c.ID == "" && !c.Time.Set && c.Issuer == nil && c.Holder == nil && c.Signature == nil {
		w.empty(name)
		return
	}
	w.open(name)
	w.optional("id", c.ID)
	w.date("ts", c.Time)
	if c.Issuer != nil {
		w.certificate("issuerCertificate", c.Issuer)
	}
	if c.Holder != nil {
		w.line()
		w.dst = append(w.dst, `<holderCertificate class="`+certificateClass+`" resolves-to="`+certificateRep+`">`...)
		w.level++
		w.leaf("type", "X.509")
		w.blob("data", c.Holder)
		w.shut("holderCertificate")
	}
	if c.Signature != nil {
		w.blob("signature", c.Signature)
	}
	w.shut(name)
}

func (w *writer) blob(name string, b *Blob) {
	if b.Lines {
		w.leaf(name, Lines(b.Octets))
		return
	}
	w.leaf(name, base64.StdEncoding.EncodeToString(b.Octets))
}

// Lines is Base64 broken by a line feed after each 76 characters, none at the
// end (tickets 4.1.5).
func Lines(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	out := make([]byte, 0, len(s)+len(s)/76)
	for len(s) > 76 {
		out = append(append(out, s[:76]...), '\n')
		s = s[76:]
	}
	return string(append(out, s...))
}

// escape writes text or an attribute value (tickets E16). Java looks at UTF-16
// units, so beyond the basic plane, where units are halves of a pair, every
// character is written as it is; in it, those Unicode has not assigned become
// references. Which ones these are differs between releases of Java and Go.
func escape(dst []byte, s string, attribute bool) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"':
			dst = append(dst, "&quot;"...)
		case c == '\'':
			dst = append(dst, "&apos;"...)
		case !attribute && (c == '\n' || c == '\t'), c >= ' ' && c < 0x7f:
			dst = append(dst, byte(c))
		case c < 0xa0, c <= 0xffff && !assigned(c):
			dst = append(dst, "&#x"...)
			dst = append(strconv.AppendInt(dst, int64(c), 16), ';')
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}

func assigned(c rune) bool {
	return unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z,
		unicode.Cc, unicode.Cf, unicode.Co)
}

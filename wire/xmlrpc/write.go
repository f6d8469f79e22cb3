package xmlrpc

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
)

// Dialect is what a peer reads beyond the types that all peers do. The zero Dialect
// is the lowest: no i8 and no nil (xmlrpc-leasing 6.2).
type Dialect struct {
	Long Spelling // of i8
	Nil  Spelling // of nil
	Bare bool     // strings without their element, as Apache's library writes them
}

// Spelling is how a type that the specification lacks is written.
type Spelling uint8

// The spellings.
const (
	Never  Spelling = iota // not at all: a value that needs it is an error
	Plain                  // i8, nil
	Apache                 // ex:i8, ex:nil, of the namespace of Apache's extensions
)

const declaration = `<?xml version="1.0" encoding="UTF-8"?>`

// AppendCall appends a call. The error, of type *wire.Error, says what the dialect
// cannot carry; dst is then returned as it was.
func AppendCall(dst []byte, c Call, d Dialect) ([]byte, error) {
	if !ValidMethod(c.Method) {
		return dst, &wire.Error{What: fmt.Sprintf("no name of a method: %.64q", c.Method)}
	}
	w := writer{dst: append(dst, declaration...), Dialect: d}
	w.root("methodCall")
	w.raw("<methodName>")
	w.raw(c.Method)
	w.raw("</methodName>")
	w.params(c.Params)
	w.raw("</methodCall>")
	return w.done(dst)
}

// AppendAnswer appends an answer of one value.
func AppendAnswer(dst []byte, v Value, d Dialect) ([]byte, error) {
	w := writer{dst: append(dst, declaration...), Dialect: d}
	w.root("methodResponse")
	w.params([]Value{v})
	w.raw("</methodResponse>")
	return w.done(dst)
}

// AppendFault appends an answer that is a fault. It can always be written:
// characters that XML cannot carry are replaced.
func AppendFault(dst []byte, f Fault, d Dialect) []byte {
	w := writer{dst: append(dst, declaration...), Dialect: Dialect{Bare: d.Bare}}
	w.raw("<methodResponse><fault>")
	w.value(Struct(Member{"faultCode", Int(f.Code)}, Member{"faultString", String(wire.Clean(f.Text))}))
	w.raw("</fault></methodResponse>")
	return w.dst
}

// writer appends a document. Its first error sticks.
type writer struct {
	dst []byte
	Dialect
	path []string
	err  error
}

// done is what was written, or what was there before.
func (w *writer) done(before []byte) ([]byte, error) {
	if w.err != nil {
		return before, w.err
	}
	return w.dst, nil
}

func (w *writer) fail(what string) {
	if w.err == nil {
		w.err = &wire.Error{Path: strings.Join(w.path, "/"), What: what}
	}
}

func (w *writer) raw(s string) { w.dst = append(w.dst, s...) }

func (w *writer) root(name string) {
	w.raw("<" + name)
	if w.Long == Apache || w.Nil == Apache {
		w.raw(` xmlns:ex="` + extensions + `"`)
	}
	w.raw(">")
}

func (w *writer) params(values []Value) {
	w.raw("<params>")
	for _, v := range values {
		w.raw("<param>")
		w.value(v)
		w.raw("</param>")
	}
	w.raw("</params>")
}

func (w *writer) text(s string) {
	var bad int
	if w.dst, bad = wire.AppendText(w.dst, s); bad >= 0 {
		w.fail(wire.IllegalText(s, bad))
	}
}

func (w *writer) value(v Value) {
	w.raw("<value>")
	switch v.kind {
	case KindString:
		if w.Bare {
			w.text(v.text)
			break
		}
		w.raw("<string>")
		w.text(v.text)
		w.raw("</string>")
	case KindInt:
		w.raw("<i4>")
		w.dst = strconv.AppendInt(w.dst, v.num, 10)
		w.raw("</i4>")
	case KindLong:
		w.extra("i8", w.Long, strconv.FormatInt(v.num, 10))
	case KindBool:
		w.raw("<boolean>")
		w.dst = strconv.AppendInt(w.dst, v.num, 10)
		w.raw("</boolean>")
	case KindDouble:
		w.double(math.Float64frombits(uint64(v.num)))
	case KindBase64:
		w.raw("<base64>")
		w.dst = base64.StdEncoding.AppendEncode(w.dst, []byte(v.text))
		w.raw("</base64>")
	case KindDate:
		w.date(v.text)
	case KindArray:
		w.raw("<array><data>")
		for _, m := range v.list {
			w.value(m.Value)
		}
		w.raw("</data></array>")
	case KindStruct:
		w.structure(v.list)
	default:
		w.extra("nil", w.Nil, "")
	}
	w.raw("</value>")
}

// extra writes a type that the specification lacks, if the peer has it.
func (w *writer) extra(name string, how Spelling, text string) {
	if how == Never {
		w.fail("the peer has no " + name)
		return
	}
	if how == Apache {
		name = "ex:" + name
	}
	if text == "" {
		w.raw("<" + name + "/>")
		return
	}
	w.raw("<" + name + ">" + text + "</" + name + ">")
}

// double writes decimal digits without an exponent, as the specification asks.
func (w *writer) double(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.fail("a double that is not finite")
		return
	}
	w.raw("<double>")
	w.dst = strconv.AppendFloat(w.dst, f, 'f', -1, 64)
	w.raw("</double>")
}

// date writes the form of the specification. A zone would be ignored by most readers,
// which gives another instant, and a fraction is no part of the form.
func (w *writer) date(text string) {
	at, zoned, err := parseDate(text)
	if err != nil || zoned || at.Nanosecond() != 0 || at.Year() < 1 || at.Year() > 9999 {
		w.fail("a date with a zone, with a fraction, or none: send the instant as a number")
		return
	}
	w.raw("<dateTime.iso8601>")
	w.dst = at.AppendFormat(w.dst, compactDate)
	w.raw("</dateTime.iso8601>")
}

func (w *writer) structure(list []Member) {
	if again, ok := repeated(list); ok {
		w.fail(fmt.Sprintf("two members named %.64q", again))
		return
	}
	w.raw("<struct>")
	for _, m := range list {
		w.path = append(w.path, m.Name)
		w.raw("<member><name>")
		w.text(m.Name)
		w.raw("</name>")
		w.value(m.Value)
		w.raw("</member>")
		w.path = w.path[:len(w.path)-1]
	}
	w.raw("</struct>")
}

package actors

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Durable forms are JSON, so that people can read a store with any tool. What is
// written at every step is written by hand: the same octets that encoding/json makes
// of the same fields, for a tenth of the time, and tests compare the two. Reading is
// left to encoding/json.

// Object writes the members of a JSON object, one after another. Members whose
// values are empty are left out by the methods that say so. The zero Object is not
// usable; make one with NewObject.
type Object struct {
	dst   []byte
	begun bool
	err   error
}

// NewObject begins an object behind dst.
func NewObject(dst []byte) *Object { return &Object{dst: append(dst, '{')} }

// End is dst with the whole object behind it.
func (o *Object) End() []byte { return append(o.dst, '}') }

// Err is what kept a list from being written.
func (o *Object) Err() error { return o.err }

func (o *Object) name(name string) {
	if o.begun {
		o.dst = append(o.dst, ',')
	}
	o.begun = true
	o.dst = append(o.dst, '"')
	o.dst = append(o.dst, name...) // our own names need no escapes
	o.dst = append(o.dst, '"', ':')
}

// Text is a string.
func (o *Object) Text(name, v string) {
	o.name(name)
	o.dst = AppendString(o.dst, v)
}

// SomeText is a string, left out when it is empty.
func (o *Object) SomeText(name, v string) {
	if v != "" {
		o.Text(name, v)
	}
}

// Number is an integer.
func (o *Object) Number(name string, v int64) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, v, 10)
}

// SomeNumber is an integer, left out when it is 0.
func (o *Object) SomeNumber(name string, v int64) {
	if v != 0 {
		o.Number(name, v)
	}
}

// SomeTruth is true, or left out.
func (o *Object) SomeTruth(name string, v bool) {
	if v {
		o.name(name)
		o.dst = append(o.dst, "true"...)
	}
}

// SomeProperties is properties, left out when there are none.
func (o *Object) SomeProperties(name string, p Properties) {
	if len(p) > 0 {
		o.name(name)
		o.dst = p.AppendRecord(o.dst)
	}
}

// SomeUnits is units, left out when there are none or they have records of their own.
func (o *Object) SomeUnits(name string, units Units) {
	if !units.IsZero() {
		o.name(name)
		o.dst = units.AppendRecord(o.dst)
	}
}

// Part is a value that appends itself.
func (o *Object) Part(name string, appended func(dst []byte) []byte) {
	o.name(name)
	o.dst = appended(o.dst)
}

// SomeList is whatever encoding/json makes of list, left out when n is 0: for what is
// rarely there.
func (o *Object) SomeList(name string, n int, list any) {
	if n > 0 {
		o.List(name, list)
	}
}

// List is whatever encoding/json makes of list.
func (o *Object) List(name string, list any) {
	text, err := json.Marshal(list)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("%s: %w", name, err)
	}
	o.name(name)
	o.dst = append(o.dst, text...)
}

// AppendRecord appends a slice's durable form.
func (s Slice) AppendRecord(dst []byte) []byte {
	o := NewObject(dst)
	o.Text("id", string(s.ID))
	o.Text("name", s.Name)
	return o.End()
}

// AppendRecord appends a location's durable form.
func (l Location) AppendRecord(dst []byte) []byte {
	o := NewObject(dst)
	o.Text("id", string(l.ID))
	o.Text("name", l.Name)
	o.SomeText("url", l.URL)
	return o.End()
}

// AppendRecord appends a term's durable form.
func (t Term) AppendRecord(dst []byte) []byte {
	o := NewObject(dst)
	o.Number("start", int64(t.Start))
	o.Number("newStart", int64(t.NewStart))
	o.Number("end", int64(t.End))
	return o.End()
}

func (d *Delegation) members(o *Object) {
	o.Text("id", string(d.ID))
	o.Text("issuer", string(d.Issuer))
	o.Text("holder", string(d.Holder))
	o.Text("type", string(d.Type))
	o.Number("units", int64(d.Units))
	o.Part("term", d.Term.AppendRecord)
	o.SomeProperties("properties", d.Properties)
}

// AppendRecord appends a delegation's durable form.
func (d *Delegation) AppendRecord(dst []byte) []byte {
	o := NewObject(dst)
	d.members(o)
	return o.End()
}

// AppendRecord appends a ticket's durable form.
func (t *Ticket) AppendRecord(dst []byte) []byte {
	o := NewObject(dst)
	t.members(o)
	if len(t.Ancestors) > 0 {
		o.Part("ancestors", func(dst []byte) []byte {
			return appendList(dst, len(t.Ancestors), func(dst []byte, i int) []byte { return t.Ancestors[i].AppendRecord(dst) })
		})
	}
	o.Part("authority", t.Authority.AppendRecord)
	o.SomeText("text", t.Text)
	o.SomeText("base", t.Base)
	o.SomeProperties("described", t.Described)
	o.SomeTruth("loose", t.Loose)
	return o.End()
}

func appendList(dst []byte, n int, one func(dst []byte, i int) []byte) []byte {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, i)
	}
	return append(dst, ']')
}

// AppendRecord appends the durable form of a unit.
func (u *Unit) AppendRecord(dst []byte) []byte {
	dst = AppendString(append(dst, `{"id":`...), string(u.ID))
	if u.Host != "" {
		dst = AppendString(append(dst, `,"host":`...), u.Host)
	}
	dst = strconv.AppendUint(append(dst, `,"state":`...), uint64(u.State), 10)
	dst = strconv.AppendInt(append(dst, `,"sequence":`...), int64(u.Sequence), 10)
	if u.Attempts != 0 {
		dst = strconv.AppendInt(append(dst, `,"attempts":`...), int64(u.Attempts), 10)
	}
	if len(u.Properties) > 0 {
		dst = u.Properties.AppendRecord(append(dst, `,"properties":`...))
	}
	if u.Notice != "" {
		dst = AppendString(append(dst, `,"notice":`...), u.Notice)
	}
	return append(dst, '}')
}

// AppendRecord appends the durable form of properties, as encoding/json has it.
func (p Properties) AppendRecord(dst []byte) []byte {
	if p == nil {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, k := range p.Keys() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(append(AppendString(dst, k), ':'), p[k])
	}
	return append(dst, '}')
}

// AppendString appends a string as encoding/json has it, quotes included.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string always has a form
			return append(dst, text...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

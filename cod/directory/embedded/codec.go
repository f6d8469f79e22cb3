package embedded

import (
	"encoding/binary"
	"errors"

	"github.com/leasehold/leasehold/ldapschema"
)

// codecVersion is the first octet of a stored entry. Then come the DN, the number
// of attributes and, for each, its name, the number of values and the values; all
// numbers and lengths are unsigned varints.
const codecVersion = 1

var errCorrupt = errors.New("stored entry is damaged")

func encodeEntry(e ldapschema.Entry) []byte {
	n := 16 + len(e.DN)
	for _, a := range e.Attrs {
		n += len(a.Name) + 8
		for _, v := range a.Values {
			n += len(v) + 4
		}
	}
	b := append(make([]byte, 0, n), codecVersion)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(string(e.DN))
	b = binary.AppendUvarint(b, uint64(len(e.Attrs)))
	for _, a := range e.Attrs {
		text(a.Name)
		b = binary.AppendUvarint(b, uint64(len(a.Values)))
		for _, v := range a.Values {
			text(v)
		}
	}
	return b
}

// decodeEntry copies what it needs out of data, once.
func decodeEntry(data []byte) (ldapschema.Entry, error) {
	if len(data) == 0 || data[0] != codecVersion {
		return ldapschema.Entry{}, errCorrupt
	}
	d := decoder{s: string(data[1:])}
	e := ldapschema.Entry{DN: ldapschema.DN(d.text())}
	e.Attrs = make([]ldapschema.Attr, 0, d.count())
	for range cap(e.Attrs) {
		a := ldapschema.Attr{Name: d.text()}
		a.Values = make([]string, 0, d.count())
		for range cap(a.Values) {
			a.Values = append(a.Values, d.text())
		}
		e.Attrs = append(e.Attrs, a)
	}
	if d.bad || d.s != "" {
		return ldapschema.Entry{}, errCorrupt
	}
	return e, nil
}

// A decoder eats a string from its front.
type decoder struct {
	s   string
	bad bool
}

func (d *decoder) number() uint64 {
	var n uint64
	for i := 0; i < len(d.s) && i < binary.MaxVarintLen64; i++ {
		c := d.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.s = d.s[i+1:]
			return n
		}
	}
	d.bad, d.s = true, ""
	return 0
}

// count is a number of things that each take an octet or more: a larger one is a
// lie.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.s)) {
		d.bad, d.s = true, ""
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.count()
	out := d.s[:n]
	d.s = d.s[n:]
	return out
}

package xmlrpc

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a [Value].
type Kind uint8

// The kinds. The zero Value is nil.
const (
	KindNil    Kind = iota // no value: written only in a dialect that has it
	KindString             // also untyped text
	KindInt                // int, i4 and smaller: 32 bits
	KindLong               // i8, and an int that needs more than 32 bits
	KindBool
	KindDouble // finite
	KindBase64 // octets
	KindDate   // dateTime.iso8601
	KindArray
	KindStruct
)

var kindNames = [...]string{
	"nil", "string", "int", "i8", "boolean", "double", "base64", "dateTime.iso8601", "array", "struct",
}

// String is the word that system.methodSignature uses for the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

// Value is one value of XML-RPC. It is small, copied freely and never changed. One
// that was read shares memory with the text it was read from.
type Value struct {
	kind Kind
	num  int64    // int, long, boolean; the bits of a double
	text string   // string, base64 decoded, date as it was written
	list []Member // of a struct; of an array, without names
}

// Member is one member of a struct.
type Member struct {
	Name  string
	Value Value
}

// String is a string.
func String(s string) Value { return Value{kind: KindString, text: s} }

// Int is an i4.
func Int(n int32) Value { return Value{kind: KindInt, num: int64(n)} }

// Long is an i8, which few peers know (see [Dialect]).
func Long(n int64) Value { return Value{kind: KindLong, num: n} }

// Bool is a boolean.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Double is a double. XML-RPC has no infinities: writing one is an error.
func Double(f float64) Value { return Value{kind: KindDouble, num: int64(math.Float64bits(f))} }

// Base64 is octets.
func Base64(b []byte) Value { return Value{kind: KindBase64, text: string(b)} }

// Date is a date without a zone, in whole seconds, as t's wall clock shows it. What
// zone that is, both sides have to know beforehand.
func Date(t time.Time) Value { return Value{kind: KindDate, text: t.Format(compactDate)} }

// Array is an array. It keeps no reference to items.
func Array(items ...Value) Value {
	list := make([]Member, len(items))
	for i, v := range items {
		list[i].Value = v
	}
	return Value{kind: KindArray, list: list}
}

// Struct is a struct of these members, in this order, which peers do not keep. It
// takes the slice over.
func Struct(members ...Member) Value { return Value{kind: KindStruct, list: members} }

// Kind is the value's type.
func (v Value) Kind() Kind { return v.kind }

// IsNil reports whether there is no value: nil on the wire, or the zero Value, which
// is what [Value.Member] gives for a member that is not there.
func (v Value) IsNil() bool { return v.kind == KindNil }

// Text is the text of a string; false for other kinds.
func (v Value) Text() (string, bool) { return v.text, v.kind == KindString }

// Bool is the value of a boolean; false, false for other kinds.
func (v Value) Bool() (value, ok bool) { return v.num != 0 && v.kind == KindBool, v.kind == KindBool }

// Int is the value of an int or a long; false for other kinds.
func (v Value) Int() (int64, bool) {
	if v.kind != KindInt && v.kind != KindLong {
		return 0, false
	}
	return v.num, true
}

// Number is an integer as peers without i8 write it: an int, a long, a string of
// decimal digits, or a double that is whole. False if v is none of these.
func (v Value) Number() (int64, bool) {
	switch v.kind {
	case KindInt, KindLong:
		return v.num, true
	case KindString:
		n, err := strconv.ParseInt(v.text, 10, 64)
		return n, err == nil
	case KindDouble:
		f := math.Float64frombits(uint64(v.num))
		if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}

// Double is the value of a double, or of an int; false for other kinds.
func (v Value) Double() (float64, bool) {
	switch v.kind {
	case KindDouble:
		return math.Float64frombits(uint64(v.num)), true
	case KindInt, KindLong:
		return float64(v.num), true
	}
	return 0, false
}

// Octets are those of base64; false for other kinds.
func (v Value) Octets() ([]byte, bool) {
	if v.kind != KindBase64 {
		return nil, false
	}
	return []byte(v.text), true
}

// Raw are the octets of a string or of base64, as a string: what peers that guess
// types write as the one or the other. False for other kinds.
func (v Value) Raw() (string, bool) { return v.text, v.kind == KindString || v.kind == KindBase64 }

// Date is the instant of a date. Zoned says that it came with a zone; without one,
// at is its wall clock as if in UTC. False for other kinds.
func (v Value) Date() (at time.Time, zoned, ok bool) {
	if v.kind != KindDate {
		return time.Time{}, false, false
	}
	at, zoned, err := parseDate(v.text)
	return at, zoned, err == nil
}

// Len is the number of members or items.
func (v Value) Len() int { return len(v.list) }

// Items are those of an array, none for other kinds.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind != KindArray {
			return
		}
		for i := range v.list {
			if !yield(v.list[i].Value) {
				return
			}
		}
	}
}

// Members are those of a struct in the order in which they were written, none for
// other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != KindStruct {
			return
		}
		for i := range v.list {
			if !yield(v.list[i].Name, v.list[i].Value) {
				return
			}
		}
	}
}

// Member is the member of that name; nil if v is no struct or has none.
func (v Value) Member(name string) Value {
	if v.kind == KindStruct {
		for i := range v.list {
			if v.list[i].Name == name {
				return v.list[i].Value
			}
		}
	}
	return Value{}
}

// Without is a struct without the member of that name.
func (v Value) Without(name string) Value {
	if v.kind != KindStruct {
		return v
	}
	out := v
	out.list = slices.DeleteFunc(slices.Clone(v.list), func(m Member) bool { return m.Name == name })
	return out
}

// With is a struct with one more member.
func (v Value) With(name string, value Value) Value {
	return Struct(append(slices.Clip(v.list), Member{name, value})...)
}

// Sorted are the members of a struct by the octets of their names.
func (v Value) Sorted() []Member {
	if v.kind != KindStruct {
		return nil
	}
	byName := func(a, b Member) int { return cmp.Compare(a.Name, b.Name) }
	if slices.IsSortedFunc(v.list, byName) {
		return v.list
	}
	list := slices.Clone(v.list)
	slices.SortFunc(list, byName)
	return list
}

// Equal reports whether two values are the same: kinds and contents, the order of
// members apart.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.num != w.num || v.text != w.text || len(v.list) != len(w.list) {
		return false
	}
	a, b := v.list, w.list
	if v.kind == KindStruct {
		a, b = v.Sorted(), w.Sorted()
	}
	return slices.EqualFunc(a, b, func(m, n Member) bool { return m.Name == n.Name && m.Value.Equal(n.Value) })
}

// Clone is v with memory of its own.
func (v Value) Clone() Value {
	v.text = strings.Clone(v.text)
	list := v.list
	v.list = nil
	if list != nil {
		v.list = make([]Member, len(list))
		for i, m := range list {
			v.list[i] = Member{strings.Clone(m.Name), m.Value.Clone()}
		}
	}
	return v
}

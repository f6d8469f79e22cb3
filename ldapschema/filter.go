package ldapschema

import "strings"

// A FilterOp is the kind of a filter (RFC 4511 4.5.1.7).
type FilterOp uint8

// The kinds of filter.
const (
	FilterAnd FilterOp = iota + 1
	FilterOr
	FilterNot
	FilterEqual
	FilterSubstrings
	FilterGreaterOrEqual
	FilterLessOrEqual
	FilterPresent
	FilterApprox // answered as equality, as RFC 4511 allows
)

// Limits on filters, so that a hostile one costs little.
const (
	MaxFilterDepth = 32   // filters inside filters
	MaxFilterItems = 4096 // parts of one filter in all
)

// A Filter is a question about an entry. The zero Filter matches nothing.
type Filter struct {
	Op    FilterOp
	Sub   []Filter // of and, or and not
	Attr  string   // of the others
	Value string   // of equality, approximation and the two orders
	// Parts are the pieces of a substring filter: first, any in between, last. The
	// first and last may be "" for "anything".
	Parts []string
}

// A truth is the answer to a filter: RFC 4511 4.5.1.7 has three of them.
type truth int8

const (
	no    truth = -1
	maybe truth = 0 // undefined: unknown attribute, no such rule, bad value
	yes   truth = 1
)

// Match says whether e satisfies the filter. A filter on an attribute that the
// schema does not know, or by a rule the attribute does not have, is undefined: it
// matches nothing, and neither does its negation.
func (f Filter) Match(e Entry) bool { return f.eval(e) == yes }

func (f Filter) eval(e Entry) truth {
	switch f.Op {
	case FilterAnd:
		out := yes
		for _, s := range f.Sub {
			out = min(out, s.eval(e))
		}
		return out
	case FilterOr:
		out := no
		for _, s := range f.Sub {
			out = max(out, s.eval(e))
		}
		return out
	case FilterNot:
		if len(f.Sub) == 1 {
			return -f.Sub[0].eval(e)
		}
		return maybe
	}
	t, ok := AttributeNamed(f.Attr)
	if !ok {
		return maybe
	}
	test := f.test(t)
	if test == nil {
		return maybe
	}
	out := no
	for _, a := range e.Attrs {
		if a.Name != t.Name && !IsSubtype(a.Name, t.Name) {
			continue
		}
		for _, v := range a.Values {
			if out = max(out, test(v)); out == yes {
				return yes
			}
		}
	}
	return out
}

// test is the question put to each value of attribute t; nil when the attribute
// cannot be asked that.
func (f Filter) test(t Attribute) func(string) truth {
	answer := func(b bool) truth {
		if b {
			return yes
		}
		return no
	}
	switch f.Op {
	case FilterPresent:
		return func(string) truth { return yes }
	case FilterEqual, FilterApprox:
		if t.Equality == NoMatch || !t.Syntax.Valid(f.Value) {
			return nil
		}
		if t.Name == "objectClass" { // a class matches those derived from it: RFC 4512 2.4
			if _, known := ClassNamed(f.Value); !known {
				return nil
			}
			return func(v string) truth { return answer(IsSubclass(v, f.Value)) }
		}
		want := t.Normal(f.Value)
		return func(v string) truth { return answer(t.Normal(v) == want) }
	case FilterGreaterOrEqual, FilterLessOrEqual:
		if !t.Ordered || !t.Syntax.Valid(f.Value) {
			return nil
		}
		return func(v string) truth {
			a, b := v, f.Value
			if f.Op == FilterLessOrEqual {
				a, b = b, a
			}
			less, ok := t.Equality.Less(a, b)
			if !ok {
				return maybe
			}
			return answer(!less)
		}
	case FilterSubstrings:
		if !t.Substr || len(f.Parts) < 2 {
			return nil
		}
		parts := make([]string, len(f.Parts))
		for i, p := range f.Parts {
			if p != "" && !t.Syntax.Valid(p) {
				return nil
			}
			parts[i] = normalPart(t, p, i == 0, i == len(f.Parts)-1)
		}
		return func(v string) truth { return answer(substrings(t.Normal(v), parts)) }
	}
	return nil
}

// normalPart makes a piece comparable with normal values. A blank at an inner edge
// of a piece counts, so it is kept while the piece is normalised.
func normalPart(t Attribute, p string, first, last bool) string {
	if p == "" {
		return ""
	}
	n := t.Normal(p)
	if !first && strings.HasPrefix(p, " ") && !strings.HasPrefix(n, " ") && keepsBlanks(t) {
		n = " " + n
	}
	if !last && strings.HasSuffix(p, " ") && !strings.HasSuffix(n, " ") && keepsBlanks(t) {
		n += " "
	}
	return n
}

func keepsBlanks(t Attribute) bool {
	return t.Equality != TelephoneNumberMatch && t.Equality != NumericStringMatch
}

func substrings(v string, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(v, first) {
		return false
	}
	v = v[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(v, p)
		if i < 0 {
			return false
		}
		v = v[i+len(p):]
	}
	return strings.HasSuffix(v, last)
}

// Attributes calls fn with the name of every attribute that the filter asks about.
func (f Filter) Attributes(fn func(name string)) {
	if f.Attr != "" {
		fn(f.Attr)
	}
	for _, s := range f.Sub {
		s.Attributes(fn)
	}
}

// String is the filter in the form of RFC 4515.
func (f Filter) String() string {
	var b strings.Builder
	f.write(&b)
	return b.String()
}

func (f Filter) write(b *strings.Builder) {
	b.WriteByte('(')
	switch f.Op {
	case FilterAnd, FilterOr, FilterNot:
		b.WriteByte(map[FilterOp]byte{FilterAnd: '&', FilterOr: '|', FilterNot: '!'}[f.Op])
		for _, s := range f.Sub {
			s.write(b)
		}
	case FilterPresent:
		b.WriteString(f.Attr + "=*")
	case FilterSubstrings:
		b.WriteString(f.Attr + "=")
		for i, p := range f.Parts {
			if i > 0 {
				b.WriteByte('*')
			}
			b.WriteString(EscapeFilter(p))
		}
	default:
		op := map[FilterOp]string{FilterEqual: "=", FilterApprox: "~=", FilterGreaterOrEqual: ">=", FilterLessOrEqual: "<="}[f.Op]
		b.WriteString(f.Attr + op + EscapeFilter(f.Value))
	}
	b.WriteByte(')')
}

// EscapeFilter makes any value safe to put into the text of a filter (RFC 4515 3).
func EscapeFilter(v string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		c := v[i]
		if c < ' ' || c >= 0x7f || strings.IndexByte(`*()\`, c) >= 0 {
			b.WriteString(string([]byte{'\\', hex[c>>4], hex[c&15]}))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// EqualFilter is the text of the filter attr=value, value escaped: for Change.Assert.
func EqualFilter(attr, value string) string { return "(" + attr + "=" + EscapeFilter(value) + ")" }

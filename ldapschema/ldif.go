package ldapschema

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// LDIFLimits bound what [ParseLDIF] reads. A zero field means the default.
type LDIFLimits struct {
	Bytes   int // octets of the whole text; default 64 MiB
	Line    int // octets of one logical line, unfolded; default 1 MiB
	Entries int // records; default 1,000,000
	Values  int // attribute values of one record; default 100,000
}

func (l LDIFLimits) orDefault() LDIFLimits {
	set := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	set(&l.Bytes, 64<<20)
	set(&l.Line, 1<<20)
	set(&l.Entries, 1000000)
	set(&l.Values, 100000)
	return l
}

// An LDIFError says in which line of an LDIF text reading stopped, and why.
type LDIFError struct {
	Line int // from 1, where the logical line starts
	What string
}

// Error is "LDIF line 3: what".
func (e *LDIFError) Error() string { return fmt.Sprintf("LDIF line %d: %s", e.Line, e.What) }

// LDIF is e as one record of RFC 2849, attributes in e's order, lines not folded,
// without the empty line that parts records. Values that LDIF cannot show as they
// are, are in base64.
func (e Entry) LDIF() string {
	var b strings.Builder
	writeLDIFLine(&b, "dn", string(e.DN))
	for _, a := range e.Attrs {
		for _, v := range a.Values {
			writeLDIFLine(&b, a.Name, v)
		}
	}
	return b.String()
}

// LDIF writes entries as one LDIF text.
func LDIF(entries []Entry) string {
	var b strings.Builder
	for i, e := range entries {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.LDIF())
	}
	return b.String()
}

func writeLDIFLine(b *strings.Builder, name, value string) {
	b.WriteString(name)
	switch {
	case value == "":
		b.WriteString(":\n")
	case ldifSafe(value):
		b.WriteString(": " + value + "\n")
	default:
		b.WriteString(":: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n")
	}
}

// ldifSafe is SAFE-STRING of RFC 2849, and no blank at the end.
func ldifSafe(v string) bool {
	if strings.IndexByte(" :<", v[0]) >= 0 || v[len(v)-1] == ' ' {
		return false
	}
	for i := 0; i < len(v); i++ {
		if v[i] >= 0x7f || v[i] < ' ' {
			return false
		}
	}
	return true
}

// ParseLDIF reads content records (RFC 2849), and change records of type add,
// which say the same; other change types, control lines and values fetched from
// URLs are refused. The entries come out canonical, in the order of the text, and
// are not checked: see [Check].
func ParseLDIF(r io.Reader, limits LDIFLimits) ([]Entry, error) {
	p := ldifParser{limits: limits.orDefault()}
	text, err := io.ReadAll(io.LimitReader(r, int64(p.limits.Bytes)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > p.limits.Bytes {
		return nil, &LDIFError{1, fmt.Sprintf("longer than %d octets", p.limits.Bytes)}
	}
	sc := bufio.NewScanner(bytes.NewReader(text))
	sc.Buffer(nil, p.limits.Line+2)
	for sc.Scan() {
		if err := p.physical(strings.TrimSuffix(sc.Text(), "\r")); err != nil {
			return nil, err
		}
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return nil, &LDIFError{p.line + 1, fmt.Sprintf("line longer than %d octets", p.limits.Line)}
	}
	if err := p.physical(""); err != nil {
		return nil, err
	}
	return p.entries, nil
}

// An ldifParser unfolds lines and collects records.
type ldifParser struct {
	limits  LDIFLimits
	line    int // physical lines seen
	start   int // where the logical line began
	logical strings.Builder
	pending bool // there is a logical line
	comment bool // and it is a comment, to be forgotten
	begun   bool // the first record has begun: no version line any more
	cur     *Entry
	at      map[string]int // index in cur.Attrs by lower-case name
	values  int
	entries []Entry
}

func (p *ldifParser) physical(s string) error {
	p.line++
	if strings.HasPrefix(s, " ") {
		if !p.pending {
			return &LDIFError{p.line, "continuation of nothing"}
		}
		if p.comment {
			return nil
		}
		if p.logical.Len()+len(s) > p.limits.Line {
			return &LDIFError{p.start, fmt.Sprintf("line longer than %d octets", p.limits.Line)}
		}
		p.logical.WriteString(s[1:])
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	if s == "" {
		return p.endRecord()
	}
	p.pending, p.comment, p.start = true, s[0] == '#', p.line
	if !p.comment {
		p.logical.WriteString(s)
	}
	return nil
}

func (p *ldifParser) flush() error {
	if !p.pending {
		return nil
	}
	p.pending = false
	s := p.logical.String()
	p.logical.Reset()
	if p.comment {
		return nil
	}
	name, value, err := ldifLine(s)
	if err != nil {
		return &LDIFError{p.start, err.Error()}
	}
	if what := p.take(name, value); what != "" {
		return &LDIFError{p.start, what}
	}
	return nil
}

// take uses one name and value; it answers with what is wrong, if anything.
func (p *ldifParser) take(name, value string) string {
	switch lower := strings.ToLower(name); {
	case lower == "version" && !p.begun && p.cur == nil:
		p.begun = true
		if value != "1" {
			return "unknown LDIF version"
		}
	case p.cur == nil && lower != "dn":
		return "record does not start with dn"
	case p.cur == nil:
		if _, err := ParseDN(value); err != nil {
			return err.Error()
		}
		if len(p.entries) >= p.limits.Entries {
			return fmt.Sprintf("more than %d records", p.limits.Entries)
		}
		p.cur, p.at, p.values, p.begun = &Entry{DN: DN(value)}, map[string]int{}, 0, true
	case lower == "dn":
		return "second dn in one record"
	case lower == "changetype":
		if value != "add" || len(p.cur.Attrs) > 0 {
			return "only content records and changetype add are read"
		}
	case lower == "control":
		return "control lines are not read"
	case !validAttrDescription(name):
		return "bad attribute name"
	default:
		if p.values++; p.values > p.limits.Values {
			return fmt.Sprintf("more than %d values in one record", p.limits.Values)
		}
		i, ok := p.at[lower]
		if !ok {
			i = len(p.cur.Attrs)
			p.at[lower] = i
			p.cur.Attrs = append(p.cur.Attrs, Attr{Name: name})
		}
		p.cur.Attrs[i].Values = append(p.cur.Attrs[i].Values, value)
	}
	return ""
}

func (p *ldifParser) endRecord() error {
	if p.cur == nil {
		return nil
	}
	if len(p.cur.Attrs) == 0 {
		return &LDIFError{p.line, "record without attributes"}
	}
	p.entries = append(p.entries, p.cur.Canonical())
	p.cur = nil
	return nil
}

// ldifLine splits "name: value", "name:: base64" and refuses "name:< url".
func ldifLine(s string) (name, value string, err error) {
	name, rest, ok := strings.Cut(s, ":")
	if !ok {
		return "", "", errors.New("no colon")
	}
	switch {
	case strings.HasPrefix(rest, "<"):
		return "", "", errors.New("values from URLs are not fetched")
	case strings.HasPrefix(rest, ":"):
		raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(rest[1:], " "))
		if err != nil {
			return "", "", errors.New("bad base64")
		}
		return name, string(raw), nil
	}
	value = strings.TrimLeft(rest, " ")
	if !utf8.ValidString(value) {
		return "", "", errors.New("value is not UTF-8 and not in base64")
	}
	return name, value, nil
}

// validAttrDescription is an attribute name with or without options: "cn;lang-en".
func validAttrDescription(s string) bool {
	for i, part := range strings.Split(s, ";") {
		if i == 0 && !validAttrName(part) {
			return false
		}
		if strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || part == "" {
			return false
		}
	}
	return true
}

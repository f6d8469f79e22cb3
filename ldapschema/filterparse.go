package ldapschema

import (
	"errors"
	"fmt"
	"strings"
)

// ErrFilter is wrapped by every complaint about a filter.
var ErrFilter = errors.New("bad filter")

// ParseFilter reads the text form of RFC 4515. Extensible matches
// ("cn:caseExactMatch:=x") are refused.
func ParseFilter(text string) (Filter, error) {
	p := filterParser{text: text}
	f, err := p.filter(1)
	if err != nil {
		return Filter{}, err
	}
	if p.pos != len(text) {
		return Filter{}, fmt.Errorf("%w: text after its end, at octet %d", ErrFilter, p.pos)
	}
	return f, nil
}

type filterParser struct {
	text  string
	pos   int
	items int
}

func (p *filterParser) filter(depth int) (Filter, error) {
	if depth > MaxFilterDepth {
		return Filter{}, fmt.Errorf("%w: deeper than %d", ErrFilter, MaxFilterDepth)
	}
	if p.items++; p.items > MaxFilterItems {
		return Filter{}, fmt.Errorf("%w: more than %d parts", ErrFilter, MaxFilterItems)
	}
	if !p.eat('(') {
		return Filter{}, fmt.Errorf("%w: no ( at octet %d", ErrFilter, p.pos)
	}
	var f Filter
	var err error
	switch {
	case p.eat('&'):
		f.Op = FilterAnd
		f.Sub, err = p.list(depth)
	case p.eat('|'):
		f.Op = FilterOr
		f.Sub, err = p.list(depth)
	case p.eat('!'):
		f.Op = FilterNot
		var sub Filter
		sub, err = p.filter(depth + 1)
		f.Sub = []Filter{sub}
	default:
		f, err = p.item()
	}
	if err != nil {
		return Filter{}, err
	}
	if !p.eat(')') {
		return Filter{}, fmt.Errorf("%w: no ) at octet %d", ErrFilter, p.pos)
	}
	return f, nil
}

func (p *filterParser) list(depth int) ([]Filter, error) {
	var out []Filter
	for p.pos < len(p.text) && p.text[p.pos] == '(' {
		f, err := p.filter(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (p *filterParser) item() (Filter, error) {
	end := strings.IndexAny(p.text[p.pos:], "()")
	if end < 0 || p.text[p.pos+end] == '(' {
		return Filter{}, fmt.Errorf("%w: unfinished at octet %d", ErrFilter, p.pos)
	}
	body := p.text[p.pos : p.pos+end]
	name, value, ok := strings.Cut(body, "=")
	if !ok {
		return Filter{}, fmt.Errorf("%w: no = after octet %d", ErrFilter, p.pos)
	}
	op := FilterEqual
	if name != "" {
		switch name[len(name)-1] {
		case '>':
			op = FilterGreaterOrEqual
		case '<':
			op = FilterLessOrEqual
		case '~':
			op = FilterApprox
		case ':':
			return Filter{}, fmt.Errorf("%w: extensible matches are not supported", ErrFilter)
		}
	}
	if op != FilterEqual {
		name = name[:len(name)-1]
	}
	if !validAttrDescription(name) {
		return Filter{}, fmt.Errorf("%w: bad attribute name at octet %d", ErrFilter, p.pos)
	}
	f := Filter{Op: op, Attr: name}
	pieces := strings.Split(value, "*")
	for i := range pieces {
		v, err := unescapeFilter(pieces[i])
		if err != nil {
			return Filter{}, err
		}
		pieces[i] = v
	}
	switch {
	case len(pieces) == 1:
		f.Value = pieces[0]
	case op != FilterEqual:
		return Filter{}, fmt.Errorf("%w: unescaped * at octet %d", ErrFilter, p.pos)
	case value == "*":
		f.Op = FilterPresent
	default:
		f.Op = FilterSubstrings
		for i, piece := range pieces {
			if piece == "" && i > 0 && i < len(pieces)-1 {
				return Filter{}, fmt.Errorf("%w: empty part of a substring at octet %d", ErrFilter, p.pos)
			}
		}
		f.Parts = pieces
	}
	p.pos += end
	return f, nil
}

func (p *filterParser) eat(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// unescapeFilter undoes \xx. A lone backslash is an error: RFC 4515 has no other
// escape.
func unescapeFilter(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", fmt.Errorf("%w: unfinished escape", ErrFilter)
		}
		hi, ok1 := hexDigit(s[i+1])
		lo, ok2 := hexDigit(s[i+2])
		if !ok1 || !ok2 {
			return "", fmt.Errorf("%w: bad escape", ErrFilter)
		}
		b.WriteByte(hi<<4 | lo)
		i += 2
	}
	return b.String(), nil
}

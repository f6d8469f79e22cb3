package embedded

import (
	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// filterOps are the kinds of filter by their context tags (RFC 4511 4.5.1.7).
var filterOps = map[ber.Tag]ldapschema.FilterOp{
	0: ldapschema.FilterAnd,
	1: ldapschema.FilterOr,
	2: ldapschema.FilterNot,
	3: ldapschema.FilterEqual,
	4: ldapschema.FilterSubstrings,
	5: ldapschema.FilterGreaterOrEqual,
	6: ldapschema.FilterLessOrEqual,
	7: ldapschema.FilterPresent,
	8: ldapschema.FilterApprox,
}

// extensibleMatch is the kind that is refused.
const extensibleMatch = 9

// parseFilter reads a filter as it is sent, within the limits of ldapschema.
func parseFilter(p *ber.Packet) (ldapschema.Filter, error) {
	items := 0
	return filterOf(p, 1, &items)
}

func filterOf(p *ber.Packet, depth int, items *int) (ldapschema.Filter, error) {
	var none ldapschema.Filter
	if depth > ldapschema.MaxFilterDepth {
		return none, protocolError("filter deeper than %d", ldapschema.MaxFilterDepth)
	}
	if *items++; *items > ldapschema.MaxFilterItems {
		return none, protocolError("filter of more than %d parts", ldapschema.MaxFilterItems)
	}
	if p.ClassType != ber.ClassContext {
		return none, protocolError("a filter was due")
	}
	if p.Tag == extensibleMatch {
		return none, &directory.Error{Op: "search", Code: directory.InappropriateMatching, Err: protocolError("extensible matches are not supported")}
	}
	f := ldapschema.Filter{Op: filterOps[p.Tag]}
	switch f.Op {
	case ldapschema.FilterAnd, ldapschema.FilterOr, ldapschema.FilterNot:
		if p.TagType != ber.TypeConstructed || f.Op == ldapschema.FilterNot && len(p.Children) != 1 {
			return none, protocolError("malformed filter")
		}
		for _, c := range p.Children {
			sub, err := filterOf(c, depth+1, items)
			if err != nil {
				return none, err
			}
			f.Sub = append(f.Sub, sub)
		}
		return f, nil
	case ldapschema.FilterPresent:
		if p.TagType != ber.TypePrimitive {
			return none, protocolError("malformed filter")
		}
		f.Attr = p.Data.String()
		return f, nil
	case ldapschema.FilterEqual, ldapschema.FilterApprox, ldapschema.FilterGreaterOrEqual, ldapschema.FilterLessOrEqual, ldapschema.FilterSubstrings:
		fields, err := parts(p, 2, 2)
		if err != nil {
			return none, err
		}
		if f.Attr, err = text(fields[0]); err != nil {
			return none, err
		}
		if f.Op == ldapschema.FilterSubstrings {
			f.Parts, err = substringsOf(fields[1])
		} else {
			f.Value, err = text(fields[1])
		}
		return f, err
	}
	return none, protocolError("unknown kind of filter, %d", p.Tag)
}

// substringsOf reads the pieces of a substring filter: at most one initial, first,
// and at most one final, last (RFC 4511 4.5.1.7.2).
func substringsOf(p *ber.Packet) ([]string, error) {
	items, err := list(p, ber.TagSequence)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || len(items) > ldapschema.MaxFilterItems {
		return nil, protocolError("substring filter of %d pieces", len(items))
	}
	out := []string{""}
	final := ""
	for i, item := range items {
		if item.ClassType != ber.ClassContext || item.TagType != ber.TypePrimitive || item.Data.Len() == 0 {
			return nil, protocolError("malformed piece of a substring filter")
		}
		switch v := item.Data.String(); {
		case item.Tag == 0 && i == 0:
			out[0] = v
		case item.Tag == 1:
			out = append(out, v)
		case item.Tag == 2 && i == len(items)-1:
			final = v
		default:
			return nil, protocolError("pieces of a substring filter out of order")
		}
	}
	return append(out, final), nil
}

package embedded

import (
	"bytes"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

func newBuffer(s string) *bytes.Buffer { return bytes.NewBufferString(s) }

// A selection is which attributes of an entry were asked for (RFC 4511 4.5.1.8;
// "+" is RFC 3673, "@class" RFC 4529).
type selection struct {
	user        bool     // all that users write
	operational bool     // all that the server keeps
	names       []string // and these, with those derived from them
}

func selectionOf(attrs []string) selection {
	if len(attrs) == 0 {
		return selection{user: true}
	}
	var s selection
	for _, a := range attrs {
		switch {
		case a == "*":
			s.user = true
		case a == "+":
			s.operational = true
		case a == "1.1": // none: it is in no list of attributes
		case strings.HasPrefix(a, "@"):
			s.names = append(s.names, ldapschema.AllowedAttributes(a[1:])...)
		default:
			s.names = append(s.names, a)
		}
	}
	return s
}

// wants says whether an attribute is asked for.
func (s selection) wants(name string) bool {
	t, ok := ldapschema.AttributeNamed(name)
	if ok && t.Operate && s.operational || (!ok || !t.Operate) && s.user {
		return true
	}
	for _, n := range s.names {
		if strings.EqualFold(n, name) || ldapschema.IsSubtype(name, n) {
			return true
		}
	}
	return false
}

// of is the part of an entry that is asked for.
func (s selection) of(e ldapschema.Entry) ldapschema.Entry {
	out := ldapschema.Entry{DN: e.DN}
	for _, a := range e.Attrs {
		if s.wants(a.Name) {
			out.Attrs = append(out.Attrs, a)
		}
	}
	return out
}

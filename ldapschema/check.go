package ldapschema

import (
	"fmt"
	"strings"
)

// A Problem is the way in which an entry breaks the schema.
type Problem uint8

// The problems, each with the LDAP result that servers answer it with (RFC 4511
// appendix A).
const (
	BadName          Problem = iota + 1 // malformed DN, or one whose values the entry lacks: namingViolation
	BadClasses                          // no class, or not exactly one chain of structural ones: objectClassViolation
	MissingAttribute                    // a MUST without value: objectClassViolation
	ForbiddenAttr                       // an attribute none of the classes allows: objectClassViolation
	UnknownAttribute                    // undefinedAttributeType
	TooManyValues                       // several values of a SINGLE-VALUE attribute: constraintViolation
	DuplicateValue                      // one value twice: attributeOrValueExists
	BadValue                            // invalidAttributeSyntax
	ReadOnlyAttr                        // an operational attribute: constraintViolation
)

var problems = [...]string{
	"", "bad name", "bad object classes", "missing attribute", "attribute not allowed", "unknown attribute",
	"too many values", "duplicate value", "bad value", "read-only attribute",
}

// String is the problem in two or three words.
func (p Problem) String() string {
	if int(p) < len(problems) {
		return problems[p]
	}
	return fmt.Sprintf("Problem(%d)", uint8(p))
}

// An Error says why an entry was refused.
type Error struct {
	DN      DN
	Attr    string // the attribute concerned, if one is
	Problem Problem
	What    string // more, for people
}

// Error is one line: name, attribute, problem.
func (e *Error) Error() string {
	parts := []string{"entry " + string(e.DN)}
	if e.Attr != "" {
		parts = append(parts, e.Attr)
	}
	parts = append(parts, e.Problem.String())
	if e.What != "" {
		parts = append(parts, e.What)
	}
	return strings.Join(parts, ": ")
}

// Check says whether a server may hold e: a well-formed name; attributes that are
// known, with values of the right number, syntax and form, none twice; known
// classes, exactly one chain of them structural; every MUST, nothing outside MUST
// and MAY; and the values it is named by. The error is an *[Error], the first in the
// order of this list.
func Check(e Entry) error {
	fail := func(attr string, p Problem, format string, args ...any) error {
		return &Error{e.DN, attr, p, fmt.Sprintf(format, args...)}
	}
	if _, err := splitDN(string(e.DN)); err != nil {
		return fail("", BadName, "%v", err)
	}
	avas := e.DN.AVAs()
	if len(avas) == 0 {
		return fail("", BadName, "the root has no entry")
	}
	for _, a := range e.Attrs {
		if err := checkAttr(a, fail); err != nil {
			return err
		}
	}
	if err := checkClasses(e, fail); err != nil {
		return err
	}
	for _, ava := range avas {
		if _, ok := AttributeNamed(ava.Attr); !ok {
			return fail(ava.Attr, UnknownAttribute, "in the name")
		}
		if !e.HasValue(ava.Attr, ava.Value) {
			return fail(ava.Attr, BadName, "the entry lacks the value it is named by")
		}
	}
	return nil
}

type failFunc func(attr string, p Problem, format string, args ...any) error

// checkClasses requires classes that go together, and what they require.
func checkClasses(e Entry, fail failFunc) error {
	all, err := classesOf(e, fail)
	if err != nil {
		return err
	}
	allowed := map[string]bool{}
	for _, c := range all {
		for _, name := range c.Must {
			if !e.Has(name) {
				return fail(name, MissingAttribute, "class %s needs it", c.Name)
			}
			allowed[canonicalName(name)] = true
		}
		for _, name := range c.May {
			allowed[canonicalName(name)] = true
		}
	}
	for _, a := range e.Attrs {
		if name := canonicalName(a.Name); !allowed[name] {
			return fail(name, ForbiddenAttr, "no class of the entry has it")
		}
	}
	return nil
}

// classesOf returns every class of e, superclasses included.
func classesOf(e Entry, fail failFunc) ([]Class, error) {
	names := e.Values("objectClass")
	if len(names) == 0 {
		return nil, fail("objectClass", BadClasses, "the entry has none")
	}
	seen := map[string]bool{}
	var all []Class
	deepest := Class{}
	for _, name := range names {
		c, _ := ClassNamed(name) // known: its value has been checked
		if c.Kind == Structural && (deepest.Name == "" || deepest.Loose || !c.Loose && IsSubclass(c.Name, deepest.Name)) {
			deepest = c
		}
		for {
			if !seen[c.Name] {
				seen[c.Name] = true
				all = append(all, c)
			}
			if c.Sup == "" {
				break
			}
			c, _ = ClassNamed(c.Sup)
		}
	}
	if deepest.Name == "" {
		return nil, fail("objectClass", BadClasses, "no structural class")
	}
	for _, c := range all {
		if c.Kind == Structural && !c.Loose && !IsSubclass(deepest.Name, c.Name) {
			return nil, fail("objectClass", BadClasses, "an entry cannot be both %s and %s", deepest.Name, c.Name)
		}
	}
	return all, nil
}

func checkAttr(a Attr, fail failFunc) error {
	t, ok := AttributeNamed(a.Name)
	switch {
	case !ok:
		return fail(a.Name, UnknownAttribute, "")
	case t.Operate:
		return fail(t.Name, ReadOnlyAttr, "kept by the server")
	case len(a.Values) == 0:
		return fail(t.Name, BadValue, "no value")
	}
	for _, v := range a.Values {
		if err := CheckValue(t, v); err != nil {
			return fail(t.Name, BadValue, "%v", err)
		}
	}
	if t.Single && len(a.Values) > 1 {
		return fail(t.Name, TooManyValues, "it has one value only")
	}
	if len(a.Values) > 1 && len(valueSet(t, a.Values)) < len(a.Values) {
		return fail(t.Name, DuplicateValue, "")
	}
	return nil
}

// CheckValue says whether v is a value of attribute t: its syntax, its length, and
// the form we ask for beyond that.
func CheckValue(t Attribute, v string) error {
	if !t.Syntax.Valid(v) {
		return fmt.Errorf("%.64q is not of syntax %s", v, t.Syntax)
	}
	if t.MaxLen > 0 && len(v) > t.MaxLen {
		return fmt.Errorf("longer than %d octets", t.MaxLen)
	}
	if t.Name == "objectClass" {
		if _, ok := ClassNamed(v); !ok {
			return fmt.Errorf("%.64q is no class known here", v)
		}
	}
	if !t.Form.Valid(v) {
		return fmt.Errorf("%.64q is not %s", v, t.Form)
	}
	return nil
}

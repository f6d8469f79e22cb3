package tree

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Modify alters an entry by mods, all of them or none (RFC 4511 4.6). What comes
// out must be allowed by the schema, keep its structural class and keep the values
// it is named by; what lies between one mod and the next need not.
func (t Tree) Modify(dn ldapschema.DN, mods []ldapschema.Mod, assert *ldapschema.Filter) error {
	for _, m := range mods {
		if code, err := vet(m); err != nil {
			return fail("modify", dn, code, fmt.Errorf("%s %s: %w", m.Op, m.Attr, err))
		}
	}
	key, old, err := t.get("modify", dn, assert)
	if err != nil {
		return err
	}
	e := old.Clone()
	for _, m := range mods {
		code, err := alter(&e, m)
		if err != nil {
			return fail("modify", old.DN, code, fmt.Errorf("%s %s: %w", m.Op, m.Attr, err))
		}
	}
	e = e.Canonical()
	user, _ := Split(e)
	if err := ldapschema.Check(user); err != nil {
		var s *ldapschema.Error
		if errors.As(err, &s) && s.Problem == ldapschema.BadName {
			return fail("modify", old.DN, directory.NotAllowedOnRDN, err)
		}
		return refused("modify", old.DN, err)
	}
	if !strings.EqualFold(ldapschema.StructuralClass(old), ldapschema.StructuralClass(e)) {
		return fail("modify", old.DN, directory.ObjectClassModsBarred, errors.New("structural class would change"))
	}
	return t.put("modify", key, old, e)
}

// Split parts the attributes that users write from those that servers keep.
func Split(e ldapschema.Entry) (user, operational ldapschema.Entry) {
	user.DN, operational.DN = e.DN, e.DN
	for _, a := range e.Attrs {
		if t, ok := ldapschema.AttributeNamed(a.Name); ok && t.Operate {
			operational.Attrs = append(operational.Attrs, a)
		} else {
			user.Attrs = append(user.Attrs, a)
		}
	}
	return user, operational
}

// vet refuses a mod that no entry could take.
func vet(m ldapschema.Mod) (directory.Code, error) {
	t, ok := ldapschema.AttributeNamed(m.Attr)
	switch {
	case !ok:
		return directory.UndefinedAttributeType, errors.New("unknown attribute")
	case t.Operate:
		return directory.ConstraintViolation, errors.New("kept by the server")
	case m.Op == ldapschema.ModAdd && len(m.Values) == 0:
		return directory.ProtocolError, errors.New("no values")
	case m.Op == ldapschema.ModIncrement && t.Syntax != ldapschema.Integer:
		return directory.ConstraintViolation, errors.New("not an integer attribute")
	case m.Op == ldapschema.ModIncrement && len(m.Values) != 1:
		return directory.ProtocolError, errors.New("one integer is needed")
	}
	for _, v := range m.Values {
		if err := ldapschema.CheckValue(t, v); err != nil {
			return directory.InvalidAttributeSyntax, err
		}
	}
	switch {
	case len(m.Values) < 2 || m.Op == ldapschema.ModDelete:
	case t.Single:
		return directory.ConstraintViolation, errors.New("it has one value only")
	case len(normals(t, m.Values)) < len(m.Values):
		return directory.AttributeOrValueExists, errors.New("a value is given twice")
	}
	return directory.Success, nil
}

// alter carries out one mod that has been vetted.
func alter(e *ldapschema.Entry, m ldapschema.Mod) (directory.Code, error) {
	t, _ := ldapschema.AttributeNamed(m.Attr)
	have := e.Values(t.Name)
	switch m.Op {
	case ldapschema.ModAdd:
		set := normals(t, have)
		for _, v := range m.Values {
			if set[t.Normal(v)] {
				return directory.AttributeOrValueExists, fmt.Errorf("value %.64q", v)
			}
		}
		*e = with(*e, t.Name, append(append([]string(nil), have...), m.Values...))
	case ldapschema.ModDelete:
		return remove(e, t, have, m.Values)
	case ldapschema.ModReplace:
		*e = with(*e, t.Name, m.Values)
	case ldapschema.ModIncrement:
		return increment(e, t, have, m.Values[0])
	default:
		return directory.ProtocolError, errors.New("unknown operation")
	}
	return directory.Success, nil
}

func remove(e *ldapschema.Entry, t ldapschema.Attribute, have, gone []string) (directory.Code, error) {
	if len(have) == 0 {
		return directory.NoSuchAttribute, errors.New("no such attribute")
	}
	if len(gone) == 0 {
		*e = with(*e, t.Name, nil)
		return directory.Success, nil
	}
	if t.Equality == ldapschema.NoMatch {
		return directory.InappropriateMatching, errors.New("values without equality rule cannot be named")
	}
	set := normals(t, have)
	drop := map[string]bool{}
	for _, v := range gone {
		n := t.Normal(v)
		if !set[n] || drop[n] {
			return directory.NoSuchAttribute, fmt.Errorf("no value %.64q", v)
		}
		drop[n] = true
	}
	var keep []string
	for _, v := range have {
		if !drop[t.Normal(v)] {
			keep = append(keep, v)
		}
	}
	*e = with(*e, t.Name, keep)
	return directory.Success, nil
}

// increment adds to every value (RFC 4525).
func increment(e *ldapschema.Entry, t ldapschema.Attribute, have []string, by string) (directory.Code, error) {
	if len(have) == 0 {
		return directory.NoSuchAttribute, errors.New("no such attribute")
	}
	step, _ := new(big.Int).SetString(by, 10)
	out := make([]string, len(have))
	for i, v := range have {
		n, ok := new(big.Int).SetString(v, 10)
		if !ok {
			return directory.ConstraintViolation, errors.New("value is not an integer")
		}
		out[i] = n.Add(n, step).String()
	}
	*e = with(*e, t.Name, out)
	return directory.Success, nil
}

// with sets values as given: a value twice is for the schema check to find.
func with(e ldapschema.Entry, name string, values []string) ldapschema.Entry {
	out := ldapschema.Entry{DN: e.DN}
	for _, a := range e.Attrs {
		if a.Name != name {
			out.Attrs = append(out.Attrs, a)
		}
	}
	if len(values) > 0 {
		out.Attrs = append(out.Attrs, ldapschema.Attr{Name: name, Values: append([]string(nil), values...)})
	}
	return out
}

func normals(t ldapschema.Attribute, values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, v := range values {
		set[t.Normal(v)] = true
	}
	return set
}

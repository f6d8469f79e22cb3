package embedded

import (
	"errors"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// An update is a write as it was asked for: the entry it concerns now, and the
// name it has afterwards, "" when it is gone.
type update struct {
	before, after ldapschema.DN
	do            func(t tree.Tree, assert *ldapschema.Filter) error
}

// parseUpdate reads one of the four requests that write.
func parseUpdate(m message) (update, error) {
	switch m.tag {
	case opAddRequest:
		return parseAdd(m.op)
	case opModifyRequest:
		return parseModify(m.op)
	case opModifyDNRequest:
		return parseModifyDN(m.op)
	}
	if m.op.TagType != ber.TypePrimitive {
		return update{}, protocolError("malformed delete")
	}
	dn := ldapschema.DN(m.op.Data.String())
	return update{before: dn, do: func(t tree.Tree, assert *ldapschema.Filter) error { return t.Delete(dn, assert) }}, nil
}

// parseAdd reads RFC 4511 4.7.
func parseAdd(p *ber.Packet) (update, error) {
	f, err := parts(p, 2, 2)
	if err != nil {
		return update{}, err
	}
	name, err := text(f[0])
	if err != nil {
		return update{}, err
	}
	attrs, err := list(f[1], ber.TagSequence)
	if err != nil {
		return update{}, err
	}
	e := ldapschema.Entry{DN: ldapschema.DN(name)}
	for _, p := range attrs {
		a, err := parseAttr(p)
		if err != nil {
			return update{}, err
		}
		if len(a.Values) == 0 {
			return update{}, protocolError("attribute %.64q without values", a.Name)
		}
		e.Attrs = append(e.Attrs, a)
	}
	return update{after: e.DN, do: func(t tree.Tree, _ *ldapschema.Filter) error { return t.Add(e) }}, nil
}

func parseAttr(p *ber.Packet) (ldapschema.Attr, error) {
	f, err := list(p, ber.TagSequence)
	if err != nil {
		return ldapschema.Attr{}, err
	}
	if len(f) != 2 {
		return ldapschema.Attr{}, protocolError("attribute of %d parts", len(f))
	}
	name, err := text(f[0])
	if err != nil {
		return ldapschema.Attr{}, err
	}
	values, err := texts(f[1], ber.TagSet)
	return ldapschema.Attr{Name: name, Values: values}, err
}

// modOps are the operations of a modify (RFC 4511 4.6; 3 is RFC 4525).
var modOps = [...]ldapschema.ModOp{ldapschema.ModAdd, ldapschema.ModDelete, ldapschema.ModReplace, ldapschema.ModIncrement}

func parseModify(p *ber.Packet) (update, error) {
	f, err := parts(p, 2, 2)
	if err != nil {
		return update{}, err
	}
	name, err := text(f[0])
	if err != nil {
		return update{}, err
	}
	changes, err := list(f[1], ber.TagSequence)
	if err != nil {
		return update{}, err
	}
	var mods []ldapschema.Mod
	for _, c := range changes {
		f, err := list(c, ber.TagSequence)
		if err != nil {
			return update{}, err
		}
		if len(f) != 2 {
			return update{}, protocolError("change of %d parts", len(f))
		}
		op, err := integer(f[0], ber.TagEnumerated)
		if err != nil {
			return update{}, err
		}
		if op < 0 || int(op) >= len(modOps) {
			return update{}, protocolError("unknown kind of change, %d", op)
		}
		a, err := parseAttr(f[1])
		if err != nil {
			return update{}, err
		}
		mods = append(mods, ldapschema.Mod{Op: modOps[op], Attr: a.Name, Values: a.Values})
	}
	dn := ldapschema.DN(name)
	return update{before: dn, after: dn, do: func(t tree.Tree, assert *ldapschema.Filter) error { return t.Modify(dn, mods, assert) }}, nil
}

// parseModifyDN reads RFC 4511 4.9.
func parseModifyDN(p *ber.Packet) (update, error) {
	f, err := parts(p, 3, 4)
	if err != nil {
		return update{}, err
	}
	name, err := text(f[0])
	if err != nil {
		return update{}, err
	}
	rdn, err := text(f[1])
	if err != nil {
		return update{}, err
	}
	dropOld, err := boolean(f[2])
	if err != nil {
		return update{}, err
	}
	dn, newRDN := ldapschema.DN(name), ldapschema.DN(rdn)
	above := dn.Parent()
	var newParent *ldapschema.DN
	if len(f) == 4 {
		if !isContext(f[3], 0, ber.TypePrimitive) {
			return update{}, protocolError("malformed new superior")
		}
		above = ldapschema.DN(f[3].Data.String())
		newParent = &above
	}
	after := newRDN
	if above != "" {
		after += "," + above
	}
	return update{before: dn, after: after, do: func(t tree.Tree, assert *ldapschema.Filter) error {
		return t.Rename(dn, newRDN, dropOld, newParent, assert)
	}}, nil
}

// An outcome is the answer to a request: a result, and the controls that go with it.
type outcome struct {
	op       *ber.Packet
	controls []*ber.Packet
}

// update puts a write in the writer's queue. Writes of one client are queued in the
// order in which they came; the channel has the outcome once it is durable.
func (c *client) update(m message) <-chan outcome {
	out := make(chan outcome, 1) // so that the writer never waits for a client
	tag := responseTag(m.tag)
	u, x, err := c.mayUpdate(m)
	if err != nil {
		out <- outcome{op: resultOf(tag, err)}
		return out
	}
	var controls []*ber.Packet
	read := func(t tree.Tree, oid string, dn ldapschema.DN, attrs []string) {
		if attrs == nil {
			return
		}
		if _, e, err := t.Get("read", dn); err == nil {
			controls = append(controls, responseControl(oid, entryPacket(selectionOf(attrs).of(e), false, true)))
		}
	}
	c.srv.engine.write(job{c.who.dn, func(t tree.Tree) error {
		read(t, controlPreRead, u.before, x.preRead)
		err := u.do(t, x.assert)
		if err == nil {
			read(t, controlPostRead, u.after, x.postRead)
		}
		return err
	}, func(err error) {
		if err != nil {
			controls = nil
		}
		out <- outcome{resultOf(tag, err), controls}
	}})
	return out
}

// mayUpdate reads a request to write, and refuses what can be refused without a
// look at the tree.
func (c *client) mayUpdate(m message) (update, extras, error) {
	u, err := parseUpdate(m)
	if err != nil {
		return u, extras{}, err
	}
	fit := []string{controlAssert, controlPreRead, controlPostRead}
	switch m.tag {
	case opAddRequest:
		fit = []string{controlPostRead}
	case opDelRequest:
		fit = []string{controlAssert, controlPreRead}
	}
	x, err := m.controlsFor(fit...)
	if err == nil && !c.who.writer {
		err = &directory.Error{Op: "write", Code: directory.InsufficientAccess, Err: errors.New("no right to write")}
	}
	return u, x, err
}

// compare answers a compare request (RFC 4511 4.10).
func (c *client) compare(m message) error {
	f, err := parts(m.op, 2, 2)
	if err != nil {
		return err
	}
	name, err := text(f[0])
	if err != nil {
		return err
	}
	ava, err := list(f[1], ber.TagSequence)
	if err != nil || len(ava) != 2 {
		return protocolError("malformed comparison")
	}
	attr, err := text(ava[0])
	if err != nil {
		return err
	}
	value, err := text(ava[1])
	if err != nil {
		return err
	}
	x, err := m.controlsFor(controlAssert)
	if err != nil {
		return err
	}
	dn := ldapschema.DN(name)
	fail := func(code directory.Code, why string) error {
		return &directory.Error{Op: "compare", DN: dn, Code: code, Err: errors.New(why)}
	}
	t, ok := ldapschema.AttributeNamed(attr)
	switch {
	case !c.who.mayRead(c.srv), !c.who.writer && slices.ContainsFunc(secrets, func(s string) bool { return strings.EqualFold(s, t.Name) }):
		return fail(directory.InsufficientAccess, "not for this identity")
	case !ok:
		return fail(directory.UndefinedAttributeType, "unknown attribute")
	case t.Equality == ldapschema.NoMatch:
		return fail(directory.InappropriateMatching, "its values cannot be compared")
	}
	return c.srv.engine.view("compare", dn, func(tr tree.Tree, _ store) error {
		_, e, err := tr.Get("compare", dn)
		switch {
		case err != nil:
			return err
		case x.assert != nil && !x.assert.Match(c.who.see(e)):
			return fail(directory.AssertionFailed, "it does not match")
		case !e.Has(t.Name):
			return fail(directory.NoSuchAttribute, "no such attribute")
		case (ldapschema.Filter{Op: ldapschema.FilterEqual, Attr: t.Name, Value: value}).Match(e):
			return &directory.Error{Code: directory.CompareTrue}
		}
		return &directory.Error{Code: directory.CompareFalse}
	})
}

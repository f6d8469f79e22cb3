package tree

import (
	"errors"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Rename gives an entry a new RDN, and a new place when newParent is not nil; all
// entries below go with it (RFC 4511 4.9). The values of the new RDN are added to
// the entry; those of the old one are removed when dropOld is set.
func (t Tree) Rename(dn, newRDN ldapschema.DN, dropOld bool, newParent *ldapschema.DN, assert *ldapschema.Filter) error {
	const op = "rename"
	key, old, err := t.get(op, dn, assert)
	if err != nil {
		return err
	}
	if key == t.Suffix {
		return never(op, dn, "the topmost entry keeps its name")
	}
	if _, err := ldapschema.ParseDN(string(newRDN)); err != nil || newRDN.Depth() != 1 {
		return fail(op, dn, directory.InvalidDNSyntax, errors.Join(errors.New("new RDN is not one RDN"), err))
	}
	above := old.DN.Parent()
	if newParent != nil {
		pkey, parent, err := t.get(op, *newParent, nil)
		if err != nil {
			return err
		}
		if pkey == key || pkey.Below(key) {
			return never(op, dn, "an entry cannot move below itself")
		}
		above = parent.DN
	}
	renamed := rename(old, newRDN+","+above, dropOld)
	newKey, err := KeyOf(renamed.DN)
	if err != nil {
		return fail(op, dn, directory.InvalidDNSyntax, err)
	}
	user, _ := Split(renamed)
	if err := ldapschema.Check(user); err != nil {
		return refused(op, dn, err)
	}
	if newKey != key {
		if _, ok, err := t.Store.Get(newKey); err != nil || ok {
			return found(op, renamed.DN, err)
		}
	}
	return t.move(key, old, newKey, renamed)
}

// rename is e under a new name, its naming values brought in line.
func rename(e ldapschema.Entry, dn ldapschema.DN, dropOld bool) ldapschema.Entry {
	out := e.Clone()
	out.DN = dn
	if dropOld {
		for _, a := range e.DN.AVAs() {
			t, ok := ldapschema.AttributeNamed(a.Attr)
			if !ok {
				continue
			}
			var keep []string
			for _, v := range out.Values(t.Name) {
				if !t.Equal(v, a.Value) {
					keep = append(keep, v)
				}
			}
			out = with(out, t.Name, keep)
		}
	}
	return named(out)
}

// named is e with the values it is named by.
func named(e ldapschema.Entry) ldapschema.Entry {
	for _, a := range e.DN.AVAs() {
		if !e.HasValue(a.Attr, a.Value) {
			if t, ok := ldapschema.AttributeNamed(a.Attr); ok {
				e = with(e, t.Name, append([]string{a.Value}, e.Values(t.Name)...))
			}
		}
	}
	return e.Canonical()
}

// move stores the entry and everything below it under new names.
func (t Tree) move(key Key, old ldapschema.Entry, newKey Key, renamed ldapschema.Entry) error {
	const op = "rename"
	type place struct {
		key Key
		e   ldapschema.Entry
	}
	var all []place
	err := t.Store.Subtree(key, func(k Key, e ldapschema.Entry) bool {
		all = append(all, place{k, e})
		return true
	})
	if err != nil {
		return medium(op, old.DN, err)
	}
	names := map[Key]ldapschema.DN{key: renamed.DN}
	for _, p := range all[1:] {
		rdn := p.e.DN[:len(p.e.DN)-len(p.e.DN.Parent())] // with its comma
		dn := rdn + names[p.key.Parent()]
		if _, err := ldapschema.ParseDN(string(dn)); err != nil {
			return fail(op, p.e.DN, directory.InvalidDNSyntax, err)
		}
		names[p.key] = dn
	}
	for _, p := range all {
		if err := t.Store.Delete(p.key); err != nil {
			return medium(op, p.e.DN, err)
		}
	}
	if err := t.put(op, newKey, old, renamed); err != nil {
		return err
	}
	for _, p := range all[1:] {
		e := p.e.Clone()
		e.DN = names[p.key]
		if err := t.Store.Put(newKey+p.key[len(key):], e); err != nil {
			return medium(op, p.e.DN, err)
		}
	}
	return nil
}

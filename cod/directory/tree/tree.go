package tree

import (
	"errors"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Key orders entries as a walk through the tree meets them: an entry before its
// children, a subtree in one piece. It is the normal form of the name's parts from
// the root down, parted by NUL, which no normal form contains.
type Key string

// KeyOf is the key of a name; a malformed name is an error.
func KeyOf(dn ldapschema.DN) (Key, error) {
	path, err := dn.Path()
	if err != nil {
		return "", err
	}
	return Key(strings.Join(path, "\x00")), nil
}

// Parent is the key one level up.
func (k Key) Parent() Key { return k[:max(strings.LastIndexByte(string(k), 0), 0)] }

// Below says whether k lies below other, and is not other itself.
func (k Key) Below(other Key) bool {
	return other == "" && k != "" || len(k) > len(other) && strings.HasPrefix(string(k), string(other)) && k[len(other)] == 0
}

// A Store keeps entries by key. The entries it takes and gives are not to be
// written to. Errors are those of the medium; absence is not one.
type Store interface {
	Get(Key) (ldapschema.Entry, bool, error)
	Put(Key, ldapschema.Entry) error
	Delete(Key) error
	// HasChildren says whether anything lies below.
	HasChildren(Key) (bool, error)
	// Subtree calls visit with the entry and all below it in key order, until it
	// answers false.
	Subtree(k Key, visit func(Key, ldapschema.Entry) bool) error
}

// A Tree is a store seen under the rules.
type Tree struct {
	Store  Store
	Suffix Key // of the topmost entry, which needs no parent
	// Stamp, when set, may add operational attributes to an entry about to be
	// stored. old is the zero Entry when the entry is new.
	Stamp func(old, changed ldapschema.Entry) ldapschema.Entry
}

// Apply carries out one change.
func (t Tree) Apply(c ldapschema.Change) error {
	var assert *ldapschema.Filter
	if c.Assert != "" {
		f, err := ldapschema.ParseFilter(c.Assert)
		if err != nil {
			return fail(c.Kind.String(), c.DN, directory.ProtocolError, err)
		}
		assert = &f
	}
	switch c.Kind {
	case ldapschema.Add:
		return t.Add(c.Entry())
	case ldapschema.Modify:
		return t.Modify(c.DN, c.Mods, assert)
	case ldapschema.Delete:
		return t.Delete(c.DN, assert)
	}
	return fail(c.Kind.String(), c.DN, directory.ProtocolError, errors.New("unknown kind of change"))
}

// Add makes an entry. The values of its RDN are part of it, whether they were sent
// or not (RFC 4511 4.7).
func (t Tree) Add(e ldapschema.Entry) error {
	key, err := KeyOf(e.DN)
	if err != nil {
		return fail("add", e.DN, directory.InvalidDNSyntax, err)
	}
	e = named(e.Canonical())
	if err := ldapschema.Check(e); err != nil {
		return refused("add", e.DN, err)
	}
	if key != t.Suffix {
		if err := t.needParent("add", e.DN, key); err != nil {
			return err
		}
	}
	if _, ok, err := t.Store.Get(key); err != nil || ok {
		return found("add", e.DN, err)
	}
	return t.put("add", key, ldapschema.Entry{}, e)
}

// Delete removes an entry that nothing lies below.
func (t Tree) Delete(dn ldapschema.DN, assert *ldapschema.Filter) error {
	key, _, err := t.get("delete", dn, assert)
	if err != nil {
		return err
	}
	if more, err := t.Store.HasChildren(key); err != nil {
		return medium("delete", dn, err)
	} else if more {
		return fail("delete", dn, directory.NotAllowedOnNonLeaf, errors.New("entries lie below"))
	}
	if err := t.Store.Delete(key); err != nil {
		return medium("delete", dn, err)
	}
	return nil
}

// Get finds an entry; its error names the nearest entry above that exists.
func (t Tree) Get(op string, dn ldapschema.DN) (Key, ldapschema.Entry, error) {
	return t.get(op, dn, nil)
}

func (t Tree) get(op string, dn ldapschema.DN, assert *ldapschema.Filter) (Key, ldapschema.Entry, error) {
	key, err := KeyOf(dn)
	if err != nil {
		return "", ldapschema.Entry{}, fail(op, dn, directory.InvalidDNSyntax, err)
	}
	e, ok, err := t.Store.Get(key)
	if err != nil {
		return "", ldapschema.Entry{}, medium(op, dn, err)
	}
	if !ok {
		return "", ldapschema.Entry{}, t.missing(op, dn, key)
	}
	if assert != nil && !assert.Match(e) {
		return "", ldapschema.Entry{}, fail(op, dn, directory.AssertionFailed, fmt.Errorf("it does not match %s", assert))
	}
	return key, e, nil
}

// needParent requires the entry above key.
func (t Tree) needParent(op string, dn ldapschema.DN, key Key) error {
	_, ok, err := t.Store.Get(key.Parent())
	if err != nil {
		return medium(op, dn, err)
	}
	if !ok || !key.Below(t.Suffix) {
		return t.missing(op, dn, key)
	}
	return nil
}

// missing is the error for an absent entry, with the nearest one above it.
func (t Tree) missing(op string, dn ldapschema.DN, key Key) error {
	out := &directory.Error{Op: op, DN: dn, Code: directory.NoSuchObject}
	for key != "" {
		key = key.Parent()
		if e, ok, err := t.Store.Get(key); err == nil && ok {
			out.Matched = e.DN
			break
		}
	}
	return out
}

func (t Tree) put(op string, key Key, old, e ldapschema.Entry) error {
	if t.Stamp != nil {
		e = t.Stamp(old, e)
	}
	if err := t.Store.Put(key, e); err != nil {
		return medium(op, e.DN, err)
	}
	return nil
}

func fail(op string, dn ldapschema.DN, code directory.Code, err error) error {
	return &directory.Error{Op: op, DN: dn, Code: code, Err: err}
}

// never is the error for what the directory will not do at any time.
func never(op string, dn ldapschema.DN, why string) error {
	return &directory.Error{Op: op, DN: dn, Code: directory.UnwillingToPerform, Kind: directory.ErrOther, Err: errors.New(why)}
}

// refused is the error for what the schema does not allow.
func refused(op string, dn ldapschema.DN, err error) error {
	return &directory.Error{Op: op, DN: dn, Code: directory.CodeOf(err), Err: err}
}

// medium is the error for a store that failed.
func medium(op string, dn ldapschema.DN, err error) error {
	return &directory.Error{Op: op, DN: dn, Code: directory.Unavailable, Err: err}
}

// found is the error for a name in use, or for failing to find out.
func found(op string, dn ldapschema.DN, err error) error {
	if err != nil {
		return medium(op, dn, err)
	}
	return fail(op, dn, directory.EntryAlreadyExists, nil)
}

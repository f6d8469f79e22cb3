/*
Package memdir is a directory in memory, under the same rules as a server: parents
exist, leaves alone are deleted, the schema is checked. The same calls always give
the same answers, so simulations can be repeated; [Dir.Before] and [Dir.After] let
them lose requests and answers.
*/
package memdir

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Call is one call on a directory: a change, or a read of a name.
type Call struct {
	Op     string // "add", "modify", "delete", "rename", "read", "list" or "watch"
	DN     ldapschema.DN
	Change ldapschema.Change // of a write
}

// A Dir is a directory in memory. It may be used by several goroutines.
type Dir struct {
	// Before, when set, is asked before each call; an error is returned in place
	// of carrying the call out: the request was lost. Set both before first use.
	Before func(Call) error
	// After, when set, is asked after each call that succeeded; an error is
	// returned though the call was carried out: the answer was lost.
	After func(Call) error

	mu      sync.Mutex
	tree    tree.Tree
	store   store
	watches map[*watch]bool
	closed  bool
}

var _ directory.Directory = (*Dir)(nil)

// New is an empty directory whose topmost entry, once added, is suffix.
func New(suffix ldapschema.DN) (*Dir, error) {
	key, err := tree.KeyOf(suffix)
	if err != nil {
		return nil, err
	}
	d := &Dir{store: store{entries: map[tree.Key]ldapschema.Entry{}, who: map[tree.Key]identity{}}, watches: map[*watch]bool{}}
	d.tree = tree.Tree{Store: &d.store, Suffix: key}
	return d, nil
}

// Apply carries out one change.
func (d *Dir) Apply(ctx context.Context, c ldapschema.Change) error { return d.apply(ctx, c, "") }

func (d *Dir) apply(ctx context.Context, c ldapschema.Change, writer ldapschema.DN) error {
	return d.call(ctx, Call{c.Kind.String(), c.DN, c}, func() error {
		err := d.tree.Apply(c)
		d.publish(writer, false)
		return err
	})
}

// Read returns one entry.
func (d *Dir) Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error) {
	var out ldapschema.Entry
	err := d.call(ctx, Call{Op: "read", DN: dn}, func() error {
		_, e, err := d.tree.Get("read", dn)
		out = e.Clone()
		return err
	})
	if err != nil {
		return ldapschema.Entry{}, err
	}
	return out, nil
}

// List returns base and all below it.
func (d *Dir) List(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	var out []ldapschema.Entry
	err := d.call(ctx, Call{Op: "list", DN: base}, func() error {
		key, _, err := d.tree.Get("list", base)
		if errors.Is(err, directory.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return d.store.Subtree(key, func(_ tree.Key, e ldapschema.Entry) bool {
			out = append(out, e.Clone())
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Children returns the entries directly below base, in order; ErrNotFound when it
// is absent.
func (d *Dir) Children(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	var out []ldapschema.Entry
	err := d.call(ctx, Call{Op: "list", DN: base}, func() error {
		key, _, err := d.tree.Get("list", base)
		if err != nil {
			return err
		}
		return d.store.Subtree(key, func(k tree.Key, e ldapschema.Entry) bool {
			if k != key && k.Parent() == key {
				out = append(out, e.Clone())
			}
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Rename gives an entry another name below the same parent; what lies below it
// goes with it. The value of its old name is dropped.
func (d *Dir) Rename(ctx context.Context, dn, rdn ldapschema.DN) error {
	return d.call(ctx, Call{Op: "rename", DN: dn}, func() error {
		err := d.tree.Rename(dn, rdn, true, nil, nil)
		d.publish("", err == nil)
		return err
	})
}

// Close makes every later call fail, and ends watches.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.cut(errClosed)
	return nil
}

var errClosed = errors.New("directory is closed")

func (d *Dir) call(ctx context.Context, c Call, do func() error) error {
	lost := func(err error) error {
		var e *directory.Error
		if errors.As(err, &e) {
			return err
		}
		return &directory.Error{Op: c.Op, DN: c.DN, Kind: directory.ErrUnavailable, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return lost(err)
	}
	if d.Before != nil {
		if err := d.Before(c); err != nil {
			return lost(err)
		}
	}
	d.mu.Lock()
	var err error
	if d.closed {
		err = lost(errClosed)
	} else {
		err = do()
	}
	d.mu.Unlock()
	if err == nil && d.After != nil {
		if err := d.After(c); err != nil {
			return lost(err)
		}
	}
	return err
}

// A store is a map and its keys in order.
type store struct {
	entries map[tree.Key]ldapschema.Entry
	keys    []tree.Key
	who     map[tree.Key]identity
	last    int    // identity given out
	done    []made // by the write under way
}

// An identity is an entry's number, and who wrote it last.
type identity struct {
	id     int
	writer ldapschema.DN
}

func (s *store) Get(k tree.Key) (ldapschema.Entry, bool, error) {
	e, ok := s.entries[k]
	return e, ok, nil
}

func (s *store) Put(k tree.Key, e ldapschema.Entry) error {
	if i, ok := slices.BinarySearch(s.keys, k); !ok {
		s.keys = slices.Insert(s.keys, i, k)
	}
	who, ok := s.who[k]
	if !ok {
		s.last++
		who.id = s.last
	}
	s.entries[k], s.who[k] = e.Clone(), who
	s.done = append(s.done, made{key: k, id: who.id, dn: e.DN})
	return nil
}

func (s *store) Delete(k tree.Key) error {
	if i, ok := slices.BinarySearch(s.keys, k); ok {
		s.keys = slices.Delete(s.keys, i, i+1)
	}
	s.done = append(s.done, made{key: k, id: s.who[k].id, dn: s.entries[k].DN, gone: true})
	delete(s.entries, k)
	delete(s.who, k)
	return nil
}

func (s *store) HasChildren(k tree.Key) (bool, error) {
	i, _ := slices.BinarySearch(s.keys, k+"\x00")
	return i < len(s.keys) && s.keys[i].Below(k), nil
}

func (s *store) Subtree(k tree.Key, visit func(tree.Key, ldapschema.Entry) bool) error {
	i, ok := slices.BinarySearch(s.keys, k)
	if ok {
		if !visit(k, s.entries[k]) {
			return nil
		}
	}
	for i, _ = slices.BinarySearch(s.keys, k+"\x00"); i < len(s.keys) && s.keys[i].Below(k); i++ {
		if !visit(s.keys[i], s.entries[s.keys[i]]) {
			return nil
		}
	}
	return nil
}

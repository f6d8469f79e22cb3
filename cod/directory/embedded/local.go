package embedded

import (
	"context"
	"errors"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

// Local is the directory without the network in between, for the process that
// serves it. Its writes bear the name as; it may do everything. Closing it does not
// close the server.
func (s *Server) Local(as ldapschema.DN) directory.Directory {
	ctx, cancel := context.WithCancel(context.Background())
	return &local{s.engine, as, ctx, cancel}
}

type local struct {
	engine *engine
	as     ldapschema.DN
	open   context.Context // ends when closed
	shut   context.CancelFunc
}

func (l *local) usable(ctx context.Context, op string, dn ldapschema.DN) error {
	err := ctx.Err()
	if l.open.Err() != nil {
		err = errClosed
	}
	if err == nil {
		return nil
	}
	return &directory.Error{Op: op, DN: dn, Kind: directory.ErrUnavailable, Err: err}
}

func (l *local) Apply(ctx context.Context, c ldapschema.Change) error {
	if err := l.usable(ctx, c.Kind.String(), c.DN); err != nil {
		return err
	}
	out := make(chan error, 1)
	l.engine.write(job{l.as, func(t tree.Tree) error { return t.Apply(c) }, func(err error) { out <- err }})
	select {
	case err := <-out:
		return err
	case <-ctx.Done():
		return &directory.Error{Op: c.Kind.String(), DN: c.DN, Kind: directory.ErrUnavailable, Err: ctx.Err()}
	}
}

func (l *local) Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error) {
	if err := l.usable(ctx, "read", dn); err != nil {
		return ldapschema.Entry{}, err
	}
	var out ldapschema.Entry
	err := l.engine.view("read", dn, func(t tree.Tree, _ store) error {
		_, e, err := t.Get("read", dn)
		out, _ = tree.Split(e)
		return err
	})
	if err != nil {
		return ldapschema.Entry{}, err
	}
	return out, nil
}

func (l *local) List(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	if err := l.usable(ctx, "list", base); err != nil {
		return nil, err
	}
	var out []ldapschema.Entry
	err := l.engine.view("list", base, func(t tree.Tree, s store) error {
		key, _, err := t.Get("list", base)
		if errors.Is(err, directory.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.Subtree(key, func(_ tree.Key, e ldapschema.Entry) bool {
			user, _ := tree.Split(e)
			out = append(out, user)
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (l *local) Close() error {
	l.shut()
	return nil
}

package ldapdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Dir is a directory behind an LDAP server.
type Dir struct {
	pool *pool
	page int
}

var _ directory.Directory = (*Dir)(nil)

// Open prepares to use a server. It does not connect: see [Dir.Ping].
func Open(cfg Config) (*Dir, error) {
	cfg, t, err := cfg.check()
	if err != nil {
		return nil, err
	}
	return &Dir{newPool(cfg, t), cfg.Page}, nil
}

// Ping says whether the server answers and accepts our credentials.
func (d *Dir) Ping(ctx context.Context) error {
	return d.call(ctx, "ping", "", func(c *conn) error { return d.pool.probe(ctx, c) })
}

// Apply carries out one change.
func (d *Dir) Apply(ctx context.Context, c ldapschema.Change) error {
	controls, err := assertControls(c)
	if err != nil {
		return d.problem(c.Kind.String(), c.DN, err)
	}
	// One request is one call: the context's timer is enough, and go-ldap starts a
	// goroutine with a timer for each where it is to look after the time itself.
	ctx, cancel := context.WithTimeout(ctx, d.pool.cfg.Timeout)
	defer cancel()
	return d.call(ctx, c.Kind.String(), c.DN, func(conn *conn) error {
		conn.SetTimeout(0)
		defer conn.SetTimeout(d.pool.cfg.Timeout)
		switch c.Kind {
		case ldapschema.Add:
			req := ldap.NewAddRequest(string(c.DN), nil)
			for _, a := range c.Attrs {
				req.Attribute(a.Name, a.Values)
			}
			return conn.Add(req)
		case ldapschema.Modify:
			return conn.Modify(modifyRequest(c, controls))
		case ldapschema.Delete:
			return conn.Del(ldap.NewDelRequest(string(c.DN), controls))
		}
		return ldap.NewError(ldap.LDAPResultProtocolError, fmt.Errorf("unknown kind of change %v", c.Kind))
	})
}

func modifyRequest(c ldapschema.Change, controls []ldap.Control) *ldap.ModifyRequest {
	req := ldap.NewModifyRequest(string(c.DN), controls)
	for _, m := range c.Mods {
		switch m.Op {
		case ldapschema.ModAdd:
			req.Add(m.Attr, m.Values)
		case ldapschema.ModDelete:
			req.Delete(m.Attr, m.Values)
		case ldapschema.ModReplace:
			req.Replace(m.Attr, m.Values)
		case ldapschema.ModIncrement:
			req.Changes = append(req.Changes, ldap.Change{
				Operation:    ldap.IncrementAttribute,
				Modification: ldap.PartialAttribute{Type: m.Attr, Vals: m.Values},
			})
		}
	}
	return req
}

// Read returns one entry.
func (d *Dir) Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error) {
	var out ldapschema.Entry
	err := d.read(ctx, "read", dn, func(c *conn) error {
		res, err := c.Search(ldap.NewSearchRequest(string(dn), ldap.ScopeBaseObject, ldap.NeverDerefAliases,
			0, 0, false, "(objectClass=*)", []string{"*"}, nil))
		if err != nil {
			return err
		}
		if len(res.Entries) != 1 {
			return ldap.NewError(ldap.LDAPResultNoSuchObject, errors.New("hidden, or a referral"))
		}
		out = entry(res.Entries[0]).Canonical()
		return nil
	})
	return out, err
}

// List returns base and all below it. It asks in pages, so that a server's limit
// on one answer is no limit on a list, and fails rather than return a part.
func (d *Dir) List(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	out, err := d.search(ctx, base, ldap.ScopeWholeSubtree)
	if errors.Is(err, directory.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, e := range out {
		out[i] = e.Canonical()
	}
	ldapschema.SortEntries(out)
	return out, nil
}

// Children returns the entries directly below base, in no order and as the server
// writes them; ErrNotFound when base is absent. It pages as List does.
func (d *Dir) Children(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	return d.search(ctx, base, ldap.ScopeSingleLevel)
}

func (d *Dir) search(ctx context.Context, base ldapschema.DN, scope int) ([]ldapschema.Entry, error) {
	var out []ldapschema.Entry
	err := d.read(ctx, "list", base, func(c *conn) error {
		out = nil
		paging := ldap.NewControlPaging(uint32(d.page))
		for {
			res, err := c.Search(ldap.NewSearchRequest(string(base), scope, ldap.NeverDerefAliases,
				0, 0, false, "(objectClass=*)", []string{"*"}, []ldap.Control{paging}))
			if err != nil {
				return err
			}
			for _, e := range res.Entries {
				out = append(out, entry(e))
			}
			next, _ := ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
			if next == nil || len(next.Cookie) == 0 {
				return nil
			}
			paging = ldap.NewControlPaging(uint32(d.page))
			paging.SetCookie(next.Cookie)
		}
	})
	return out, err
}

// Rename gives an entry another name below the same parent (RFC 4511 4.9); what
// lies below it goes with it, in one step. The value of its old name is dropped.
func (d *Dir) Rename(ctx context.Context, dn, rdn ldapschema.DN) error {
	return d.call(ctx, "rename", dn, func(c *conn) error {
		return c.ModifyDN(ldap.NewModifyDNRequest(string(dn), string(rdn), true, ""))
	})
}

// Close ends all connections.
func (d *Dir) Close() error {
	d.pool.close()
	return nil
}

func entry(e *ldap.Entry) ldapschema.Entry {
	out := ldapschema.Entry{DN: ldapschema.DN(e.DN)}
	for _, a := range e.Attributes {
		out.Attrs = append(out.Attrs, ldapschema.Attr{Name: a.Name, Values: a.Values})
	}
	return out
}

// read is call for what may be asked twice: when a connection that had served
// before fails, a fresh one is tried.
func (d *Dir) read(ctx context.Context, op string, dn ldapschema.DN, do func(*conn) error) error {
	reused := false
	err := d.call(ctx, op, dn, func(c *conn) error {
		reused = c.reused
		return do(c)
	})
	if reused && ctx.Err() == nil && errors.Is(err, directory.ErrUnavailable) {
		return d.call(ctx, op, dn, do)
	}
	return err
}

// call lends do a connection, and takes it away when the context ends.
func (d *Dir) call(ctx context.Context, op string, dn ldapschema.DN, do func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return d.problem(op, dn, err)
	}
	c, err := d.pool.get(ctx)
	if err != nil {
		return d.problem(op, dn, errors.Join(err, ctx.Err()))
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	err = do(c)
	ended := !stop()
	d.pool.put(c, ended || broken(err))
	if err != nil && ended {
		err = errors.Join(ctx.Err(), err)
	}
	return d.problem(op, dn, err)
}

// broken says whether err leaves its connection in doubt: anything but a proper
// answer of the server.
func broken(err error) bool {
	var e *ldap.Error
	return err != nil && (!errors.As(err, &e) || e.ResultCode >= ldap.ErrorNetwork || e.ResultCode == ldap.LDAPResultUnavailable)
}

// problem turns go-ldap's errors into the directory's. What is not an answer of
// the server means that there was none.
func (d *Dir) problem(op string, dn ldapschema.DN, err error) error {
	if err == nil {
		return nil
	}
	out := &directory.Error{Op: op, DN: dn, Err: err}
	var e *ldap.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		out.Kind = directory.ErrUnavailable
	case errors.Is(err, ldapschema.ErrFilter):
		out.Code = directory.ProtocolError
	case errors.As(err, &e) && e.ResultCode < ldap.ErrorNetwork:
		out.Code = directory.Code(e.ResultCode)
		out.Matched = ldapschema.DN(e.MatchedDN)
	default:
		out.Kind = directory.ErrUnavailable
	}
	return out
}

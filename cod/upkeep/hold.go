package upkeep

import (
	"context"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// HoldHost keeps a machine from being assigned. A lease on it goes on.
func (d Desk) HoldHost(ctx context.Context, name, why string) (Report, error) {
	h, err := d.Host(ctx, name)
	if err != nil {
		return Report{Dry: d.Dry}, err
	}
	return d.hold(ctx, h.Entry, why)
}

// ReleaseHost ends HoldHost.
func (d Desk) ReleaseHost(ctx context.Context, name string) (Report, error) {
	h, err := d.Host(ctx, name)
	if err != nil {
		return Report{Dry: d.Dry}, err
	}
	return d.release(ctx, h.Entry)
}

// HoldNode keeps the authority from working on a node: it is left as it is, and so are
// its entries, until it is released.
func (d Desk) HoldNode(ctx context.Context, name, why string) (Report, error) {
	n, err := d.Node(ctx, name)
	if err != nil {
		return Report{Dry: d.Dry}, err
	}
	return d.hold(ctx, n.Entry, why)
}

// ReleaseNode ends HoldNode.
func (d Desk) ReleaseNode(ctx context.Context, name string) (Report, error) {
	n, err := d.Node(ctx, name)
	if err != nil {
		return Report{Dry: d.Dry}, err
	}
	return d.release(ctx, n.Entry)
}

// hold writes why an entry is held, unless somebody else holds it.
func (d Desk) hold(ctx context.Context, dn ldapschema.DN, why string) (Report, error) {
	r := Report{Dry: d.Dry}
	if why = strings.Join(strings.Fields(why), " "); why == "" {
		why = "held"
	}
	e, err := d.Directory.Read(ctx, dn)
	if err != nil {
		return r, err
	}
	switch now := e.Get("codHold"); {
	case now == why:
		r.add(Done{Entry: dn, What: Unchanged})
		return r, nil
	case now != "":
		return r, conflict(dn, "it is held already: %s", now)
	}
	done, err := d.apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Assert: assertion(e, "codHold"),
		Mods: []ldapschema.Mod{{Op: ldapschema.ModAdd, Attr: "codHold", Values: []string{why}}}})
	if err == nil {
		r.add(done)
	}
	return r, err
}

func (d Desk) release(ctx context.Context, dn ldapschema.DN) (Report, error) {
	r := Report{Dry: d.Dry}
	e, err := d.Directory.Read(ctx, dn)
	if err != nil {
		return r, err
	}
	if !e.Has("codHold") {
		r.add(Done{Entry: dn, What: Unchanged, Why: "nobody holds it"})
		return r, nil
	}
	done, err := d.apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: dn, Assert: assertion(e, "codHold"),
		Mods: []ldapschema.Mod{{Op: ldapschema.ModDelete, Attr: "codHold", Values: e.Values("codHold")}}})
	if err == nil {
		r.add(done)
	}
	return r, err
}

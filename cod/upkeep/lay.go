package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// needed are the families whose definitions a site's tree consists of.
var needed = []ldapschema.Family{ldapschema.Core, ldapschema.Cosine, ldapschema.NIS, ldapschema.InetOrgPerson, ldapschema.DHCP, ldapschema.DNS,
	ldapschema.Automount, ldapschema.PublicKey, ldapschema.COD}

// checkGroups says whether a server's groups are those of RFC 2307 or of RFC 2307bis
// where the site believes otherwise.
func checkGroups(published []ldapschema.Definition, bis bool) error {
	for _, d := range published {
		if !slices.ContainsFunc(d.Names, func(n string) bool { return strings.EqualFold(n, "posixGroup") }) {
			continue
		}
		switch has := d.Kind == ldapschema.Auxiliary; {
		case has && !bis:
			return errors.New("the directory's server has RFC 2307bis, whose groups are groups of entries: say so in the configuration (cod: schema: rfc2307bis), or with --schema")
		case !has && bis:
			return errors.New("the directory's server has RFC 2307, and the site is told that it has RFC 2307bis (cod: schema)")
		}
	}
	return nil
}

// CheckServer says what a server lacks that a site needs of it. A directory that cannot
// describe itself is believed to have everything. The notes are what the site can do
// without.
func (d Desk) CheckServer(ctx context.Context, bis bool) (notes []string, err error) {
	server, ok := d.Directory.(directory.Describer)
	if !ok {
		return nil, nil
	}
	is, err := server.Describe(ctx)
	if err != nil {
		return nil, err
	}
	if lacks := ldapschema.Lacking(is.Schema, needed...); len(lacks) > 0 {
		return nil, &directory.SchemaError{Lacks: lacks}
	}
	if err := checkGroups(is.Schema, bis); err != nil {
		return nil, err
	}
	if !is.Controls[directory.ControlAssertion] {
		return nil, errors.New("the directory's server does not understand assertions (RFC 4528), without which edits of others could be lost")
	}
	if !d.watched(ctx) {
		notes = append(notes, "the server tells nobody of changes (RFC 4533): load OpenLDAP's overlay syncprov, or feeds and the authority will not see edits")
	}
	return notes, nil
}

// errSeen ends a watch that has shown that it works.
var errSeen = errors.New("seen")

// watched says whether the tree can be watched, as far as that shows: a server may
// know the control and not keep it for this data base, and an absent tree tells nothing.
func (d Desk) watched(ctx context.Context) bool {
	w, ok := d.Directory.(directory.Watcher)
	if !ok {
		return false
	}
	err := w.Watch(ctx, d.Base, "", func(directory.Event) error { return errSeen })
	return directory.CodeOf(err) != directory.UnavailableCriticalExt
}

// Lay adds the entries that a site's directory needs before its first cluster
// (cod.Base), where they are absent. What is there stays as it is, whoever made it;
// where it is otherwise the report says in what.
func (d Desk) Lay(ctx context.Context, c cod.Config) (Report, error) {
	r := Report{Dry: d.Dry, Done: []Done{}}
	base, err := cod.Base(c)
	if err != nil {
		return r, err
	}
	for i, want := range base {
		done, err := d.layOne(ctx, want, i == 0)
		if i == 0 && errors.Is(err, directory.ErrNotFound) {
			err = fmt.Errorf("the entry above %s has to be loaded first, with ldapadd: %w", want.DN, err)
		}
		if err != nil {
			return r, err
		}
		r.add(done)
	}
	return r, nil
}

// layOne adds one entry if it is absent. The first is added unasked: some slapd 2.5 end
// themselves when the first question about a data base finds nothing in it at all.
func (d Desk) layOne(ctx context.Context, want ldapschema.Entry, first bool) (Done, error) {
	if first && !d.Dry {
		done, err := d.apply(ctx, ldapschema.AddEntry(want))
		if !errors.Is(err, directory.ErrExists) {
			return done, err
		}
	}
	have, there, err := d.read(ctx, want.DN)
	if err != nil {
		return Done{}, err
	}
	if there {
		return Done{Entry: want.DN, What: Unchanged, Why: differs(have, want)}, nil
	}
	return d.apply(ctx, ldapschema.AddEntry(want))
}

// differs says in which attributes an entry that is there is not as we would have made
// it.
func differs(have, want ldapschema.Entry) string {
	var out []string
	for _, a := range want.Attrs {
		for _, v := range a.Values {
			if !have.HasValue(a.Name, v) && (a.Name != "objectClass" || !have.IsA(v)) {
				out = append(out, a.Name)
				break
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "it stays as it is, with other " + strings.Join(out, ", ")
}

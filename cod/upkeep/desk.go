package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A Desk is where an operator works on one site's directory. Its fields are set
// before use.
type Desk struct {
	Directory directory.Directory
	Base      ldapschema.DN // the entry that the site's tree is below
	Dry       bool          // say what would be done, and do nothing
	// Patience is how long an entry waits for the one above it: a server that has just
	// been started lays the site's tree while its operator works already.
	Patience time.Duration
}

// What was done about an entry.
const (
	Added     = "added"
	Changed   = "changed"
	Removed   = "removed"
	Unchanged = "unchanged" // it was so already
	Skipped   = "skipped"   // it is not as wanted, and stays
)

// Done is what a command did about one entry.
type Done struct {
	Entry ldapschema.DN `json:"entry"`
	What  string        `json:"what"`
	Why   string        `json:"why,omitempty"`  // of what was skipped, and anything else worth saying
	LDIF  string        `json:"ldif,omitempty"` // the change (RFC 2849)
}

// A Report is what a command did.
type Report struct {
	Dry       bool   `json:"dry,omitempty"` // it would have
	Done      []Done `json:"done"`
	Changed   int    `json:"changed"`
	Unchanged int    `json:"unchanged"`
	Skipped   int    `json:"skipped"`
}

func (r *Report) add(d Done) {
	r.Done = append(r.Done, d)
	switch d.What {
	case Unchanged:
		r.Unchanged++
	case Skipped:
		r.Skipped++
	default:
		r.Changed++
	}
}

// Join adds another report to this one.
func (r *Report) Join(other Report) {
	for _, d := range other.Done {
		r.add(d)
	}
}

// apply carries out one change, unless this is a dry run.
func (d Desk) apply(ctx context.Context, c ldapschema.Change) (Done, error) {
	what := map[ldapschema.ChangeKind]string{ldapschema.Add: Added, ldapschema.Modify: Changed, ldapschema.Delete: Removed}[c.Kind]
	done := Done{Entry: c.DN, What: what, LDIF: c.LDIF()}
	if d.Dry {
		return done, nil
	}
	if err := d.carry(ctx, c); err != nil {
		if errors.Is(err, directory.ErrConflict) {
			err = fmt.Errorf("somebody has changed the entry meanwhile, and that stands: %w", err)
		}
		return done, err
	}
	return done, nil
}

// carry carries out one change. One that adds an entry waits until the one above it is
// there.
func (d Desk) carry(ctx context.Context, c ldapschema.Change) error {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for until := time.Now().Add(d.Patience); ; {
		err := d.Directory.Apply(ctx, c)
		switch {
		case c.Kind != ldapschema.Add || !errors.Is(err, directory.ErrNotFound) || c.DN.Equal(d.Base):
			return err
		case !time.Now().Before(until):
			return fmt.Errorf("there is no %s to put it in: start the server, which lays the site's tree, or lay it with leasehold cod init --apply: %w", c.DN.Parent(), err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// read reads an entry; ok is false when there is none.
func (d Desk) read(ctx context.Context, dn ldapschema.DN) (e ldapschema.Entry, ok bool, err error) {
	e, err = d.Directory.Read(ctx, dn)
	if errors.Is(err, directory.ErrNotFound) {
		return e, false, nil
	}
	return e, err == nil, err
}

// edit brings the named attributes of an entry to what is wanted, and adds the classes
// they need, if the entry is still as it was read. The bool is false when there is
// nothing to do.
func edit(have, want ldapschema.Entry, attrs ...string) (ldapschema.Change, bool) {
	c := ldapschema.Change{Kind: ldapschema.Modify, DN: have.DN}
	var missing, changed []string
	for _, class := range want.Values("objectClass") {
		if !have.IsA(class) && class != "top" {
			missing = append(missing, class)
		}
	}
	if len(missing) > 0 {
		c.Mods = append(c.Mods, ldapschema.Mod{Op: ldapschema.ModAdd, Attr: "objectClass", Values: missing})
	}
	for _, name := range attrs {
		h, w := have.Values(name), want.Values(name)
		if sameSet(have, name, h, w) {
			continue
		}
		changed = append(changed, name)
		c.Mods = append(c.Mods, ldapschema.Mod{Op: ldapschema.ModReplace, Attr: name, Values: slices.Clone(w)})
	}
	c.Assert = assertion(have, changed...)
	return c, len(c.Mods) > 0
}

// sameSet says whether w is what the entry has of an attribute.
func sameSet(have ldapschema.Entry, name string, h, w []string) bool {
	return len(h) == len(w) && !slices.ContainsFunc(w, func(v string) bool { return !have.HasValue(name, v) })
}

// assertion is a filter that an entry matches as long as it has these values of the
// attributes, all of them.
func assertion(e ldapschema.Entry, attrs ...string) string {
	var b strings.Builder
	for _, name := range attrs {
		if !e.Has(name) {
			fmt.Fprintf(&b, "(!(%s=*))", name)
		}
		for _, v := range e.Values(name) {
			fmt.Fprintf(&b, "(%s=%s)", name, ldapschema.EscapeFilter(v))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "(&" + b.String() + ")"
}

// absent is the error about an entry that is not there.
func absent(what, name string, dn ldapschema.DN) error {
	return &directory.Error{Op: "find", DN: dn, Kind: directory.ErrNotFound, Err: fmt.Errorf("there is no %s %.64q", what, name)}
}

// conflict is the error about an entry that is not as the command needs it.
func conflict(dn ldapschema.DN, format string, args ...any) error {
	return &directory.Error{Op: "change", DN: dn, Kind: directory.ErrConflict, Err: fmt.Errorf(format, args...)}
}

package ldap

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/ldapschema"
)

const testBase = ldapschema.DN("ou=records,dc=test")

// memory is a directory with nothing but the entry above the base.
func memory(t testing.TB) *memdir.Dir {
	t.Helper()
	d, err := memdir.New("dc=test")
	if err != nil {
		t.Fatal(err)
	}
	top, err := ldapschema.Base("dc=test", "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Add, DN: top.DN, Attrs: top.Attrs}); err != nil {
		t.Fatal(err)
	}
	return d
}

// small divides things early, so that tests see it.
var small = limits{journal: 200, part: 60, page: 300, pages: 2, log: 400, writers: 3}

func repository(dir server) *Repository {
	r := newRepository(dir, testBase)
	r.limits = small
	return r
}

// An accident is what happens to one write.
type accident uint8

const (
	never   accident = iota
	lost             // the request never arrives, nor does anything after it: a crash
	deaf             // it is carried out, the answer never comes, nor anything after it: a crash
	refused          // it never arrives, the next one does
	mute             // it is carried out, the answer is lost, and the next one is answered
	late             // it seems lost, and is carried out when everything else is over
	stall            // it, and all after it, wait to be let on
)

var errAccident = errors.New("the line is dead")

// A line is a connection to a directory on which the n-th write has an accident.
type line struct {
	server
	mu    sync.Mutex
	n     int // which write, from 1
	what  accident
	count int
	dead  bool
	after []func() error

	stalled, goOn chan struct{} // for stall: closed when it begins, and to end it
	held          bool
}

// write carries a write out, or not.
func (l *line) write(do func() error) error {
	l.mu.Lock()
	l.count++
	what := never
	if l.count == l.n {
		what = l.what
	}
	if what == stall {
		l.held = true
		close(l.stalled)
	}
	held, dead := l.held, l.dead
	l.dead = dead || what == lost || what == deaf
	if what == late {
		l.after = append(l.after, do)
	}
	l.mu.Unlock()
	if held {
		<-l.goOn
	}
	if dead || what == lost || what == refused || what == late {
		return l.gone()
	}
	if err := do(); err != nil {
		return err
	}
	if what == deaf || what == mute {
		return l.gone()
	}
	return nil
}

func (l *line) gone() error {
	return &directory.Error{Op: "test", Kind: directory.ErrUnavailable, Err: errAccident}
}

func (l *line) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return l.gone()
	}
	return nil
}

func (l *line) Apply(ctx context.Context, c ldapschema.Change) error {
	return l.write(func() error { return l.server.Apply(ctx, c) })
}

func (l *line) Rename(ctx context.Context, dn, rdn ldapschema.DN) error {
	return l.write(func() error { return l.server.Rename(ctx, dn, rdn) })
}

func (l *line) Read(ctx context.Context, dn ldapschema.DN) (ldapschema.Entry, error) {
	if err := l.alive(); err != nil {
		return ldapschema.Entry{}, err
	}
	return l.server.Read(ctx, dn)
}

func (l *line) Children(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	if err := l.alive(); err != nil {
		return nil, err
	}
	return l.server.Children(ctx, base)
}

// Close leaves the directory open for whoever comes after the crash.
func (l *line) Close() error { return nil }

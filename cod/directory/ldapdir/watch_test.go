package ldapdir_test

import (
	"context"
	"errors"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// must ends the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestWatchSlapd is the shared suite of watches against Debian's slapd.
func TestWatchSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "overlay syncprov")
	dirtest.RunWatch(t, func(t *testing.T) dirtest.Watched {
		d := open(t, config(s))
		empty(t, d)
		return d
	})
}

// TestWatchWriter: each change is told with its author and without what the server
// keeps for itself, and the end of the server ends the watch.
func TestWatchWriter(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "overlay syncprov")
	d := open(t, config(s))
	base, err := ldapschema.Base(s.Base, "test")
	must(t, err)
	must(t, d.Apply(t.Context(), ldapschema.AddEntry(base)))
	killed := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	err = d.Watch(ctx, s.Base, "", func(ev directory.Event) error {
		if ev.Kind == directory.Present && (ev.Writer != s.BindDN || ev.Entry.Has("modifiersName") || len(ev.ID) != 36) {
			t.Errorf("told as %+v", ev)
		}
		if ev.Kind == directory.Refreshed {
			go func() {
				defer close(killed)
				s.Kill()
			}()
		}
		return nil
	})
	if !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("a dead server ends the watch with %v", err)
	}
	<-killed
}

// TestWatchRefused: a server that keeps no record of changes says so.
func TestWatchRefused(t *testing.T) {
	t.Parallel()
	plain := setup.StartSlapd(t)
	p := open(t, config(plain))
	if err := p.Watch(t.Context(), plain.Base.Parent(), "", nil); dirtest.CodeIs(err, directory.UnavailableCriticalExt, directory.ErrOther) != nil {
		t.Errorf("a server without the overlay: %v", err)
	}
}

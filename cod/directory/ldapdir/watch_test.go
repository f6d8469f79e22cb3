package ldapdir_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
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

// watch starts watching and returns what comes, and how it ended.
func watch(t *testing.T, d *ldapdir.Dir, base ldapschema.DN, filter string) (events <-chan directory.Event, end <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	ch, done := make(chan directory.Event, 100), make(chan error, 1)
	go func() {
		done <- d.Watch(ctx, base, filter, func(ev directory.Event) error {
			ch <- ev
			return nil
		})
	}()
	return ch, done, cancel
}

// next is the next event, as one line.
func next(t *testing.T, events <-chan directory.Event, end <-chan error) string {
	t.Helper()
	select {
	case ev := <-events:
		_, name := ev.Entry.DN.RDN()
		return fmt.Sprintf("%v %s %s", ev.Kind, name, ev.Entry.Get("description"))
	case err := <-end:
		t.Fatalf("the watch ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("nothing comes")
	}
	return ""
}

// TestWatch: what is there is told first, then each change with its author, and
// the end of the server ends the watch.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "overlay syncprov")
	d := open(t, config(s))
	ctx := t.Context()
	base, err := ldapschema.Base(s.Base, "test")
	must(t, err)
	must(t, d.Apply(ctx, ldapschema.AddEntry(base)))
	unit := func(name, text string) ldapschema.Entry {
		e, err := ldapschema.OrganizationalUnit(s.Base, name, text)
		must(t, err)
		return e
	}
	must(t, d.Apply(ctx, ldapschema.AddEntry(unit("a", "here before"))))
	events, end, _ := watch(t, d, s.Base, "(&(objectClass=organizationalUnit)(!(description=hidden)))")
	want := func(line string) {
		t.Helper()
		if got := next(t, events, end); got != line {
			t.Fatalf("told %q, want %q", got, line)
		}
	}
	want("present a here before")
	want("refreshed  ")
	must(t, d.Apply(ctx, ldapschema.AddEntry(unit("b", "new"))))
	ev := <-events
	if ev.Entry.Get("description") != "new" || ev.Writer != s.BindDN || ev.Entry.Has("modifiersName") || len(ev.ID) != 36 {
		t.Errorf("a new entry is told as %+v", ev)
	}
	describe := func(name, text string) {
		t.Helper()
		must(t, d.Apply(ctx, ldapschema.Change{Kind: ldapschema.Modify, DN: s.Base.Child("ou", name),
			Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{text}}}}))
	}
	describe("b", "changed")
	want("present b changed")
	describe("b", "hidden") // what the filter no longer selects is gone
	want("gone b ")
	must(t, d.Rename(ctx, s.Base.Child("ou", "a"), "ou=c"))
	want("present c here before")
	must(t, d.Apply(ctx, ldapschema.DeleteEntry(s.Base.Child("ou", "c"))))
	want("gone c ")
	s.Kill()
	if err := <-end; !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("a dead server ends the watch with %v", err)
	}
}

// TestWatchEnds: with its context, with its listener's error, at a server that
// keeps no record of changes, and on a filter that is none.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "overlay syncprov")
	d := open(t, config(s))
	events, end, stop := watch(t, d, s.Base.Parent(), "")
	next(t, events, end)
	stop()
	if err := <-end; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	enough := errors.New("enough")
	if err := d.Watch(t.Context(), s.Base.Parent(), "", func(directory.Event) error { return enough }); err != enough {
		t.Errorf("the listener's error comes back as %v", err)
	}
	if err := d.Watch(t.Context(), s.Base, "(nonsense", nil); dirtest.CodeIs(err, directory.ProtocolError, directory.ErrOther) != nil {
		t.Errorf("a bad filter: %v", err)
	}
	plain := setup.StartSlapd(t)
	p := open(t, config(plain))
	if err := p.Watch(t.Context(), plain.Base.Parent(), "", nil); dirtest.CodeIs(err, directory.UnavailableCriticalExt, directory.ErrOther) != nil {
		t.Errorf("a server without the overlay: %v", err)
	}
}

package dirtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Watched is a directory that can be watched, and whose entries can be renamed.
type Watched interface {
	directory.Directory
	directory.Watcher
	Rename(ctx context.Context, dn, rdn ldapschema.DN) error
}

// watching is a watch under test.
type watching struct {
	*fixture
	events <-chan directory.Event
	end    <-chan error
	stop   context.CancelFunc
}

// watch starts to watch below Base.
func (f *fixture) watch(d directory.Watcher, filter string, each func(directory.Event) error) watching {
	ctx, cancel := context.WithCancel(f.ctx)
	f.Cleanup(cancel)
	ch, done := make(chan directory.Event, 10000), make(chan error, 1)
	go func() {
		done <- d.Watch(ctx, Base, filter, func(ev directory.Event) error {
			ch <- ev
			if each != nil {
				return each(ev)
			}
			return nil
		})
	}()
	return watching{f, ch, done, cancel}
}

func (w watching) next() directory.Event {
	w.Helper()
	select {
	case ev := <-w.events:
		return ev
	case err := <-w.end:
		w.Fatalf("the watch ended: %v", err)
	case <-w.ctx.Done():
		w.Fatal("nothing comes")
	}
	return directory.Event{}
}

// want takes the next event and compares it, as "present a text".
func (w watching) want(line string) directory.Event {
	w.Helper()
	ev := w.next()
	got := ev.Kind.String()
	if ev.Kind != directory.Refreshed {
		_, name := ev.Entry.DN.RDN()
		got += " " + name
	}
	if v := ev.Entry.Get("description"); v != "" {
		got += " " + v
	}
	if got != line {
		w.Fatalf("told %q, want %q", got, line)
	}
	return ev
}

// RunWatch puts watching one kind of directory to the test; open is as in [Run].
func RunWatch(t *testing.T, open func(t *testing.T) Watched) {
	t.Run("watch", func(t *testing.T) {
		for _, c := range []struct {
			name string
			run  func(*fixture, Watched)
		}{
			{"what is there comes first, then each change", watchChanges},
			{"a watch ends with its context, its listener and on nonsense", watchEnds},
			{"nothing is lost among many writers", watchMany},
		} {
			t.Run(c.name, func(t *testing.T) {
				d := open(t)
				t.Cleanup(func() { d.Close() })
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				t.Cleanup(cancel)
				f := &fixture{t, d, ctx}
				f.add(must(ldapschema.Base(Base, "test")))
				c.run(f, d)
			})
		}
	})
}

func describe(name, text string) ldapschema.Change {
	return modify(Base.Child("ou", name), mod(ldapschema.ModReplace, "description", text))
}

func watchChanges(f *fixture, d Watched) {
	unit := func(name, text string) ldapschema.Entry { return must(ldapschema.OrganizationalUnit(Base, name, text)) }
	f.add(unit("a", "before"))
	w := f.watch(d, "(&(objectClass=organizationalUnit)(!(description=hidden)))", nil)
	w.want("present a before")
	w.want("refreshed")
	f.add(unit("b", "new"))
	first := w.want("present b new")
	if !first.Entry.Equal(unit("b", "new")) {
		f.Errorf("told as\n%s", first.Entry.LDIF())
	}
	f.apply(describe("b", "changed"))
	if ev := w.want("present b changed"); ev.ID != first.ID || ev.ID == "" {
		f.Errorf("the same entry has identity %q and then %q", first.ID, ev.ID)
	}
	f.apply(describe("b", "hidden")) // what the filter does not select any more is gone
	if ev := w.want("gone b"); ev.ID != first.ID {
		f.Errorf("gone is %q, not %q", ev.ID, first.ID)
	}
	f.apply(describe("b", "hidden"), describe("a", "again"))
	w.want("present a again")
	if err := d.Rename(f.ctx, Base.Child("ou", "b"), "ou=d"); err != nil {
		f.Fatal(err)
	}
	f.apply(describe("d", "seen"))
	if ev := w.want("present d seen"); ev.ID != first.ID {
		f.Error("a new name made another entry of it")
	}
	if err := d.Rename(f.ctx, Base.Child("ou", "d"), "ou=e"); err != nil {
		f.Fatal(err)
	}
	w.want("present e seen")
	f.apply(ldapschema.DeleteEntry(Base.Child("ou", "e")), ldapschema.DeleteEntry(Base.Child("ou", "a")))
	w.want("gone e")
	w.want("gone a")
}

func watchEnds(f *fixture, d Watched) {
	w := f.watch(d, "", nil)
	w.next()
	w.stop()
	if err := <-w.end; !errors.Is(err, context.Canceled) {
		f.Errorf("cancelled: %v", err)
	}
	enough := errors.New("enough")
	w = f.watch(d, "", func(directory.Event) error { return enough })
	if err := <-w.end; err != enough {
		f.Errorf("the listener's error comes back as %v", err)
	}
	if err := d.Watch(f.ctx, Base, "(nonsense", nil); CodeIs(err, directory.ProtocolError, directory.ErrOther) != nil {
		f.Errorf("a bad filter: %v", err)
	}
}

// watchMany writes while the watch begins: at its end the watcher knows what is there.
func watchMany(f *fixture, d Watched) {
	const each = 60
	done := make(chan error, 4)
	for _, w := range []string{"p", "q", "r", "s"} {
		go func() {
			for i := range each {
				name := w + string(rune('a'+i%26)) + string(rune('a'+i/26))
				err := d.Apply(f.ctx, ldapschema.AddEntry(must(ldapschema.OrganizationalUnit(Base, name, "new"))))
				if err == nil && i%3 == 0 {
					err = d.Apply(f.ctx, describe(name, "changed"))
				}
				if err == nil && i%4 == 0 {
					err = d.Apply(f.ctx, ldapschema.DeleteEntry(Base.Child("ou", name)))
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	w := f.watch(d, "(objectClass=organizationalUnit)", nil)
	for range 4 {
		if err := <-done; err != nil {
			f.Fatal(err)
		}
	}
	f.add(must(ldapschema.OrganizationalUnit(Base, "last", "")))
	known := map[ldapschema.DN]ldapschema.Entry{}
	for !known[Base.Child("ou", "last")].Has("ou") {
		switch ev := w.next(); ev.Kind {
		case directory.Present:
			known[ev.Entry.DN] = ev.Entry
		case directory.Gone:
			delete(known, ev.Entry.DN)
		}
	}
	for _, e := range f.list(Base)[1:] {
		if !known[e.DN].Equal(e) {
			f.Errorf("the watcher believes\n%s\nof\n%s", known[e.DN].LDIF(), e.LDIF())
		}
		delete(known, e.DN)
	}
	if len(known) > 0 {
		f.Errorf("the watcher believes in %d entries that are not there", len(known))
	}
}

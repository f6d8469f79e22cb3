package memdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/tree"
	"github.com/leasehold/leasehold/ldapschema"
)

var _ directory.Watcher = (*Dir)(nil)

// As is the directory as somebody else writes it: events of its changes name the
// writer. Closing it closes the directory.
func (d *Dir) As(writer ldapschema.DN) directory.Directory { return &person{d, writer} }

// A person writes under a name.
type person struct {
	*Dir
	name ldapschema.DN
}

// Apply carries out one change.
func (p *person) Apply(ctx context.Context, c ldapschema.Change) error {
	return p.apply(ctx, c, p.name)
}

// A watch is what one watcher has not been told yet.
type watch struct {
	waiting []directory.Event
	some    chan struct{} // holds a token while there may be something
	cut     error
}

func (w *watch) put(ev ...directory.Event) {
	w.waiting = append(w.waiting, ev...)
	w.wake()
}

func (w *watch) wake() {
	select {
	case w.some <- struct{}{}:
	default:
	}
}

// Cut ends all watches, as a server does that goes away.
func (d *Dir) Cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut(errors.New("cut"))
}

func (d *Dir) cut(why error) {
	for w := range d.watches {
		w.cut = why
		w.wake()
		delete(d.watches, w)
	}
}

// Watch tells what is there and then what changes. An entry's identity here is a
// number that it keeps when it is renamed.
func (d *Dir) Watch(ctx context.Context, base ldapschema.DN, filter string, each func(directory.Event) error) error {
	fail := func(code directory.Code, err error) error {
		return &directory.Error{Op: "watch", DN: base, Code: code, Err: err}
	}
	if filter == "" {
		filter = "(objectClass=*)"
	}
	f, err := ldapschema.ParseFilter(filter)
	if err != nil {
		return fail(directory.ProtocolError, err)
	}
	key, err := tree.KeyOf(base)
	if err != nil {
		return fail(directory.InvalidDNSyntax, err)
	}
	w := &watch{some: make(chan struct{}, 1)}
	err = d.call(ctx, Call{Op: "watch", DN: base}, func() error {
		if _, _, err := d.tree.Get("watch", base); err != nil {
			return err
		}
		if err := d.store.Subtree(key, func(k tree.Key, e ldapschema.Entry) bool {
			w.put(d.event(k, e))
			return true
		}); err != nil {
			return err
		}
		w.put(directory.Event{Kind: directory.Refreshed})
		d.watches[w] = true
		return nil
	})
	if err != nil {
		return err
	}
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watches, w)
	}()
	told := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return &directory.Error{Op: "watch", DN: base, Kind: directory.ErrUnavailable, Err: ctx.Err()}
		case <-w.some:
		}
		d.mu.Lock()
		events, cut := w.waiting, w.cut
		w.waiting = nil
		d.mu.Unlock()
		for _, ev := range events {
			if ev, ok := chosen(ev, base, f, told); ok {
				if err := each(ev); err != nil {
					return err
				}
			}
		}
		if cut != nil {
			return &directory.Error{Op: "watch", DN: base, Kind: directory.ErrUnavailable, Err: cut}
		}
	}
}

// chosen is the event as a watcher of part of the tree is told it, if at all.
func chosen(ev directory.Event, base ldapschema.DN, f ldapschema.Filter, told map[string]bool) (directory.Event, bool) {
	if ev.Kind == directory.Refreshed {
		return ev, true
	}
	if ev.Kind == directory.Present && ev.Entry.DN.Under(base) && f.Match(ev.Entry) {
		told[ev.ID] = true
		return ev, true
	}
	was := told[ev.ID]
	delete(told, ev.ID)
	return directory.Event{Kind: directory.Gone, ID: ev.ID, Entry: ldapschema.Entry{DN: ev.Entry.DN}}, was
}

// A made is one entry that a write stored or removed.
type made struct {
	key  tree.Key
	id   int
	dn   ldapschema.DN
	gone bool
}

// event tells of an entry as it is.
func (d *Dir) event(k tree.Key, e ldapschema.Entry) directory.Event {
	who := d.store.who[k]
	return directory.Event{Kind: directory.Present, ID: fmt.Sprint(who.id), Entry: e.Clone(), Writer: who.writer}
}

// publish tells watchers what a write changed. Where it was a rename the entries that
// went came again in the same order, under the names they have now.
func (d *Dir) publish(writer ldapschema.DN, rename bool) {
	done := d.store.done
	d.store.done = nil
	if rename {
		went, came := done[:len(done)/2], done[len(done)/2:]
		for i := range came {
			came[i].id = went[i].id
		}
		done = came
	}
	for _, m := range done {
		ev := directory.Event{Kind: directory.Gone, ID: fmt.Sprint(m.id), Entry: ldapschema.Entry{DN: m.dn}}
		if !m.gone {
			d.store.who[m.key] = identity{m.id, writer}
			ev = d.event(m.key, d.store.entries[m.key])
		}
		for w := range d.watches {
			w.put(ev)
		}
	}
}

package wiring

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// polled watches a directory whose server may not tell what changes (RFC 4533): then it is
// read again and again.
type polled struct {
	directory.Directory
	every time.Duration
}

// Watch is the directory's own, or else what List says from time to time. Entries are
// then known by their names.
func (p polled) Watch(ctx context.Context, base ldapschema.DN, filter string, each func(directory.Event) error) error {
	err := errors.ErrUnsupported
	if w, ok := p.Directory.(directory.Watcher); ok {
		if err = w.Watch(ctx, base, filter, each); directory.CodeOf(err) != directory.UnavailableCriticalExt {
			return err
		}
	}
	f, ferr := ldapschema.ParseFilter(filter)
	if ferr != nil {
		return ferr
	}
	known := map[string]bool{}
	for ctx.Err() == nil {
		all, err := p.List(ctx, base)
		if err != nil {
			return err
		}
		now := map[string]bool{}
		for _, e := range all {
			if !f.Match(e) {
				continue
			}
			id := string(e.DN.Normal())
			now[id] = true
			if err := each(directory.Event{Kind: directory.Present, ID: id, Entry: e}); err != nil {
				return err
			}
		}
		for id := range known {
			if !now[id] {
				if err := each(directory.Event{Kind: directory.Gone, ID: id, Entry: ldapschema.Entry{DN: ldapschema.DN(id)}}); err != nil {
					return err
				}
			}
		}
		known = now
		if err := each(directory.Event{Kind: directory.Refreshed}); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(p.every):
		}
	}
	return ctx.Err()
}

package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/feed"
	"github.com/leasehold/leasehold/ldapschema"
)

// How a site keeps sight of its directory.
//
// A directory that can be watched is watched from the beginning: what is told first is
// what the machine is loaded from, and what is told then reaches it as events. While
// the directory is out of sight nothing is written. Whoever wrote then might have been
// given up for dead, and replaced; once everything has been told again, the number of
// the latest process has been too.

// errBlind says that a directory cannot be watched, and never will be.
var errBlind = errors.New("the directory's server does not tell what changes (RFC 4533; in OpenLDAP, overlay syncprov)")

// letter is what the goroutine that steps the machine finds in its mail.
type letter struct {
	events []cod.Event
	load   []directory.Event // the first of a watch: everything there is
	sight  bool              // from now on every change is told
	lost   error             // the directory is out of sight
}

// follow watches the directory until ctx ends.
func (s *Site) follow(ctx context.Context, w directory.Watcher) {
	m, first := newMirror(), time.Duration(s.base.RetryFirst)*time.Millisecond
	pause := first
	for ctx.Err() == nil {
		complete, err := s.session(ctx, w, m)
		if ctx.Err() != nil {
			return
		}
		if complete {
			pause = first
		}
		s.mail.put(letter{lost: err})
		timer := s.config.Clock.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C():
		case <-s.again: // the machine was not loaded
		}
		timer.Stop()
		pause = min(2*pause, time.Duration(s.base.RetryMost)*time.Millisecond)
	}
}

// session watches once, until the directory is out of sight. It reports whether
// everything that is there had been told.
func (s *Site) session(ctx context.Context, w directory.Watcher, m *mirror) (complete bool, err error) {
	if err := EnsureBase(ctx, s.config.Directory, s.config.COD, s.config.AnswerTime); err != nil {
		return false, err
	}
	first := len(m.known) == 0
	var all []directory.Event
	m.begin()
	err = w.Watch(ctx, s.base.Base, "", func(ev directory.Event) error {
		s.counts.told.Add(1)
		switch {
		case ev.Kind == directory.Refreshed && complete: // said once more
		case ev.Kind == directory.Refreshed && first:
			complete, m.fresh = true, nil
			s.mail.put(letter{load: all, sight: true})
			all = nil
		case ev.Kind == directory.Refreshed:
			if gone, stay := m.missing(); feed.TooMany(gone, stay, 0) {
				return fmt.Errorf("%d of %d entries are suddenly not in the directory; nothing is concluded from that, and nothing written. Restore it, or restart this process if it is meant so", gone, gone+stay)
			}
			complete = true
			s.mail.put(letter{events: m.complete(), sight: true})
		case first && !complete:
			m.take(ev)
			all = append(all, ev)
		default:
			if events := m.take(ev); len(events) > 0 {
				s.mail.put(letter{events: events})
			}
		}
		return nil
	})
	if first && !complete {
		m.known = map[string]told{} // begin anew
	}
	if errors.Is(err, directory.ErrOther) && directory.CodeOf(err) == directory.UnavailableCriticalExt {
		err = errors.Join(errBlind, err)
	}
	return complete, err
}

// loadFrom makes the machine from everything that was told.
func (s *Site) loadFrom(ctx context.Context, all []directory.Event) error {
	entries := make([]ldapschema.Entry, len(all))
	for i, ev := range all {
		entries[i] = ev.Entry
	}
	if err := s.make(ctx, entries); err != nil {
		return err
	}
	for _, ev := range all {
		if ev.Entry.Get("codOwner") == s.base.Owner {
			s.step(seen(ev)) // whose odd entries are whose, and since when
		}
	}
	return nil
}

// claim makes this process the latest of its owner.
func (s *Site) claim(ctx context.Context, entries []ldapschema.Entry) (int64, error) {
	n, have := s.base.NextWriter(entries)
	c, err := s.base.Claim(have, n)
	if err != nil {
		return 0, err
	}
	return n, s.within(ctx, func(ctx context.Context) error { return s.config.Directory.Apply(ctx, c) })
}

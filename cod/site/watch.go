package site

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// letter is what the goroutine that steps the machine finds in its mail.
type letter struct {
	machine *cod.Machine // the first of all, made from what is there
	events  []cod.Event
	sight   bool  // the directory is in sight: everything was told, and every change will be
	lost    error // it is not
}

// follow keeps sight of the directory until ctx ends. One that cannot be watched is
// read once.
func (s *Site) follow(ctx context.Context) {
	m := newMirror()
	first := time.Duration(s.base.RetryFirst) * time.Millisecond
	for pause := first; ctx.Err() == nil; pause = min(2*pause, time.Duration(s.base.RetryMost)*time.Millisecond) {
		complete, err := s.look(ctx, m)
		if err == nil || ctx.Err() != nil {
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
		}
		timer.Stop()
	}
}

// look watches the directory until it is out of sight, and reports whether everything
// that is there had been told. It returns no error when all is done that ever will be.
func (s *Site) look(ctx context.Context, m *mirror) (complete bool, err error) {
	if err := s.checkSchema(ctx); err != nil {
		return false, err
	}
	w, ok := s.config.Directory.(directory.Watcher)
	if ok {
		complete, err = s.session(ctx, w, m)
		ok = directory.CodeOf(err) != directory.UnavailableCriticalExt
	}
	if ok {
		return complete, err
	}
	if err := EnsureBase(ctx, s.config.Directory, s.config.COD, s.config.AnswerTime); err != nil {
		return false, err
	}
	entries, err := s.list(ctx, s.base.Base)
	if err != nil {
		return false, err
	}
	machine, err := s.make(ctx, entries)
	if err != nil {
		return false, err
	}
	s.config.Log.Warn("the directory's server does not tell what changes in it (RFC 4533; in OpenLDAP: overlay syncprov): " +
		"an operator's edit is noticed when the entry is written to next")
	s.mail.put(letter{machine: machine, sight: true})
	return true, nil
}

// checkSchema says what the directory's server lacks of what is written here. One that
// has lost our schema shows our entries without our marks, as if somebody had replaced
// them: nothing may be concluded from that. A server that does not say what it has is
// believed to have everything.
func (s *Site) checkSchema(ctx context.Context) error {
	server, ok := s.config.Directory.(directory.Describer)
	if !ok {
		return nil
	}
	var is directory.Description
	err := s.within(ctx, func(ctx context.Context) (err error) {
		is, err = server.Describe(ctx)
		return err
	})
	switch {
	case outcomeOf(err) == cod.Unavailable:
		return err
	case err != nil || len(is.Schema) == 0:
		return nil
	}
	families := []ldapschema.Family{ldapschema.DHCP, ldapschema.DNS, ldapschema.COD}
	if s.base.Homes.Path != "" {
		families = append(families, ldapschema.Automount)
	}
	// Definitions that differ from ours are for cod init to judge.
	lacks := slices.DeleteFunc(ldapschema.Lacking(is.Schema, families...), func(l ldapschema.Lack) bool { return len(l.Missing) == 0 })
	if len(lacks) > 0 { // for logs, in one line
		err := &directory.SchemaError{Lacks: lacks}
		return errors.New(strings.Join(strings.Fields(err.Error()), " "))
	}
	return nil
}

// session watches once.
func (s *Site) session(ctx context.Context, w directory.Watcher, m *mirror) (complete bool, err error) {
	if err := EnsureBase(ctx, s.config.Directory, s.config.COD, s.config.AnswerTime); err != nil {
		return false, err
	}
	var all []directory.Event
	first := len(m.known) == 0
	m.begin()
	each := func(ev directory.Event) error {
		s.counts.told.Add(1)
		switch {
		case ev.Kind == directory.Refreshed && complete: // said once more
			return nil
		case ev.Kind == directory.Refreshed:
			out := letter{sight: true}
			if first {
				if out.machine, out.events, err = s.fromAll(ctx, all); err != nil {
					return err
				}
				all = nil
			} else if gone, stay := m.missing(); feed.TooMany(gone, stay, 0) {
				return fmt.Errorf("%d of %d entries are suddenly not there; nothing is concluded from that, and nothing written: "+
					"restore the directory, or start this process again if it is meant so", gone, gone+stay)
			}
			complete = true
			lost := m.complete()
			s.renamed(lost)
			out.events = append(out.events, lost...)
			out.events = append(out.events, cod.Synced{})
			s.mail.put(out)
			return nil
		}
		events := m.take(ev)
		if first && !complete {
			all = append(all, ev)
		} else if len(events) > 0 {
			s.renamed(events)
			s.mail.put(letter{events: events})
		}
		return nil
	}
	err = w.Watch(ctx, s.base.Base, "", each)
	if first && !complete {
		*m = *newMirror()
	}
	return complete, err
}

// fromAll makes the machine from everything that was told, and lists what it has to
// hear besides: who wrote our entries last.
func (s *Site) fromAll(ctx context.Context, all []directory.Event) (*cod.Machine, []cod.Event, error) {
	entries := make([]ldapschema.Entry, len(all))
	var events []cod.Event
	for i, ev := range all {
		entries[i] = ev.Entry
		if ev.Entry.Get("codOwner") == s.base.Owner {
			events = append(events, seen(ev))
		}
	}
	m, err := s.make(ctx, entries)
	return m, events, err
}

// make takes the next number for this process and makes the machine.
func (s *Site) make(ctx context.Context, entries []ldapschema.Entry) (*cod.Machine, error) {
	n, have := s.base.NextWriter(entries)
	claim, err := s.base.Claim(have, n)
	if err != nil {
		return nil, err
	}
	if err := s.within(ctx, func(ctx context.Context) error { return s.config.Directory.Apply(ctx, claim) }); err != nil {
		return nil, fmt.Errorf("site: taking over as process %d: %w", n, err)
	}
	m, err := cod.New(s.config.COD)
	if err != nil {
		return nil, err
	}
	m.Claim(n)
	for _, note := range m.Load(entries) {
		s.config.Log.Warn(note)
	}
	s.config.Log.WithField("process", n).Infof("the site's directory is read: %d entries", len(entries))
	return m, nil
}

package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// load reads the directory until that succeeds; false when ctx ended first.
func (s *Site) load(ctx context.Context, timer clock.Timer) bool {
	pause := time.Duration(s.base.RetryFirst) * time.Millisecond
	for {
		err := s.try(ctx)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.config.Log.WithError(err).Warnf("the site's directory cannot be read; next try in %v", pause)
		s.mu.Lock()
		s.problem = err.Error()
		s.mu.Unlock()
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return false
		case <-timer.C():
		}
		pause = min(2*pause, time.Duration(s.base.RetryMost)*time.Millisecond)
	}
}

// try reads the directory once and makes the machine from it.
func (s *Site) try(ctx context.Context) error {
	if err := EnsureBase(ctx, s.config.Directory, s.config.COD, s.config.AnswerTime); err != nil {
		return err
	}
	entries, err := s.list(ctx, s.base.Base)
	if err != nil {
		return err
	}
	m, err := cod.New(s.config.COD)
	if err != nil {
		return err
	}
	for _, note := range m.Load(entries) {
		s.config.Log.Warn(note)
	}
	s.mu.Lock()
	s.machine, s.problem = m, ""
	s.mu.Unlock()
	s.config.Log.Infof("the site's directory is read: %d entries", len(entries))
	return nil
}

// list reads a subtree within the time one operation may take.
func (s *Site) list(ctx context.Context, base ldapschema.DN) ([]ldapschema.Entry, error) {
	ctx, stop := context.WithTimeout(ctx, s.config.AnswerTime)
	defer stop()
	s.counts.reads.Add(1)
	return s.config.Directory.List(ctx, base)
}

// EnsureBase adds the entries of cod.Base that the directory lacks. What is there
// stays as it is, whoever made it. Each operation may take answerTime.
func EnsureBase(ctx context.Context, d directory.Directory, c cod.Config, answerTime time.Duration) error {
	base, err := cod.Base(c)
	if err != nil {
		return err
	}
	within := func(do func(context.Context) error) error {
		ctx, stop := context.WithTimeout(ctx, answerTime)
		defer stop()
		return do(ctx)
	}
	// The first is added unasked: some slapd 2.5 end themselves when the first question
	// about a data base finds nothing in it at all.
	add := func(e ldapschema.Entry) error {
		err := within(func(ctx context.Context) error { return d.Apply(ctx, ldapschema.AddEntry(e)) })
		if errors.Is(err, directory.ErrExists) {
			err = nil
		}
		return err
	}
	switch err := add(base[0]); {
	case err == nil:
	case errors.Is(err, directory.ErrNotFound):
		return fmt.Errorf("site: base tree: the entry above %s has to be loaded first, with ldapadd: %w", base[0].DN, err)
	case outcomeOf(err) == cod.Unavailable:
		return fmt.Errorf("site: base tree: %w", err)
	}
	for _, e := range base {
		err := within(func(ctx context.Context) error { _, err := d.Read(ctx, e.DN); return err })
		if errors.Is(err, directory.ErrNotFound) {
			err = add(e)
		}
		if err != nil {
			return fmt.Errorf("site: base tree: %w", err)
		}
	}
	return nil
}

package site

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

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

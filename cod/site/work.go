package site

import (
	"context"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/ldapschema"
)

// job is one operation on the directory: a write, or with no changes a read.
type job struct {
	write cod.Write
	read  cod.Read
}

// carry is the life of one directory worker.
func (s *Site) carry(ctx context.Context) {
	for {
		j, ok := s.jobs.take(ctx)
		if !ok {
			return
		}
		var ev cod.Event
		if len(j.write.Changes) > 0 {
			ev = s.apply(ctx, j.write)
		} else {
			ev = s.find(ctx, j.read)
		}
		s.mail.put(letter{events: []cod.Event{ev}})
	}
}

// apply carries changes out in order, up to the first that fails.
func (s *Site) apply(ctx context.Context, w cod.Write) cod.Written {
	ev := cod.Written{Token: w.Token}
	for _, c := range w.Changes {
		if !s.open.Load() { // whoever writes unseen may have been replaced
			ev.Outcome, ev.Note = cod.Unavailable, "the directory is out of sight"
			return ev
		}
		err := s.within(ctx, func(ctx context.Context) error { return s.config.Directory.Apply(ctx, c) })
		if ev.Outcome = outcomeOf(err); err != nil {
			ev.Note = err.Error()
			s.failed(ev.Outcome, err)
			return ev
		}
		s.counts.wrote(c.Kind)
		ev.Applied++
	}
	return ev
}

// find reads one entry.
func (s *Site) find(ctx context.Context, r cod.Read) cod.Found {
	ev := cod.Found{Token: r.Token}
	s.counts.reads.Add(1)
	err := s.within(ctx, func(ctx context.Context) (err error) {
		ev.Entry, err = s.config.Directory.Read(ctx, r.DN)
		return err
	})
	if ev.Outcome = outcomeOf(err); err != nil {
		ev.Note = err.Error()
		s.failed(ev.Outcome, err)
	}
	return ev
}

// failed counts and logs what became of an operation: a directory that is away is
// worth one line when it goes and one when it is back, whoever asks meanwhile.
func (s *Site) failed(o cod.Outcome, err error) {
	switch o {
	case cod.Unavailable:
		s.counts.unavailable.Add(1)
		if !errors.Is(err, context.Canceled) && !s.away.Swap(true) {
			s.config.Log.WithError(err).Warn("the site's directory does not do what it is asked; it is asked again until it does")
		}
	case cod.Refused:
		s.counts.refused.Add(1)
		s.config.Log.WithError(err).Warn("the site's directory refuses a request")
	}
}

// within gives one operation its time.
func (s *Site) within(ctx context.Context, do func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, s.config.AnswerTime)
	defer stop()
	began := s.config.Clock.Now()
	err := do(ctx)
	s.counts.answers.Add(1)
	s.counts.answering.Add(int64(s.config.Clock.Now().Sub(began)))
	if outcomeOf(err) != cod.Unavailable && s.away.Swap(false) {
		s.config.Log.Info("the site's directory answers again")
	}
	return err
}

// outcomeOf is what the machine is told about an error. A directory that did not
// answer in time may have carried the operation out: that is Unavailable too.
func outcomeOf(err error) cod.Outcome {
	switch {
	case err == nil:
		return cod.Done
	case errors.Is(err, directory.ErrExists):
		return cod.Exists
	case errors.Is(err, directory.ErrNotFound):
		return cod.Missing
	case errors.Is(err, directory.ErrConflict):
		return cod.Conflict
	case errors.Is(err, directory.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return cod.Unavailable
	}
	return cod.Refused
}

// drive is the life of one driver worker.
func (s *Site) drive(ctx context.Context) {
	for {
		d, ok := s.calls.take(ctx)
		if !ok {
			return
		}
		res, err := s.call(ctx, d)
		ev := cod.Driven{Token: d.Token, Result: res}
		if err != nil {
			s.counts.driverFailures.Add(1)
			ev.Failed, ev.Code = err.Error(), handlers.CodeOf(err)
		}
		s.mail.put(letter{events: []cod.Event{ev}})
	}
}

// call makes one driver call. A driver that panics has failed this call; it takes
// nobody else down.
func (s *Site) call(ctx context.Context, d cod.Drive) (res handlers.Result, err error) {
	if err := s.engaged.take(ctx, d.Unit.ID); err != nil {
		return res, err
	}
	defer s.engaged.leave(d.Unit.ID)
	s.counts.driverCalls.Add(1)
	ctx, stop := context.WithTimeout(ctx, s.config.CallTime)
	defer stop()
	defer func() {
		if p := recover(); p != nil {
			s.config.Log.WithField("unit", string(d.Unit.ID)).Errorf("the driver panicked: %v", p)
			err = fmt.Errorf("the driver panicked")
		}
	}()
	do := s.config.Driver.Setup
	switch d.Verb {
	case actors.Teardown:
		do = s.config.Driver.Teardown
	case actors.ModifyUnit:
		return handlers.Modify(ctx, s.config.Driver, s.config.Runner(d.Unit), d.Params)
	}
	return do(ctx, s.config.Runner(d.Unit), d.Params)
}

// wrote counts a change by its kind.
func (c *counters) wrote(k ldapschema.ChangeKind) {
	switch k {
	case ldapschema.Add:
		c.added.Add(1)
	case ldapschema.Modify:
		c.modified.Add(1)
	case ldapschema.Delete:
		c.deleted.Add(1)
	}
}

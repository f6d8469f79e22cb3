package site

import (
	"context"
	"errors"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// outcomes maps what a directory says to what the machine understands, in the
// order in which they are tried.
var outcomes = []struct {
	err error
	out cod.Outcome
}{
	{directory.ErrUnavailable, cod.Unavailable},
	{directory.ErrExists, cod.Exists},
	{directory.ErrNotFound, cod.Missing},
	{directory.ErrConflict, cod.Conflict},
}

// outcome is err as the machine understands it. A directory that refuses for any
// other reason refuses for good.
func outcome(err error) (cod.Outcome, string) {
	if err == nil {
		return cod.Done, ""
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.out, err.Error()
		}
	}
	return cod.Refused, err.Error()
}

// write carries out changes in order, up to the first that fails.
func (s *Site) write(ctx context.Context, w cod.Write) cod.Event {
	ev := cod.Written{Token: w.Token}
	for _, c := range w.Changes {
		err := s.config.Directory.Apply(ctx, c)
		if err != nil {
			ev.Outcome, ev.Note = outcome(err)
			break
		}
		ev.Applied++
	}
	s.mu.Lock()
	s.counts.Written += ev.Applied
	if ev.Outcome == cod.Unavailable {
		s.counts.Failed++
	}
	s.mu.Unlock()
	return ev
}

func (s *Site) read(ctx context.Context, r cod.Read) cod.Event {
	e, err := s.config.Directory.Read(ctx, r.DN)
	out, note := outcome(err)
	return cod.Found{Token: r.Token, Entry: e, Outcome: out, Note: note}
}

func (s *Site) drive(ctx context.Context, d cod.Drive) cod.Event {
	call := s.config.Driver.Setup
	if d.Verb == actors.Teardown {
		call = s.config.Driver.Teardown
	}
	res, err := call(ctx, s.config.Runner, d.Params)
	ev := cod.Driven{Token: d.Token, Result: res}
	if err != nil {
		if ev.Failed = err.Error(); ev.Failed == "" {
			ev.Failed = "the driver failed and did not say why"
		}
	}
	s.mu.Lock()
	s.counts.Calls++
	s.mu.Unlock()
	return ev
}

// begin lays the base tree and loads the machine from the directory, however long
// that takes. It reports false when the site was closed first.
func (s *Site) begin() bool {
	const first, most = 100 * time.Millisecond, 15 * time.Second
	pause, told := first, false
	for {
		err := s.load()
		if err == nil {
			if told {
				s.config.Log.Info("the directory is back")
			}
			s.mu.Lock()
			s.ready = true
			s.mu.Unlock()
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		if !told {
			s.config.Log.WithError(err).Warn("waiting for the directory")
			told = true
		}
		t := s.config.Clock.NewTimer(pause)
		select {
		case <-t.C():
		case <-s.ctx.Done():
			t.Stop()
			return false
		}
		pause = min(2*pause, most)
	}
}

// load is one try of begin.
func (s *Site) load() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.config.Limit)
	defer cancel()
	entries, err := s.config.Directory.List(ctx, s.machine.Config().Base)
	if err != nil {
		return err
	}
	there := map[ldapschema.DN]bool{}
	for _, e := range entries {
		there[e.DN.Normal()] = true
	}
	base, err := cod.Base(s.machine.Config())
	if err != nil {
		return err
	}
	for _, e := range base {
		if there[e.DN.Normal()] {
			continue
		}
		err := s.config.Directory.Apply(ctx, ldapschema.Change{Kind: ldapschema.Add, DN: e.DN, Attrs: e.Attrs})
		if err != nil && !errors.Is(err, directory.ErrExists) {
			return err
		}
		entries = append(entries, e)
	}
	for _, note := range s.machine.Load(entries) {
		s.config.Log.Warn(note)
	}
	return nil
}

package manage

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// Watch subscribes to every actor that the filter names.
func (l *Local) Watch(ctx context.Context, f Filter) (Stream, error) {
	const op = "manage.watch"
	hosts, err := l.actors(op, f.Actor)
	if err != nil {
		return nil, err
	}
	pass, err := f.compile(op)
	if err != nil {
		return nil, err
	}
	if err := l.admit(op); err != nil {
		return nil, err
	}
	s := &stream{
		local: l, filter: pass, slices: map[sliceKey]actors.Slice{},
		ready: make(chan struct{}, 1), over: make(chan struct{}),
	}
	n := l.names()
	for _, a := range hosts {
		s.stops = append(s.stops, a.Host.Subscribe(func(moved []actors.Transition) { s.add(n, a, moved) }))
	}
	s.leash = context.AfterFunc(ctx, s.end)
	for _, a := range hosts {
		if pass.slice == "" {
			break
		}
		s.learn(ctx, a, actors.Viewer.Views)
	}
	return s, nil
}

// admit takes one of the places for streams and waits; leave gives it back.
func (l *Local) admit(op string) error {
	select {
	case l.watchers <- struct{}{}:
		return nil
	default:
		return &actors.Error{Op: op, Kind: actors.Exhausted, Err: errTooMany}
	}
}

func (l *Local) leave() { <-l.watchers }

// stream gathers changes from the goroutines of actors, which must never wait for
// a reader: what does not fit pushes out the oldest, and is counted.
type stream struct {
	local  *Local
	filter filter
	slices map[sliceKey]actors.Slice // what is known of reservations; not for the actors' goroutines
	ready  chan struct{}             // holds a token when something may be there
	over   chan struct{}             // closed at the end
	stops  []func()                  // the subscriptions
	leash  func() bool               // unties the stream from the context of Watch
	once   sync.Once

	mu      sync.Mutex
	waiting []entry
	lost    int
}

// entry is a change and the actor to ask about it.
type entry struct {
	change Change
	actor  Actor
}

type sliceKey struct {
	actor       actors.ActorID
	reservation string
}

// add is called by an actor's goroutine.
func (s *stream) add(n names, a Actor, moved []actors.Transition) {
	at := s.local.cfg.Clock.Now().UTC().Truncate(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range moved {
		if !s.filter.moved(t) {
			continue
		}
		if len(s.waiting) >= s.local.cfg.Buffer {
			s.waiting, s.lost = s.waiting[1:], s.lost+1
		}
		s.waiting = append(s.waiting, entry{Change{
			Time: at, Actor: n.party(a.Location.ID), Role: a.Role.String(), Reservation: string(t.Reservation),
			From: t.From, To: t.To, Why: t.Why,
		}, a})
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Next waits for a change that passes the filter.
func (s *stream) Next(ctx context.Context) (Change, error) {
	for {
		e, ok := s.take()
		switch {
		case ok && (e.change.Lost > 0 || s.inSlice(ctx, e)):
			return e.change, nil
		case ok:
			continue
		}
		select {
		case <-s.ready:
		case <-s.over:
			return Change{}, io.EOF
		case <-ctx.Done():
			return Change{}, ctx.Err()
		}
	}
}

// take is what comes next, without waiting: first the word that some are lost.
func (s *stream) take() (entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost > 0 {
		n := s.lost
		s.lost = 0
		return entry{change: Change{Time: s.local.cfg.Clock.Now().UTC().Truncate(time.Millisecond), Lost: n}}, true
	}
	if len(s.waiting) == 0 {
		return entry{}, false
	}
	e := s.waiting[0]
	s.waiting = s.waiting[1:]
	return e, true
}

// inSlice reports whether the change belongs to the slice that is watched. One
// whose reservation was forgotten before anybody could ask passes: too much is
// better than a gap.
func (s *stream) inSlice(ctx context.Context, e entry) bool {
	if s.filter.slice == "" {
		return true
	}
	key := sliceKey{e.actor.Location.ID, e.change.Reservation}
	if _, known := s.slices[key]; !known {
		s.learn(ctx, e.actor, func(v actors.Viewer) []actors.View {
			view, ok := v.View(actors.ReservationID(key.reservation))
			if !ok {
				return nil
			}
			return []actors.View{view}
		})
	}
	slice, known := s.slices[key]
	return !known || s.filter.inSlice(slice)
}

// learn remembers the slices of some of an actor's reservations. An actor that
// cannot be asked teaches nothing.
func (s *stream) learn(ctx context.Context, a Actor, some func(actors.Viewer) []actors.View) {
	var seen []actors.View
	if s.local.inspect(ctx, a, func(v actors.Viewer) { seen = some(v) }) != nil {
		return
	}
	for _, v := range seen {
		s.slices[sliceKey{a.Location.ID, string(v.Reservation)}] = v.Slice
	}
}

// Close ends the stream. What has been gathered can still be read.
func (s *stream) Close() error {
	s.leash()
	s.end()
	return nil
}

func (s *stream) end() {
	s.once.Do(func() {
		for _, stop := range s.stops {
			stop()
		}
		close(s.over)
		s.local.leave()
	})
}

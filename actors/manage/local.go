package manage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/host"
)

// Host is the part of host.Host that operators reach.
type Host interface {
	Ask(ctx context.Context, ev actors.Event) error
	Inspect(ctx context.Context, look func(actors.Viewer)) error
	Subscribe(see func([]actors.Transition)) (stop func())
	Status() host.Status
}

// Actor is one actor under management.
type Actor struct {
	Location actors.Location
	Role     actors.Role
	Host     Host
	Cycles   actors.Cycles
	Clocks   *clock.Offsets // of its peers; nil when nobody measures
}

// Config is what a Local needs. Fields without a stated default are required.
type Config struct {
	// Actors are those of this process, in the order in which they are shown.
	// Names and GUIDs are unique.
	Actors []Actor
	// NewID makes a fresh reservation identity, a lower-case UUID.
	NewID func() string
	// Clock is the actors' clock; nil means the real one.
	Clock clock.Clock
	// Waits is the clock of those who wait for something; nil means Clock.
	Waits clock.Clock
	// Ticker moves Clock, where operators do; nil means that it goes by itself.
	Ticker Ticker
	// Zone is where times without a zone are read; nil means UTC.
	Zone *time.Location
	// Peers lists actors elsewhere, so that they can be shown and named; nil means
	// none are known, and then any broker is accepted by its GUID.
	Peers func() []actors.Location
	// Types lists what a broker is known to sell; "" is the default broker. nil, or
	// an empty list, means that any type is accepted here.
	Types func(broker actors.ActorID) []actors.ResourceType
	// Patience is how long to wait for one actor to show its reservations; 0 means
	// ten seconds.
	Patience time.Duration
	// Buffer is how many changes may wait for one watcher; 0 means 1024.
	Buffer int
	// Watchers is how many streams and waits may be open; 0 means 256.
	Watchers int
}

// Local is the Service over actors of this process.
type Local struct {
	cfg      Config
	watchers chan struct{} // one token for each open stream or wait
	ticking  sync.Mutex    // ticks take turns
}

var _ Service = (*Local)(nil)

var errNotRunning = errors.New("the actor is not running")

// New checks cfg and fills in its defaults.
func New(cfg Config) (*Local, error) {
	if cfg.NewID == nil {
		return nil, errors.New("manage: Config.NewID is required")
	}
	seen := map[string]bool{}
	for i, a := range cfg.Actors {
		if a.Host == nil || a.Location.ID == "" || a.Location.Name == "" || a.Cycles.Length < 1 {
			return nil, fmt.Errorf("manage: actor %d needs a host, a GUID, a name and cycles", i)
		}
		for _, name := range []string{string(a.Location.ID), a.Location.Name} {
			if seen[name] {
				return nil, fmt.Errorf("manage: two actors are called %q", name)
			}
			seen[name] = true
		}
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.Real()
	}
	if cfg.Waits == nil {
		cfg.Waits = cfg.Clock
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Peers == nil {
		cfg.Peers = func() []actors.Location { return nil }
	}
	if cfg.Types == nil {
		cfg.Types = func(actors.ActorID) []actors.ResourceType { return nil }
	}
	for _, d := range []struct {
		field *int
		value int
	}{{&cfg.Buffer, 1024}, {&cfg.Watchers, 256}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * time.Second
	}
	return &Local{cfg: cfg, watchers: make(chan struct{}, cfg.Watchers)}, nil
}

// Actors lists the actors.
func (l *Local) Actors(context.Context) ([]ActorInfo, error) {
	out := []ActorInfo{}
	now := clock.Millis(l.cfg.Clock.Now())
	for _, a := range l.cfg.Actors {
		s := a.Host.Status()
		out = append(out, ActorInfo{
			ID: string(a.Location.ID), Name: a.Location.Name, Role: a.Role.String(), URL: a.Location.URL,
			Running: s.Running, Cycle: int64(a.Cycles.Of(now)), CycleMillis: int64(a.Cycles.Length),
			Waiting: s.Waiting, StalledAt: s.StalledAt.UTC(), Stalled: s.Stalled, Quarantined: s.Quarantined,
			StandsUntil: s.StandsUntil.UTC(),
		})
	}
	return out, nil
}

// List shows what passes the filter.
func (l *Local) List(ctx context.Context, f Filter) ([]Reservation, error) {
	hosts, err := l.actors("manage.list", f.Actor)
	if err != nil {
		return nil, err
	}
	pass, err := f.compile("manage.list")
	if err != nil {
		return nil, err
	}
	out, names := []Reservation{}, l.names()
	var missing []error
	for _, a := range hosts {
		err := l.inspect(ctx, a, func(v actors.Viewer) {
			for _, view := range v.Views() {
				if pass.view(view) {
					out = append(out, render(names, a, view))
				}
			}
		})
		if err != nil {
			missing = append(missing, fmt.Errorf("%s: %w", a.Location.Name, err))
		}
	}
	switch {
	case len(missing) == 0:
		return out, nil
	case len(missing) == len(hosts):
		return nil, missing[0]
	}
	return out, partial(missing)
}

// Show finds one reservation.
func (l *Local) Show(ctx context.Context, ref Ref) (Reservation, error) {
	_, r, err := l.find(ctx, "manage.show", ref)
	return r, err
}

// Close asks an actor to end a reservation.
func (l *Local) Close(ctx context.Context, ref Ref) (Reservation, error) {
	a, r, err := l.find(ctx, "manage.close", ref)
	if err != nil {
		return Reservation{}, err
	}
	return l.ask(ctx, a, r, actors.Close{Reservation: actors.ReservationID(r.Reservation)})
}

// ask gives the actor ev and shows the reservation as it then is; as it was, if it
// is gone.
func (l *Local) ask(ctx context.Context, a Actor, was Reservation, ev actors.Event) (Reservation, error) {
	if err := a.Host.Ask(ctx, ev); err != nil {
		return Reservation{}, err
	}
	err := l.inspect(ctx, a, func(v actors.Viewer) {
		if view, ok := v.View(actors.ReservationID(was.Reservation)); ok {
			was = render(l.names(), a, view)
		}
	})
	return was, err
}

// inspect looks at one actor's reservations, within patience. An actor that does
// not run is not waited for.
func (l *Local) inspect(ctx context.Context, a Actor, look func(actors.Viewer)) error {
	if !a.Host.Status().Running {
		return &actors.Error{Op: "manage.inspect", Actor: a.Location.ID, Kind: actors.Transient, Err: errNotRunning}
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.Patience)
	defer cancel()
	return a.Host.Inspect(ctx, look)
}

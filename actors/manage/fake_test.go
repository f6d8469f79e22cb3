package manage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
)

// desk is a small machine of any role: it takes requests down, and an ActionDone
// moves a reservation to the state that its Note names ("forget" removes it).
type desk struct {
	self actors.ActorID
	book map[actors.ReservationID]actors.View
	last actors.Event // what it was given last
}

func (d *desk) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	fx := actors.Effects{Wake: actors.Never}
	d.last = ev
	move := func(v actors.View, state actors.State, pending actors.Pending, waiting string) {
		from := d.book[v.Reservation]
		v.State, v.Pending, v.Waiting, v.Since = state.String(), pending.String(), waiting, now
		d.book[v.Reservation] = v
		t := actors.Transition{Reservation: v.Reservation, To: v.State + "," + v.Pending, Why: fmt.Sprintf("%T", ev)}
		if from.State != "" {
			t.From = from.State + "," + from.Pending
		}
		fx.Moved = append(fx.Moved, t)
		fx.Save = append(fx.Save, actors.Record{Key: "reservation/" + string(v.Reservation), Value: store.Raw(v.State)})
	}
	refuse := func(kind actors.Kind, id actors.ReservationID, why string) (actors.Effects, error) {
		return actors.Effects{}, &actors.Error{Op: "desk", Actor: d.self, Reservation: id, Kind: kind, Err: errors.New(why)}
	}
	switch ev := ev.(type) {
	case actors.Request:
		if ev.Local["refuse"] != "" {
			return refuse(actors.Exhausted, ev.Reservation, "sold out")
		}
		move(actors.View{
			Reservation: ev.Reservation, Slice: ev.Slice, Type: ev.Type, Units: ev.Units, Term: ev.Term, Client: d.self,
			Broker: ev.Broker, Next: "close", NextAt: now + 100, Deadline: now + 30,
			Held: []actors.Unit{{ID: "u1", Host: "n1", State: actors.UnitPriming, Properties: actors.Properties{"ip": "192.0.2.1"}}},
		}, actors.Nascent, actors.Ticketing, "broker x")
	case actors.RequestGroup:
		for _, r := range ev.Requests {
			move(actors.View{Reservation: r.Reservation, Slice: r.Slice, Type: r.Type, Units: r.Units, Term: r.Term, Client: d.self,
				Broker: r.Broker, After: r.After}, actors.Nascent, actors.Ticketing, "broker x")
		}
	case actors.Extend:
		v := d.book[ev.Reservation]
		v.Term = v.Term.Extended(ev.End)
		if ev.Units > 0 {
			v.Units = ev.Units
		}
		move(v, actors.Active, actors.ExtendingTicket, "broker x")
	case actors.Modify:
		move(d.book[ev.Reservation], actors.Active, actors.ModifyingLease, "site y")
	case actors.Close:
		if d.book[ev.Reservation].State == actors.Closed.String() {
			return refuse(actors.Stale, ev.Reservation, "it is closed already")
		}
		move(d.book[ev.Reservation], actors.CloseWait, actors.None, "site y")
	case actors.ActionDone:
		v := d.book[ev.Reservation]
		if ev.Note == "forget" {
			delete(d.book, ev.Reservation)
			fx.Moved = []actors.Transition{{Reservation: ev.Reservation, From: v.State + "," + v.Pending, To: "Closed,None"}}
			break
		}
		for s := actors.Nascent; s <= actors.Failed; s++ {
			if s.String() == ev.Note {
				move(v, s, actors.None, "")
			}
		}
	}
	return fx, nil
}

func (d *desk) Restore(actors.Stored) error                      { return nil }
func (d *desk) Recover(actors.Cycle) actors.Effects              { return actors.Effects{Wake: actors.Never} }
func (d *desk) View(id actors.ReservationID) (actors.View, bool) { v, ok := d.book[id]; return v, ok }

func (d *desk) Views() (all []actors.View) {
	for _, id := range slices.Sorted(maps.Keys(d.book)) {
		all = append(all, d.book[id])
	}
	return all
}

// noon is the present of every test.
var noon = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

// office is a federation of desks in one process and the service over them.
type office struct {
	*testing.T
	manage.Service
	local *manage.Local
	hand  *clock.Manual
	desks map[string]*desk
	hosts map[string]*host.Host
	stops map[string]func()
	path  string // of the socket, if there is one
}

// cast are the actors of an office, by name.
var cast = []struct {
	name string
	role actors.Role
}{{"sm-blue", actors.RoleManager}, {"sm-red", actors.RoleManager}, {"broker", actors.RoleBroker}, {"site", actors.RoleAuthority}}

// guid is an actor's identity in these tests.
func guid(name string) actors.ActorID { return actors.ActorID(actors.DeriveID("actor", name)) }

// newOffice opens an office; change adjusts the configuration.
func newOffice(t *testing.T, change ...func(*manage.Config)) *office {
	t.Helper()
	o := &office{T: t, hand: clock.NewManual(noon), desks: map[string]*desk{}, hosts: map[string]*host.Host{}, stops: map[string]func(){}}
	var mu sync.Mutex
	made := 0
	cfg := manage.Config{
		Clock: o.hand,
		NewID: func() string {
			mu.Lock()
			defer mu.Unlock()
			made++
			return fmt.Sprintf("id-%d", made)
		},
		Peers: func() []actors.Location { return []actors.Location{{ID: guid("far"), Name: "far-broker"}} },
	}
	cycles := actors.Cycles{Begin: clock.Millis(noon.Add(-time.Hour)), Length: 60_000}
	for _, c := range cast {
		d := &desk{self: guid(c.name), book: map[actors.ReservationID]actors.View{}}
		h, err := host.New(t.Context(), host.Config{
			Self: actors.Location{ID: guid(c.name), Name: c.name}, Role: c.role, Machine: d, Store: memory.New(), Cycles: cycles,
			Clock: o.hand, Send: func(actors.Message) {}, Run: func(actors.Action) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- h.Serve(ctx) }()
		o.stops[c.name] = sync.OnceFunc(func() { cancel(); <-served })
		t.Cleanup(o.stops[c.name])
		if err := h.Inspect(ctx, func(actors.Viewer) {}); err != nil { // it runs now
			t.Fatal(err)
		}
		o.desks[c.name], o.hosts[c.name] = d, h
		cfg.Actors = append(cfg.Actors, manage.Actor{
			Location: actors.Location{ID: guid(c.name), Name: c.name, URL: "http://localhost/" + c.name}, Role: c.role, Host: h, Cycles: cycles,
		})
	}
	for _, c := range change {
		c(&cfg)
	}
	local, err := manage.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.Service, o.local = local, local
	return o
}

// overSocket puts a socket between the test and the service.
func (o *office) overSocket() *office {
	o.path = filepath.Join(o.TempDir(), "s")
	ctx, cancel := context.WithCancel(o.Context())
	served := make(chan error, 1)
	go func() { served <- manage.Socket{Path: o.path, Service: o.local}.Serve(ctx) }()
	o.Cleanup(func() { cancel(); <-served })
	c := manage.NewClient(o.path)
	o.Cleanup(c.Disconnect)
	for { // until it listens
		_, err := c.Actors(o.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, manage.ErrUnreachable) {
			o.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	o.Service = c
	return o
}

// both runs a test on the service itself and through a socket: they are one
// contract.
func both(t *testing.T, test func(*testing.T, *office), change ...func(*manage.Config)) {
	t.Parallel()
	t.Run("local", func(t *testing.T) { t.Parallel(); test(t, newOffice(t, change...)) })
	t.Run("socket", func(t *testing.T) { t.Parallel(); test(t, newOffice(t, change...).overSocket()) })
}

// put makes a reservation exist at an actor, in a state.
func (o *office) put(actor string, id actors.ReservationID, slice string, state actors.State) {
	o.Helper()
	ev := actors.Request{
		Reservation: id, Slice: actors.Slice{ID: actors.SliceID("id-of-" + slice), Name: slice}, Type: "site.node", Units: 2,
		Term: actors.NewTerm(clock.Millis(noon), clock.Millis(noon.Add(time.Hour))-1), Broker: guid("broker"),
	}
	if err := o.hosts[actor].Ask(o.Context(), ev); err != nil {
		o.Fatal(err)
	}
	o.move(actor, id, state.String())
}

// move brings a reservation to a state and returns when watchers know: an actor
// answers before it tells them, and shows itself after.
func (o *office) move(actor string, id actors.ReservationID, to string) {
	o.Helper()
	if err := o.hosts[actor].Ask(o.Context(), actors.ActionDone{Reservation: id, Note: to}); err != nil {
		o.Fatal(err)
	}
	o.last(actor)
}

// last is the event an actor was given last.
func (o *office) last(actor string) (ev actors.Event) {
	o.Helper()
	if err := o.hosts[actor].Inspect(o.Context(), func(actors.Viewer) { ev = o.desks[actor].last }); err != nil {
		o.Fatal(err)
	}
	return ev
}

// refused checks an error's place in the contract and that it says all parts.
func refused(t *testing.T, err error, is error, exit int, parts ...string) {
	t.Helper()
	if !errors.Is(err, is) || manage.ExitCode(err) != exit {
		t.Errorf("got %v (exit %d); want %v (exit %d)", err, manage.ExitCode(err), is, exit)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

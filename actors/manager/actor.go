package manager

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/agenda"
)

// Config is what a service manager is told. Fields without a stated default are
// required.
type Config struct {
	Rules
	Broker actors.ActorID // asked when a request names none; may be empty
}

// Actor is a service manager: its reservations and when each is next due.
type Actor struct {
	config Config
	book   map[actors.ReservationID]Reservation
	agenda agenda.Agenda
}

var _ actors.Machine = (*Actor)(nil)

// New is a service manager without reservations.
func New(c Config) *Actor {
	return &Actor{config: c, book: map[actors.ReservationID]Reservation{}}
}

// Step moves the actor by one event (actors.Machine).
func (a *Actor) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	var fx actors.Effects
	var err error
	switch ev := ev.(type) {
	case actors.Tick:
		fx = a.tick(now)
	case actors.Request:
		fx, err = a.request(now, ev)
	case actors.Receive:
		fx, err = a.receive(now, ev)
	case actors.ActionDone:
		fx, err = a.one(now, ev.Reservation, ev)
	case actors.SendFailed:
		fx, err = a.one(now, ev.Message.Reservation, ev)
	case actors.Extend:
		fx, err = a.one(now, ev.Reservation, ev)
	case actors.Modify:
		fx, err = a.one(now, ev.Reservation, ev)
	case actors.Close:
		fx, err = a.one(now, ev.Reservation, ev)
	default:
		err = a.refuse("step", "", actors.Invalid, fmt.Sprintf("a service manager does not take %T", ev))
	}
	fx.Wake = a.agenda.Next()
	return fx, err
}

// receive takes a peer's message.
func (a *Actor) receive(now actors.Cycle, ev actors.Receive) (actors.Effects, error) {
	switch m := ev.Message; m.Op {
	case actors.OpUpdateTicket, actors.OpUpdateLease, actors.OpFailedRPC:
		return a.one(now, m.Reservation, ev)
	case actors.OpQuery: // it has nothing to offer
		return actors.Effects{Send: []actors.Message{actors.Answer(m, a.config.Self, nil)}}, nil
	default:
		return actors.Effects{}, a.refuse(m.Op.String(), m.Reservation, actors.Invalid, "a service manager does not offer this operation")
	}
}

// request opens a reservation.
func (a *Actor) request(now actors.Cycle, ev actors.Request) (actors.Effects, error) {
	if ev.Broker == "" {
		ev.Broker = a.config.Broker
	}
	if old, ok := a.book[ev.Reservation]; ok {
		if old.Slice == ev.Slice && old.Type == ev.Type && old.Broker == ev.Broker {
			return actors.Effects{}, nil // asked twice
		}
		return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, "another reservation has this name")
	}
	why := ""
	switch {
	case ev.Reservation == "":
		why = "a reservation needs a name"
	case ev.Slice.ID == "":
		why = "a reservation needs a slice"
	case ev.Broker == "":
		why = "no broker was named and there is no default"
	case ev.Type == "":
		why = "a reservation needs a resource type"
	case ev.Units < 1:
		why = fmt.Sprintf("cannot lease %d units", ev.Units)
	case a.config.Cycles.Of(ev.Term.End) <= now:
		why = "the term is already over"
	}
	if err := ev.Term.Validate(); why == "" && err != nil {
		why = err.Error()
	}
	if why != "" {
		return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, why)
	}
	return a.step(now, Reservation{ID: ev.Reservation, Slice: ev.Slice, Broker: ev.Broker, Status: asked, Type: ev.Type,
		Units: ev.Units, Term: ev.Term, Request: ev.Request, Config: ev.Config, Local: ev.Local,
		Renewable: ev.Renewable, Since: now}, ev)
}

// one steps the reservation an event is about.
func (a *Actor) one(now actors.Cycle, id actors.ReservationID, ev actors.Event) (actors.Effects, error) {
	r, ok := a.book[id]
	if !ok {
		return actors.Effects{}, a.refuse("step", id, actors.NotFound, "no such reservation")
	}
	return a.step(now, r, ev)
}

func (a *Actor) step(now actors.Cycle, r Reservation, ev actors.Event) (actors.Effects, error) {
	next, fx, err := Step(r, a.config.Rules, now, ev)
	if err != nil {
		return actors.Effects{}, err
	}
	a.put(next)
	return fx, nil
}

func (a *Actor) put(r Reservation) {
	a.book[r.ID] = r
	a.agenda.Set(r.ID, r.next(a.config.Rules).at)
}

// tick does what is due at now, and forgets what is past remembering.
func (a *Actor) tick(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	for _, id := range a.agenda.Due(now) {
		r := a.book[id]
		if r.forgotten(a.config.Rules, now) {
			delete(a.book, id)
			fx.Save = append(fx.Save, actors.Record{Key: key(id)})
			continue
		}
		one, err := a.step(now, r, actors.Tick{})
		if err != nil {
			// A defect in one reservation must not stop the others' clocks.
			one = actors.Defect(id, r.Status.String(), err)
			a.put(r)
		}
		fx.Join(one)
		if next := a.book[id].next(a.config.Rules); next.at <= now {
			a.agenda.Set(id, now+1) // one deed a cycle
		}
	}
	return fx
}

// Restore puts back one record (actors.Machine).
func (a *Actor) Restore(rec actors.Stored) error {
	id, ok := strings.CutPrefix(rec.Key, "reservation/")
	if !ok {
		return fmt.Errorf("manager: record %q is of no kind known here", rec.Key)
	}
	var r Reservation
	if err := json.Unmarshal(rec.Data, &r); err != nil {
		return fmt.Errorf("manager: record %q: %w", rec.Key, err)
	}
	if string(r.ID) != id {
		return fmt.Errorf("manager: record %q is about reservation %q", rec.Key, r.ID)
	}
	if err := Moves.Check(r.Status, r.Status); err != nil {
		return fmt.Errorf("manager: record %q: %w", rec.Key, err)
	}
	a.put(r)
	return nil
}

// Recover is what every reservation still owes (actors.Machine).
func (a *Actor) Recover(actors.Cycle) actors.Effects {
	var fx actors.Effects
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		fx.Join(a.book[id].owed(a.config.Rules, nil))
	}
	fx.Wake = a.agenda.Next()
	return fx
}

func (a *Actor) refuse(op string, id actors.ReservationID, kind actors.Kind, why string) error {
	return &actors.Error{Op: "manager." + op, Actor: a.config.Self, Reservation: id, Kind: kind, Err: fmt.Errorf("%s", why)}
}

package manager

import (
	"encoding/json"
	"errors"
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
	Guests []Guest        // whom it leases for by itself
}

// Actor is a service manager: its reservations and when each is next due.
type Actor struct {
	config Config
	book   map[actors.ReservationID]Reservation
	agenda agenda.Agenda
	behind map[actors.ReservationID][]actors.ReservationID // who comes after whom, sorted
	guests guests
	groups groups
	parts  actors.Parts // of leases that have not been restored
}

var (
	_ actors.Machine = (*Actor)(nil)
	_ actors.Sparer  = (*Actor)(nil)
)

// New is a service manager without reservations.
func New(c Config) *Actor {
	a := &Actor{config: c, book: map[actors.ReservationID]Reservation{}, behind: map[actors.ReservationID][]actors.ReservationID{},
		guests: newGuests(c.Guests), groups: groups{}, parts: actors.Parts{}}
	a.attend()
	a.config.look = func(id actors.ReservationID) (Reservation, bool) { r, ok := a.book[id]; return r, ok }
	return a
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
	case actors.RequestGroup:
		fx, err = a.requestGroup(now, ev)
	case actors.Observe:
		fx, err = a.observe(now, ev)
	case actors.Receive:
		fx, err = a.receive(now, ev)
	case actors.ActionDone:
		fx, err = a.one(now, ev.Reservation, ev)
	case actors.ActionsDone:
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

// one steps the reservation an event is about.
func (a *Actor) one(now actors.Cycle, id actors.ReservationID, ev actors.Event) (actors.Effects, error) {
	r, ok := a.book[id]
	if !ok {
		return actors.Effects{}, a.refuse("step", id, actors.NotFound, "no such reservation")
	}
	return a.step(now, r, ev)
}

func (a *Actor) step(now actors.Cycle, r Reservation, ev actors.Event) (actors.Effects, error) {
	return a.run(now, r, func(s *step) error { return s.apply(ev) })
}

// run moves one reservation, and then those behind it that it no longer keeps
// waiting.
func (a *Actor) run(now actors.Cycle, r Reservation, do func(*step) error) (actors.Effects, error) {
	next, fx, err := run(r, a.config.Rules, now, do)
	if err != nil {
		return actors.Effects{}, err
	}
	a.put(next)
	if len(a.groups) > 0 {
		fx.Join(a.disband(now, next))
	}
	if next.standing() == r.standing() {
		return fx, nil
	}
	for _, id := range a.behind[r.ID] {
		one, err := a.run(now, a.book[id], func(s *step) error { s.orphaned(); return nil })
		if err != nil {
			one = actors.Defect(id, a.book[id].Status.String(), err)
		}
		fx.Join(one)
	}
	return fx, nil
}

func (a *Actor) put(r Reservation) {
	if _, known := a.book[r.ID]; !known {
		for _, e := range r.After {
			if at, found := slices.BinarySearch(a.behind[e.Reservation], r.ID); !found {
				a.behind[e.Reservation] = slices.Insert(a.behind[e.Reservation], at, r.ID)
			}
		}
	}
	a.book[r.ID] = r
	a.groups.put(r)
	a.guests.put(r)
	a.agenda.Set(r.ID, r.next(a.config.Rules).at)
}

func (a *Actor) forget(r Reservation) []actors.Record {
	delete(a.book, r.ID)
	a.agenda.Set(r.ID, actors.Never) // another reservation's move may have put it back
	a.groups.drop(r)
	for _, e := range r.After {
		left := slices.DeleteFunc(a.behind[e.Reservation], func(id actors.ReservationID) bool { return id == r.ID })
		if a.behind[e.Reservation] = left; len(left) == 0 {
			delete(a.behind, e.Reservation)
		}
	}
	return actors.Units{}.Records([]actors.Record{{Key: key(r.ID)}}, r.ID, r.Held)
}

// tick does what is due at now, and forgets what is past remembering.
func (a *Actor) tick(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	due := a.agenda.Due(now)
	for i, id := range due {
		if name, ok := strings.CutPrefix(string(id), guestPrefix); ok {
			if g, ok := a.guests.find(name); ok {
				fx.Join(a.look(now, g, nil))
				continue
			}
		}
		r := a.book[id]
		if now < a.config.Cycles.Of(r.Term.End)-a.config.Margins.Close && a.incomplete(r) {
			a.agenda.Set(id, now+1) // it is redeemed when all of its group have their tickets
			continue
		}
		if r.forgotten(a.config.Rules, now) {
			fx.Save = append(fx.Save, a.forget(r)...)
			continue
		}
		one, err := a.step(now, r, actors.Tick{})
		if err != nil {
			// A defect in one reservation must not stop the others' clocks.
			one = actors.Defect(id, r.Status.String(), err)
			a.put(r)
		}
		if i == 0 {
			fx.Room(one, len(due))
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
	if name, ok := strings.CutPrefix(rec.Key, guestPrefix); ok {
		if err := a.restoreGuest(name, rec.Data); err != nil {
			return fmt.Errorf("manager: record %q: %w", rec.Key, err)
		}
		return nil
	}
	if strings.HasPrefix(rec.Key, actors.PartPrefix) {
		return a.restorePart(rec)
	}
	id, ok := strings.CutPrefix(rec.Key, reservationPrefix)
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
	if err := a.parts.Join(&r.Held, r.ID, r.Parts); err != nil {
		return fmt.Errorf("manager: record %q: %w", rec.Key, err)
	}
	delete(a.parts, r.ID)
	a.put(r)
	return nil
}

// restorePart keeps a page of units until its reservation comes.
func (a *Actor) restorePart(rec actors.Stored) error {
	id, _, err := a.parts.Restore(rec)
	if _, there := a.book[id]; err == nil && there {
		delete(a.parts, id)
		err = errors.New("its reservation is there without it")
	}
	if err != nil {
		return fmt.Errorf("manager: record %q: %w", rec.Key, err)
	}
	return nil
}

// LetGo hears that a record will not be mended (actors.Sparer). With a reservation's
// go those of its units.
func (a *Actor) LetGo(_ actors.Cycle, key string) actors.Effects {
	fx := actors.Effects{Wake: a.agenda.Next()}
	if id, whole := strings.CutPrefix(key, reservationPrefix); whole {
		fx.Save = a.parts.Forget(actors.ReservationID(id))
	}
	return fx
}

// Recover is what every reservation still owes (actors.Machine). Who stands before a
// gate looks again at once: a predecessor's record may have been lost.
func (a *Actor) Recover(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	a.config.recovered = now
	for _, id := range slices.Sorted(maps.Keys(a.book)) {
		r := a.book[id]
		fx.Join(r.owed(a.config.Rules, nil))
		a.agenda.Set(id, r.next(a.config.Rules).at) // later than by the record alone
		if a.book[id].gate() != "" {
			a.agenda.Set(id, now)
		}
	}
	fx.Wake = a.agenda.Next()
	return fx
}

func (a *Actor) refuse(op string, id actors.ReservationID, kind actors.Kind, why string) error {
	return &actors.Error{Op: "manager." + op, Actor: a.config.Self, Reservation: id, Kind: kind, Err: fmt.Errorf("%s", why)}
}

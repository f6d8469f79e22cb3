package manage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/policy"
)

// Limits of what an operator may ask for. They are far above any use and below
// any harm.
const (
	maxProperties = 256       // in one list
	maxValue      = 64 * 1024 // octets in a property's value
)

// Request checks the order, fills in what was left out and asks the manager, or the
// broker that is to buy.
func (l *Local) Request(ctx context.Context, o Order) (Reservation, error) {
	const op = "manage.request"
	a, err := l.buyer(op, o.Actor)
	if err != nil {
		return Reservation{}, err
	}
	ev, problems := l.request(ctx, a, o, l.now())
	if len(problems) > 0 {
		return Reservation{}, invalid(op, problems...)
	}
	return l.ask(ctx, a, proposed(l.names(), a, ev), ev)
}

// proposed is what a request asks for, until its actor shows it.
func proposed(n names, a Actor, ev actors.Request) Reservation {
	return render(n, a, actors.View{
		Reservation: ev.Reservation, Slice: ev.Slice, Type: ev.Type, Units: ev.Units, Term: ev.Term,
		Client: a.Location.ID, Broker: ev.Broker,
	})
}

// buyer is the service manager or broker that name means; the only manager if it is
// empty.
func (l *Local) buyer(op, name string) (Actor, error) {
	all, err := l.actors(op, name)
	if err != nil {
		return Actor{}, err
	}
	if len(all) == 1 && name != "" && all[0].Role == actors.RoleBroker {
		return all[0], nil
	}
	var managers []Actor
	var labels []string
	for _, a := range all {
		if a.Role == actors.RoleManager {
			managers, labels = append(managers, a), append(labels, a.Location.Name)
		}
	}
	switch {
	case len(managers) == 1:
		return managers[0], nil
	case len(managers) > 1:
		return Actor{}, &actors.Error{Op: op, Kind: actors.Invalid, Err: ambiguous("service manager", name, labels)}
	case name != "":
		return Actor{}, invalid(op, fmt.Sprintf("%s is neither a service manager nor a broker but has the role %q", all[0].Location.Name, all[0].Role))
	}
	return Actor{}, invalid(op, "no service manager runs here")
}

// now is the moment that a call's relative times are counted from.
func (l *Local) now() time.Time { return l.cfg.Clock.Now().In(l.cfg.Zone) }

// request is the event that an order means at a moment, or everything that is wrong
// with it. The orders of one group are read at one moment: what says "+2m" in each
// begins together.
func (l *Local) request(ctx context.Context, a Actor, o Order, now time.Time) (actors.Request, []string) {
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	if o.Reservation == "" {
		o.Reservation = l.cfg.NewID()
	}
	note(check.Name("reservation", o.Reservation))
	switch {
	case o.Slice == "" && o.SliceID == "":
		note(check.Named("slice", "", "say for whom the units are"))
	case o.Slice == "":
		o.Slice = o.SliceID
	case o.SliceID == "":
		o.SliceID = actors.DeriveID("slice", string(a.Location.ID), o.Slice)
	}
	note(check.Name("slice", o.Slice))
	note(check.Name("sliceId", o.SliceID))
	if a.Role == actors.RoleBroker && o.Broker == "" {
		problems = append(problems, "broker is missing: say which other broker to buy from")
	}
	broker, err := l.broker(o.Broker)
	note(err)
	var known []actors.ResourceType
	if err == nil {
		known = l.cfg.Types(broker)
	}
	note(check.Type(actors.ResourceType(o.Type), known))
	note(check.Units(o.Units))
	for list, p := range map[string]map[string]string{"request": o.Request, "config": o.Config, "local": o.Local} {
		note(properties(list, p))
	}
	o.Request, err = deadline(o.Request, now)
	note(err)
	if err == nil {
		note(policy.Check(o.Request, o.Units))
	}
	term, err := term(o, now)
	note(err)
	var after []actors.Predecessor
	for _, p := range o.After {
		e, err := l.predecessor(ctx, a, p, nil)
		note(err)
		after = append(after, e)
	}
	note(actors.CheckPredecessors(actors.ReservationID(o.Reservation), after))
	slices.Sort(problems) // the lists above come in no order
	return actors.Request{
		Reservation: actors.ReservationID(o.Reservation), Slice: actors.Slice{ID: actors.SliceID(o.SliceID), Name: o.Slice},
		Broker: broker, Type: actors.ResourceType(o.Type), Units: o.Units, Term: term, Renewable: o.Renewable,
		Request: maps.Clone(o.Request), Config: maps.Clone(o.Config), Local: maps.Clone(o.Local), After: after,
	}, problems
}

// deadline is request properties with a deadline that people wrote as they write
// times in the milliseconds that brokers read (leasing 3.9).
func deadline(p map[string]string, now time.Time) (map[string]string, error) {
	text := p["deadline"]
	if _, err := strconv.ParseInt(text, 10, 64); text == "" || err == nil {
		return p, nil
	}
	t, err := ParseTime(text, now)
	if err != nil {
		return p, fmt.Errorf("deadline: %w", err)
	}
	p = maps.Clone(p)
	p["deadline"] = strconv.FormatInt(int64(clock.Millis(t))-1, 10)
	return p, nil
}

// term is when the order begins and ends.
func term(o Order, now time.Time) (actors.Term, error) {
	start, err := now.Truncate(time.Millisecond), error(nil)
	if o.Start != "" {
		if start, err = ParseTime(o.Start, now); err != nil {
			return actors.Term{}, fmt.Errorf("start: %w", err)
		}
	}
	end, err := until(o.End, o.Length, now, start)
	if err != nil {
		return actors.Term{}, err
	}
	term := actors.NewTerm(clock.Millis(start), clock.Millis(end)-1)
	return term, check.Term(clock.Millis(now), term)
}

// until is the end that an end or a length from start means.
func until(end, length string, now, start time.Time) (time.Time, error) {
	switch {
	case (end == "") == (length == ""):
		return time.Time{}, errors.New("give either an end or a length")
	case end != "":
		t, err := ParseTime(end, now)
		if err != nil {
			return time.Time{}, fmt.Errorf("end: %w", err)
		}
		return t, nil
	}
	d, err := ParseLength(length)
	if err != nil {
		return time.Time{}, err
	}
	t := start.Add(d)
	if t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("length %q ends after the year 9999", length)
	}
	return t, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

// Extend checks the extension and asks the manager.
func (l *Local) Extend(ctx context.Context, e Extension) (Reservation, error) {
	const op = "manage.extend"
	a, r, err := l.find(ctx, op, e.Ref, actors.RoleManager, actors.RoleBroker)
	if err != nil {
		return Reservation{}, err
	}
	if e.Units < 0 || e.Units > check.MaxUnits {
		return Reservation{}, invalid(op, fmt.Sprintf("units is %d, not 1 to %d, or 0 to keep the number", e.Units, check.MaxUnits))
	}
	var victims []actors.UnitID
	for _, id := range e.Victims {
		i := slices.IndexFunc(r.Held, func(u Unit) bool { return u.ID == id })
		if i < 0 {
			return Reservation{}, invalid(op, fmt.Sprintf("unit %q is not held%s", id, check.Perhaps(id, units(r))))
		}
		victims = append(victims, actors.UnitID(id))
	}
	now := l.now()
	if r.End.IsZero() {
		return Reservation{}, invalid(op, "the term has no end that could be moved")
	}
	end, err := until(e.End, e.Length, now, r.End)
	switch {
	case err != nil:
		return Reservation{}, invalid(op, err.Error())
	}
	held := actors.Term{Start: clock.Millis(r.Start), NewStart: clock.Millis(r.NewStart), End: clock.Millis(r.End) - 1}
	if err := check.Longer(clock.Millis(now), held.Extended(clock.Millis(end)-1), held); err != nil {
		return Reservation{}, invalid(op, err.Error())
	}
	return l.ask(ctx, a, r, actors.Extend{
		Reservation: actors.ReservationID(r.Reservation), End: clock.Millis(end) - 1, Units: e.Units, Victims: victims,
	})
}

func units(r Reservation) (ids []string) {
	for _, u := range r.Held {
		ids = append(ids, u.ID)
	}
	return ids
}

// Modify checks the modification and asks the manager.
func (l *Local) Modify(ctx context.Context, m Modification) (Reservation, error) {
	const op = "manage.modify"
	a, r, err := l.find(ctx, op, m.Ref, actors.RoleManager)
	if err != nil {
		return Reservation{}, err
	}
	var problems []string
	if err := check.Named("subcommand", m.Subcommand, "say what to do with the units"); err != nil {
		problems = append(problems, err.Error())
	}
	if err := properties("arguments", m.Arguments); err != nil {
		problems = append(problems, err.Error())
	}
	if m.Number < 0 {
		problems = append(problems, fmt.Sprintf("number is %d, not 1 or more", m.Number))
	}
	if len(problems) > 0 {
		return Reservation{}, invalid(op, problems...)
	}
	return l.ask(ctx, a, r, actors.Modify{Reservation: actors.ReservationID(r.Reservation), Number: m.Number,
		Subcommand: m.Subcommand, Arguments: maps.Clone(m.Arguments)})
}

func properties(list string, p map[string]string) error {
	if len(p) > maxProperties {
		return fmt.Errorf("%s has %d properties, limit %d", list, len(p), maxProperties)
	}
	for _, key := range actors.Properties(p).Keys() {
		switch value := p[key]; {
		case key == "":
			return fmt.Errorf("%s has a property without a name", list)
		case len(value) > maxValue:
			return fmt.Errorf("%s property %q has %d octets, limit %d", list, key, len(value), maxValue)
		case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			return fmt.Errorf("%s property %q is not text", list, key)
		}
		if err := check.Name(list+" property", key); err != nil {
			return err
		}
	}
	return nil
}

package manage

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/policy"
)

// Word is an operator's, on an ask that waits for it at a broker.
type Word struct {
	Ref
	Grant bool   `json:"grant"`          // or refuse
	Note  string `json:"note,omitempty"` // for people; a refusal's reaches the client
}

// Forecast is what would become of an order.
type Forecast struct {
	Name        string    `json:"name,omitempty"` // of the order
	Reservation string    `json:"reservation"`
	Outcome     string    `json:"outcome"`           // granted, queued, smaller, later, impossible or refused
	Units       int       `json:"units,omitempty"`   // that would be granted, or would fit
	Start       time.Time `json:"start,omitzero"`    // of what would be granted
	End         time.Time `json:"end,omitzero"`      // the first instant no longer covered
	Earliest    time.Time `json:"earliest,omitzero"` // when all units could start
	Text        string    `json:"text"`              // one line
	Details     []string  `json:"details,omitempty"` // what was weighed
}

// Window is a stretch of time at some actors.
type Window struct {
	Actor string `json:"actor,omitempty"` // as in Ref; empty means every broker and site
	From  string `json:"from,omitempty"`  // as ParseTime reads it; empty means now
	To    string `json:"to,omitempty"`    // likewise; empty means a day after From
}

// Calendar is one calendar of an actor over a window.
type Calendar struct {
	Actor    Party     `json:"actor"`
	Name     string    `json:"name"` // of the ticket, the pool or the quota it is about
	Kind     string    `json:"kind"` // stock, pool or quota
	Type     string    `json:"type,omitempty"`
	Site     *Party    `json:"site,omitempty"`
	Units    int       `json:"units"`              // how many there are
	Start    time.Time `json:"start,omitzero"`     // when they may be held
	End      time.Time `json:"end,omitzero"`       // until when; absent: without end
	Spans    []Span    `json:"spans,omitempty"`    // over the window, without gaps
	Bookings []Booking `json:"bookings,omitempty"` // in order of their beginning
}

// Span is a stretch of time over which as many units are held.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"` // the first instant no longer in it; absent: without end
	Used int       `json:"used"`
	Free int       `json:"free"` // below zero where more is held than there is
}

// Booking is units that a reservation holds.
type Booking struct {
	Reservation string    `json:"reservation"`
	Slice       Slice     `json:"slice"`
	Client      *Party    `json:"client,omitempty"`
	From        time.Time `json:"from"`
	To          time.Time `json:"to,omitzero"` // the first instant no longer covered; absent: without end
	Units       int       `json:"units"`
}

// forecasts is the answer of POST /v1/plans, calendars that of GET /v1/calendars.
type forecasts struct {
	Verdicts []Forecast `json:"verdicts"`
}

type calendars struct {
	Calendars []Calendar `json:"calendars"`
}

// Approve asks a broker to take an operator's word.
func (l *Local) Approve(ctx context.Context, w Word) (Reservation, error) {
	const op = "manage.approve"
	a, r, err := l.find(ctx, op, w.Ref, actors.RoleBroker)
	if err != nil {
		return Reservation{}, err
	}
	if err := check.Name("note", w.Note); err != nil {
		return Reservation{}, invalid(op, err.Error())
	}
	return l.ask(ctx, a, r, actors.Approve{Reservation: actors.ReservationID(r.Reservation), Grant: w.Grant, Note: w.Note})
}

// planner is a broker that says what would become of requests.
type planner interface {
	Plan(now actors.Cycle, requests []actors.Message) []policy.Verdict
}

// Plan asks the broker that the orders are for.
func (l *Local) Plan(ctx context.Context, g Group) ([]Forecast, error) {
	const op = "manage.plan"
	a, ev, err := l.group(ctx, op, g)
	if err != nil {
		return nil, err
	}
	byBroker := map[actors.ActorID][]int{}
	for i, req := range ev.Requests {
		byBroker[req.Broker] = append(byBroker[req.Broker], i)
	}
	if g.Together && len(byBroker) > 1 {
		return nil, invalid(op, "orders that are granted together are for one broker")
	}
	out := make([]Forecast, len(ev.Requests))
	for _, id := range slices.Sorted(maps.Keys(byBroker)) {
		places := byBroker[id]
		b, err := l.seller(op, id)
		if err != nil {
			return nil, err
		}
		requests := make([]actors.Message, len(places))
		for k, i := range places {
			req := ev.Requests[i]
			requests[k] = actors.Message{From: a.Location.ID, To: b.Location.ID, Reservation: req.Reservation, Slice: req.Slice,
				Type: req.Type, Units: req.Units, Term: req.Term, Properties: req.Request}
			if g.Together {
				own := actors.Properties{"groupID": ev.Together}
				if k == 0 {
					own["leaseCount"] = fmt.Sprint(len(places))
				}
				requests[k].Properties = req.Request.Merged(own)
			}
		}
		now := b.Cycles.Of(clock.Millis(l.cfg.Clock.Now()))
		err = l.inspect(ctx, b, func(v actors.Viewer) {
			if p, ok := v.(planner); ok {
				for k, word := range p.Plan(now, requests) {
					out[places[k]] = forecast(g.Orders[places[k]].Name, word)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	callByName(out)
	l.advise(ctx, ev.Requests, out)
	return out, nil
}

// callByName calls the orders by the names that they were given. Their reservations were
// made up to ask the broker, and nobody knows them.
func callByName(out []Forecast) {
	var pairs []string
	for _, f := range out {
		if f.Name != "" {
			pairs = append(pairs, f.Reservation, strconv.Quote(f.Name))
		}
	}
	words := strings.NewReplacer(pairs...)
	for i := range out {
		out[i].Text = words.Replace(out[i].Text)
		for k, line := range out[i].Details {
			out[i].Details[k] = words.Replace(line)
		}
	}
}

// seller is the broker of that identity, or the only one here if it is empty.
func (l *Local) seller(op string, id actors.ActorID) (Actor, error) {
	var found []Actor
	for _, a := range l.cfg.Actors {
		if a.Role == actors.RoleBroker && (id == "" || a.Location.ID == id) {
			found = append(found, a)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return Actor{}, invalid(op, "several brokers run here: say which one is asked")
	case id != "":
		return Actor{}, &actors.Error{Op: op, Kind: actors.NotFound, Err: fmt.Errorf("broker %s does not run here: plan where it does", l.names().label(id))}
	}
	return Actor{}, &actors.Error{Op: op, Kind: actors.NotFound, Err: fmt.Errorf("no broker runs here: plan where one does")}
}

// label is the name of an actor, or its identity.
func (n names) label(id actors.ActorID) string {
	if n[id] != "" {
		return n[id]
	}
	return string(id)
}

func forecast(name string, v policy.Verdict) Forecast {
	return Forecast{Name: name, Reservation: string(v.Reservation), Outcome: string(v.Outcome), Units: v.Units,
		Start: instant(v.Term.NewStart), End: ending(v.Term.End), Earliest: instant(v.Earliest), Text: v.Text, Details: v.Details}
}

// Calendars asks every actor that has some.
func (l *Local) Calendars(ctx context.Context, w Window) ([]Calendar, error) {
	const op = "manage.calendars"
	hosts, err := l.actors(op, w.Actor)
	if err != nil {
		return nil, err
	}
	now := l.now()
	from, to := now, time.Time{}
	if w.From != "" {
		if from, err = ParseTime(w.From, now); err != nil {
			return nil, invalid(op, fmt.Sprintf("from: %v", err))
		}
	}
	if to = from.Add(24 * time.Hour); w.To != "" {
		if to, err = ParseTime(w.To, now); err != nil {
			return nil, invalid(op, fmt.Sprintf("to: %v", err))
		}
	}
	if !to.After(from) {
		return nil, invalid(op, fmt.Sprintf("to %s is not after from %s", stamp(to), stamp(from)))
	}
	out, n := []Calendar{}, l.names()
	for _, a := range hosts {
		if a.Role == actors.RoleManager && w.Actor == "" {
			continue
		}
		keeps := false
		err := l.inspect(ctx, a, func(v actors.Viewer) {
			if k, ok := v.(calendar.Keeper); ok {
				keeps = true
				for _, t := range k.Tables(clock.Millis(from), clock.Millis(to)-1) {
					out = append(out, n.calendar(a, t))
				}
			}
		})
		switch {
		case err != nil:
			return nil, err
		case !keeps && w.Actor != "":
			return nil, invalid(op, fmt.Sprintf("%s is a %v and keeps no calendar", a.Location.Name, a.Role))
		}
	}
	return out, nil
}

func (n names) calendar(a Actor, t calendar.Table) Calendar {
	c := Calendar{Actor: Party{string(a.Location.ID), a.Location.Name}, Name: t.Name, Kind: string(t.Kind), Type: string(t.Type),
		Site: n.party(t.Site.ID), Units: t.Units, Start: instant(t.Term.Start), End: ending(t.Term.End)}
	if c.Site != nil && c.Site.Name == "" {
		c.Site.Name = t.Site.Name
	}
	for _, s := range t.Spans {
		c.Spans = append(c.Spans, Span{From: clock.Time(s.From), To: ending(s.To), Used: s.Used, Free: t.Units - s.Used})
	}
	for _, b := range t.Bookings {
		c.Bookings = append(c.Bookings, Booking{Reservation: string(b.Reservation), Slice: Slice{string(b.Slice.ID), b.Slice.Name},
			Client: n.party(b.Client), From: clock.Time(b.From), To: ending(b.To), Units: b.Units})
	}
	return c
}

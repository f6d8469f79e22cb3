package manage

import (
	"maps"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// lastInstant is the last that RFC 3339 can write.
var lastInstant = clock.Millis(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))

// instant is m for people; zero when m means "never" or cannot be written.
func instant(m actors.Millis) time.Time {
	if m <= 0 || m > lastInstant {
		return time.Time{}
	}
	return clock.Time(m)
}

// ending is the first instant after the last one covered.
func ending(last actors.Millis) time.Time {
	if last <= 0 || last >= lastInstant {
		return time.Time{}
	}
	return clock.Time(last + 1)
}

// moment is the first instant of cycle n; zero when n means none.
func moment(c actors.Cycles, n actors.Cycle) time.Time {
	if n < 0 || n > actors.Cycle((lastInstant-c.Begin)/c.Length) {
		return time.Time{}
	}
	return instant(c.Start(n))
}

// upcoming is moment for fields in which cycle 0 stands for none.
func upcoming(c actors.Cycles, n actors.Cycle) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return moment(c, n)
}

// names are the names of all actors known here.
type names map[actors.ActorID]string

func (l *Local) names() names {
	out := names{}
	for _, loc := range l.known() {
		out[loc.ID] = loc.Name
	}
	return out
}

// known are the actors of this process and those elsewhere.
func (l *Local) known() []actors.Location {
	var out []actors.Location
	for _, a := range l.cfg.Actors {
		out = append(out, a.Location)
	}
	return append(out, l.cfg.Peers()...)
}

// party shows an actor, by name if that is known; nil for nobody.
func (n names) party(id actors.ActorID) *Party {
	if id == "" {
		return nil
	}
	return &Party{ID: string(id), Name: n[id]}
}

// render shows a view of actor a. Nothing in the result is shared with the view.
func render(n names, a Actor, v actors.View) Reservation {
	r := Reservation{
		Reservation: string(v.Reservation), Actor: Party{string(a.Location.ID), a.Location.Name}, Role: a.Role.String(),
		Slice: Slice{string(v.Slice.ID), v.Slice.Name}, State: v.State, Pending: v.Pending, Join: v.Join,
		Type: string(v.Type), Units: v.Units,
		Start: instant(v.Term.Start), NewStart: instant(v.Term.NewStart), End: ending(v.Term.End),
		Client: n.party(v.Client), Broker: n.party(v.Broker), Authority: n.party(v.Authority),
		Since: moment(a.Cycles, v.Since), Waiting: v.Waiting, Next: v.Next,
		NextAt: upcoming(a.Cycles, v.NextAt), Deadline: upcoming(a.Cycles, v.Deadline), Error: v.Error, Approval: v.Approval, Decision: slices.Clone(v.Decision),
		TicketSeq: v.TicketSeq, LeaseSeq: v.LeaseSeq,
	}
	for _, e := range v.After {
		r.After = append(r.After, After{Reservation: string(e.Reservation), Gate: string(e.Gate), Pass: maps.Clone(e.Filter),
			Joined: e.Joined, Required: e.Required})
	}
	for _, u := range v.Held {
		r.Held = append(r.Held, Unit{
			ID: string(u.ID), Host: u.Host, State: u.State.String(), Sequence: u.Sequence, Attempts: u.Attempts,
			Properties: maps.Clone(map[string]string(u.Properties)), Notice: u.Notice,
		})
	}
	return r
}

package broker

import (
	"encoding/json"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// source is what a broker sells from, and what is taken of it: one donated ticket,
// or the tickets of one holding, each prolonging the one before.
type source struct {
	ticket   actors.Ticket   // the newest
	older    []actors.Ticket // those before it that still matter, oldest first
	shut     bool            // nothing more is sold from it
	grants   int             // how many reservations hold some of it
	calendar *calendar.Calendar
}

// unsold holds what a source does not have in some of its intervals. It cannot be
// a client's: their reservations have names.
const unsold actors.ReservationID = ""

// newSource is the source of these tickets, the newest last, with nothing taken.
func newSource(ts ...actors.Ticket) *source {
	n := len(ts) - 1
	s := &source{ticket: ts[n], older: ts[:n:n]}
	all := s.ticket
	all.Term.Start = ts[0].Term.Start
	for _, t := range s.older {
		all.Units = max(all.Units, t.Units)
	}
	s.calendar = policy.Stock(all)
	// A ticket says how much there is from its new start on (leasing 3.3).
	for i, t := range ts {
		h := calendar.Hold{From: t.Term.NewStart, To: t.Term.End, Units: all.Units - t.Units}
		if i == 0 {
			h.From = t.Term.Start
		}
		if i < n {
			h.To = min(h.To, ts[i+1].Term.NewStart-1)
		}
		if h.Units > 0 && h.From <= h.To {
			_ = s.calendar.Take(unsold, h) // within capacity and term by construction
		}
	}
	return s
}

// parent is the ticket a grant may be carved from: the newest that reaches over it.
func (s *source) parent(units int, term actors.Term) (actors.Ticket, bool) {
	if s.ticket.Units >= units && s.ticket.Term.Covers(term) {
		return s.ticket, true
	}
	for i := len(s.older) - 1; i >= 0; i-- {
		if t := s.older[i]; t.Units >= units && t.Term.Covers(term) {
			return t, true
		}
	}
	return actors.Ticket{}, false
}

// find is the ticket of that name; the newest if it has none.
func (s *source) find(id actors.TicketID) actors.Ticket {
	for _, t := range s.older {
		if t.ID == id {
			return t
		}
	}
	return s.ticket
}

// lot is a source that was bought, in its durable form.
type lot struct {
	Tickets []actors.Ticket `json:"tickets"` // the newest last
	Shut    bool            `json:"shut,omitempty"`
}

const lotPrefix = "bought/"

func lotKey(id actors.TicketID) string { return lotPrefix + string(id) }

// AppendRecord makes a lot its own durable form (actors.Value).
func (l lot) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(l)
	return append(dst, b...), err
}

func (s *source) lot() lot {
	return lot{Tickets: append(s.older[:len(s.older):len(s.older)], s.ticket), Shut: s.shut}
}

// restoreLot puts a bought source back.
func (a *Actor) restoreLot(id actors.TicketID, data []byte) error {
	var l lot
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	if len(l.Tickets) == 0 {
		return fmt.Errorf("it has no ticket")
	}
	for _, t := range l.Tickets {
		if err := t.Term.Validate(); err != nil || t.Units < 1 {
			return fmt.Errorf("it has a ticket for %d units over %+v", t.Units, t.Term)
		}
	}
	a.sources[id] = newSource(l.Tickets...)
	if l.Shut {
		a.sources[id].shut = true
		a.shut++
	}
	return nil
}

// restock puts the ticket of a holding into stock, behind those it prolongs. Older
// ones are kept while they say what there is, or somebody's ticket was carved from
// them: what was granted is signed again whenever it is asked for.
func (a *Actor) restock(now actors.Cycle, h Holding) actors.Record {
	id, t := h.lot(), *h.Ticket
	ts := []actors.Ticket{t}
	old := a.sources[id]
	if old != nil {
		used := map[actors.TicketID]bool{}
		for _, r := range a.book {
			if r.Source == id && r.holding() {
				used[r.Parent] = true
			}
		}
		ts = ts[:0]
		all := append(old.lot().Tickets, t)
		for i, o := range all {
			if i == len(all)-1 || used[o.ID] || all[i+1].Term.NewStart > a.config.Cycles.Start(now) {
				ts = append(ts, o)
			}
		}
	}
	s := newSource(ts...)
	a.sources[id] = s
	if old != nil {
		s.shut, s.grants = old.shut, old.grants
		for _, r := range a.book {
			if r.Source != id {
				continue
			}
			for _, hold := range r.Holds {
				_ = s.calendar.Take(r.ID, hold) // it was free before, and there is no less now
			}
		}
	}
	return actors.Record{Key: lotKey(id), Value: s.lot()}
}

// sweep takes sources out of stock that are shut and that nobody holds any of, and
// gives back what operators want to be given back.
func (a *Actor) sweep(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	if a.shut == 0 {
		return fx
	}
	for _, id := range sorted(a.sources) {
		s := a.sources[id]
		if !s.shut || s.grants > 0 { // the count is quick; the last hold would say the same
			continue
		}
		h, ok := a.holdingOf(actors.ReservationID(id))
		live := ok && (h.Status == ticketed || h.Status == extending)
		// What has expired is taken to the last millisecond of its term.
		if busy := a.config.Cycles.Of(a.lastHold(id)); live && busy >= now {
			a.agenda.Set(holding(h.Name), busy+1)
			continue
		}
		delete(a.sources, id)
		a.shut--
		fx.Save = append(fx.Save, actors.Record{Key: lotKey(id)})
		if live {
			fx.Join(a.mustBuy(now, h, func(p *purchase) { p.finish(closed, true, "nobody holds any of it") }))
		}
	}
	return fx
}

// lastHold is the last instant at which any of a source is taken; 0 if none is.
func (a *Actor) lastHold(id actors.TicketID) actors.Millis {
	last := actors.Millis(0)
	for _, r := range a.book {
		for _, h := range r.Holds {
			if r.Source == id {
				last = max(last, h.To)
			}
		}
	}
	return last
}

// shutLot ends the sale from what a holding's present turn bought.
func (a *Actor) shutLot(id actors.TicketID) []actors.Record {
	s := a.sources[id]
	if s == nil || s.shut {
		return nil
	}
	s.shut = true
	a.shut++
	return []actors.Record{{Key: lotKey(id), Value: s.lot()}}
}

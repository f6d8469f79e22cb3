package broker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// What a broker does as a client of another one (leasing 1.8). Its holdings are
// asked for, prolonged and given back here; what they brought is in stock.go.

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// buy opens a holding. A renewable one is a standing order.
func (a *Actor) buy(now actors.Cycle, ev actors.Request) (actors.Effects, error) {
	if old, ok := a.holdings[ev.Reservation]; ok {
		if old.Broker == ev.Broker && old.Type == ev.Type && old.Units == ev.Units && old.Standing == ev.Renewable {
			return actors.Effects{}, nil // asked twice
		}
		return actors.Effects{}, a.refuse("request", ev.Reservation, actors.Invalid, "another holding has this name")
	}
	_, taken := a.book[ev.Reservation]
	_, claimed := a.claims[ev.Reservation]
	err := cmp.Or(check.Named("reservation", string(ev.Reservation), "say what the holding is called"),
		check.Named("slice", string(ev.Slice.ID), "say for whom the units are"), check.Units(ev.Units), check.Type(ev.Type, nil),
		check.Term(a.config.Cycles.End(now), ev.Term))
	switch {
	case err != nil:
	case taken || claimed || a.sources[actors.TicketID(ev.Reservation)] != nil:
		err = actors.Problem("something else has this name")
	case ev.Broker == "":
		err = actors.Problem("broker is missing: say which other broker to buy from")
	case ev.Broker == a.config.Self:
		err = actors.Problem("a broker cannot buy from itself")
	}
	if err != nil {
		return actors.Effects{}, &actors.Error{Op: "broker.request", Actor: a.config.Self, Reservation: ev.Reservation, Kind: actors.Invalid, Err: err}
	}
	h := Holding{Name: ev.Reservation, Broker: ev.Broker, Slice: ev.Slice, Type: ev.Type, Units: ev.Units, Length: ev.Term.Length(),
		Standing: ev.Renewable, Request: ev.Request, Status: asked, Since: now}
	return a.purchase(now, h, func(p *purchase) error { p.ask(ticketing, ev.Units, ev.Term, "wanted"); return nil })
}

// purchase moves one holding and keeps stock and agenda in line with it.
func (a *Actor) purchase(now actors.Cycle, h Holding, do func(*purchase) error) (actors.Effects, error) {
	p := purchase{Holding: h, self: a.config.Self, now: now}
	if err := do(&p); err != nil {
		return actors.Effects{}, err
	}
	if p.illegal != nil {
		return actors.Effects{}, a.refuse("step", h.Name, actors.Other, p.illegal.Error())
	}
	fx := actors.Effects{Send: p.send, Moved: p.moved}
	if !p.changed {
		return fx, nil
	}
	if p.Ticket != nil && (h.Ticket == nil || p.Ticket.ID != h.Ticket.ID) {
		if kept, err := a.audit(now, h.ID(), *p.Ticket); err != nil {
			fx, again := a.purchase(now, h, func(p *purchase) error { p.refuse(err.Error()); return nil })
			fx.Save = append(fx.Save, kept.Save...)
			return fx, again
		}
		fx.Save = append(fx.Save, a.restock(now, p.Holding))
	}
	if p.Closing || p.Status.State.Final() {
		fx.Save = append(fx.Save, a.shutLot(h.lot())...)
	}
	if p.Status.State.Final() {
		a.ledger.Release(h.ID(), a.config.Cycles.Start(now))
	}
	if p.ID() != h.ID() {
		a.ledger.Forget(h.ID())
	}
	a.keepHolding(p.Holding)
	fx.Save = append(fx.Save, actors.Record{Key: holdingKey(h.Name), Value: p.Holding})
	return fx, nil
}

// mustBuy is a step of a holding that has nobody to refuse, like must.
func (a *Actor) mustBuy(now actors.Cycle, h Holding, do func(*purchase)) actors.Effects {
	fx, err := a.purchase(now, h, func(p *purchase) error { do(p); return nil })
	if err != nil {
		a.agenda.Set(holding(h.Name), now+1)
		return actors.Defect(h.Name, h.Status.String(), err)
	}
	return fx
}

// holding is a holding's name in the agenda, apart from reservations of clients.
func holding(name actors.ReservationID) actors.ReservationID { return holdingPrefix + name }

func (a *Actor) keepHolding(h Holding) {
	if old, ok := a.holdings[h.Name]; ok {
		delete(a.turns, old.ID())
	}
	a.holdings[h.Name] = h
	a.turns[h.ID()] = h.Name
	_, at := h.next(a.config.Cycles.Of, a.config.Margins, a.config.Keep)
	a.agenda.Set(holding(h.Name), at)
}

// holdingOf finds a holding by what the other broker calls it.
func (a *Actor) holdingOf(id actors.ReservationID) (Holding, bool) {
	h, ok := a.holdings[a.turns[id]]
	return h, ok
}

// run does what is due for a holding.
func (a *Actor) run(now actors.Cycle, h Holding) actors.Effects {
	do, _ := h.next(a.config.Cycles.Of, a.config.Margins, a.config.Keep)
	if do == toForget {
		delete(a.holdings, h.Name)
		delete(a.turns, h.ID())
		a.ledger.Forget(h.ID())
		return actors.Effects{Save: []actors.Record{{Key: holdingKey(h.Name)}}}
	}
	if h.Closing && h.Status == ticketed && a.config.Cycles.Of(h.until()) > now {
		a.keepHolding(h) // the sweep after this step gives it back
		return actors.Effects{}
	}
	if !h.Status.State.Final() && a.config.Cycles.Of(h.until()) <= now {
		do = toEnd // whatever else was due before
	}
	return a.mustBuy(now, h, func(p *purchase) {
		switch do {
		case toRetry:
			p.again()
		case toRenew:
			t := p.Ticket.Term
			p.ask(extending, p.Ticket.Units, t.Extended(t.End+p.Length), "time to renew")
		case toEnd:
			if p.Status == ticketing {
				p.refuse("the other broker did not answer before the term was over")
				return
			}
			p.finish(closed, false, "the term is over")
		case toBegin:
			p.Turn, p.Sequence, p.Ticket, p.Unrenewed = p.Turn+1, 0, nil, false
			p.move(asked, "a standing order")
			start := a.config.Cycles.Start(now + a.config.Margins.Lead)
			p.ask(ticketing, p.Units, actors.NewTerm(start, start+p.Length-1), "wanted")
		}
	})
}

// prolong extends a holding because an operator wants it.
func (a *Actor) prolong(now actors.Cycle, ev actors.Extend) (actors.Effects, error) {
	h, ok := a.holdings[ev.Reservation]
	if !ok {
		return actors.Effects{}, a.refuse("extend", ev.Reservation, actors.NotFound, "nothing of that name is bought here")
	}
	refuse := func(format string, args ...any) (actors.Effects, error) {
		return actors.Effects{}, a.refuse("extend", h.Name, actors.Invalid, fmt.Sprintf(format, args...))
	}
	switch {
	case h.Status != ticketed || h.Closing:
		return refuse("a holding in %v cannot be extended; it must be Ticketed with nothing pending", h.Status)
	case ev.End <= h.Ticket.Term.End:
		return refuse("the new end %d is not after the present end %d", ev.End, h.Ticket.Term.End)
	case ev.Units < 0:
		return refuse("cannot hold %d units", ev.Units)
	}
	return a.purchase(now, h, func(p *purchase) error {
		p.ask(extending, cmp.Or(ev.Units, p.Ticket.Units), p.Ticket.Term.Extended(ev.End), "asked to extend")
		return nil
	})
}

// giveUp ends a holding because an operator wants it. What clients hold of it they
// keep; it is given back when the last of them has gone.
func (a *Actor) giveUp(now actors.Cycle, h Holding) (actors.Effects, error) {
	return a.purchase(now, h, func(p *purchase) error {
		p.changed = p.changed || !p.Closing
		p.Closing = true
		switch p.Status {
		case ticketing:
			p.finish(closed, true, "closed by the operator")
		case failed:
			p.move(closed, "closed by the operator")
		}
		return nil
	})
}

// sendFailed hears that a peer refused a request for good. Clients learn by asking
// again, and claims are repeated anyway.
func (a *Actor) sendFailed(now actors.Cycle, ev actors.SendFailed) (actors.Effects, error) {
	h, ok := a.holdingOf(ev.Message.Reservation)
	if !ok || ev.Message.To != h.Broker {
		return actors.Effects{}, nil
	}
	return a.purchase(now, h, func(p *purchase) error { p.sendFailed(ev); return nil })
}

// updated takes an answer to a claim or to what was asked for a holding.
func (a *Actor) updated(now actors.Cycle, m actors.Message) (actors.Effects, error) {
	if h, ok := a.holdingOf(m.Reservation); ok {
		return a.purchase(now, h, func(p *purchase) error { return p.answered(m) })
	}
	if m.Op == actors.OpFailedRPC { // the client asks again, or the term ends
		return actors.Effects{}, nil
	}
	return a.claimAnswered(now, m)
}

func (a *Actor) restoreHolding(name actors.ReservationID, data []byte) error {
	var h Holding
	if err := json.Unmarshal(data, &h); err != nil {
		return err
	}
	if h.Name != name || h.Broker == "" {
		return fmt.Errorf("it is about holding %q from %q", h.Name, h.Broker)
	}
	if h.Ticket == nil && (h.Status == ticketed || h.Status == extending) {
		return fmt.Errorf("it is %v without a ticket", h.Status)
	}
	if err := HoldingMoves.Check(h.Status, h.Status); err != nil {
		return err
	}
	a.keepHolding(h)
	if s := a.sources[h.lot()]; s != nil && !h.Status.State.Final() {
		for _, t := range s.lot().Tickets {
			a.ledger.Restore(h.ID(), t, actors.Forever)
		}
	}
	return nil
}

// viewHolding is a holding as people see it: the broker is the client.
func (a *Actor) viewHolding(h Holding) actors.View {
	do, at := h.next(a.config.Cycles.Of, a.config.Margins, a.config.Keep)
	v := actors.View{Reservation: h.Name, Slice: h.Slice, Role: actors.RoleBroker.String(), State: h.Status.State.String(),
		Pending: h.Status.Pending.String(), Type: h.Type, Units: h.Asking, Term: h.Term, Client: a.config.Self, Broker: h.Broker,
		Since: h.Since, Error: h.Error, Next: errandNames[do], NextAt: at}
	if h.Ticket != nil && !h.Status.State.Final() {
		v.Units, v.Term, v.Authority = h.Ticket.Units, h.Ticket.Term, h.Ticket.Authority.ID
		v.Deadline = a.config.Cycles.Of(v.Term.End)
	}
	switch {
	case h.waiting() != 0:
		v.Waiting, v.Deadline = fmt.Sprintf("an answer to %v", h.waiting()), a.config.Cycles.Of(v.Term.End)
	case h.Closing && h.Status == ticketed:
		v.Waiting = "those who hold some of it"
	}
	return v
}

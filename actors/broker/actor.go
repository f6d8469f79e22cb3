package broker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/agenda"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/policy"
)

// Config is what a broker is told. Fields without a stated default are required.
type Config struct {
	Self   actors.ActorID
	Cycles actors.Cycles
	Policy policy.Broker
	Quotas []policy.Limit // what clients and slices may hold at once; none by default
	// Advance makes it decide this long before what is asked for starts, and not sooner,
	// as legacy brokers do, three cycles (leasing 2.5); 0 decides in the next round.
	Advance actors.Cycle
	// RedeemWithin is how long after its start a ticket may be redeemed; 0 sets no limit.
	RedeemWithin actors.Millis
	Keep         actors.Cycle // remember what is over for this long after its term; 0 means 600
	// Margins are for what it buys from other brokers; zero means LegacyMargins.
	Margins Margins
}

// Actor is a broker: its stock, its reservations and when each is next due.
type Actor struct {
	config   Config
	sources  map[actors.TicketID]*source
	shut     int // sources that nothing more is sold from
	book     map[actors.ReservationID]Reservation
	agenda   agenda.Agenda
	asks     map[actors.ReservationID]bool // waiting for the next round
	claims   map[actors.ReservationID]claim
	holdings map[actors.ReservationID]Holding
	turns    map[actors.ReservationID]actors.ReservationID // holdings' names, by what sellers call them
	ledger   ledger.Ledger                                 // what was given to this broker, and what that was carved from
	archive  ledger.Archive
	groups   groups
	quotas   quotas
	arrived  int
}

var (
	_ actors.Machine = (*Actor)(nil)
	_ actors.Witness = (*Actor)(nil)
)

// New is a broker without stock.
func New(c Config) *Actor {
	if c.Keep == 0 {
		c.Keep = 600
	}
	if c.Margins == (Margins{}) {
		c.Margins = LegacyMargins()
	}
	return &Actor{config: c, sources: map[actors.TicketID]*source{}, book: map[actors.ReservationID]Reservation{},
		asks: map[actors.ReservationID]bool{}, claims: map[actors.ReservationID]claim{},
		holdings: map[actors.ReservationID]Holding{}, turns: map[actors.ReservationID]actors.ReservationID{},
		groups: groups{}, quotas: newQuotas(c.Quotas)}
}

// Step moves the actor by one event (actors.Machine).
func (a *Actor) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	var fx actors.Effects
	var err error
	switch ev := ev.(type) {
	case actors.Tick:
		fx = a.tick(now)
	case actors.Donate:
		fx, err = a.donate(now, ev.Ticket)
	case actors.Claim:
		fx, err = a.claim(now, ev)
	case actors.Receive:
		fx, err = a.receive(now, ev.Message)
	case actors.Request:
		fx, err = a.buy(now, ev)
	case actors.Extend:
		fx, err = a.prolong(now, ev)
	case actors.Close:
		if h, ok := a.holdings[ev.Reservation]; ok {
			fx, err = a.giveUp(now, h)
			break
		}
		r, ok := a.book[ev.Reservation]
		if !ok {
			err = a.refuse("close", ev.Reservation, actors.NotFound, "no such reservation")
			break
		}
		fx, err = a.step(now, r, func(s *step) error { s.close("closed by the operator"); return nil })
	case actors.Approve:
		fx, err = a.approve(now, ev)
	case actors.SendFailed:
		fx, err = a.sendFailed(now, ev)
	default:
		err = a.refuse("step", "", actors.Invalid, fmt.Sprintf("a broker does not take %T", ev))
	}
	if err == nil {
		fx.Join(a.sweep(now))
	}
	fx.Wake = a.wake(now)
	return fx, err
}

// wake is the next cycle with something to do: a round if anybody waits.
func (a *Actor) wake(now actors.Cycle) actors.Cycle {
	if len(a.asks) > 0 {
		return min(now+1, a.agenda.Next())
	}
	return a.agenda.Next()
}

// donate adds a ticket to the stock.
func (a *Actor) donate(now actors.Cycle, t actors.Ticket) (actors.Effects, error) {
	if _, ok := a.sources[t.ID]; ok {
		return actors.Effects{}, nil // donated twice
	}
	switch {
	case t.Holder != a.config.Self:
		return actors.Effects{}, a.refuse("donate", "", actors.Invalid, fmt.Sprintf("the ticket is made out to %s", t.Holder))
	case t.Units < 1 || t.Type == "" || t.Text == "":
		return actors.Effects{}, a.refuse("donate", "", actors.Invalid, "the ticket has no units, no type or no signed text")
	}
	if err := t.Term.Validate(); err != nil {
		return actors.Effects{}, a.refuse("donate", "", actors.Invalid, err.Error())
	}
	if fx, err := a.audit(now, "", t); err != nil {
		return fx, err
	}
	a.stock(t)
	return actors.Effects{Save: []actors.Record{{Key: sourceKey(t.ID), Value: stored(t)}}}, nil
}

func (a *Actor) stock(t actors.Ticket) {
	a.sources[t.ID] = newSource(t)
}

func (a *Actor) receive(now actors.Cycle, m actors.Message) (actors.Effects, error) {
	switch m.Op {
	case actors.OpQuery:
		return actors.Effects{Send: []actors.Message{a.answer(now, m)}}, nil
	case actors.OpUpdateTicket, actors.OpFailedRPC:
		return a.updated(now, m)
	case actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish:
	default:
		return actors.Effects{}, a.refuse(m.Op.String(), m.Reservation, actors.Invalid, "a broker does not offer this operation")
	}
	if r, ok := a.book[m.Reservation]; ok {
		return a.step(now, r, func(s *step) error { return s.receive(m) })
	}
	if err := a.check(now, m); err != nil {
		return actors.Effects{}, err
	}
	if _, ok := a.holdings[m.Reservation]; ok {
		return actors.Effects{}, a.refuse(m.Op.String(), m.Reservation, actors.Denied, "something of this broker's own has this name")
	}
	a.arrived++
	r := Reservation{ID: m.Reservation, Slice: m.Slice, Client: m.From, ReplyTo: m.ReplyTo, Status: asked, Type: m.Type,
		Arrived: a.arrived, Since: now}
	return a.step(now, r, func(s *step) error {
		s.take(m)
		s.move(ticketing, "a request arrived")
		if m.Op == actors.OpRelinquish {
			// Given back before it was asked for: remember, so that the request
			// behind it on the wire takes nothing.
			s.move(closed, "given back before it was asked for")
		} else if err := check.Type(s.Type, a.Sells()); err != nil {
			// In an update, not a fault: legacy clients forget those (wire contract 5.8).
			s.decide(a.config.Self, policy.Decision{Reservation: s.ID, Why: err.Error()}, "", 0)
		} else if why := a.late(s.Reservation); why != "" {
			s.decide(a.config.Self, policy.Decision{Reservation: s.ID, Why: why}, "", 0)
		}
		return nil
	})
}

// check refuses a first request that can never be granted.
func (a *Actor) check(now actors.Cycle, m actors.Message) error {
	kind := actors.Invalid
	err := cmp.Or(check.Named("reservation", string(m.Reservation), "say what the request is about"),
		check.Named("slice", string(m.Slice.ID), "say for whom the units are"), check.Units(m.Units), check.Type(m.Type, nil), check.Form(m.Term))
	switch {
	case err != nil:
	case m.Op == actors.OpExtendTicket:
		kind, err = actors.NotFound, check.Unknown("reservation", string(m.Reservation), a.known(m.From))
	case m.Op == actors.OpTicket:
		wish := policy.Ask{Term: m.Term, Properties: m.Properties}
		if _, later := wish.Deferrable(); !later || a.config.Cycles.Of(wish.Until()) <= now {
			err = check.Term(a.config.Cycles.End(now), m.Term)
		}
		if err == nil {
			err = policy.Check(m.Properties, m.Units)
		}
	case a.config.Cycles.Of(m.Term.End) <= now:
		err = check.Term(a.config.Cycles.End(now), m.Term)
	}
	if err == nil {
		return nil
	}
	return &actors.Error{Op: "broker." + m.Op.String(), Actor: a.config.Self, Peer: m.From, Reservation: m.Reservation,
		Message: m.ID, Kind: kind, Err: err}
}

// known are the reservations of a client: nobody is told of another's.
func (a *Actor) known(client actors.ActorID) (names []string) {
	for id, r := range a.book {
		if r.Client == client {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return names
}

// Sells lists the types that are in stock or are to be bought, in order; none while
// it is not known what a site will answer to a claim.
func (a *Actor) Sells() []actors.ResourceType {
	for _, c := range a.claims {
		if c.Ticket == "" {
			return nil
		}
	}
	known := a.types()
	for _, h := range a.holdings {
		known = append(known, h.Type)
	}
	slices.Sort(known)
	return slices.Compact(known)
}

// step moves one reservation and keeps calendar, asks and agenda in line with it.
func (a *Actor) step(now actors.Cycle, r Reservation, do func(*step) error) (actors.Effects, error) {
	s := step{Reservation: r, now: now, start: a.config.Cycles.Start(now)}
	if err := do(&s); err != nil {
		return actors.Effects{}, err
	}
	if s.illegal != nil {
		return actors.Effects{}, a.refuse("step", r.ID, actors.Other, s.illegal.Error())
	}
	fx := actors.Effects{Moved: s.moved}
	if s.changed {
		a.put(s.Reservation)
		fx.Save = []actors.Record{{Key: key(r.ID), Value: s.Reservation}}
	}
	if s.answer {
		fx.Send = []actors.Message{s.update(a.config.Self, a.base(s.Reservation))}
	}
	if s.changed && len(a.groups) > 0 {
		fx.Join(a.disband(now, s.Reservation))
	}
	return fx, nil
}

// must is a step that has nobody to refuse. A defect in one reservation is shown
// to watchers and must not stop the others' clocks.
func (a *Actor) must(now actors.Cycle, r Reservation, do func(*step)) actors.Effects {
	fx, err := a.step(now, r, func(s *step) error { do(s); return nil })
	if err != nil {
		a.agenda.Set(r.ID, now+1)
		return actors.Defect(r.ID, r.Status.String(), err)
	}
	return fx
}

// put makes r the present state: of the book, the asks, the calendar, the agenda.
func (a *Actor) put(r Reservation) {
	if old := a.book[r.ID]; a.occupies(old) && a.sources[old.Source] != nil {
		a.sources[old.Source].grants--
	}
	if a.occupies(r) && a.sources[r.Source] != nil {
		a.sources[r.Source].grants++
	}
	a.groups.put(r.ID, a.book[r.ID].Group, r.Group)
	a.book[r.ID] = r
	a.arrived = max(a.arrived, r.Arrived)
	if r.Status == ticketing || r.Status == extending {
		a.asks[r.ID] = true
	} else {
		delete(a.asks, r.ID)
	}
	if src := a.sources[r.Source]; src != nil {
		src.calendar.Release(r.ID)
		// The policy checked the grant on a sketch and the round checked the policy,
		// so that nothing is left to refuse here.
		for _, h := range r.Holds {
			_ = src.calendar.Take(r.ID, h)
		}
	}
	a.quotas.put(r)
	a.agenda.Set(r.ID, a.due(r))
}

// occupies reports whether a client may hold some of a source by a reservation. One
// that an operator closed counts until it is forgotten, unless the client gave it
// back.
func (a *Actor) occupies(r Reservation) bool {
	return r.holding() || r.Granted != nil && len(r.Holds) > 0 && r.Since < a.config.Cycles.Of(r.Granted.Term.End)
}

// due is when a reservation next does something by itself: it expires with its
// term, and is forgotten some time after it is over.
func (a *Actor) due(r Reservation) actors.Cycle {
	of := a.config.Cycles.Of
	switch {
	case r.Status == closed:
		return max(r.Since, of(r.last())) + a.config.Keep
	case r.Granted != nil:
		return of(r.Granted.Term.End)
	case r.Status == failed:
		return max(r.Since, of(r.last())) + a.config.Keep
	default:
		return of(r.ask().Until())
	}
}

// tick lets what is over expire, then holds a round. A reservation expires in its
// term's last cycle; its hold needs no release, because it ends with the term, to
// the millisecond.
func (a *Actor) tick(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	for _, id := range a.agenda.Due(now) {
		if c, ok := a.claims[actors.ReservationID(strings.TrimPrefix(string(id), claimPrefix))]; ok && claimed(c.Reservation) == id {
			fx.Join(a.claimAgain(now, c))
			continue
		}
		if h, ok := a.holdings[actors.ReservationID(strings.TrimPrefix(string(id), holdingPrefix))]; ok && holding(h.Name) == id {
			fx.Join(a.run(now, h))
			continue
		}
		r, ok := a.book[id]
		if !ok || a.due(r) > now {
			continue // another member of its group has ended it a moment ago
		}
		if r.Status.State.Final() && r.Granted == nil || r.Status == closed {
			a.forget(r)
			fx.Save = append(fx.Save, actors.Record{Key: key(id)})
			continue
		}
		fx.Join(a.must(now, r, func(s *step) { s.close("the term is over") }))
	}
	fx.Join(a.round(now))
	return fx
}

// forget drops a reservation that is over.
func (a *Actor) forget(r Reservation) {
	if src := a.sources[r.Source]; src != nil {
		src.calendar.Release(r.ID)
		if a.occupies(r) {
			src.grants--
		}
	}
	a.quotas.drop(r)
	a.groups.put(r.ID, r.Group, "")
	delete(a.book, r.ID)
}

// round asks the policy about everybody who waits and carries its decisions out,
// each checked against the real calendar: a mistaken policy can refuse too much,
// but it cannot sell anything twice.
func (a *Actor) round(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	waiting := a.waiting(now)
	if len(waiting) == 0 {
		return fx
	}
	for _, d := range a.whole(a.config.Policy.Allocate(a.snapshot(now, waiting))) {
		if !a.asks[d.Reservation] {
			continue
		}
		res := a.book[d.Reservation]
		if d.Granted && !a.trial().fits(res, d) {
			d = policy.Decision{Reservation: d.Reservation, Why: "insufficient resources"}
		}
		var from actors.TicketID
		if d.Granted {
			parent, _ := a.sources[d.Source].parent(d.Units, d.Term)
			from = parent.ID
		}
		fx.Join(a.must(now, res, func(s *step) {
			s.decide(a.config.Self, d, from, a.config.Cycles.Start(now))
			s.limit(a.config.RedeemWithin)
		}))
	}
	return fx
}

// early reports whether it is not yet time to decide about r.
func (a *Actor) early(now actors.Cycle, r Reservation) bool { return now < a.decides(r) }

// decides is the first cycle in which the policy is asked about r.
func (a *Actor) decides(r Reservation) actors.Cycle {
	if a.config.Advance == 0 {
		return 0
	}
	return a.config.Cycles.Of(r.Term.NewStart) - a.config.Advance
}

// waiting lists the reservations before the policy: extensions first, then new
// asks, each in order of arrival.
func (a *Actor) waiting(now actors.Cycle) []Reservation {
	out := make([]Reservation, 0, len(a.asks))
	for id := range a.asks {
		if r := a.book[id]; !a.early(now, r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(x, y Reservation) int {
		if x.Status != y.Status {
			if x.Status == extending {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(x.Arrived, y.Arrived), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// base is the ticket a grant was carved from.
func (a *Actor) base(r Reservation) actors.Ticket {
	if s, ok := a.sources[r.Source]; ok {
		return s.find(r.Parent)
	}
	return actors.Ticket{}
}

func (a *Actor) refuse(op string, id actors.ReservationID, kind actors.Kind, why string) error {
	return &actors.Error{Op: "broker." + op, Actor: a.config.Self, Reservation: id, Kind: kind, Err: fmt.Errorf("%s", why)}
}

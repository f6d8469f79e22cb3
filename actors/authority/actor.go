package authority

import (
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/agenda"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/policy"
)

// Config is what a site authority is told. Fields without a stated default are
// required.
type Config struct {
	Self     actors.Location
	Cycles   actors.Cycles
	Policy   policy.Authority
	Late     actors.Cycle // close a lease this long after its end; 0 means 1 (leasing 2.5)
	Patience actors.Cycle // wait this long for all hosts before taking fewer; 0 means 8
	Attempts int          // tries of a teardown before its host is quarantined; 0 means 5
	Keep     actors.Cycle // remember what is over for this long after its term; 0 means 600
	// ActionTime is how long an action on a unit may take before it counts as failed;
	// 0 means two hours, and no less than 64 cycles. Whoever carries actions out
	// should lose patience earlier, and say why.
	ActionTime actors.Cycle
	Paging     actors.Paging // how the units of large leases are kept
}

// Actor is a site authority: hosts, delegations, leases and when each is due.
type Actor struct {
	config    Config
	hosts     inventory
	exports   map[actors.TicketID]actors.Delegation
	shares    shares        // what was redeemed of them
	ledger    ledger.Ledger // what was redeemed of them, and by whom it was sold
	archive   ledger.Archive
	book      map[actors.ReservationID]Reservation
	redeemed  map[sold]actors.ReservationID
	agenda    agenda.Agenda
	paces     paces                         // how long set-up and teardown take
	starved   map[actors.ReservationID]bool // due, but hosts are missing
	spared    map[string][]string           // hosts, by the key of a record that names them and cannot be read
	parts     actors.Parts                  // of leases that have not been restored
	recovered actors.Cycle                  // when all that was owed was last asked for again
}

var (
	_ actors.Machine = (*Actor)(nil)
	_ actors.Witness = (*Actor)(nil)
	_ actors.Stead   = (*Actor)(nil)
	_ actors.Sparer  = (*Actor)(nil)
	_ actors.Timed   = (*Actor)(nil)
)

// sold is a ticket by its name and who gave it that name.
type sold struct {
	issuer actors.ActorID
	ticket actors.TicketID
}

// New is a site without hosts.
func New(c Config) *Actor {
	def := func(v *actors.Cycle, d actors.Cycle) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.Late, 1)
	def(&c.Patience, 8)
	def(&c.Keep, 600)
	if c.Attempts == 0 {
		c.Attempts = 5
	}
	if c.ActionTime == 0 {
		c.ActionTime = max(64, actors.Cycle(2*60*60*1000/max(c.Cycles.Length, 1)))
	}
	return &Actor{config: c, hosts: newInventory(), exports: map[actors.TicketID]actors.Delegation{}, shares: shares{},
		book: map[actors.ReservationID]Reservation{}, redeemed: map[sold]actors.ReservationID{},
		paces: paces{}, starved: map[actors.ReservationID]bool{}, spared: map[string][]string{}, parts: actors.Parts{}}
}

// Step moves the actor by one event (actors.Machine).
func (a *Actor) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	var fx actors.Effects
	var err error
	switch ev := ev.(type) {
	case actors.Tick:
		fx = a.tick(now)
	case actors.AddHosts:
		fx, err = a.addHosts(now, ev.Hosts)
	case actors.Inventory:
		fx, err = a.stock(now, ev.Hosts)
	case actors.Export:
		fx, err = a.export(ev)
	case actors.Receive:
		fx, err = a.receive(now, ev.Message)
	case actors.ActionDone:
		fx, err = a.actionsDone(now, ev.Reservation, ev)
	case actors.ActionsDone:
		fx, err = a.actionsDone(now, ev.Reservation, ev.Done...)
	case actors.UnitChanged:
		fx = a.unitChanged(now, ev)
	case actors.Close:
		r, ok := a.book[ev.Reservation]
		if !ok {
			err = a.refuse("close", ev.Reservation, actors.NotFound, "no such reservation")
			break
		}
		fx, err = a.step(now, r, func(s *step) error { s.close("closed by the operator"); return nil })
	case actors.Withdraw:
		fx, err = a.withdraw(now, ev)
	case actors.Reinstate:
		fx, err = a.reinstate(now, ev)
	case actors.SendFailed: // the client learns by asking again
	default:
		err = a.refuse("step", "", actors.Invalid, fmt.Sprintf("a site authority does not take %T", ev))
	}
	fx.Wake = a.agenda.Next()
	return fx, err
}

// actionsDone takes the ends of actions, one after another but in one step.
func (a *Actor) actionsDone(now actors.Cycle, id actors.ReservationID, done ...actors.ActionDone) (actors.Effects, error) {
	r, ok := a.book[id]
	if !ok {
		return actors.Effects{}, a.refuse("actionDone", id, actors.NotFound, "no such reservation")
	}
	return a.step(now, r, func(s *step) error {
		for _, ev := range done {
			s.actionDone(ev)
			for s.probe() {
			}
		}
		return nil
	})
}

func (a *Actor) receive(now actors.Cycle, m actors.Message) (actors.Effects, error) {
	switch m.Op {
	case actors.OpQuery:
		return actors.Effects{Send: []actors.Message{actors.Answer(m, a.config.Self.ID, nil)}}, nil
	case actors.OpClaim:
		return a.claim(m)
	case actors.OpFailedRPC: // the client asks again, or the term ends
		return actors.Effects{}, nil
	case actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose:
	default:
		return actors.Effects{}, a.refuseMessage(m, actors.Invalid, "a site authority does not offer this operation")
	}
	r, known := a.book[m.Reservation]
	if !known && a.parts[m.Reservation] != nil {
		return actors.Effects{}, a.refuseMessage(m, actors.Transient, "the record of this lease cannot be read, but those of its units can: an operator has to mend it or drop it")
	}
	fresh := !known || (m.Op == actors.OpExtendLease || m.Op == actors.OpModifyLease) && m.Sequence > r.Sequence
	if fresh {
		if err := a.check(now, m); err != nil {
			return actors.Effects{}, err
		}
	}
	var x actors.Delegation
	if fresh {
		x, _ = a.source(*m.Ticket)
	}
	if known {
		if fresh && (x.ID != r.Export || m.Ticket.Issuer != r.Ticket.Issuer) {
			return actors.Effects{}, a.refuseMessage(m, actors.Invalid, "the ticket is another seller's or rests on another delegation than the lease")
		}
		return a.step(now, r, func(s *step) error { return s.receive(m) })
	}
	r = Reservation{ID: m.Reservation, Slice: m.Slice, Client: m.From, ReplyTo: m.ReplyTo, Status: accepted, Type: m.Type,
		Export: x.ID, Term: m.Term, Since: now}
	return a.step(now, r, func(s *step) error {
		s.present(m)
		if m.Op == actors.OpClose {
			// Closed before it was redeemed: remember, so that the redeem behind it on
			// the wire takes nothing.
			s.close("closed before it was redeemed")
		}
		return nil
	})
}

// step moves one reservation and keeps hosts, calendars and agenda in line.
func (a *Actor) step(now actors.Cycle, r Reservation, do func(*step) error) (actors.Effects, error) {
	s := step{Reservation: r, config: &a.config, now: now}
	s.Units.Begin(a.config.Paging)
	if err := do(&s); err != nil {
		return actors.Effects{}, err
	}
	for s.probe() {
	}
	s.Units.Settle()
	s.Parts = s.Units.Parts()
	if s.illegal != nil {
		return actors.Effects{}, a.refuse("step", r.ID, actors.Other, s.illegal.Error())
	}
	fx := actors.Effects{Moved: s.moved}
	if s.presented && s.Released == 0 {
		if err := a.ledger.Redeem(a.config.Cycles.Start(now), s.ID, s.Ticket); err != nil {
			return a.conflict(now, s.Reservation, err)
		}
		if err := a.shares.check(a.config.Cycles.Start(now), s.Reservation, a.exports[s.Export]); err != nil {
			a.ledger.Retract(s.ID, s.Ticket)
			return actors.Effects{}, &actors.Error{Op: "authority.redeem", Actor: a.config.Self.ID, Peer: r.Client, Reservation: r.ID,
				Kind: actors.Oversold, Err: err}
		}
	}
	if s.Released != r.Released {
		a.ledger.Release(s.ID, s.Released)
	}
	if s.answer && s.News != 0 {
		s.News, s.changed = 0, true
	}
	if s.changed {
		if fx.Run = s.Reservation.owed(&r); len(fx.Run) > 0 {
			s.Begun = max(now, 1)
		} else if s.quiet || s.Status == closed {
			s.Begun = 0
		}
		fx.Save = s.records(r)
		a.put(s.Reservation, &r)
		for _, h := range s.taken {
			a.hosts.take(h, r.ID)
		}
	}
	for _, name := range s.quarantined {
		if h, ok := a.hosts.hosts[name]; ok {
			h.Quarantined = true
			a.hosts.hold(name, "")
			fx.Save = append(fx.Save, actors.Record{Key: hostKey(name), Value: *h})
			if gone, ok := a.hosts.leave(name); ok {
				fx.Save = append(fx.Save, gone)
			}
		}
	}
	for _, t := range s.tried {
		if h, news := a.hosts.tried(t.host, t.failed, now); news {
			fx.Save = append(fx.Save, actors.Record{Key: hostKey(t.host), Value: h})
		}
	}
	if rec, news := a.paces.learn(r.Type, s.took); news {
		fx.Save = append(fx.Save, rec)
	}
	var h *host
	for _, name := range s.freed {
		if h = a.hosts.find(name, h); h == nil {
			continue
		}
		a.hosts.take(h, "")
		if !h.Leaving {
			continue
		}
		if gone, ok := a.hosts.leave(name); ok {
			fx.Save = append(fx.Save, gone)
		}
	}
	if len(s.freed) > 0 || s.Status == closed && r.Status != closed {
		a.feed(now)
	}
	if s.answer {
		fx.Send = []actors.Message{s.update(a.config.Self.ID)}
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

// put makes r the present state: of the book, the hosts, the agenda. What it shares
// with the reservation before is there already.
func (a *Actor) put(r Reservation, before *Reservation) {
	a.book[r.ID] = r
	if before == nil || len(r.Tickets) != len(before.Tickets) || r.Released != before.Released {
		a.shares.set(r)
	}
	if before == nil || len(r.Tickets) != len(before.Tickets) {
		for _, id := range r.Tickets {
			a.redeemed[sold{r.Ticket.Issuer, id}] = r.ID
		}
	}
	if before == nil { // a step knows which hosts it takes, and which it frees
		for u := range r.Units.All() {
			a.hosts.hold(u.Host, r.ID)
		}
	}
	delete(a.starved, r.ID)
	a.agenda.Set(r.ID, a.due(r))
}

// due is when a reservation next does something by itself.
func (a *Actor) due(r Reservation) actors.Cycle {
	at := a.expiry(r)
	switch r.Status {
	case closed:
		return max(r.Since, a.config.Cycles.Of(r.Wanted.End)) + a.config.Keep
	case redeeming, extending:
		at = min(at, r.Start)
	case active:
		if r.News != 0 {
			at = min(at, r.News)
		}
	case closingTicket, closingLease, closingFailed:
		at = actors.Never
	}
	if r.Retry != 0 {
		at = min(at, r.Retry)
	}
	if r.Begun != 0 {
		at = min(at, max(r.Begun, a.recovered)+a.config.ActionTime)
	}
	return at
}

// expiry is when a lease is closed whatever its client does: after the end of the
// newest term that was accepted.
func (a *Actor) expiry(r Reservation) actors.Cycle {
	return a.config.Cycles.Of(r.Wanted.End) + a.config.Late
}

// tick lets what is over expire, then gives hosts to what is due: leases that
// shrink or stay, then those that grow, then new ones (paper B, extend and flex).
func (a *Actor) tick(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	var due []actors.ReservationID
	for _, id := range a.agenda.Due(now) {
		r := a.book[id]
		switch {
		case r.Status == closed:
			fx.Save = append(fx.Save, a.forget(r)...)
		case a.expiry(r) <= now && r.Status.Pending != actors.Closing:
			fx.Join(a.must(now, r, func(s *step) { s.close("its term is over") }))
		case r.Retry != 0 && r.Retry <= now:
			fx.Join(a.must(now, r, (*step).retry))
		case a.overdue(now, r):
			fx.Join(a.must(now, r, (*step).overdue))
		case r.Status == active && r.News != 0 && r.News <= now:
			fx.Join(a.must(now, r, func(s *step) { s.answer = true }))
		case r.Status == redeeming || r.Status == extending:
			due = append(due, id)
		}
	}
	slices.SortStableFunc(due, func(x, y actors.ReservationID) int { return stage(a.book[x]) - stage(a.book[y]) })
	short := map[actors.ResourceType]bool{} // of which a growing lease waits for more
	for i, id := range due {
		r := a.book[id]
		if stage(r) == isNew && short[r.Type] {
			a.starve(now, r)
			continue
		}
		one := a.assign(now, r)
		if i == 0 {
			fx.Room(one, len(due))
		}
		fx.Join(one)
		if stage(r) == grows && a.starved[r.ID] && a.hosts.fewer(r.Type, r.missing()) {
			short[r.Type] = true
		}
	}
	return fx
}

// overdue reports whether actions of r have taken too long, if any are under way.
func (a *Actor) overdue(now actors.Cycle, r Reservation) bool {
	return r.Begun != 0 && max(r.Begun, a.recovered)+a.config.ActionTime <= now
}

// The stages of a boundary, in the order in which leases are served.
const (
	shrinks = iota // or stays as it is
	grows
	isNew
)

func stage(r Reservation) int {
	switch {
	case r.Status == redeeming:
		return isNew
	case r.missing() > 0:
		return grows
	}
	return shrinks
}

// starve lets a due lease wait until hosts come free, or until it takes fewer.
func (a *Actor) starve(now actors.Cycle, r Reservation) {
	a.starved[r.ID] = true
	next := a.expiry(r)
	if at := r.Start + a.config.Patience; now < at {
		next = min(next, at)
	}
	a.agenda.Set(r.ID, next)
}

func (a *Actor) forget(r Reservation) []actors.Record {
	delete(a.book, r.ID)
	a.ledger.Forget(r.ID)
	a.shares[r.Export].Release(r.ID)
	for _, id := range r.Tickets {
		delete(a.redeemed, sold{r.Ticket.Issuer, id})
	}
	return actors.Units{}.Records([]actors.Record{{Key: key(r.ID)}}, r.ID, r.Units)
}

// assign gives a due lease its hosts, or lets it wait for them.
func (a *Actor) assign(now actors.Cycle, r Reservation) actors.Effects {
	missing := max(r.missing(), 0)
	var hosts []*host
	if missing > 0 {
		hosts = a.valid(r.Type, a.config.Policy.Assign(policy.Need{Now: now, Reservation: r.ID, Type: r.Type, Units: missing,
			Properties: a.wants(r), Free: a.hosts.free(r.Type), Trouble: a.hosts.trouble}), missing)
	}
	late := now >= r.Start+a.config.Patience
	enough := len(hosts) == missing || late && (len(hosts) > 0 || r.Status == extending)
	if !enough {
		a.starve(now, r)
		return actors.Effects{}
	}
	return a.must(now, r, func(s *step) { s.begin(hosts, fmt.Sprintf("%d of %d hosts assigned", len(hosts), missing)) })
}

// wants is what the policy is told of a lease. Where whole hosts of a size were
// delegated, every unit is one of that size at least.
func (a *Actor) wants(r Reservation) actors.Properties {
	said := r.Ticket.Properties
	if x := a.exports[r.Export]; x.Properties["hosts"] == "" {
		said = x.Properties.Sizes().Merged(said)
	}
	return said.Merged(r.Config)
}

// valid keeps of a policy's choice what it may choose: free hosts of the type,
// each once, no more than needed.
func (a *Actor) valid(t actors.ResourceType, names []string, need int) []*host {
	out := make([]*host, 0, min(len(names), need))
	var h *host
	var seen map[string]bool // as long as names come in order, none comes twice
	for _, name := range names {
		if n := len(out); seen == nil && n > 0 && name <= out[n-1].Name {
			seen = make(map[string]bool, len(names))
			for _, o := range out {
				seen[o.Name] = true
			}
		}
		if h = a.hosts.find(name, h); h != nil && h.Type == t && h.holder == "" && h.serves() && !seen[name] && len(out) < need {
			out = append(out, h)
			if seen != nil {
				seen[name] = true
			}
		}
	}
	return out
}

// feed lets those who wait for hosts try again in the next cycle.
func (a *Actor) feed(now actors.Cycle) {
	for id := range a.starved {
		a.agenda.Set(id, now+1)
	}
}

func (a *Actor) refuse(op string, id actors.ReservationID, kind actors.Kind, why string) error {
	return &actors.Error{Op: "authority." + op, Actor: a.config.Self.ID, Reservation: id, Kind: kind, Err: fmt.Errorf("%s", why)}
}

func (a *Actor) refuseMessage(m actors.Message, kind actors.Kind, why string) error {
	return &actors.Error{Op: "authority." + m.Op.String(), Actor: a.config.Self.ID, Peer: m.From, Reservation: m.Reservation,
		Message: m.ID, Kind: kind, Err: fmt.Errorf("%s", why)}
}

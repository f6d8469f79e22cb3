package emulate

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy"
)

// Policies finds policies by the names that scenarios use.
type Policies struct {
	Broker    func(name string, s policy.Settings) (policy.Broker, error)
	Authority func(name string) (policy.Authority, error)
	Manager   func(name string, s policy.GuestSettings) (policy.Manager, error)
}

// world is a scenario being played.
type world struct {
	Scenario
	cycles actors.Cycles
	end    actors.Cycle
	cast   []*player // managers, brokers, sites: the order in which they tick
	byID   map[actors.ActorID]*player
	guests []*guest
	racks  []*rack
	post   []letter
	later  agenda
	steps  int
	begun  int // actions
	events int // of the present cycle
}

// player is one actor: its machine and when it next wants to be woken.
type player struct {
	id      actors.ActorID
	machine actors.Machine
	wake    actors.Cycle
	guest   *guest // set for managers
	rack    *rack  // set for sites
}

// letter is an event on its way to an actor, in the cycle in which it was sent.
type letter struct {
	to *player
	ev actors.Event
}

// maxEvents bounds one cycle; a federation that never comes to rest has a defect.
const maxEvents = 10_000_000

// Run plays a scenario from its beginning to its end.
func Run(s Scenario, p Policies) (*Result, error) {
	w, err := newWorld(s, p)
	if err != nil {
		return nil, err
	}
	res := w.result()
	if err := w.play(res); err != nil {
		return nil, err
	}
	res.close(w)
	return res, nil
}

func newWorld(s Scenario, p Policies) (*world, error) {
	w := &world{Scenario: s, byID: map[actors.ActorID]*player{},
		cycles: actors.Cycles{Begin: actors.Millis(s.Begin.UnixMilli()), Length: actors.Millis(int64(s.Cycle) / 1e6)}}
	w.end = actors.Cycle(s.Length / s.Cycle)
	return w, w.open(p)
}

// play runs a world to its end and takes the samples.
func (w *world) play(res *Result) error {
	every := actors.Cycle(w.Sample / w.Cycle)
	for now := actors.Cycle(0); now < w.end; now = w.next(now, every) {
		w.events = 0
		w.due(now)
		if now%every == 0 { // who looks in this cycle anyway shall know what is so
			for _, g := range w.guests {
				g.forget(w.cycles.Start(now))
				w.send(w.byID[actors.ActorID(g.slice.ID)], actors.Observe{Guest: g.Name, Value: g.demand[now/every]})
			}
		}
		if err := w.tick(now); err != nil {
			return err
		}
		if now%every == 0 {
			res.take(w, now)
		}
	}
	return nil
}

// next is the cycle in which something happens again.
func (w *world) next(now, every actors.Cycle) actors.Cycle {
	at := (now/every + 1) * every
	if w.later.Len() > 0 {
		at = min(at, w.later[0].at)
	}
	for _, p := range w.cast {
		at = min(at, p.wake)
	}
	return max(at, now+1)
}

// tick wakes who wants to be woken until all are at rest.
func (w *world) tick(now actors.Cycle) error {
	if err := w.deliver(now); err != nil {
		return err
	}
	for _, p := range w.cast {
		if p.wake > now {
			continue
		}
		w.send(p, actors.Tick{})
		if err := w.deliver(now); err != nil {
			return err
		}
	}
	return nil
}

// wanted is how many units a guest's policy wants.
func (w *world) wanted(g *guest) int {
	m, ok := w.byID[actors.ActorID(g.slice.ID)].machine.(*manager.Actor)
	if !ok {
		return 0
	}
	return m.Wants(g.Name)
}

func (w *world) send(to *player, ev actors.Event) { w.post = append(w.post, letter{to, ev}) }

// deliver empties the post. What answers cause is delivered in the same cycle.
func (w *world) deliver(now actors.Cycle) error {
	for len(w.post) > 0 {
		l := w.post[0]
		w.post = w.post[1:]
		if w.events++; w.events > maxEvents {
			return fmt.Errorf("emulate: cycle %d does not come to rest", now)
		}
		w.steps++
		fx, err := l.to.machine.Step(now, l.ev)
		if err != nil {
			if !refusable(err) {
				return fmt.Errorf("emulate: cycle %d: %w", now, err)
			}
			// A refused message is told to its sender, as over the wire.
			if r, ok := l.ev.(actors.Receive); ok && w.byID[r.Message.From] != nil {
				w.send(w.byID[r.Message.From], actors.SendFailed{Message: r.Message, Kind: actors.KindOf(err), Note: actors.Public(err)})
			}
			continue
		}
		l.to.wake = fx.Wake
		if err := w.carry(l.to, now, fx); err != nil {
			return err
		}
	}
	w.post = nil
	return nil
}

// refusable reports whether an error is an answer rather than a defect.
func refusable(err error) bool { return actors.KindOf(err) != actors.Other }

// carry does what a step asks for, apart from saving.
func (w *world) carry(p *player, now actors.Cycle, fx actors.Effects) error {
	for _, m := range fx.Moved {
		if strings.HasPrefix(m.Why, "defect: ") {
			return fmt.Errorf("emulate: cycle %d: %s in %s: %s", now, m.Reservation, m.From, m.Why)
		}
		if p.guest != nil {
			p.guest.moved(m, now)
		}
	}
	for _, m := range fx.Send {
		to := w.byID[m.To]
		if to == nil {
			return fmt.Errorf("emulate: cycle %d: a message to %s, whom nobody knows", now, m.To)
		}
		if p.guest != nil {
			p.guest.said(m)
		}
		if to.guest != nil {
			to.guest.heard(m)
		}
		w.send(to, actors.Receive{Message: m})
	}
	for _, a := range fx.Run {
		w.run(p, now, a.Action())
	}
	return nil
}

// run starts an action of a driver that does nothing but take its time.
func (w *world) run(p *player, now actors.Cycle, a actors.Action) {
	var takes Length
	switch {
	case p.guest != nil && a.Verb == actors.Join:
		takes = p.guest.Join
	case p.guest != nil:
		takes = p.guest.Leave
		p.guest.count(a.Unit.ID, now, false)
	case a.Verb == actors.Setup:
		takes = p.rack.Setup
		if a.Unit.State != actors.UnitPriming {
			takes = 0 // a unit that is told about its new term
		}
		p.rack.count(a.Unit.ID, now, true)
	case a.Verb == actors.ModifyUnit: // it is up, and stays up
	default:
		takes = p.rack.Teardown
	}
	w.begun++
	cycles := actors.Cycle((takes + w.Cycle - 1) / w.Cycle)
	heap.Push(&w.later, timed{at: now + cycles, seq: w.begun, to: p, done: a})
	if cycles == 0 {
		w.due(now)
	}
}

// due delivers what drivers have finished.
func (w *world) due(now actors.Cycle) {
	for w.later.Len() > 0 && w.later[0].at <= now {
		t := heap.Pop(&w.later).(timed)
		switch {
		case t.to.guest != nil && t.done.Verb == actors.Join:
			t.to.guest.count(t.done.Unit.ID, now, true)
		case t.to.rack != nil && t.done.Verb == actors.Teardown:
			t.to.rack.count(t.done.Unit.ID, now, false)
		}
		w.send(t.to, actors.ActionDone{Reservation: t.done.Reservation, Unit: t.done.Unit.ID, Verb: t.done.Verb, Sequence: t.done.Sequence})
	}
}

// id is the identity of an emulated actor.
func id(kind, name string) actors.ActorID {
	return actors.ActorID(actors.DeriveID("emulated "+kind, name))
}

// open makes the cast and gives brokers their stock.
func (w *world) open(p Policies) error {
	add := func(pl *player) {
		pl.wake = actors.Never
		w.cast, w.byID[pl.id] = append(w.cast, pl), pl
	}
	for i, m := range w.Managers {
		pol, err := p.Manager(m.Policy, m.settings(w.Sample))
		if err != nil {
			return fmt.Errorf("manager %s: %w", m.Name, err)
		}
		self := id("manager", m.Name)
		margins := manager.LegacyMargins()
		margins.Keep = 16 // what is over is of no more use here
		g := newGuest(w, i, self, id("broker", m.Broker))
		w.guests = append(w.guests, g)
		add(&player{id: self, guest: g, machine: manager.New(manager.Config{
			Rules: manager.Rules{Self: self, Cycles: w.cycles, Margins: margins}, Broker: g.broker,
			Guests: []manager.Guest{{Name: m.Name, Slice: g.slice, Type: actors.ResourceType(m.Type), Policy: pol,
				Every: actors.Cycle(2 * w.Sample / w.Cycle), Request: actors.Properties(m.Request)}}})})
	}
	for _, b := range w.Brokers {
		settings := b.Settings.Named(func(name string) string { return string(id("manager", name)) })
		pol, err := p.Broker(b.Policy, settings)
		if err != nil {
			return fmt.Errorf("broker %s: %w", b.Name, err)
		}
		self := id("broker", b.Name)
		add(&player{id: self, machine: broker.New(broker.Config{Self: self, Cycles: w.cycles, Policy: pol, Quotas: settings.Quotas})})
	}
	var errs []error
	for _, s := range w.Sites {
		pol, err := p.Authority(s.Policy)
		if err != nil {
			return fmt.Errorf("site %s: %w", s.Name, err)
		}
		self := actors.Location{ID: id("site", s.Name), Name: s.Name}
		r := &rack{Site: s}
		w.racks = append(w.racks, r)
		pl := &player{id: self.ID, rack: r, machine: authority.New(authority.Config{Self: self, Cycles: w.cycles, Policy: pol, Keep: 16})}
		add(pl)
		hosts := make([]actors.Host, s.Nodes)
		for i := range hosts {
			hosts[i] = actors.Host{Name: fmt.Sprintf("%s%06d", s.Name, i+1), Type: actors.ResourceType(s.Type)}
		}
		w.send(pl, actors.AddHosts{Hosts: hosts})
		for _, b := range sorted(s.Shares) {
			ev := actors.Export{Holder: id("broker", b), Type: actors.ResourceType(s.Type), Units: s.Shares[b],
				Term: actors.NewTerm(w.cycles.Begin, w.cycles.Start(2*w.end+1_000_000))}
			w.send(pl, ev)
			w.send(w.byID[ev.Holder], actors.Donate{Ticket: actors.Ticket{
				Delegation: authority.Delegate(self.ID, ev), Authority: self, Text: "emulated"}})
		}
		errs = append(errs, w.deliver(0))
	}
	return errors.Join(errs...)
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

package timeline

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
)

var cycles = actors.Cycles{Length: 1000}

const (
	sm = actors.ActorID("sm")
	br = actors.ActorID("br")
	am = actors.ActorID("am")
)

// order is the order in which actors tick.
var order = []actors.ActorID{sm, br, am}

// letter is a message, or the end of an action, on its way.
type letter struct {
	at actors.Cycle
	to actors.ActorID
	ev actors.Event
}

// world is the three actors and what is between them.
type world struct {
	*testing.T
	hosts   int
	now     actors.Cycle
	cast    map[actors.ActorID]actors.Machine
	disk    map[actors.ActorID]map[string][]byte
	down    map[actors.ActorID]bool
	mail    []letter
	log     bytes.Buffer
	moves   bytes.Buffer
	delay   func(actors.Message) (by actors.Cycle, lost bool)   // nil: at once
	done    func(actors.Action) actors.ActionDone               // nil: everything succeeds
	deliver func(w *world, to actors.ActorID, m actors.Message) // nil: one Step
	sent    map[actors.Op]int
}

// newWorld is a site with hosts, all delegated to a broker, and a manager.
func newWorld(t *testing.T, hosts int) *world {
	t.Helper()
	w := &world{T: t, hosts: hosts, cast: map[actors.ActorID]actors.Machine{}, disk: map[actors.ActorID]map[string][]byte{},
		down: map[actors.ActorID]bool{}, sent: map[actors.Op]int{}}
	for _, id := range order {
		w.cast[id], w.disk[id] = w.fresh(id), map[string][]byte{}
	}
	var inventory []actors.Host
	for i := range hosts {
		inventory = append(inventory, actors.Host{Name: fmt.Sprintf("h%02d", i+1), Type: "node"})
	}
	sale := actors.Export{Holder: br, Type: "node", Units: hosts, Term: actors.NewTerm(1, 9_999_999)}
	w.give(am, actors.AddHosts{Hosts: inventory})
	w.give(am, sale)
	w.give(br, actors.Donate{Ticket: actors.Ticket{Delegation: authority.Delegate(am, sale), Authority: actors.Location{ID: am, Name: "site"}, Text: "signed"}})
	return w
}

func (w *world) fresh(id actors.ActorID) actors.Machine {
	switch id {
	case sm:
		return manager.New(manager.Config{Rules: manager.Rules{Self: sm, Cycles: cycles, Margins: manager.LegacyMargins()}, Broker: br})
	case br:
		return broker.New(broker.Config{Self: br, Cycles: cycles, Policy: fcfs.Policy{}, Advance: 3})
	}
	return authority.New(authority.Config{Self: actors.Location{ID: am, Name: "site"}, Cycles: cycles, Policy: firstfit.Policy{}})
}

// give hands an actor an event and carries out what it asks for.
func (w *world) give(to actors.ActorID, ev actors.Event) {
	w.Helper()
	if err := w.try(to, ev); err != nil {
		w.Fatalf("cycle %d: %s, %T: %v", w.now, to, ev, err)
	}
}

func (w *world) try(to actors.ActorID, ev actors.Event) error {
	fx, err := w.cast[to].Step(w.now, ev)
	w.carry(to, fx)
	return err
}

func (w *world) carry(who actors.ActorID, fx actors.Effects) {
	for _, rec := range fx.Save {
		if rec.Value == nil {
			delete(w.disk[who], rec.Key)
			continue
		}
		data, err := rec.Value.AppendRecord(nil)
		if err != nil {
			w.Fatal(err)
		}
		w.disk[who][rec.Key] = data
	}
	for _, t := range fx.Moved {
		fmt.Fprintf(&w.moves, "%d %s %s > %s\n", w.now, who, t.From, t.To)
	}
	for _, m := range fx.Send {
		w.sent[m.Op]++
		fmt.Fprintf(&w.log, "%3d %s>%s %s#%d units=%d end=%d\n", w.now, who, m.To, m.Op, m.Sequence, m.Units, cycles.Of(m.Term.End))
		at := w.now
		if w.delay != nil {
			by, lost := w.delay(m)
			if lost {
				continue
			}
			at += by
		}
		if m.Ticket != nil && m.Ticket.Text == "" { // the outbound side signs
			t := *m.Ticket
			t.Text = "signed"
			m.Ticket = &t
		}
		w.mail = append(w.mail, letter{at, m.To, actors.Receive{Message: m}})
	}
	for _, a := range fx.Run {
		done := actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence}
		if w.done != nil {
			done = w.done(a.Action())
		}
		w.mail = append(w.mail, letter{w.now + 1, who, done})
	}
}

// post delivers what has arrived, and what that leads to.
func (w *world) post() {
	for i := 0; i < len(w.mail); {
		l := w.mail[i]
		if l.at > w.now {
			i++
			continue
		}
		w.mail = slices.Delete(w.mail, i, i+1)
		i = 0
		if w.down[l.to] {
			continue
		}
		in, isMessage := l.ev.(actors.Receive)
		switch {
		case isMessage && w.deliver != nil:
			w.deliver(w, l.to, in.Message)
		default:
			_ = w.try(l.to, l.ev) // a refusal is an answer; the sender asks again
		}
	}
}

// until lets time pass up to and with cycle c.
func (w *world) until(c actors.Cycle) {
	for ; w.now < c; w.now++ {
		w.cycle()
	}
	w.cycle()
}

func (w *world) cycle() {
	w.post()
	for _, id := range order {
		if !w.down[id] {
			w.give(id, actors.Tick{})
		}
		w.post()
	}
}

// crash ends an actor's process; what is on its way to it and its actions are lost.
func (w *world) crash(id actors.ActorID) {
	w.down[id] = true
	w.mail = slices.DeleteFunc(w.mail, func(l letter) bool { return l.to == id })
}

// start begins anew from the disk.
func (w *world) start(id actors.ActorID) {
	w.Helper()
	m := w.fresh(id)
	for _, key := range slices.Sorted(maps.Keys(w.disk[id])) {
		if err := m.Restore(actors.Stored{Key: key, Data: w.disk[id][key]}); err != nil {
			w.Fatalf("cycle %d: %s: %v", w.now, id, err)
		}
	}
	w.cast[id], w.down[id] = m, false
	w.carry(id, m.Recover(w.now))
}

// is the state of a reservation at an actor; empty when it knows none.
func (w *world) is(at actors.ActorID, id actors.ReservationID) string {
	v, ok := w.cast[at].View(id)
	if !ok {
		return ""
	}
	return v.State + "," + v.Pending
}

// request is a wish for units over cycles s to e.
func request(id string, units int, s, e actors.Cycle) actors.Request {
	return actors.Request{Reservation: actors.ReservationID(id), Slice: actors.Slice{ID: "S", Name: "slice"}, Type: "node", Units: units,
		Term: actors.NewTerm(cycles.Start(s), cycles.End(e))}
}

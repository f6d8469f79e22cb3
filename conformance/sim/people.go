package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
)

// ask is an operator who wants something of an actor, and asks again until there
// is an answer: events asked twice are to be as good as once.
func (w *world) ask(p *process, ev actors.Event, then func(error)) {
	answered := false
	again := func() {
		if !answered {
			w.after(1_500, func() { w.ask(p, ev, then) })
		}
	}
	if !p.up {
		again()
		return
	}
	life := p.life
	p.post(ev, func(err error) {
		if answered {
			return
		}
		answered = true
		w.refusedPeople(p, ev, err)
		if then != nil {
			then(err)
		}
	})
	var wait func()
	wait = func() {
		switch {
		case answered:
		case p.up && p.life == life: // busy, or waiting for its disk
			w.after(6_000, wait)
		default:
			answered = true
			w.ask(p, ev, then)
		}
	}
	w.after(6_000, wait)
}

// refusedPeople notes what an operator was refused.
func (w *world) refusedPeople(p *process, ev actors.Event, err error) {
	if err != nil {
		w.counts.Declined++
		w.trace.add(w.now, "%s declines: %s: %v", p.Name, describe(ev), actors.KindOf(err))
	}
}

// plan arranges what the operators of act one will do.
func (w *world) plan() {
	if w.cfg.script.plan != nil {
		w.cfg.script.plan(w)
	}
	for i := range w.cfg.Leases {
		w.planLease(i)
	}
	for i, b := range w.cfg.Buys {
		w.planHolding(holdingName(i), w.brokers[b.By], w.brokers[b.From])
	}
	for i := range w.cfg.Groups {
		w.planGroup(i)
	}
	every := func(chance int, do func()) {
		if chance == 0 {
			return
		}
		for at := actors.Millis(500); at < w.cfg.Chaos; at += 1_000 {
			w.after(at+w.upTo(400), func() {
				if w.chance(chance) && !w.calm {
					do()
				}
			})
		}
	}
	f := w.cfg.Faults
	every(f.Cut, w.cutOff)
	every(f.PowerCut, func() { w.procs[w.rnd.IntN(len(w.procs))].powerCut() })
	every(f.Outage, w.outage)
	every(f.Full, w.fillDisk)
	every(w.cfg.Skew.Jump, w.jump)
	every(f.Meddle, w.meddle)
	every(f.Attack, w.attack)
	every(f.Aside, w.sellAside)
}

// planLease arranges one reservation's life: somebody asks for it, and perhaps
// extends or closes it.
func (w *world) planLease(i int) {
	r := w.rnd
	p, b := w.procs[r.IntN(w.cfg.Managers)], w.brokers[r.IntN(len(w.brokers))]
	s := w.sites[r.IntN(len(w.sites))]
	at := w.upTo(w.cfg.Chaos * 2 / 3)
	c := w.cycles()
	first := c.Of(begin+at) + actors.Cycle(w.cfg.Lead+r.IntN(12))
	last := first + actors.Cycle(w.cfg.Shortest) + actors.Cycle(r.IntN([]int{6, 12, 25}[r.IntN(3)]))
	name := fmt.Sprintf("s%d", 1+r.IntN(3))
	ev := actors.Request{
		Reservation: actors.ReservationID(fmt.Sprintf("R%d", i+1)), Slice: actors.Slice{ID: actors.SliceID(p.Name + "-" + name), Name: name},
		Broker: b.ID, Type: s.kind(), Units: 1 + r.IntN(4), Term: actors.NewTerm(c.Start(first), c.End(last)),
		Renewable: r.IntN(2) == 0, Request: actors.Properties{}, Config: actors.Properties{"config.image.guid": "debian"},
	}
	if r.IntN(4) == 0 {
		ev.Request["elastic"] = "true"
	}
	if r.IntN(4) == 0 {
		ev.Request["deferrable"] = "true"
		ev.Request["deadline"] = fmt.Sprint(int64(ev.Term.End + actors.Millis(r.IntN(30_000))))
	}
	if r.IntN(4) == 0 {
		ev.Config["host.prefix"] = "web"
	}
	if r.IntN(4) == 0 {
		ev.Config["config.ssh.user1.login"] = []string{"ada", "grace", "root", "x y"}[r.IntN(4)]
	}
	w.latest = max(w.latest, ev.Term.End)
	wish := &wish{p: p, id: ev.Reservation}
	if ev.Renewable {
		w.renewed = append(w.renewed, wish)
	}
	w.after(at, func() { w.ask(p, ev, func(error) { wish.heard = true }) })
	if w.chance(w.cfg.Faults.Extend) {
		for range 1 + r.IntN(4) { // most come when it is not to be extended
			end := ev.Term.End + 1 + actors.Millis(r.IntN(20_000))
			if r.IntN(2) == 0 {
				end = c.End(c.Of(end))
			}
			when := max(at, ev.Term.Start-begin-1_000) + w.upTo(ev.Term.Length())
			w.after(when, func() { w.ask(p, actors.Extend{Reservation: ev.Reservation, End: end, Units: r.IntN(4)}, nil) })
		}
	}
	w.planModifies(ev.Reservation, p, ev.Term)
	w.planClose(at, ev.Reservation, p, b, s.p)
}

// planClose arranges that somebody closes a reservation early, and again.
func (w *world) planClose(at actors.Millis, id actors.ReservationID, client, seller, site *process) {
	for w.chance(w.cfg.Faults.Close) {
		who := []*process{client, client, seller, site}[w.rnd.IntN(4)]
		w.after(at+w.upTo(30_000), func() {
			w.closed[string(who.ID)+" "+string(id)] = true
			w.ask(who, actors.Close{Reservation: id}, nil)
		})
	}
}

// planHolding arranges what people do about something that a broker buys: they give
// it back, or its seller ends it, or it is extended by hand.
func (w *world) planHolding(name actors.ReservationID, buyer, seller *process) {
	if w.chance(w.cfg.Faults.Close / 2) {
		who := []*process{buyer, buyer, seller}[w.rnd.IntN(3)]
		w.after(w.upTo(w.cfg.Chaos), func() { w.ask(who, actors.Close{Reservation: name}, nil) })
	}
	for w.chance(w.cfg.Faults.Extend / 2) {
		at := w.upTo(w.cfg.Chaos)
		ev := actors.Extend{Reservation: name, End: begin + at + actors.Millis(w.rnd.IntN(60_000)), Units: w.rnd.IntN(4)}
		w.after(at, func() { w.ask(buyer, ev, nil) })
	}
}

// wish is a reservation that goes on until somebody closes it.
type wish struct {
	p     *process
	id    actors.ReservationID
	heard bool // the manager has answered the request
}

// end closes it, once the manager knows of it.
func (w *world) end(r *wish) {
	if !r.heard {
		w.after(500, func() { w.end(r) })
		return
	}
	w.ask(r.p, actors.Close{Reservation: r.id}, nil)
}

// kind is the resource type of a site's hosts.
func (s *site) kind() actors.ResourceType { return actors.ResourceType(s.p.Name + ".node") }

// outage takes a directory away for a while.
func (w *world) outage() {
	s := w.sites[w.rnd.IntN(len(w.sites))]
	s.away = w.now + 1_000 + w.upTo(10_000)
	w.counts.Outages++
	w.trace.add(w.now, "the directory of %s is away until %.3f", s.p.Name, seconds(s.away))
}

package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
)

// planGroup arranges a lease group: reservations of one guest that come after each
// other, sometimes filled together or not at all.
func (w *world) planGroup(i int) {
	r, c := w.rnd, w.cycles()
	p, b := w.procs[r.IntN(w.cfg.Managers)], w.brokers[r.IntN(len(w.brokers))]
	at := w.upTo(w.cfg.Chaos / 2)
	first := c.Of(begin+at) + actors.Cycle(w.cfg.Lead+3+r.IntN(8))
	last := first + actors.Cycle(w.cfg.Shortest+4+r.IntN(20))
	ev := actors.RequestGroup{}
	if r.IntN(3) == 0 {
		ev.Together = fmt.Sprintf("together%d", i+1)
	}
	for n := range 2 + r.IntN(2) {
		req := actors.Request{Reservation: actors.ReservationID(fmt.Sprintf("G%d-%d", i+1, n+1)),
			Slice: actors.Slice{ID: actors.SliceID(p.Name + "-group"), Name: "group"}, Broker: b.ID,
			Type: w.sites[r.IntN(len(w.sites))].kind(), Units: 1 + r.IntN(2), Term: actors.NewTerm(c.Start(first), c.End(last)),
			Config: actors.Properties{"config.image.guid": "debian"}}
		for before := range n {
			if r.IntN(3) == 0 {
				continue
			}
			pre := actors.Predecessor{Reservation: ev.Requests[before].Reservation, Gate: actors.RedeemGate,
				Filter: []actors.Properties{nil, {}, {"host.name": "config.server"}}[r.IntN(3)], Required: r.IntN(3) == 0}
			if pre.Joined = r.IntN(2) == 0; r.IntN(2) == 0 {
				pre.Gate, pre.Joined = actors.JoinGate, false
			}
			req.After = append(req.After, pre)
		}
		w.comesAfter(p, req)
		ev.Requests = append(ev.Requests, req)
	}
	w.latest = max(w.latest, c.End(last))
	w.after(at, func() { w.ask(p, ev, nil) })
	w.planClose(at, ev.Requests[0].Reservation, p, b, w.sites[0].p)
}

// planModifies arranges that somebody modifies a lease while it may be in use, at
// most times in vain.
func (w *world) planModifies(id actors.ReservationID, p *process, term actors.Term) {
	for w.chance(w.cfg.Faults.Modify) {
		ev := actors.Modify{Reservation: id, Subcommand: []string{"restart", "resize", "no such"}[w.rnd.IntN(3)],
			Arguments: actors.Properties{"memory": fmt.Sprint(w.rnd.IntN(4))}}
		w.after(max(0, term.Start-begin)+w.upTo(term.Length()), func() { w.ask(p, ev, nil) })
	}
}

// comesAfter notes what a reservation waits for.
func (w *world) comesAfter(p *process, r actors.Request) {
	if len(r.After) > 0 {
		w.afters[string(p.ID)+" "+string(r.Reservation)] = r.After
	}
}

// judgeTurn wants what a reservation comes after to be there before it goes on: a
// lease before it redeems, units that have joined before its own join. What is over
// is not waited for.
func (w *world) judgeTurn(p *process, t actors.Transition) {
	var gate actors.Gate
	switch {
	case t.From == "Ticketed,None,BlockedRedeem" && t.To == "Ticketed,Redeeming,NoJoin":
		gate = actors.RedeemGate
	case t.From == "Active,None,BlockedJoin" && t.To == "Active,None,Joining":
		gate = actors.JoinGate
	default:
		return
	}
	for _, pre := range w.afters[string(p.ID)+" "+string(t.Reservation)] {
		if pre.Gate != gate {
			continue
		}
		v, known := p.machine.View(pre.Reservation)
		early := known && (v.State == "Nascent" || v.State == "Ticketed")
		if gate == actors.JoinGate || pre.Joined {
			early = early || v.State == "Active" && v.Join == "BlockedJoin"
		}
		if early {
			w.fail(saysAfter, "%s: %s moves to %s while %s is %s,%s,%s", p.Name, t.Reservation, t.To, pre.Reservation, v.State, v.Pending, v.Join)
		}
	}
}

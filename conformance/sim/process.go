package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
)

// process is one actor on its own machine: what survives a crash (its disk) and
// what does not (all else).
type process struct {
	*member
	w      *world
	index  int // in the cast
	disk   disk
	fresh  func() actors.Machine // a machine of its role, with nothing in it
	hands  hands                 // carries its actions out
	chores []actors.Event        // what its configuration declares at each start

	up      bool
	life    int // number of starts; what was arranged in an earlier life does not happen
	machine actors.Machine
	clock   watch
	booted  actors.Millis                // by its clock
	reached actors.Cycle                 // by its time, which its disk remembers (disk.go)
	highest actors.Cycle                 // in any life
	marked  actors.Value                 // what the disk says of that
	durable reached                      // how far time had come when it last knew that a save was done
	clocks  map[actors.ActorID]*measured // of its peers
	mail    []mail
	pending bool          // a look at the mailbox is arranged
	saving  bool          // the disk has refused a save, which is tried again; all else waits
	full    actors.Millis // the disk refuses everything before
	wake    actors.Cycle
	ticked  actors.Cycle
	alarm   actors.Millis // when the clock will ring
	lanes   map[actors.ActorID]*lane
	sent    int // messages of this life, for their ids
	seen    *wssec.Replay
}

// hands is what carries out an actor's actions, in the same process.
type hands interface {
	run(actors.Action)
	crash()
	boot()
	// owes reports whether an action is under way, or waits, for what the unit
	// waits for.
	owes(actors.Unit) bool
}

// mail is an event with the one who waits for its answer, if anybody does.
type mail struct {
	event actors.Event
	reply func(error) // may be nil
}

// post puts an event into the mailbox.
func (p *process) post(ev actors.Event, reply func(error)) {
	if !p.up {
		return
	}
	p.mail = append(p.mail, mail{ev, reply})
	p.look()
}

// look arranges a look at the mailbox.
func (p *process) look() {
	if p.pending || p.saving {
		return
	}
	after := actors.Millis(0)
	if p.w.chance(p.w.faults.Stall) {
		after = p.w.upTo(5_000)
		p.w.counts.Stalls++
	}
	p.pending = true
	p.later(after, func() {
		p.pending = false
		p.round()
	})
}

// later does something after a while, unless the process dies first.
func (p *process) later(after actors.Millis, do func()) {
	life := p.life
	p.w.after(after, func() {
		if p.up && p.life == life {
			do()
		}
	})
}

// round steps the machine through what has come, and through Tick if it is time,
// as one batch of actors/host.
func (p *process) round() {
	w, now := p.w, p.cycle()
	n := min(len(p.mail), w.cfg.Batch)
	batch := p.mail[:n:n]
	p.mail = p.mail[n:]
	tick := p.tickDue()
	if n == 0 && !tick {
		return
	}
	w.judgeTime(p, now, tick)
	death := p.drawDeath(batch, tick)
	if death.at == beforeSave {
		w.expect(p, p.machine)
	}
	var all actors.Effects
	answers := make([]error, n)
	for i, m := range batch {
		answers[i] = p.step(now, m.event, &all)
	}
	if tick {
		p.ticked = now
		p.step(now, actors.Tick{}, &all)
	}
	p.carryOut(all, batch, answers, death, func() {
		if len(p.mail) > 0 {
			p.look()
		}
		p.setAlarm()
	})
}

// step gives the machine one event and adds its effects to all.
func (p *process) step(now actors.Cycle, ev actors.Event, all *actors.Effects) error {
	fx, err := p.machine.Step(now, ev)
	if err != nil {
		p.w.trace.add(p.w.now, "%s refuses %s: %v", p.Name, describe(ev), actors.KindOf(err))
		p.w.refused(p, ev, err)
		all.Save = append(all.Save, fx.Save...)
		return err
	}
	if _, tick := ev.(actors.Tick); !tick || len(fx.Moved) > 0 {
		p.w.trace.add(p.w.now, "%s %s", p.Name, describe(ev))
	}
	for _, t := range fx.Moved {
		p.w.trace.add(p.w.now, "%s   %s %s > %s: %s", p.Name, t.Reservation, t.From, t.To, t.Why)
		p.w.moved(p, t)
	}
	p.w.stepped(p, fx.Moved)
	all.Join(fx)
	p.wake = fx.Wake
	p.w.judgeWaits(p, now, fx.Moved)
	return nil
}

// carryOut is the order of effects. It goes on with then if the process survives.
func (p *process) carryOut(fx actors.Effects, batch []mail, answers []error, d death, then func()) {
	w := p.w
	if d.at == beforeSave {
		if w.cfg.mutant == sendsBeforeSave {
			p.sendAll(fx.Send, death{})
		}
		p.crash("before it saved")
		return
	}
	at := reached{p.reached, p.ticked} // time goes on while the disk refuses
	p.save(p.mark(latest(fx.Save)), 1, func() {
		if len(fx.Save) > 0 {
			p.durable = at
			w.judgeConserved(p)
		}
		if d.at != never {
			w.expect(p, p.machine)
		}
		if when := p.afterSave(fx, batch, answers, d); when != "" {
			p.crash(when)
			return
		}
		then()
	})
}

// afterSave is what follows once the records are safe. It says when the process
// died, if it did.
func (p *process) afterSave(fx actors.Effects, batch []mail, answers []error, d death) string {
	w := p.w
	if d.at == afterSave {
		return "after it saved"
	}
	for i, m := range batch {
		if m.reply != nil {
			m.reply(answers[i])
		}
	}
	if d.at == afterAnswers {
		return "after it answered"
	}
	if !p.sendAll(fx.Send, d) {
		return "while it sent"
	}
	for i, t := range fx.Run {
		a := t.Action()
		if d.at == whileRunning && i >= d.after {
			return "while it began actions"
		}
		w.trace.add(w.now, "%s runs %s %s of %s #%d", p.Name, a.Verb, short(a.Unit.ID), a.Reservation, a.Sequence)
		p.hands.run(a)
	}
	if d.at != never {
		return "after all"
	}
	return ""
}

func (p *process) sendAll(ms []actors.Message, d death) bool {
	for i, m := range ms {
		if d.at == whileSending && i >= d.after {
			return false
		}
		p.send(m)
	}
	return d.at != whileSending
}

// latest keeps the last write of each key, as actors/host does.
func latest(records []actors.Record) []actors.Record {
	out := records[:0:0]
	for _, r := range records {
		found := false
		for i := range out {
			if out[i].Key == r.Key {
				out[i], found = r, true
			}
		}
		if !found {
			out = append(out, r)
		}
	}
	return out
}

// due is the cycle of the next Tick, as actors/host counts it.
func (p *process) due() actors.Cycle {
	if p.wake == actors.Never {
		return actors.Never
	}
	return max(p.wake, p.ticked+1)
}

func (p *process) tickDue() bool { return p.wake != actors.Never && p.cycle() >= p.due() }

// setAlarm arranges a look when the next Tick is due.
func (p *process) setAlarm() {
	due := p.due()
	if due == actors.Never {
		return
	}
	if p.tickDue() {
		p.look()
		return
	}
	at := p.w.now + min(max(1, p.w.cycles().Start(due)-p.local()), longestSleep)
	if p.alarm == at {
		return
	}
	p.alarm = at
	p.later(at-p.w.now, func() {
		if p.alarm == at {
			p.alarm = 0
			p.setAlarm()
		}
	})
}

// describe is an event in a few words.
func describe(ev actors.Event) string {
	switch ev := ev.(type) {
	case actors.Receive:
		return "takes " + about(ev.Message)
	case actors.Tick:
		return "ticks"
	case actors.ActionDone:
		return fmt.Sprintf("hears that %s %s of %s #%d ended with %d", ev.Verb, short(ev.Unit), ev.Reservation, ev.Sequence, ev.Code)
	case actors.SendFailed:
		return fmt.Sprintf("hears that %s failed: %v", about(ev.Message), ev.Kind)
	case actors.Request:
		return fmt.Sprintf("is asked for %s: %d units, %s", ev.Reservation, ev.Units, span(ev.Term))
	case actors.RequestGroup:
		return fmt.Sprintf("is asked for the group of %s", ev.Requests[0].Reservation)
	case actors.Modify:
		return fmt.Sprintf("is asked for %s of %s", ev.Subcommand, ev.Reservation)
	case actors.Claim:
		return fmt.Sprintf("is told to claim %s", ev.Reservation)
	case actors.Extend:
		return fmt.Sprintf("is asked to extend %s to %.3f", ev.Reservation, seconds(ev.End))
	case actors.Close:
		return fmt.Sprintf("is asked to close %s", ev.Reservation)
	case actors.Donate:
		return "is given a ticket"
	case actors.Export:
		return "is told to delegate"
	case actors.AddHosts:
		return "is told of its hosts"
	case actors.Inventory:
		return "is told what it has"
	}
	return fmt.Sprintf("%T", ev)
}

// about is a message in a few words.
func about(m actors.Message) string {
	s := fmt.Sprintf("%v %s#%d", m.Op, m.Reservation, m.Sequence)
	switch {
	case m.Failed:
		s += " failed"
	case m.Op == actors.OpUpdateLease && m.Lease != nil:
		s += fmt.Sprintf(" %d units", len(m.Lease.Units))
	case m.Op == actors.OpTicket, m.Op == actors.OpExtendTicket, m.Op == actors.OpUpdateTicket:
		s += fmt.Sprintf(" %d units %s", m.Units, span(m.Term))
	}
	return s
}

func seconds(t actors.Millis) float64 { return float64(t-begin) / 1000 }

func span(t actors.Term) string {
	return fmt.Sprintf("%.3f..%.3f..%.3f", seconds(t.Start), seconds(t.NewStart), seconds(t.End))
}

// short is enough of a unit's name to tell it from others.
func short(u actors.UnitID) string { return string(u[:min(len(u), 6)]) }

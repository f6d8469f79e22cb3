package sim

import (
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/manager"
)

// watch is an actor's clock. It is set wrong, runs wrong and is set again; what
// measures how long something takes, as timers do, is not disturbed by that.
type watch struct {
	offset actors.Millis // to the world's time, when it was set
	set    actors.Millis // the world's time then
	drift  int           // milliseconds gained in a thousand seconds
}

// setClock gives a process a clock as the present act has them.
func (w *world) setClock(p *process) {
	most := w.skew.Most
	p.clock = watch{set: w.now}
	if w.cfg.script.plan != nil {
		return // a story sets its clocks itself
	}
	if most > 0 {
		p.clock.offset = actors.Millis(w.rnd.Int64N(int64(2*most)+1)) - most
	}
	if d := w.skew.Drift; d > 0 {
		p.clock.drift = w.rnd.IntN(2*d+1) - d
	}
}

// jump sets somebody's clock, forward or back.
func (w *world) jump() {
	p := w.procs[w.rnd.IntN(len(w.procs))]
	before := p.local()
	w.setClock(p)
	w.counts.Jumps++
	w.trace.add(w.now, "the clock of %s is set by %+.3f s", p.Name, float64(p.local()-before)/1000)
}

// local is the time by the actor's clock. It is never further off than it may be.
func (p *process) local() actors.Millis {
	w := p.w
	off := p.clock.offset + (w.now-p.clock.set)*actors.Millis(p.clock.drift)/1_000_000
	return w.now + max(-w.skew.Most, min(off, w.skew.Most))
}

func (p *process) wall() time.Time { return time.UnixMilli(int64(p.local())) }

// cycle is the present cycle by the actor's clock. It never falls: a clock that is set
// back holds the actor at the cycle it had reached (actors/host), unless it was
// restarted by an operator who wants the clock to count.
func (p *process) cycle() actors.Cycle {
	p.reached = max(p.reached, p.w.cycles().Of(p.local()))
	p.highest = max(p.highest, p.reached)
	return p.reached
}

// present is the world's time, or the start of the actor's cycle if that is later:
// what is past for the actor is past for what it did.
func (p *process) present() actors.Millis { return max(p.w.now, p.w.cycles().Start(p.cycle())) }

// longestSleep is how long a host sleeps before it looks at its clock again.
const longestSleep actors.Millis = 60_000

// judgeTime wants an actor to be no earlier than it was when it last saved something,
// and no cycle to have its Tick again.
func (w *world) judgeTime(p *process, now actors.Cycle, tick bool) {
	if now < p.durable.now || tick && now <= p.durable.ticked {
		w.fail(saysTime, "%s is in cycle %d (tick: %v), and was in %d, with the Tick of %d", p.Name, now, tick, p.durable.now, p.durable.ticked)
	}
}

// judgeClock wants a reservation to begin and to end by the clock of the actor that does
// it, no earlier than the term on its disk says: a peer's clock never moves a lease.
func (w *world) judgeClock(p *process, t actors.Transition) {
	of, at := w.cycles().Of, p.cycle()
	early := func(due actors.Cycle) {
		if at < due {
			w.fail(saysOwnClock, "%s: %s moves to %s in cycle %d, due in %d: %s", p.Name, t.Reservation, t.To, at, due, t.Why)
		}
	}
	switch v := p.disk["reservation/"+string(t.Reservation)].value.(type) {
	case manager.Reservation:
		margins := w.cfg.Margins
		switch {
		case v.Ticket != nil && (t.Why == "time to redeem" || t.Why == "time to extend the lease"):
			early(of(v.Ticket.Term.NewStart) - margins.Redeem)
		case v.LeaseTerm.End != 0 && t.Why == "time to renew":
			early(of(v.LeaseTerm.End) - margins.Renew)
		case t.Why != "its term ends":
		case v.LeaseTerm.End != 0:
			early(of(v.LeaseTerm.End) - w.cfg.Margins.Close)
		case v.Ticket != nil:
			early(of(v.Ticket.Term.End) - w.cfg.Margins.Close)
		}
	case broker.Reservation:
		if t.Why == "the term is over" && v.Granted != nil {
			early(of(v.Granted.Term.End))
		}
	case authority.Reservation:
		switch {
		case t.Why == "its term is over":
			early(of(min(v.Term.End, v.Wanted.End)) + max(1, w.cfg.Late))
		case strings.HasSuffix(t.Why, " hosts assigned"):
			early(of(v.Wanted.NewStart))
		}
	}
}

package sim

import (
	"time"

	"github.com/leasehold/leasehold/actors"
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

// cycle is the present cycle by the actor's clock. In one life it never falls: a
// clock that is set back holds the actor at the cycle it had reached (actors/host).
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

package sim

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// guest carries out a manager's joins and leaves: one at a time on each unit, in
// the order of their numbers. Some take long, some fail.
type guest struct {
	p     *process
	units map[actors.UnitID]*turns
}

// turns is the actions on one unit that wait for the one under way.
type turns struct {
	doing   *actors.Action // under way; nil when none is
	waiting []actors.Action
}

func (g *guest) boot()  { g.units = map[actors.UnitID]*turns{} }
func (g *guest) crash() { g.units = nil }

func (g *guest) run(a actors.Action) {
	if a.Verb != actors.Join && a.Verb != actors.Leave {
		g.p.w.fail(saysSendable, "%s runs %s", g.p.Name, a.Verb)
	}
	if a.Verb == actors.Join {
		g.p.w.judgeJoin(g.p, a)
	}
	t := g.units[a.Unit.ID]
	if t == nil {
		t = &turns{}
		g.units[a.Unit.ID] = t
	}
	t.waiting = append(t.waiting, a)
	g.next(t)
}

func (g *guest) next(t *turns) {
	if t.doing != nil || len(t.waiting) == 0 {
		return
	}
	a := t.waiting[0]
	t.waiting, t.doing = t.waiting[1:], &a
	w := g.p.w
	work := w.work(a.Verb, w.faults.Join)
	g.p.later(work.takes, func() {
		t.doing = nil
		done := actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence}
		switch {
		case work.hangs:
			done.Code, done.Note = 1, "the handler did not come back"
		case work.fails():
			done.Code, done.Note = 1, "the guest said no"
		}
		g.p.post(done, nil)
		g.next(t)
	})
}

// callTime is how long a handler may take.
const callTime actors.Millis = 25_000

// work is how long a handler takes, whether it hangs until its time is over, and
// whether it fails, which is decided at its end.
type work struct {
	takes actors.Millis
	hangs bool
	fails func() bool
}

func (w *world) work(v actors.Verb, fails int) work {
	if d := w.cfg.script.does(v); d != nil {
		return work{takes: 1 + d.takes, fails: func() bool { return d.fails }}
	}
	out := work{fails: func() bool { return w.chance(fails) }}
	if out.hangs = w.chance(w.faults.Hang); out.hangs {
		w.counts.Hangs++
		out.takes = callTime
		return out
	}
	out.takes = 1 + w.upTo(w.faults.Work)
	return out
}

func (g *guest) owes(u actors.Unit) bool {
	t := g.units[u.ID]
	return t != nil && (t.doing != nil && t.doing.Sequence == u.Sequence ||
		slices.ContainsFunc(t.waiting, func(a actors.Action) bool { return a.Sequence == u.Sequence }))
}

// idle is the hands of an actor that runs nothing.
type idle struct{ p *process }

func (i idle) boot()  {}
func (i idle) crash() {}

func (i idle) owes(actors.Unit) bool { return false }

func (i idle) run(a actors.Action) {
	i.p.w.fail(saysSendable, "%s runs %s", i.p.Name, a.Verb)
}

package sim

import (
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
)

// rack is a site's hardware: what really runs where, whatever anybody's records
// say.
type rack struct {
	s     *site
	hosts map[string]*iron
	calls map[actors.UnitID]cod.Drive // under way
}

// iron is one host and whose unit is on it.
type iron struct {
	unit actors.UnitID // empty when it is bare
}

// drive carries out one call of the driver, which takes a while.
func (r *rack) drive(d cod.Drive) {
	s, w := r.s, r.s.p.w
	if other, busy := r.calls[d.Unit.ID]; busy {
		w.fail(saysOneCall, "%s: %s of %s while %s is under way", s.p.Name, d.Verb, short(d.Unit.ID), other.Verb)
	}
	host := d.Params[handlers.ParamHost]
	if w.cfg.mutant == givesHostTwice && d.Verb == actors.Setup {
		host = w.takenHost(s, host)
	}
	h := r.hosts[host]
	if h == nil {
		w.fail(saysOneUnit, "%s: %s of %s on host %q, which does not exist", s.p.Name, d.Verb, short(d.Unit.ID), host)
		return
	}
	if d.Verb == actors.Setup && h.unit != "" && h.unit != d.Unit.ID {
		w.fail(saysOneUnit, "%s: setup of %s on %s, which has %s", s.p.Name, short(d.Unit.ID), host, short(h.unit))
	}
	if d.Verb == actors.Teardown {
		s.judgeTaken(d)
	}
	r.calls[d.Unit.ID] = d
	w.trace.add(w.now, "%s drives %s of %s on %s", s.p.Name, d.Verb, short(d.Unit.ID), host)
	if d.Verb == actors.Setup {
		h.unit = d.Unit.ID // from now on something of it may be there
	}
	fails := w.faults.Setup
	if d.Verb == actors.Teardown {
		fails = w.faults.Teardown
	}
	work := w.work(d.Verb, fails)
	s.p.later(work.takes, func() {
		delete(r.calls, d.Unit.ID)
		done := cod.Driven{Token: d.Token}
		if d.Verb == actors.ModifyUnit {
			done.Code = handlers.ExitBroke
		}
		switch {
		case work.hangs:
			done.Failed = "it did not come back"
			if w.rnd.IntN(2) == 0 { // it did its work all the same
				r.finish(d, h)
			}
		case work.fails():
			done.Failed = "it caught fire"
		case w.chance(w.faults.Unready):
			done.Result = handlers.Result{After: time.Duration(w.upTo(2_000)) * time.Millisecond, Note: "not yet"}
		default:
			done.Result = handlers.Result{Done: true, Properties: map[string]string{"unit.serial": host}}
			r.finish(d, h)
		}
		s.step(done)
	})
}

// finish is what a call that succeeds makes true.
func (r *rack) finish(d cod.Drive, h *iron) {
	if d.Verb == actors.Teardown && h.unit == d.Unit.ID && r.s.p.w.cfg.mutant != leavesRemains {
		h.unit = ""
	}
}

// abandon ends the calls under way when their process dies. Some had done their
// work already.
func (r *rack) abandon() {
	w := r.s.p.w
	for _, u := range sortedKeys(r.calls) {
		d := r.calls[u]
		if h := r.hosts[d.Params[handlers.ParamHost]]; h != nil && w.rnd.IntN(2) == 0 {
			r.finish(d, h)
		}
		delete(r.calls, u)
	}
}

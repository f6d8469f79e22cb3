package broker

import (
	"errors"
	"maps"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/policy"
)

// maxRounds bounds how far a plan looks: an ask may wait for very long.
const maxRounds = 500

// Plan says what would become of these requests if they came now, behind everybody
// who waits, and nobody else asked for anything afterwards. It is what this very
// broker does with them, on a copy of itself that nobody hears of: nothing changes.
func (a *Actor) Plan(now actors.Cycle, requests []actors.Message) []policy.Verdict {
	b := a.fork()
	out := make([]policy.Verdict, len(requests))
	for i, m := range requests {
		out[i] = policy.Verdict{Reservation: m.Reservation}
		if _, known := b.book[m.Reservation]; known {
			out[i].Outcome, out[i].Text = policy.Refused, "refused: another reservation has this name"
			continue
		}
		m.Op, m.Sequence = actors.OpTicket, 1
		if _, err := b.Step(now, actors.Receive{Message: m}); err != nil {
			out[i].Outcome, out[i].Text = policy.Refused, "refused: "+cause(err)
		} else if err := check.Type(m.Type, b.Sells()); err != nil {
			out[i].Outcome, out[i].Text = policy.Impossible, "impossible: "+err.Error()
		}
	}
	for range maxRounds {
		if now = b.nextRound(now); now == actors.Never {
			break
		}
		_, _ = b.Step(now, actors.Tick{}) // a tick is never refused
	}
	for i, v := range out {
		r, known := b.book[v.Reservation]
		if v.Text != "" || !known {
			continue
		}
		if d, ok := r.explain(b.asks[r.ID]); ok {
			out[i] = d
		} else {
			out[i].Outcome, out[i].Text = policy.Refused, "refused: "+r.Error
			if b.asks[r.ID] {
				out[i].Outcome, out[i].Text = policy.Queued, "queued: the policy has not decided"
			}
		}
	}
	return out
}

// cause is what an error says, without where it was found.
func cause(err error) string {
	var e *actors.Error
	if errors.As(err, &e) && e.Err != nil {
		err = e.Err
	}
	return err.Error()
}

// fork is a copy of the broker that can go on by itself. Of those that have nothing
// to wait for it only knows what they hold.
func (a *Actor) fork() *Actor {
	b := New(a.config)
	b.book, b.arrived = maps.Clone(a.book), a.arrived
	b.claims, b.holdings = maps.Clone(a.claims), maps.Clone(a.holdings) // what is on its way is known to be sold
	for id, s := range a.sources {
		one := *s
		one.calendar = s.calendar.Clone()
		b.sources[id] = &one
	}
	b.shut = a.shut
	for name, book := range a.quotas.books {
		b.quotas.books[name] = book.Clone()
	}
	for group, members := range a.groups {
		b.groups[group] = maps.Clone(members)
	}
	for id := range a.asks {
		b.put(b.book[id])
	}
	return b
}

// nextRound is the first cycle after now in which a round may decide something
// about those who wait, as things stand; Never if nothing will by itself.
func (a *Actor) nextRound(now actors.Cycle) actors.Cycle {
	next := actors.Never
	consider := func(at actors.Cycle) { next = min(next, max(at, now+1)) }
	for id := range a.asks {
		r := a.book[id]
		ask := r.ask()
		if a.early(now+1, r) {
			consider(min(a.decides(r), a.due(r)))
			continue
		}
		if r.Reason == nil {
			return now + 1 // nobody has looked at it yet
		}
		if r.Operator || a.short(r) {
			continue // it waits for somebody to say something, for as long as it may
		}
		consider(a.due(r))
		if patience, ok := ask.Patience(); ok {
			consider(a.config.Cycles.Of(r.Term.Start) + patience + 1)
		}
		for _, at := range []actors.Millis{r.Reason.Earliest, r.Term.Start} {
			if cycle := a.config.Cycles.Of(at) - 1; at > 0 && cycle > now {
				consider(cycle) // the round whose grants can begin then
			}
		}
		if r.Reason.Look > now {
			consider(r.Reason.Look)
		}
		if r.Reason.Earliest > 0 && a.config.Cycles.Of(r.Reason.Earliest)-1 <= now {
			consider(now + 1) // its time has come, and others were in its way
		}
	}
	return next
}

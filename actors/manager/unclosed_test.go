package manager

import (
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// said is the operations of messages.
func said(ms []actors.Message) (out []actors.Op) {
	for _, m := range ms {
		out = append(out, m.Op)
	}
	return out
}

// TestUnclosed: what ends without the site's word is closed there, until the site has
// answered; only then the ticket goes back, because its broker may sell the units at once.
func TestUnclosed(t *testing.T) {
	t.Parallel()
	noUnit := sample(joining)
	noUnit.Held = actors.UnitsOf(actors.Unit{ID: "u2", State: actors.UnitPriming, Sequence: 1})
	undeliverable := actors.SendFailed{Message: actors.Message{Op: actors.OpRedeem, Reservation: "R1", Sequence: 1}, Kind: actors.Denied}
	for name, c := range map[string]struct {
		r   Reservation
		now actors.Cycle
		ev  actors.Event
	}{
		"no unit joined":                  {noUnit, 12, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 1, Code: 1}},
		"redeem refused by an answer":     {sample(redeeming), 12, undeliverable},
		"redeem not answered in time":     {sample(redeeming), 20, actors.Tick{}},
		"closed after the ticket expired": {sample(redeeming), 20, actors.Close{Reservation: "R1"}},
	} {
		step := func(r Reservation, now actors.Cycle, ev actors.Event, want ...actors.Op) Reservation {
			t.Helper()
			next, fx, err := Step(r, rules, now, ev)
			if err != nil || !slices.Equal(said(fx.Send), want) {
				t.Fatalf("%s: %v after %+v: sent %v, want %v, %v", name, next.Status, ev, said(fx.Send), want, err)
			}
			return next
		}
		r := step(c.r, c.now, c.ev, actors.OpClose)
		if !r.Unclosed || r.Relinquished || !r.Status.State.Final() {
			t.Errorf("%s: %v, %+v", name, r.Status, r)
		}
		if again := r.owed(rules, nil); !slices.Equal(said(again.Send), []actors.Op{actors.OpClose}) {
			t.Errorf("%s: after a restart it sends %v", name, said(again.Send))
		}
		step(r, c.now, lease(term, 1, "u1", "u2")) // the answer to the redeem came late
		step(r, c.now, lease(term, 2), actors.OpRelinquish)
		step(r, c.now, refused(actors.OpUpdateLease, "am", 2), actors.OpRelinquish)
		step(r, c.now, actors.SendFailed{Message: actors.Message{Op: actors.OpClose, Reservation: "R1", Sequence: 2}, Kind: actors.NotFound}, actors.OpRelinquish)
		step(r, c.now, failedRPC(actors.OpClose, "am"), actors.OpRelinquish)
		step(r, c.now, actors.SendFailed{Message: actors.Message{Op: actors.OpClose, Reservation: "R1", Sequence: 2}, Kind: actors.Transient})
		if by := step(r, c.now, actors.Close{Reservation: "R1"}); by.Status != closed && r.Status == failed {
			t.Errorf("%s: closed by hand it is %v", name, by.Status)
		}
		step(r, c.now+rules.Margins.Retry, actors.Tick{}, actors.OpClose)
		end := max(c.now, 19) + 1 + rules.Margins.Grace
		if last := step(r, end, actors.Tick{}, actors.OpRelinquish); last.Unclosed || last.next(rules).do != doForget {
			t.Errorf("%s: in the end %+v", name, last)
		}
		for _, timer := range r.timers(rules) {
			if timer.do == doForget {
				t.Errorf("%s: forgotten at %d while the site has not answered", name, timer.at)
			}
		}
	}
	// A site that says itself that it has nothing need not be waited for.
	r, fx, err := Step(sample(redeeming), rules, 12, refused(actors.OpUpdateLease, "am", 1))
	if err != nil || !slices.Equal(said(fx.Send), []actors.Op{actors.OpClose, actors.OpRelinquish}) || !r.Unclosed {
		t.Errorf("refused by the site: %+v, sent %v, %v", r, said(fx.Send), err)
	}
	r, fx, err = Step(r, rules, 12, lease(term, 2))
	if err != nil || len(fx.Send) != 0 || r.Unclosed {
		t.Errorf("and then: %+v, sent %v, %v", r, said(fx.Send), err)
	}
}

// TestDownBeyondADeadline: time in which the manager was down is not counted against
// those it waits for. Units that were leaving are given their time, and a lease that the
// site extended meanwhile is not given up.
func TestDownBeyondADeadline(t *testing.T) {
	t.Parallel()
	grace := rules.Margins.Grace
	for _, s := range []Status{closing, closeWait, extendingLease} {
		r := sample(s)
		due := actors.Cycle(19)
		if s == closing {
			r.Since = 18
		}
		r.Ticket.Term.End, r.Term.End = 999_999, 999_999 // the newest ticket is good for long
		if s == closeWait {
			r.Ticket.Term.End, r.Term.End = term.End, term.End
		}
		restart := func(now actors.Cycle) *Actor {
			t.Helper()
			a := New(Config{Rules: rules, Broker: "br"})
			data, err := r.AppendRecord(nil)
			if err == nil {
				err = a.Restore(actors.Stored{Key: key(r.ID), Data: data})
			}
			if err != nil {
				t.Fatal(err)
			}
			if fx := a.Recover(now); len(fx.Send)+len(fx.Run) != 1 {
				t.Errorf("%v: a restart asks for %+v", s, fx)
			}
			return a
		}
		at := due + 1 + grace + 50
		a := restart(at)
		if _, err := a.Step(at, actors.Tick{}); err != nil || a.book["R1"].Status != s {
			t.Errorf("%v: right after the restart %v, %v", s, a.book["R1"].Status, err)
		}
		if _, err := a.Step(at+grace+1, actors.Tick{}); err != nil || a.book["R1"].Status == s {
			t.Errorf("%v: long after the restart %v, %v", s, a.book["R1"].Status, err)
		}
		a = restart(due)
		if _, err := a.Step(due+grace+1, actors.Tick{}); err != nil || a.book["R1"].Status == s {
			t.Errorf("%v: after a restart in time %v, %v", s, a.book["R1"].Status, err)
		}
	}
}

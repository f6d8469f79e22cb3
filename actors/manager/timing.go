package manager

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// Margins is when a manager acts relative to a term, in cycles (leasing 2.5).
type Margins struct {
	Redeem   actors.Cycle // redeem, or extend the lease, this long before the new interval starts
	Renew    actors.Cycle // ask to extend this long before the end
	Close    actors.Cycle // give the units back this long before the end
	Retry    actors.Cycle // ask a silent peer again after this long; doubles each time
	RetryMax actors.Cycle // but never longer than this
	Grace    actors.Cycle // how long to wait past a deadline of somebody else
	Keep     actors.Cycle // remember what is over for this long after its term
}

// LegacyMargins are the legacy manager's distances, with our own patience.
func LegacyMargins() Margins {
	return Margins{Redeem: 1, Renew: 3, Close: 1, Retry: 2, RetryMax: 32, Grace: 8, Keep: 600}
}

// deed is something a reservation does by itself when its time comes.
type deed uint8

const (
	doNothing deed = iota
	doRetry        // ask the silent peer again
	doGiveUp       // stop waiting
	doRedeem
	doRenew
	doExtendLease
	doClose
	doForget
	doAskGate // ask the gatekeeper again
	doShed    // let the units go that the extension is without
)

var deedNames = [...]string{"", "ask again", "give up waiting", "redeem the ticket", "ask to extend",
	"extend the lease", "close", "forget", "ask the gatekeeper again", "give units back"}

// timer is a deed and the cycle from which on it is due.
type timer struct {
	at actors.Cycle
	do deed
}

// timers lists what a reservation will do by itself. A status without any would
// wait for ever, so every status that is not over has at least one.
func (r Reservation) timers(k Rules) []timer {
	of, m := k.Cycles.Of, k.Margins
	retry := timer{r.Sent + min(m.Retry<<min(r.Tries, 20), m.RetryMax), doRetry}
	var ts []timer
	switch r.Status.State {
	case actors.Nascent:
		ts = []timer{retry, {of(r.until()), doGiveUp}}
	case actors.Ticketed:
		ts = r.ticketedTimers(k, retry)
	case actors.Active:
		ts = r.activeTimers(k, retry)
	case actors.ActiveTicketed:
		ts = []timer{{of(r.Ticket.Term.End) - m.Close, doClose}}
		if r.Status.Pending == actors.ExtendingLease {
			ts = append(ts, retry, timer{k.patience(of(r.LeaseTerm.End)), doGiveUp})
		} else {
			ts = append(ts, timer{of(r.Ticket.Term.NewStart) - m.Redeem, doExtendLease})
			if len(r.surplus()) > 0 {
				ts = append(ts, timer{of(r.LeaseTerm.End) - m.Close, doShed})
			}
		}
	case actors.CloseWait:
		ts = []timer{retry, {k.patience(max(r.Since, of(r.Ticket.Term.End))), doGiveUp}}
	case actors.Closed, actors.Failed:
		ts = []timer{{max(r.Since, of(r.Term.End)) + m.Keep, doForget}}
		if r.Unclosed {
			ts = []timer{retry, {k.patience(max(r.Since, of(r.Ticket.Term.End))), doGiveUp}}
		}
	}
	if r.Hold != "" && r.gate() != "" {
		ts = append(ts, timer{r.HoldUntil, doAskGate})
	}
	return ts
}

func (r Reservation) ticketedTimers(k Rules, retry timer) []timer {
	of, m := k.Cycles.Of, k.Margins
	closes := timer{of(r.Ticket.Term.End) - m.Close, doClose}
	if by := r.Ticket.RedeemBy(); r.Status != redeeming && by < actors.Forever {
		closes.at = min(closes.at, of(by)+1)
	}
	switch {
	case r.Status == ticketed:
		return []timer{{of(r.Ticket.Term.NewStart) - m.Redeem, doRedeem}, closes}
	case r.Status == redeeming:
		ts := []timer{retry, {of(r.Ticket.Term.End) + 1, doGiveUp}}
		if !r.CloseAsked {
			ts = append(ts, closes)
		}
		return ts
	}
	return []timer{closes} // predecessors open the gate
}

func (r Reservation) activeTimers(k Rules, retry timer) []timer {
	of, m := k.Cycles.Of, k.Margins
	closes := timer{of(r.LeaseTerm.End) - m.Close, doClose}
	renews := r.Renewable && !r.RenewRefused
	switch r.Status.Pending {
	case actors.None:
		if renews {
			return []timer{closes, {of(r.LeaseTerm.End) - m.Renew, doRenew}}
		}
	case actors.ExtendingTicket:
		return []timer{retry, closes}
	case actors.ModifyingLease:
		if renews { // a modify that hangs must not cost the lease
			return []timer{retry, closes, {of(r.LeaseTerm.End) - m.Renew - 1, doGiveUp}}
		}
		return []timer{retry, closes}
	case actors.Closing:
		return []timer{{k.patience(max(r.Since, of(r.LeaseTerm.End))), doGiveUp}}
	}
	return []timer{closes}
}

// patience is when to stop waiting for something that was due at an instant. Time in
// which the manager itself was down does not count: whoever it waits for was asked
// again when it came back.
func (k Rules) patience(due actors.Cycle) actors.Cycle {
	return max(due, k.recovered) + 1 + k.Margins.Grace
}

// until is the last instant at which an answer to the first request is of use: the
// end of its term, or the deadline of a request that may begin later (leasing 3.9).
func (r Reservation) until() actors.Millis {
	return policy.Ask{Term: r.Term, Properties: r.Request}.Until()
}

// next is the earliest timer.
func (r Reservation) next(k Rules) timer {
	first := timer{at: actors.Never}
	for _, t := range r.timers(k) {
		if t.at < first.at {
			first = t
		}
	}
	return first
}

// forgotten reports whether the reservation is over and past remembering.
func (r Reservation) forgotten(k Rules, now actors.Cycle) bool {
	t := r.next(k)
	return t.do == doForget && t.at <= now
}

// act does whatever is due. What ends a reservation goes before what prolongs it.
func (s *step) act() {
	due := [len(deedNames)]bool{}
	for _, t := range s.timers(s.Rules) {
		if t.at <= s.now {
			due[t.do] = true
		}
	}
	switch {
	case due[doGiveUp]:
		s.giveUp()
	case due[doClose] && s.Status.State == actors.Ticketed && s.Cycles.Of(s.Ticket.RedeemBy()) < s.now:
		s.Error = "it was not redeemed in time"
		s.close(s.Error)
	case due[doClose]:
		s.close("its term ends")
	case due[doRedeem]:
		s.move(blockedRedeem, "time to redeem")
	case due[doExtendLease]:
		s.shed() // if there was no time before
		s.ask(at(actors.ActiveTicketed, actors.ExtendingLease, s.Status.Join), "time to extend the lease")
	case due[doRenew]:
		s.prolong(s.Ticket.Term.End+s.Ticket.Term.Length(), 0, "time to renew")
	case due[doShed]:
		s.shed()
	case due[doAskGate]:
		// the probe asks
	case due[doRetry]:
		s.Tries, s.Sent, s.changed = s.Tries+1, s.now, true
	}
}

// giveUp ends a wait that has lasted too long.
func (s *step) giveUp() {
	switch s.Status {
	case ticketing:
		s.fail("the broker did not answer before the term was over")
	case redeeming:
		s.Error = "the site did not answer before the term was over"
		s.unclose() // it may have done what was asked, and its answer was lost
		s.finish(s.Error)
	case extendingLease, extendingLeaseJ, extendingLeaseB:
		s.Error = "the site did not confirm the extension"
		s.close(s.Error)
	case modifying, modifyingJ, modifyingB:
		s.Error = fmt.Sprintf("the site has not answered modify %d; the lease is renewed all the same", s.newestModify())
		s.move(at(actors.Active, actors.None, s.Status.Join), s.Error)
	case closing:
		s.Error = fmt.Sprintf("%d units did not leave in time", s.Held.Len())
		s.Held.Clear()
		s.changed = true
	case closeWait:
		s.Error = "the site did not confirm that it took the units back"
		s.finish(s.Error)
	case closed, failed: // whatever the site has, the term is over
		s.taken()
	}
}

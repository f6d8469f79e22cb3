package sim

import (
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// A lane is what one actor has to say to another: the outbound side as
// actors/remote runs it, on the world's clock. Messages go one at a time and in
// order; a newer one of the same reservation and operation takes the place of one
// that waits; what is not taken is tried again after a pause.
type lane struct {
	from, to *process
	waiting  []*letter
	busy     bool
	fails    int           // attempts in a row that showed the peer not ready
	after    actors.Millis // nothing goes before
	alarm    actors.Millis
}

// letter is one message on its way.
type letter struct {
	msg   actors.Message
	since actors.Millis
	after actors.Millis // not to be tried before
	tries int
	gone  bool // delivered, given up or superseded
}

// limit is how long a sender waits for an answer.
const limit actors.Millis = 3_000

// send hands a message to the lane of the actor it names.
func (p *process) send(m actors.Message) {
	w := p.w
	w.trace.add(w.now, "%s sends %s to %s", p.Name, about(m), w.nameOf(m.To))
	w.emitted(p, m)
	to := w.byID[m.To]
	if to == nil {
		w.fail(saysAddressed, "%s sends %s to %q", p.Name, about(m), m.To)
		return
	}
	l := p.lanes[m.To]
	if l == nil {
		l = &lane{from: p, to: to}
		p.lanes[m.To] = l
	}
	l.push(m)
	l.pump()
}

func (l *lane) push(m actors.Message) {
	now := l.from.w.now
	it := &letter{msg: m, since: now}
	for i, old := range l.waiting {
		if old.msg.Reservation == m.Reservation && old.msg.Op == m.Op {
			if old.msg.Sequence == m.Sequence {
				it.since, it.after, it.tries = old.since, old.after, old.tries
			}
			old.gone = true
			l.waiting = slices.Delete(l.waiting, i, i+1)
			break
		}
	}
	l.waiting = append(l.waiting, it)
}

// pump tries the oldest message that may go.
func (l *lane) pump() {
	w := l.from.w
	hasty := w.cfg.Hasty && !w.calm
	if l.busy && !hasty {
		return
	}
	if l.after > w.now {
		l.wakeAt(l.after)
		return
	}
	it, at := l.next(hasty)
	if it == nil {
		if at > 0 {
			l.wakeAt(at)
		}
		return
	}
	l.busy = true
	if hasty { // it counts as sent until the answer says otherwise
		it.after = w.now + limit + 1
	}
	w.carry(l, it)
	if hasty {
		l.pump()
	}
}

// next is the oldest message that may go now, or when the first may.
func (l *lane) next(hasty bool) (it *letter, at actors.Millis) {
	held := map[actors.ReservationID]bool{}
	for _, it := range l.waiting {
		switch {
		case held[it.msg.Reservation] && !hasty:
		case it.after <= l.from.w.now:
			return it, 0
		default:
			held[it.msg.Reservation] = true
			if at == 0 || it.after < at {
				at = it.after
			}
		}
	}
	return nil, at
}

func (l *lane) wakeAt(at actors.Millis) {
	if l.alarm == at {
		return
	}
	l.alarm = at
	l.from.later(at-l.from.w.now, func() {
		if l.alarm == at {
			l.alarm = 0
		}
		l.pump()
	})
}

// outcome is what an attempt learned.
type outcome uint8

const (
	unanswered outcome = iota // nothing came back that means anything
	hinted                    // a fault that nobody signed
	faulted                   // the peer itself refused
	delivered                 // the peer itself took it
)

// settle judges an attempt as actors/remote does.
func (l *lane) settle(it *letter, o outcome, kind actors.Kind) {
	w := l.from.w
	l.busy = false
	it.tries++
	lost := w.now-it.since >= w.cfg.Patience
	giveUp := func(k actors.Kind) {
		l.drop(it)
		w.trace.add(w.now, "%s gives up %s: %v", l.from.Name, about(it.msg), k)
		w.counts.GivenUp++
		l.from.post(actors.SendFailed{Message: it.msg, Kind: k}, nil)
	}
	switch {
	case it.gone:
	case o == delivered:
		l.drop(it)
	case o == faulted && kind != actors.Transient && kind != actors.Exhausted && kind != actors.Other:
		giveUp(kind)
	case lost && (o == faulted || o == hinted && kind != actors.Denied):
		giveUp(actors.Transient)
	case lost && o == unanswered && l.from.local() > it.msg.Term.End:
		giveUp(actors.Transient)
	default:
		it.after = w.now + w.backoff(it.tries)
	}
	switch {
	case o == unanswered, o == hinted && kind == actors.Denied:
		l.fails++
		l.after = w.now + w.backoff(l.fails)
	case o != hinted:
		l.fails = 0
	}
	l.pump()
}

func (l *lane) drop(it *letter) {
	it.gone = true
	l.waiting = slices.DeleteFunc(l.waiting, func(o *letter) bool { return o == it })
}

// backoff is the pause after failure number n.
func (w *world) backoff(n int) actors.Millis {
	d := min(actors.Millis(500)<<min(n-1, 10), 8_000)
	return d - w.upTo(d/2)
}

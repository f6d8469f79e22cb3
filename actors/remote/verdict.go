package remote

import (
	"time"

	"github.com/leasehold/leasehold/actors"
)

// answer is what an attempt learned, most telling last.
type answer uint8

const (
	unanswered answer = iota // nothing came back that means anything
	hinted                   // a fault that nobody signed
	faulted                  // the peer itself refused this request
	delivered                // the peer itself took it
	unsendable               // it never left: it cannot be written, signed or addressed
)

// result is the end of one attempt.
type result struct {
	answer answer
	kind   actors.Kind // of a fault, or of what made the message unsendable
	err    error       // nil when delivered
	sent   int         // octets of the request
	// created is when the peer signed its answer, by its own clock; zero when it does
	// not say.
	created time.Time
}

// verdict says what becomes of the message and of its queue.
type verdict uint8

const (
	done      verdict = iota // delivered
	giveUp                   // report SendFailed
	pausePeer                // try again; meanwhile nothing goes to this peer
	pauseItem                // try again; meanwhile other reservations go on
)

// judge is the rule of the package comment. waited is how long the message has
// been here, now is the present instant.
func judge(res result, m actors.Message, waited, patience time.Duration, now actors.Millis) (verdict, actors.Kind) {
	lost := waited >= patience
	switch res.answer {
	case delivered:
		return done, 0
	case unsendable:
		return giveUp, res.kind
	case faulted:
		switch res.kind {
		case actors.Transient, actors.Exhausted, actors.Other:
			if lost {
				return giveUp, actors.Transient
			}
			return pauseItem, 0
		}
		return giveUp, res.kind
	case hinted:
		if res.kind == actors.Denied {
			break // passes by itself when somebody installs a key
		}
		if lost {
			return giveUp, actors.Transient // not res.kind: nobody vouches for it
		}
		return pauseItem, 0
	}
	if over := m.Term.End <= 0 || now > m.Term.End; lost && over {
		return giveUp, actors.Transient
	}
	return pausePeer, 0
}

package actors

import (
	"errors"
	"strings"
)

// An Error says what was being done, by whom and to which reservation. Its
// Kind, never its text, decides retries and the fault a peer sees.
type Error struct {
	Op          string        // package and verb: "authority.redeem"
	Actor       ActorID       // the actor doing it, if known
	Peer        ActorID       // who asked for it, if anyone
	Reservation ReservationID // what it concerns, if anything
	Message     string        // wire message id, if there was one
	Kind        Kind
	Err         error // the cause: for the log, and for people on this side
}

// Error prints the parts that are set, outermost first.
func (e *Error) Error() string {
	var b strings.Builder
	part := func(label, s string) {
		if s == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(label)
		b.WriteString(s)
	}
	part("", e.Op)
	part("actor ", string(e.Actor))
	part("peer ", string(e.Peer))
	part("reservation ", string(e.Reservation))
	part("message ", e.Message)
	part("", e.Kind.Error())
	if e.Err != nil {
		part("", e.Err.Error())
	}
	return b.String()
}

// Unwrap gives both the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// A Kind is itself an error, so errors.Is(err, actors.Stale) asks the question
// callers have. New kinds go at the end: their numbers are stored.
type Kind uint8

// The kinds of failure.
const (
	Other     Kind = iota // unclassified; peers see only "internal error"
	Invalid               // the request can never succeed
	Stale                 // overtaken by a later sequence number or state
	Denied                // authenticated, but not allowed
	Exhausted             // no units left; try again later
	Transient             // the world failed; retry the same request
	NotFound              // no such reservation, actor or peer
	Oversold              // its issuer has given more away than it held
)

var kindText = [...]string{
	"internal error", "invalid request", "stale request", "not allowed",
	"insufficient resources", "try again later", "not found", "oversold by its issuer",
}

// Error is the kind's public text: all that a peer ever learns.
func (k Kind) Error() string {
	if int(k) < len(kindText) {
		return kindText[k]
	}
	return kindText[Other]
}

// KindOf is the kind of the first Error or Kind in err's chain; Other if none.
func KindOf(err error) Kind {
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Other
}

// Public is the only text about err that may leave this process for a peer.
func Public(err error) string { return KindOf(err).Error() }

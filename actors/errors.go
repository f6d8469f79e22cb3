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

// Error is the kind's public text: all that a peer learns, unless its request makes
// no sense as such ([Problem]).
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

// A Problem is what is wrong with a request as such. It says nothing but what the
// one who made the request has said himself, and what everybody may know who may make
// it, so peers are told (actors/check has the sentences).
type Problem string

// Error is the sentence.
func (p Problem) Error() string { return string(p) }

// maxPublic bounds what a peer is told, in octets.
const maxPublic = 512

// Public is the only text about err that may leave this process for a peer: its
// kind, and behind a colon what is wrong with the request, if it is that.
func Public(err error) string {
	kind := KindOf(err).Error()
	var p Problem
	if !errors.As(err, &p) || KindOf(err) == Other {
		return kind
	}
	text := kind + ": " + string(p)
	if len(text) > maxPublic {
		text = strings.ToValidUTF8(text[:maxPublic-3], "") + "..."
	}
	return text
}

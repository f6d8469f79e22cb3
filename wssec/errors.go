package wssec

import (
	"errors"
	"fmt"
)

// ErrRefused is all a peer learns about an envelope that did not open. Every
// error of OpenRequest and OpenResponse wraps it together with one cause: one of
// those below, or one of package dsig's.
var ErrRefused = errors.New("wssec: envelope refused")

// Causes, for logs and tests. They must not reach a peer: telling a bad
// signature from a bad key would make an oracle (wssec.md A28).
var (
	ErrShape        = errors.New("envelope of another shape")                   // elements or attributes too many, too few, elsewhere
	ErrID           = errors.New("ids not unique or not usable")                // wssec.md A3
	ErrIdentity     = errors.New("claimed identity not acceptable")             // no UUID, our own, or not the peer we asked
	ErrProfile      = errors.New("no profile for this peer")                    // the zero Profile
	ErrToken        = errors.New("security token not acceptable")               // token, or the way KeyInfo refers to it
	ErrExpired      = errors.New("certificate not valid now")                   // its own period
	ErrUntrusted    = errors.New("key not pinned for the claimed identity")     // or nothing is
	ErrUnsigned     = errors.New("a part that must be signed is not")           // wssec.md A2
	ErrTarget       = errors.New("signature refers to something else")          // wssec.md A1
	ErrStale        = errors.New("message too old, too new or too long-lived")  // its Timestamp
	ErrDestination  = errors.New("message addressed to someone else")           // wssec.md A7
	ErrDowngrade    = errors.New("weaker signature than this peer made before") // wssec.md A13
	ErrConfirmation = errors.New("answer to another request")                   // wssec.md A24
)

// ErrSeal is wrapped by the errors of Request and Response: an argument that no
// receiver would accept.
var ErrSeal = errors.New("wssec: cannot seal")

func refuse(cause error, format string, args ...any) error {
	return fmt.Errorf("%w: %w: %s", ErrRefused, cause, fmt.Sprintf(format, args...))
}

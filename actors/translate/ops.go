package translate

import (
	"errors"
	"fmt"
	"math"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/wire"
)

// content says which concrete set an operation carries (wire contract 4.0).
type content uint8

const (
	noConcrete  content = iota // ignored when a peer sends one
	mustTicket                 // the newest ticket
	grantTicket                // the granted ticket; a failed update may go without
	leaseUnits                 // all units; absent when nothing was ever leased
)

// rule is one row of the table.
type rule struct {
	op       actors.Op
	wire     wire.Op
	update   bool // an answer: it has an outcome, and its callbackURL means nothing
	concrete content
	anyTerm  bool // the term is not looked at (wire contract 3.3)
	bare     bool // no reservation: properties, or a word about another message
}

// rules is the table of operations that reservations perform. It is never changed.
var rules = [...]rule{
	{op: actors.OpClaim, wire: wire.OpClaim, anyTerm: true},
	{op: actors.OpTicket, wire: wire.OpTicket},
	{op: actors.OpExtendTicket, wire: wire.OpExtendTicket},
	{op: actors.OpRelinquish, wire: wire.OpRelinquish},
	{op: actors.OpRedeem, wire: wire.OpRedeem, concrete: mustTicket},
	{op: actors.OpExtendLease, wire: wire.OpExtendLease, concrete: mustTicket},
	{op: actors.OpModifyLease, wire: wire.OpModifyLease, concrete: mustTicket},
	{op: actors.OpClose, wire: wire.OpClose, concrete: mustTicket, anyTerm: true},
	{op: actors.OpUpdateTicket, wire: wire.OpUpdateTicket, update: true, concrete: grantTicket},
	{op: actors.OpUpdateLease, wire: wire.OpUpdateLease, update: true, concrete: leaseUnits},
	{op: actors.OpQuery, wire: wire.OpQuery, bare: true},
	{op: actors.OpQueryResult, wire: wire.OpQueryResult, bare: true},
	{op: actors.OpFailedRPC, wire: wire.OpFailedRPC, bare: true},
}

// Limits on the words of a message. Wire codecs bound lists and whole messages;
// these keep names from filling stores and logs.
const (
	maxID   = 256     // octets of a reservation's, slice's or unit's id
	maxName = 1024    // octets of a slice's name
	maxType = 256     // octets of a resource type
	maxURL  = 2048    // octets of a callback URL
	maxNote = 4 << 10 // octets of a note; longer ones are cut, not refused
)

// bad is a reason why a message can never succeed.
func bad(format string, args ...any) error {
	return &actors.Error{Kind: actors.Invalid, Err: fmt.Errorf(format, args...)}
}

// wrap puts who, what and which around a reason. The reason's own kind counts; a
// codec's complaint is Invalid, anything else is other.
func wrap(err error, where actors.Error, other actors.Kind) error {
	var reason *actors.Error
	switch kind := actors.KindOf(err); {
	case kind != actors.Other:
		where.Kind = kind
	case errors.As(err, new(*wire.Error)):
		where.Kind = actors.Invalid
	default:
		where.Kind = other
	}
	where.Err = err
	if errors.As(err, &reason) && reason.Op == "" { // one of ours: take its cause
		where.Err = reason.Err
	}
	return &where
}

// checkNames looks at the names a message carries. A request needs a slice; an
// update's slice is not compared by anyone (wire contract 3.2).
func checkNames(id, slice, name, typ string, update bool) error {
	switch {
	case id == "":
		return bad("no reservation id")
	case len(id) > maxID:
		return bad("reservation id is over the limit of %d octets", maxID)
	case slice == "" && !update:
		return bad("no slice guid")
	case len(slice) > maxID:
		return bad("slice guid is over the limit of %d octets", maxID)
	case len(name) > maxName:
		return bad("slice name is over the limit of %d octets", maxName)
	case typ == "":
		return bad("no resource type")
	case len(typ) > maxType:
		return bad("resource type is over the limit of %d octets", maxType)
	}
	return nil
}

// checkNumbers looks at what legacy readers keep in 32 bits (wire contract 3.1,
// 3.4).
func checkNumbers(units, sequence int64) error {
	switch {
	case units < 0 || units > math.MaxInt32:
		return bad("%w", check.Units(int(units)))
	case sequence < 0 || sequence > math.MaxInt32:
		return bad("sequence %d is outside 0..%d", sequence, math.MaxInt32)
	}
	return nil
}

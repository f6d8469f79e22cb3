package translate

import (
	"cmp"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
)

// bareOut is a message without a reservation as it crosses the wire. The id of the
// message that is answered is what correlates (wire contract 5.1).
func bareOut(r rule, m actors.Message, self actors.Location) (wire.Message, error) {
	out := wire.Message{Op: r.wire, MessageID: m.ID, RequestID: m.RequestID, Properties: listOf(m.Properties)}
	switch m.Op {
	case actors.OpQuery:
		out.RequestID, out.CallbackURL = "", cmp.Or(m.ReplyTo, self.URL)
	case actors.OpFailedRPC:
		out.Properties = nil
		out.ReservationID, out.ErrorDetails, out.RequestType = string(m.Reservation), note(m.Note), int32(m.RequestOp)
	}
	if m.Op != actors.OpQuery && m.RequestID == "" {
		return wire.Message{}, bad("it answers no message")
	}
	return out, nil
}

// bareIn reads a message without a reservation.
func bareIn(r rule, m wire.Message) (actors.Message, error) {
	switch {
	case len(m.RequestID) > maxID:
		return actors.Message{}, bad("request id is over the limit of %d octets", maxID)
	case len(m.CallbackURL) > maxURL:
		return actors.Message{}, bad("callback URL is over the limit of %d octets", maxURL)
	case len(m.ReservationID) > maxID:
		return actors.Message{}, bad("reservation id is over the limit of %d octets", maxID)
	}
	in := actors.Message{ID: m.MessageID, Op: r.op, RequestID: m.RequestID, Properties: mapOf(m.Properties), ReplyTo: m.CallbackURL}
	if m.Op == wire.OpFailedRPC {
		in.Reservation, in.Note, in.Failed = actors.ReservationID(m.ReservationID), note(m.ErrorDetails), true
		if m.RequestType > 0 && m.RequestType <= int32(actors.OpFailedRPC) {
			in.RequestOp = actors.Op(m.RequestType)
		}
	}
	return in, nil
}

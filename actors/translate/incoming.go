package translate

import (
	"math"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/wire"
)

// Incoming is a message that from has sent and signed. verify turns the signed
// text of a ticket into the ticket it proves (see [FromChain]); a nil verify
// refuses every ticket. To is left empty, because only the caller knows which of
// its actors was addressed.
//
// Only the property list of the operation's direction is taken, and a concrete
// set only where the operation has one (wire contract 2.6); instants of zero or
// less are "not given". ReplyTo is the callbackURL as the peer wrote it: whether
// to call it is the caller's decision.
//
// An error is an *actors.Error: Invalid when the message cannot be understood or
// the operation is none of [actors.Op], Denied when a ticket does not verify and
// verify's own error has no kind.
func Incoming(m wire.Message, from actors.ActorID, verify func(text string) (actors.Ticket, error)) (actors.Message, error) {
	in, err := incoming(m, verify)
	if err != nil {
		return actors.Message{}, wrap(err, actors.Error{Op: "translate." + m.Op.String(), Peer: from,
			Reservation: actors.ReservationID(wire.Clip(m.Reservation.ID)), Message: wire.Clip(m.MessageID)}, actors.Denied)
	}
	in.From = from
	return in, nil
}

func incoming(m wire.Message, verify func(text string) (actors.Ticket, error)) (actors.Message, error) {
	var r rule
	for _, row := range rules {
		if row.wire == m.Op {
			r = row
		}
	}
	row, ok := wire.Lookup(r.wire)
	if !ok {
		return actors.Message{}, bad("the operation is not offered")
	}
	if r.bare {
		return bareIn(r, m)
	}
	res := m.Reservation
	if err := checkNames(res.ID, res.Slice.GUID, res.Slice.Name, res.Resources.Type, r.update); err != nil {
		return actors.Message{}, err
	}
	if err := checkNumbers(int64(res.Resources.Units), res.Sequence); err != nil {
		return actors.Message{}, err
	}
	if len(m.CallbackURL) > maxURL {
		return actors.Message{}, bad("callback URL is over the limit of %d octets", maxURL)
	}
	in := actors.Message{
		ID:          m.MessageID,
		Op:          r.op,
		Reservation: actors.ReservationID(res.ID),
		Slice:       actors.Slice{ID: actors.SliceID(res.Slice.GUID), Name: res.Slice.Name},
		Sequence:    int(res.Sequence),
		Type:        actors.ResourceType(res.Resources.Type),
		Units:       int(res.Resources.Units),
		Term:        termOf(res.Term),
		Properties:  mapOf(*res.Resources.List(row.List)),
		ReplyTo:     m.CallbackURL,
	}
	if !r.anyTerm {
		if err := check.Form(in.Term); err != nil {
			return actors.Message{}, bad("%w", err)
		}
	}
	if r.update {
		in.Failed, in.Note = m.Update.Failed, note(m.Update.Message)
	}
	err := unpack(r, &in, res.Resources.Concrete, verify)
	return in, err
}

// unpack reads the concrete set, if the operation has one.
func unpack(r rule, in *actors.Message, nodes []wire.Property, verify func(string) (actors.Ticket, error)) (err error) {
	switch {
	case r.concrete == noConcrete:
		return nil
	case nodes == nil && (r.concrete == mustTicket || r.concrete == grantTicket && !in.Failed):
		return bad("no concrete set, want a ticket")
	case nodes == nil:
		return nil
	case r.concrete == leaseUnits:
		in.Lease, err = leaseOf(nodes)
	default:
		in.Ticket, err = ticketOf(nodes, verify)
	}
	return err
}

// termOf reads instants as legacy actors do: what is not positive is not given
// (wire contract 3.3).
func termOf(t wire.Term) actors.Term {
	instant := func(ms int64) actors.Millis { return actors.Millis(max(ms, 0)) }
	return actors.Term{Start: instant(t.StartTime), NewStart: instant(t.NewStartTime), End: instant(t.EndTime)}
}

// mapOf is nil for a list that is empty or absent; of two entries with one name
// the later counts.
func mapOf(list []wire.Property) actors.Properties {
	if len(list) == 0 {
		return nil
	}
	p := make(actors.Properties, len(list))
	for _, e := range list {
		p[e.Name] = e.Value
	}
	return p
}

// intOf brings a legacy 64-bit counter into an int.
func intOf(n int64) (int, error) {
	if n < 0 || n > math.MaxInt32 {
		return 0, bad("unit sequence %d is outside 0..%d", n, math.MaxInt32)
	}
	return int(n), nil
}

package translate

import (
	"cmp"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/wire"
)

// Outgoing is m as it crosses the wire. self is the sending actor: its id stands
// in the units of a lease, and its URL is the callback where m.ReplyTo is empty
// and in every update, where callbackURL says nothing.
//
// A request carries m.Properties in the list of its direction, present even when
// empty (wire contract 3.9). A failed update without a ticket or lease says 0
// units and repeats the requested term; a failed updateTicket with the ticket
// still held says that ticket's units and term (wire contract 5.6). m.Sequence
// goes out as it is: an update echoes the request it answers, legacy readers do
// not look. Notes are cut at 4096 octets, and characters XML cannot carry are
// replaced.
//
// An error is an *actors.Error of kind Invalid and means a mistake on this side:
// a ticket that nobody signed, units that disagree with the ticket, a term from
// which not even a refusal can be composed.
func Outgoing(m actors.Message, self actors.Location) (wire.Message, error) {
	out, err := outgoing(m, self)
	if err != nil {
		return wire.Message{}, wrap(err, actors.Error{Op: "translate." + m.Op.String(), Actor: self.ID, Peer: m.To,
			Reservation: m.Reservation, Message: m.ID}, actors.Invalid)
	}
	return out, nil
}

func outgoing(m actors.Message, self actors.Location) (wire.Message, error) {
	r, ok := ruleOf(m.Op)
	if !ok {
		return wire.Message{}, bad("no such operation")
	}
	if r.bare {
		return bareOut(r, m, self)
	}
	if err := checkNames(string(m.Reservation), string(m.Slice.ID), m.Slice.Name, string(m.Type), r.update); err != nil {
		return wire.Message{}, err
	}
	units, term, concrete, err := carry(r, m, self)
	if err != nil {
		return wire.Message{}, err
	}
	if err := checkNumbers(int64(units), int64(m.Sequence)); err != nil {
		return wire.Message{}, err
	}
	if !r.anyTerm {
		if err := check.Form(term); err != nil {
			return wire.Message{}, bad("%w", err)
		}
	}
	out := wire.Message{
		Op:          r.wire,
		MessageID:   m.ID,
		CallbackURL: self.URL,
		Reservation: wire.Reservation{
			ID:    string(m.Reservation),
			Slice: wire.Slice{Name: m.Slice.Name, GUID: string(m.Slice.ID)},
			Resources: wire.Resources{
				Units: int32(units), Type: string(m.Type), Concrete: concrete,
			},
			Term:     wire.Term{StartTime: int64(term.Start), EndTime: int64(term.End), NewStartTime: int64(term.NewStart)},
			Sequence: int64(m.Sequence),
		},
	}
	row, _ := wire.Lookup(r.wire)
	*out.Reservation.Resources.List(row.List) = listOf(m.Properties)
	if r.update {
		out.Update = wire.Update{Failed: m.Failed, Message: note(m.Note)}
	} else {
		out.CallbackURL = cmp.Or(m.ReplyTo, self.URL)
	}
	return out, nil
}

// carry decides what of the resource set the operation sends.
func carry(r rule, m actors.Message, self actors.Location) (int, actors.Term, []wire.Property, error) {
	units, term := m.Units, m.Term
	switch {
	case r.concrete == leaseUnits:
		if m.Lease == nil || len(m.Lease.Units) == 0 {
			units = 0
		}
		nodes, err := leaseNodes(m, self)
		return units, term, nodes, err
	case r.concrete == grantTicket && m.Failed:
		if m.Ticket == nil {
			return 0, term, nil, nil
		}
		units, term = m.Ticket.Units, m.Ticket.Term
	case r.concrete == noConcrete:
		return units, term, nil, nil
	}
	switch {
	case m.Ticket == nil:
		return 0, term, nil, bad("no ticket")
	case units != m.Ticket.Units:
		return 0, term, nil, bad("message says %d units, its ticket %d", units, m.Ticket.Units)
	}
	nodes, err := ticketNodes(*m.Ticket)
	return units, term, nodes, err
}

// listOf is never nil: an empty list is present on the wire.
func listOf(p actors.Properties) []wire.Property {
	list := make([]wire.Property, 0, len(p))
	for _, k := range p.Keys() {
		list = append(list, wire.Property{Name: k, Value: p[k]})
	}
	return list
}

// note makes a text for people fit to send and to keep.
func note(s string) string {
	if len(s) > maxNote {
		s = strings.ToValidUTF8(s[:maxNote], "")
	}
	return wire.Clean(s)
}

func ruleOf(op actors.Op) (rule, bool) {
	for _, r := range rules {
		if r.op == op {
			return r, true
		}
	}
	return rule{}, false
}

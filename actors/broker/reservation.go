package broker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/check"
	"github.com/leasehold/leasehold/actors/policy"
)

// Reservation is one ticket as its seller sees it: plain data, stored as it is.
type Reservation struct {
	ID       actors.ReservationID `json:"id"`
	Slice    actors.Slice         `json:"slice"`
	Client   actors.ActorID       `json:"client"`
	ReplyTo  string               `json:"replyTo,omitempty"` // fixed by the first request
	Status   Status               `json:"status"`
	Type     actors.ResourceType  `json:"type"`
	Units    int                  `json:"units"` // asked for last
	Term     actors.Term          `json:"term"`  // asked for last
	Request  actors.Properties    `json:"request,omitempty"`
	Sequence int                  `json:"sequence"` // of the last request taken

	Source  actors.TicketID    `json:"source,omitempty"`  // what the grant was carved from
	Parent  actors.TicketID    `json:"parent,omitempty"`  // the source's ticket that names it; empty in old records: its only one
	Granted *actors.Delegation `json:"granted,omitempty"` // what the client holds
	Holds   []calendar.Hold    `json:"holds,omitempty"`   // what that takes from the source's calendar
	Grants  int                `json:"grants,omitempty"`  // how many delegations were made for it
	Arrived int                `json:"arrived"`           // order of arrival, for the policy
	Since   actors.Cycle       `json:"since"`
	Error   string             `json:"error,omitempty"`

	Slivers  []policy.Sliver `json:"slivers,omitempty"`  // hosts of the source that the grant lies on
	Size     calendar.Vector `json:"size,omitzero"`      // of one unit there
	Asked    actors.Cycle    `json:"asked,omitempty"`    // when the last request came
	Group    string          `json:"group,omitempty"`    // the request group it is or was a member of
	Approval policy.Approval `json:"approval,omitzero"`  // what an operator said about it
	Operator bool            `json:"operator,omitempty"` // it waits for an operator's word
	Memory   policy.Memory   `json:"memory,omitzero"`    // the policy's own, from its last decision
	Reason   *policy.Reason  `json:"reason,omitempty"`   // what that decision weighed
	Why      string          `json:"why,omitempty"`      // why it waits or was refused
}

// step is one reservation on its way from one status to the next.
type step struct {
	Reservation
	now     actors.Cycle
	start   actors.Millis // of now
	moved   []actors.Transition
	changed bool
	illegal error
	answer  bool // the client is owed an updateTicket
}

func (s *step) move(to Status, why string) {
	if err := Moves.Check(s.Status, to); err != nil {
		s.illegal = err
		return
	}
	if s.Status != to {
		s.moved = append(s.moved, actors.Transition{Reservation: s.ID, From: s.Status.String(), To: to.String(), Why: why})
	}
	s.Status, s.Since, s.changed = to, s.now, true
}

// take records what a new request asks for.
func (s *step) take(m actors.Message) {
	s.Sequence, s.Units, s.Term, s.Request = m.Sequence, m.Units, m.Term, m.Properties
	s.Asked = s.now
	if s.Granted == nil { // an extension is for one member alone
		s.Group = s.ask().Group()
	}
	s.changed = true
}

// again reports how m's sequence compares with the last request taken, when a
// request that waits for the policy is not to be disturbed (leasing 1.9).
func (s *step) again(m actors.Message) (repeat bool, err error) {
	switch {
	case m.Sequence < s.Sequence:
		return false, s.refuse(m, actors.Stale, "a later request was taken before")
	case m.Sequence == s.Sequence:
		// Our answer may have been lost: say it again, unless there is none yet.
		s.answer = m.Op != actors.OpRelinquish && s.Status != ticketing && s.Status != extending
		return true, nil
	}
	return false, nil
}

func (s *step) receive(m actors.Message) error {
	if m.From != s.Client {
		return s.refuse(m, actors.Denied, "the reservation belongs to another client")
	}
	repeat, err := s.again(m)
	if err != nil || repeat {
		return err
	}
	switch m.Op {
	case actors.OpTicket:
		if s.Status != ticketing {
			return s.refuse(m, actors.Stale, fmt.Sprintf("already in %v", s.Status))
		}
		if err := policy.Check(m.Properties, m.Units); err != nil {
			return s.refuse(m, actors.Invalid, err.Error())
		}
		s.take(m) // asked anew before the policy decided
	case actors.OpExtendTicket:
		return s.extend(m)
	case actors.OpRelinquish:
		s.Sequence, s.changed = m.Sequence, true
		s.giveBack("the client gave it back")
	}
	return nil
}

func (s *step) extend(m actors.Message) error {
	switch {
	case s.Status != ticketed:
		return s.refuse(m, actors.Stale, fmt.Sprintf("cannot extend in %v", s.Status))
	case m.Type != s.Type:
		return s.refuse(m, actors.Invalid, "an extension cannot change the type")
	}
	if err := cmp.Or(check.Units(m.Units), check.Longer(s.start, m.Term, s.Granted.Term), policy.Check(m.Properties, m.Units)); err != nil {
		return &actors.Error{Op: "broker.extendTicket", Peer: m.From, Reservation: s.ID, Message: m.ID, Kind: actors.Invalid, Err: err}
	}
	s.take(m)
	s.move(extending, "the client asks to extend")
	return nil
}

// decide carries a policy's decision out: the grant is a new delegation with a
// name that a repetition of this step gives again.
func (s *step) decide(self actors.ActorID, d policy.Decision, parent actors.TicketID, present actors.Millis) {
	if s.note(d); d.Waits {
		return
	}
	s.answer = true
	if !d.Granted {
		s.Error = d.Why
		s.move(failed, "refused: "+d.Why)
		return
	}
	holds := slices.DeleteFunc(slices.Clone(s.Holds), func(h calendar.Hold) bool { return h.To < present })
	more, _ := s.ask().Holds(d) // the round has looked at them
	s.Holds = append(holds, more...)
	s.Grants++
	s.Source, s.Parent, s.Slivers, s.Size = d.Source, parent, d.Slivers, d.Size
	s.Granted = &actors.Delegation{
		ID:     actors.TicketID(actors.DeriveID("ticket", string(self), string(s.Client), string(s.ID), fmt.Sprint(s.Grants))),
		Issuer: self, Holder: s.Client, Type: s.Type, Units: d.Units, Term: d.Term,
		Properties: d.Cut(),
	}
	s.move(priming, "granted")
	s.move(ticketed, "the ticket is sent")
}

// limit says in a first ticket until when it may be redeemed.
func (s *step) limit(within actors.Millis) {
	if within <= 0 || s.Status != ticketed || s.Grants != 1 {
		return
	}
	by := strconv.FormatInt(int64(s.Granted.Term.NewStart+within), 10)
	s.Granted.Properties = s.Granted.Properties.Merged(actors.Properties{actors.PropRedeemBy: by})
}

// giveBack ends a reservation whose client does not want it any more: its units are
// free at once. Nobody else can do that, because nothing revokes the ticket that
// the client holds, and selling its units again would be overselling (tickets 11.1).
func (s *step) giveBack(why string) {
	if s.Holds != nil {
		s.Holds, s.changed = nil, true
	}
	s.close(why)
}

// close ends a reservation; what it holds stays held until the term's last instant.
// A client that still waits for an answer is told.
func (s *step) close(why string) {
	if s.Status == closed {
		return
	}
	if waiting := s.Status == ticketing || s.Status == extending; waiting {
		s.Error = "closed while allocating"
		s.answer = true
	}
	s.move(closed, why)
}

func (s *step) refuse(m actors.Message, kind actors.Kind, why string) error {
	return &actors.Error{Op: "broker." + m.Op.String(), Peer: m.From, Reservation: s.ID, Message: m.ID, Kind: kind,
		Err: fmt.Errorf("%s", why)}
}

// update is the answer a reservation's client should have heard last. A refusal
// repeats what is still held, or nothing with the term that was asked for
// (wire contract 5.6).
func (r Reservation) update(self actors.ActorID, base actors.Ticket) actors.Message {
	m := actors.Message{Op: actors.OpUpdateTicket, From: self, To: r.Client, Reservation: r.ID, Slice: r.Slice,
		Sequence: r.Sequence, Type: r.Type, Term: r.Term, ReplyTo: r.ReplyTo,
		Failed: r.Status == failed || r.Status == closed, Note: r.Error}
	if r.holding() {
		m.Units, m.Term = r.Granted.Units, r.Granted.Term
		m.Ticket = &actors.Ticket{Delegation: *r.Granted, Authority: base.Authority, Base: base.Text,
			Ancestors: append([]actors.Delegation{base.Delegation}, base.Ancestors...)}
		if said := base.Described.Merged(base.Properties); len(said) > 0 {
			m.Properties = actors.Descriptor(r.Type, said)
		}
	}
	return m
}

// last is until when a repetition of the first request could still be taken for a
// new one, or a client may hold its ticket: it must not be forgotten before.
func (r Reservation) last() actors.Millis {
	last := max(r.Term.End, policy.Ask{Term: r.Term, Properties: r.Request}.Until())
	if r.Granted != nil { // perhaps later than was asked for
		last = max(last, r.Granted.Term.End)
	}
	return last
}

// holding reports whether the reservation's units are not to be sold again.
func (r Reservation) holding() bool { return r.Granted != nil && r.Status != closed }

func key(id actors.ReservationID) string { return "reservation/" + string(id) }

// AppendRecord makes a Reservation its own durable form (actors.Value).
func (r Reservation) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(r)
	return append(dst, b...), err
}

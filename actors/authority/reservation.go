package authority

import (
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
)

// Reservation is one lease as its site sees it: plain data, stored as it is.
type Reservation struct {
	ID       actors.ReservationID `json:"id"`
	Slice    actors.Slice         `json:"slice"`
	Client   actors.ActorID       `json:"client"`
	ReplyTo  string               `json:"replyTo,omitempty"` // fixed by the redeem
	Status   Status               `json:"status"`
	Type     actors.ResourceType  `json:"type"`
	Ticket   actors.Ticket        `json:"ticket"`            // newest one presented
	Earlier  []actors.Ticket      `json:"earlier,omitempty"` // those before it that are not over
	Tickets  []actors.TicketID    `json:"tickets"`           // every one presented: none redeems twice
	Export   actors.TicketID      `json:"export"`            // our delegation it was carved from
	Term     actors.Term          `json:"term"`              // of the lease as it stands
	Wanted   actors.Term          `json:"wanted"`            // of the newest ticket
	Config   actors.Properties    `json:"config,omitempty"`
	Sequence int                  `json:"sequence"`          // of the last request taken
	Victims  []actors.UnitID      `json:"victims,omitempty"` // to take away when an extension shrinks
	Modify   int                  `json:"modify,omitempty"`  // number of the modify its units are in, or were in last; 0 for an extension

	Start    actors.Cycle  `json:"start"`              // when hosts may be assigned
	Units    actors.Units  `json:"units,omitzero"`     // on hosts, whatever their state
	Parts    int           `json:"parts,omitempty"`    // records that hold the units, if they are too many for this one
	Made     int           `json:"made,omitempty"`     // units made so far
	Served   bool          `json:"served,omitempty"`   // was ever Active
	Released actors.Millis `json:"released,omitempty"` // from when its tickets count no more; 0 while they do
	Retry    actors.Cycle  `json:"retry,omitempty"`    // when failed teardowns are tried again; 0 means none
	Begun    actors.Cycle  `json:"begun,omitempty"`    // when actions were last begun, while any may be under way; 0 means none is
	News     actors.Cycle  `json:"news,omitempty"`     // when its client hears how its units have changed by themselves; 0 means they have not
	Since    actors.Cycle  `json:"since"`
	Error    string        `json:"error,omitempty"`
}

// step is one reservation on its way from one status to the next.
type step struct {
	Reservation
	config      *Config
	now         actors.Cycle
	moved       []actors.Transition
	changed     bool
	illegal     error
	answer      bool     // the client is owed an updateLease
	quiet       bool     // no action is under way any more
	presented   bool     // a ticket that has to fit beside the others
	taken       []*host  // hosts that have a unit now
	freed       []string // hosts that have no unit any more
	quarantined []string // hosts that could not be torn down
	tried       []try    // hosts on which a setup has ended
	took        []took   // how long actions took that succeeded
}

// try is a setup that has ended.
type try struct {
	host   string
	failed bool
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

// present records the ticket a request brings and queues for its start.
func (s *step) present(m actors.Message) {
	if s.Ticket.ID != "" {
		over := func(t actors.Ticket) bool {
			return min(t.Term.End, m.Ticket.Term.NewStart-1) < s.config.Cycles.Start(s.now)
		}
		s.Earlier = slices.DeleteFunc(append(slices.Clone(s.Earlier), s.Ticket), over)
	}
	s.Ticket, s.Wanted, s.Sequence, s.changed, s.presented = *m.Ticket, m.Term, m.Sequence, true, true
	s.Tickets = append(slices.Clone(s.Tickets), m.Ticket.ID)
	s.Config, s.Victims = s.Config.MergedModify(m.Properties), nil
	if _, named := s.Config[actors.PropVictims]; named { // it is about this one extension
		s.Victims, s.Config = actors.Victims(m.Properties), maps.Clone(s.Config)
		delete(s.Config, actors.PropVictims)
	}
	s.Start = max(s.config.Cycles.Of(m.Term.NewStart), s.now+1)
}

// receive takes a request about a reservation that is known (leasing 1.9).
func (s *step) receive(m actors.Message) error {
	if m.From != s.Client {
		return s.refuse(m, actors.Denied, "the reservation belongs to another client")
	}
	idle := s.Status == active || s.Status == failed || s.Status == closed
	if m.Op == actors.OpRedeem || m.Sequence == s.Sequence {
		// Our answer may have been lost: say it again, unless there is none yet.
		s.answer = idle
		return nil
	}
	if m.Sequence < s.Sequence {
		return s.refuse(m, actors.Stale, "a later request was taken before")
	}
	if m.Op == actors.OpClose {
		s.Sequence, s.changed = m.Sequence, true
		if s.Status == closed {
			s.answer = true
			return nil
		}
		s.close("the client closed it")
		return nil
	}
	if m.Op == actors.OpModifyLease {
		return s.modify(m)
	}
	switch {
	case s.Status != active && !(s.Status == repriming && s.Modify > 0): // a modify that takes long holds nothing up
		return s.refuse(m, actors.Stale, fmt.Sprintf("cannot extend in %v", s.Status))
	case !m.Term.Extends(s.Term):
		return &actors.Error{Op: "authority.extendLease", Actor: s.config.Self.ID, Peer: m.From, Reservation: s.ID, Message: m.ID, Kind: actors.Invalid,
			Err: check.Longer(s.config.Cycles.Start(s.now), m.Term, s.Term)}
	}
	s.present(m)
	s.move(extending, "the client presented an extended ticket")
	return nil
}

// close tears every unit down; without any, the lease is over at once.
func (s *step) close(why string) {
	if s.Status.State == actors.Closed || s.Status.Pending == actors.Closing {
		return
	}
	if s.Status == accepted {
		s.release()
		s.move(closed, why)
		s.answer = true
		return
	}
	s.Units.Change(stays, teardown)
	s.changed = true
	if !s.Served && s.Error == "" {
		s.Error = why
	}
	s.release()
	s.move(Status{s.Status.State, actors.Closing}, why)
}

// release ends what the lease's tickets count for: their issuer may sell the units
// again. The hosts are free when their units are gone.
func (s *step) release() {
	if s.Released == 0 {
		s.Released, s.changed = s.config.Cycles.Start(s.now), true
	}
}

// probe takes a step that needs no event, if there is one.
func (s *step) probe() bool {
	before := s.Status
	switch s.Status {
	case accepted:
		s.move(redeeming, "queued for its start")
	case modifying:
		s.move(repriming, "the modify runs on every unit")
	case priming, repriming:
		s.settle()
	case closingTicket, closingLease, closingFailed:
		if s.Units.Len() == 0 {
			s.move(closed, "every unit is gone")
			s.Retry = 0
			s.answer = true
		}
	}
	return s.Status != before && s.illegal == nil
}

// settle ends priming when no unit is on its way in.
func (s *step) settle() {
	if s.Units.Waits(actors.UnitPriming, actors.UnitModifying) {
		return
	}
	usable := 0
	for u := range s.Units.All() {
		if u.State == actors.UnitActive {
			usable++
		}
	}
	s.answer, s.quiet = true, usable == s.Units.Len()
	if usable == 0 {
		s.release()
		s.move(failed, "no unit could be set up")
		return
	}
	s.Served = true
	s.move(active, fmt.Sprintf("%d units are set up", usable))
}

func (s *step) refuse(m actors.Message, kind actors.Kind, why string) error {
	return &actors.Error{Op: "authority." + m.Op.String(), Actor: s.config.Self.ID, Peer: m.From, Reservation: s.ID,
		Message: m.ID, Kind: kind, Err: fmt.Errorf("%s", why)}
}

// update is what the client should have heard last: the usable units, none when
// the lease is over, a failure when it never began (wire contract 5.5, 5.6).
func (r Reservation) update(self actors.ActorID) actors.Message {
	m := actors.Message{Op: actors.OpUpdateLease, From: self, To: r.Client, Reservation: r.ID, Slice: r.Slice,
		Sequence: r.Sequence, Type: r.Type, Term: r.Term, ReplyTo: r.ReplyTo, Note: r.Error}
	switch {
	case r.Status.State == actors.Failed, r.Status.State == actors.Closed && !r.Served:
		m.Failed = true
		return m
	case r.Status.State == actors.Closed:
		m.Lease = &actors.Lease{}
		return m
	}
	m.Lease = &actors.Lease{Units: make([]actors.Unit, 0, r.Units.Len())}
	for u := range r.Units.All() {
		if inUse(u) {
			told := *u
			told.Host, told.Attempts = "", 0
			m.Lease.Units = append(m.Lease.Units, told)
		}
	}
	m.Units = len(m.Lease.Units)
	return m
}

const reservationPrefix = "reservation/"

func key(id actors.ReservationID) string { return reservationPrefix + string(id) }

// records is what has to be saved of r when it was as before until now: itself, and
// those parts of its units that are others. From then on r stays as it is.
func (r *Reservation) records(before Reservation) []actors.Record {
	return r.Units.Records([]actors.Record{{Key: key(r.ID), Value: r}}, r.ID, before.Units)
}

// AppendRecord makes a Reservation its own durable form (actors.Value): the JSON of
// its fields, written by hand. TestRecord compares the two.
func (r Reservation) AppendRecord(dst []byte) ([]byte, error) {
	o := actors.NewObject(dst)
	o.Text("id", string(r.ID))
	o.Part("slice", r.Slice.AppendRecord)
	o.Text("client", string(r.Client))
	o.SomeText("replyTo", r.ReplyTo)
	o.Part("status", r.Status.appendRecord)
	o.Text("type", string(r.Type))
	o.Part("ticket", r.Ticket.AppendRecord)
	o.SomeList("earlier", len(r.Earlier), r.Earlier)
	o.List("tickets", r.Tickets)
	o.Text("export", string(r.Export))
	o.Part("term", r.Term.AppendRecord)
	o.Part("wanted", r.Wanted.AppendRecord)
	o.SomeProperties("config", r.Config)
	o.Number("sequence", int64(r.Sequence))
	o.SomeList("victims", len(r.Victims), r.Victims)
	o.SomeNumber("modify", int64(r.Modify))
	o.Number("start", int64(r.Start))
	o.SomeUnits("units", r.Units)
	o.SomeNumber("parts", int64(r.Parts))
	o.SomeNumber("made", int64(r.Made))
	o.SomeTruth("served", r.Served)
	o.SomeNumber("released", int64(r.Released))
	o.SomeNumber("retry", int64(r.Retry))
	o.SomeNumber("begun", int64(r.Begun))
	o.SomeNumber("news", int64(r.News))
	o.Number("since", int64(r.Since))
	o.SomeText("error", r.Error)
	return o.End(), o.Err()
}

func (s Status) appendRecord(dst []byte) []byte {
	o := actors.NewObject(dst)
	o.Number("state", int64(s.State))
	o.Number("pending", int64(s.Pending))
	return o.End()
}

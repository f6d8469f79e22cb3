package broker

import (
	"encoding/json"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/fsm"
)

// Holding is units that this broker buys from another one to sell them on: the
// client machine inside a broker (leasing 1.8). It is plain data, stored as it is.
//
// A standing holding is prolonged in time, and asked for anew when it was refused
// or has ended. Each time it is a reservation of its own at the other broker.
type Holding struct {
	Name      actors.ReservationID `json:"name"` // what operators call it
	Turn      int                  `json:"turn,omitempty"`
	Broker    actors.ActorID       `json:"broker"` // who sells
	Slice     actors.Slice         `json:"slice"`
	Type      actors.ResourceType  `json:"type"`
	Units     int                  `json:"units"`  // wanted
	Length    actors.Millis        `json:"length"` // of each term
	Standing  bool                 `json:"standing,omitempty"`
	Request   actors.Properties    `json:"request,omitempty"`
	Status    Status               `json:"status"`
	Term      actors.Term          `json:"term"`               // asked for last
	Asking    int                  `json:"asking,omitempty"`   // units asked for last
	Ticket    *actors.Ticket       `json:"ticket,omitempty"`   // the newest of this turn
	Sequence  int                  `json:"sequence,omitempty"` // of the last request sent in this turn
	Unrenewed bool                 `json:"unrenewed,omitempty"`
	Closing   bool                 `json:"closing,omitempty"` // to be given back when nobody holds any of it

	Since   actors.Cycle `json:"since"`
	Sent    actors.Cycle `json:"sent,omitempty"`
	Tries   int          `json:"tries,omitempty"`   // repetitions of the present request
	Refused int          `json:"refused,omitempty"` // turns in a row that came to nothing
	Error   string       `json:"error,omitempty"`
}

// HoldingMoves is every move a holding can make; each step is checked against it
// (leasing 1.3.2, 1.8).
var HoldingMoves = fsm.New(
	row(asked, "wanted, the other broker not asked yet", ticketing),
	row(ticketing, "the other broker was asked for a ticket", ticketed, failed, closed),
	row(ticketed, "held, and sold on", extending, closed),
	row(extending, "the other broker was asked for a longer ticket; it is sold on meanwhile", ticketed, closed),
	row(closed, "over; a standing one begins anew", asked),
	row(failed, "refused; a standing one is asked for anew after a pause", asked, closed),
)

// Margins is when a broker acts for what it holds, in cycles (leasing 2.5).
type Margins struct {
	Lead  actors.Cycle // from the request to the start of a term
	Renew actors.Cycle // ask to extend this long before the end; half of the term if that is longer
	Retry actors.Cycle // ask a silent broker, or one that refused, again after this long; doubles each time
	Most  actors.Cycle // but never longer than this
}

// LegacyMargins are a legacy broker's distances, with our own patience.
func LegacyMargins() Margins { return Margins{Lead: 4, Renew: 3, Retry: 2, Most: 64} }

func (m Margins) pause(n int) actors.Cycle { return min(m.Retry<<min(n, 20), m.Most) }

// ID is what the other broker calls the holding in its present turn.
func (h Holding) ID() actors.ReservationID {
	if h.Turn == 0 {
		return h.Name
	}
	return actors.ReservationID(actors.DeriveID("holding", string(h.Name), string(h.Broker), fmt.Sprint(h.Turn)))
}

// lot is the name, in stock, of what the present turn bought.
func (h Holding) lot() actors.TicketID { return actors.TicketID(h.ID()) }

const holdingPrefix = "holding/"

func holdingKey(name actors.ReservationID) string { return holdingPrefix + string(name) }

// AppendRecord makes a Holding its own durable form (actors.Value).
func (h Holding) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(h)
	return append(dst, b...), err
}

// waiting is the request that has no answer yet; 0 if there is none.
func (h Holding) waiting() actors.Op {
	switch h.Status {
	case ticketing:
		return actors.OpTicket
	case extending:
		return actors.OpExtendTicket
	}
	return 0
}

// message is a request as it is sent.
func (h Holding) message(self actors.ActorID, op actors.Op) actors.Message {
	return actors.Message{Op: op, From: self, To: h.Broker, Reservation: h.ID(), Slice: h.Slice, Sequence: h.Sequence,
		Type: h.Type, Units: h.Asking, Term: h.Term, Properties: h.Request}
}

// errand is what a holding does by itself when its time comes.
type errand uint8

const (
	toNothing errand = iota
	toRetry
	toRenew
	toEnd
	toBegin
	toForget
)

var errandNames = [...]string{"", "ask again", "ask to extend", "expire", "begin anew", "forget"}

// until is the end of what is held, or else of what is asked for.
func (h Holding) until() actors.Millis {
	if h.Ticket != nil {
		return h.Ticket.Term.End
	}
	return h.Term.End
}

// next is the errand that is due first, and when.
func (h Holding) next(of func(actors.Millis) actors.Cycle, m Margins, keep actors.Cycle) (errand, actors.Cycle) {
	end := of(h.until())
	first := func(do errand, at actors.Cycle) (errand, actors.Cycle) {
		if end <= at {
			return toEnd, end
		}
		return do, at
	}
	switch h.Status {
	case ticketing, extending:
		return first(toRetry, h.Sent+m.pause(h.Tries))
	case ticketed:
		if !h.Standing || h.Unrenewed || h.Closing {
			return toEnd, end
		}
		half := (end - of(h.Ticket.Term.NewStart) + 1) / 2
		return first(toRenew, end-max(m.Renew, half))
	}
	if h.Standing && !h.Closing {
		return toBegin, h.Since + m.pause(h.Refused)
	}
	return toForget, max(h.Since, end) + keep
}

// purchase is a holding on its way from one status to the next.
type purchase struct {
	Holding
	self    actors.ActorID
	now     actors.Cycle
	moved   []actors.Transition
	send    []actors.Message
	illegal error
	changed bool
}

func (p *purchase) move(to Status, why string) {
	if err := HoldingMoves.Check(p.Status, to); err != nil {
		p.illegal = err
		return
	}
	if p.Status != to {
		p.moved = append(p.moved, actors.Transition{Reservation: p.Name, From: p.Status.String(), To: to.String(), Why: why})
	}
	p.Status, p.Since, p.changed = to, p.now, true
}

// ask sends a new request.
func (p *purchase) ask(to Status, units int, term actors.Term, why string) {
	p.move(to, why)
	p.Asking, p.Term, p.Sent, p.Tries, p.Sequence = units, term, p.now, 0, p.Sequence+1
	p.send = append(p.send, p.message(p.self, p.waiting()))
}

// again repeats the request that has no answer.
func (p *purchase) again() {
	p.Sent, p.Tries, p.changed = p.now, p.Tries+1, true
	p.send = append(p.send, p.message(p.self, p.waiting()))
}

// finish ends the turn. The other broker is told, unless it knows because the
// whole term is over.
func (p *purchase) finish(to Status, tell bool, why string) {
	p.move(to, why)
	if tell {
		p.Sequence++
		p.send = append(p.send, p.message(p.self, actors.OpRelinquish))
	}
}

// refuse is the end of a turn that came to nothing, or of its last extension.
func (p *purchase) refuse(why string) {
	p.Error = why
	if p.Status == extending {
		p.Unrenewed = true
		p.move(ticketed, why)
		return
	}
	p.Refused++
	p.finish(failed, true, why)
}

// answered takes what the other broker says about the request under way. Anything
// else is a repetition, or came late, and changes nothing (leasing 1.3.2, S29, S32).
func (p *purchase) answered(m actors.Message) error {
	switch {
	case m.From != p.Broker:
		return &actors.Error{Op: "broker." + m.Op.String(), Actor: p.self, Peer: m.From, Reservation: p.Name, Message: m.ID,
			Kind: actors.Denied, Err: fmt.Errorf("it is bought from %s", p.Broker)}
	case p.waiting() == 0 || m.Sequence != 0 && m.Sequence != p.Sequence:
		return nil
	case m.Op == actors.OpFailedRPC:
		if m.RequestOp == p.waiting() {
			p.refuse("refused: " + m.Note)
		}
		return nil
	case m.Failed:
		p.refuse("refused: " + m.Note)
		return nil
	case p.Ticket != nil && m.Ticket != nil && m.Ticket.Term == p.Ticket.Term:
		return nil // the answer to the request before once more
	}
	if err := p.acceptable(m); err != nil {
		p.refuse(err.Error())
		return nil
	}
	p.Ticket, p.Term, p.Refused, p.Error = m.Ticket, m.Ticket.Term, 0, ""
	p.move(ticketed, "the other broker granted a ticket")
	return nil
}

// acceptable says why a ticket is not an answer to what was asked, or nil.
func (p *purchase) acceptable(m actors.Message) error {
	t := m.Ticket
	switch {
	case t == nil:
		return fmt.Errorf("the grant carries no ticket")
	case t.Holder != p.self:
		return fmt.Errorf("the ticket is made out to %s", t.Holder)
	case t.Type != p.Type:
		return fmt.Errorf("asked for %q, granted %q", p.Type, t.Type)
	case t.Units < 1 || t.Units > p.Asking || m.Units != t.Units:
		return fmt.Errorf("asked for %d units, granted %d, ticket for %d", p.Asking, m.Units, t.Units)
	case t.Authority.ID != t.Root().Issuer:
		return fmt.Errorf("the ticket names %s as its site but was issued by %s", t.Authority.ID, t.Root().Issuer)
	}
	if err := t.Term.Validate(); err != nil {
		return err
	}
	old := p.Ticket
	switch {
	case old == nil:
		return nil
	case t.Root().ID != old.Root().ID:
		return fmt.Errorf("the extension rests on another delegation of the site")
	case !t.Term.Extends(old.Term):
		return fmt.Errorf("%+v does not prolong %+v", t.Term, old.Term)
	case t.Units < old.Units && t.Term.NewStart <= old.Term.End:
		return fmt.Errorf("%d units instead of %d before the old term is over", t.Units, old.Units)
	}
	return nil
}

// sendFailed hears that the other broker refused a request for good.
func (p *purchase) sendFailed(ev actors.SendFailed) {
	m := ev.Message
	if ev.Kind == actors.Transient || p.waiting() != m.Op || m.Sequence != p.Sequence {
		return
	}
	why := fmt.Sprintf("%v refused: %s", m.Op, ev.Kind.Error())
	if ev.Note != "" {
		why += " (" + ev.Note + ")"
	}
	p.refuse(why)
}

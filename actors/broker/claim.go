package broker

import (
	"encoding/json"
	"fmt"

	"github.com/leasehold/leasehold/actors"
)

// claim is an export a broker fetches from a site: plain data, stored as it is. It
// is asked for again, with growing pauses, until the ticket comes.
type claim struct {
	Reservation actors.ReservationID `json:"reservation"`
	Authority   actors.ActorID       `json:"authority"`
	Sent        actors.Cycle         `json:"sent"`
	Tries       int                  `json:"tries"`
	Ticket      actors.TicketID      `json:"ticket,omitempty"` // once it has come
	Error       string               `json:"error,omitempty"`
}

// Pauses between repetitions of a claim, in cycles.
const (
	claimFirst = 2
	claimMost  = 64
)

// due is when the claim is asked for again.
func (c claim) due() actors.Cycle {
	if c.Ticket != "" {
		return actors.Never
	}
	return c.Sent + min(actors.Cycle(claimFirst)<<min(c.Tries, 20), claimMost)
}

const claimPrefix = "claim/"

// AppendRecord makes a claim its own durable form (actors.Value).
func (c claim) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(c)
	return append(dst, b...), err
}

// message is the claim as it is sent. A claim knows neither units nor type nor term
// yet; the type must be some word, and the slice some slice (wire contract 3.4).
func (a *Actor) message(c claim) actors.Message {
	return actors.Message{Op: actors.OpClaim, From: a.config.Self, To: c.Authority, Reservation: c.Reservation, Sequence: 1,
		Slice: actors.Slice{ID: actors.SliceID(a.config.Self), Name: "inventory"}, Type: "claim",
		Term: actors.NewTerm(a.config.Cycles.Start(0)+1, actors.Forever)}
}

func (a *Actor) keep(c claim) actors.Effects {
	a.claims[c.Reservation] = c
	a.agenda.Set(claimed(c.Reservation), c.due())
	return actors.Effects{Save: []actors.Record{{Key: claimPrefix + string(c.Reservation), Value: c}}}
}

// claimed is a claim's name in the agenda, apart from reservations of clients.
func claimed(id actors.ReservationID) actors.ReservationID { return claimPrefix + id }

// claim asks a site for what it exported.
func (a *Actor) claim(now actors.Cycle, ev actors.Claim) (actors.Effects, error) {
	if _, ok := a.claims[ev.Reservation]; ok {
		return actors.Effects{}, nil // claimed twice
	}
	if ev.Reservation == "" || ev.Authority == "" {
		return actors.Effects{}, a.refuse("claim", ev.Reservation, actors.Invalid, "a claim needs a reservation and a site")
	}
	c := claim{Reservation: ev.Reservation, Authority: ev.Authority, Sent: now}
	fx := a.keep(c)
	fx.Send = []actors.Message{a.message(c)}
	return fx, nil
}

// claimAgain repeats a claim that has not been answered.
func (a *Actor) claimAgain(now actors.Cycle, c claim) actors.Effects {
	c.Sent, c.Tries = now, c.Tries+1
	fx := a.keep(c)
	fx.Send = []actors.Message{a.message(c)}
	return fx
}

// claimAnswered takes the ticket into stock.
func (a *Actor) claimAnswered(now actors.Cycle, m actors.Message) (actors.Effects, error) {
	refuse := func(kind actors.Kind, why string) (actors.Effects, error) {
		return actors.Effects{}, &actors.Error{Op: "broker.updateTicket", Actor: a.config.Self, Peer: m.From,
			Reservation: m.Reservation, Message: m.ID, Kind: kind, Err: fmt.Errorf("%s", why)}
	}
	c, ok := a.claims[m.Reservation]
	switch {
	case !ok:
		return refuse(actors.NotFound, "nothing of that name was claimed")
	case m.From != c.Authority:
		return refuse(actors.Denied, "it was claimed from another site")
	case c.Ticket != "":
		return actors.Effects{}, nil // said twice
	case m.Failed || m.Ticket == nil:
		c.Error = "the site refused: " + m.Note
		return a.keep(c), nil
	case m.Ticket.Root().Issuer != c.Authority:
		return refuse(actors.Denied, "the ticket is another site's")
	}
	t := *m.Ticket
	t.Described = m.Properties
	fx, err := a.donate(now, t)
	if err != nil {
		return fx, err
	}
	c.Ticket, c.Error = m.Ticket.ID, ""
	kept := a.keep(c)
	fx.Save = append(fx.Save, kept.Save...)
	return fx, nil
}

package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/broker"
	"github.com/leasehold/leasehold/actors/calendar"
)

// bought is what the judges know of one reservation that a broker has at another.
type bought struct {
	from     actors.ActorID // who sells
	sequence int            // of the last request on the buyer's disk
	account  *account       // what the buyer sells of it
	ticket   actors.TicketID
}

// boughtKey is who buys, and what the seller calls it.
type boughtKey struct {
	by actors.ActorID
	id actors.ReservationID
}

// stockUp makes a purchase part of its broker's configuration.
func (w *world) stockUp(i int, b Purchase) {
	buyer, c := w.brokers[b.By], w.cycles()
	ev := actors.Request{Reservation: holdingName(i), Slice: actors.Slice{ID: actors.SliceID(buyer.ID), Name: "stock"},
		Broker: w.brokers[b.From].ID, Type: w.sites[b.Site].kind(), Units: b.Units,
		Term: actors.NewTerm(c.Start(4), c.End(3+b.Cycles)), Renewable: b.Standing}
	buyer.chores = append(buyer.chores, ev)
	w.buyer[ev.Reservation] = buyer
	w.latest = max(w.latest, ev.Term.End)
}

func holdingName(i int) actors.ReservationID { return actors.ReservationID(fmt.Sprintf("H%d", i+1)) }

// noteHolding takes in what a broker wrote about something it buys.
func (w *world) noteHolding(p *process, h broker.Holding) {
	key := boughtKey{p.ID, h.ID()}
	w.wire[h.ID()] = h.Name
	b := w.bought[key]
	if b == nil {
		d := actors.Delegation{ID: actors.TicketID(h.ID()), Type: h.Type}
		b = &bought{from: h.Broker, account: &account{broken: saysOversold, delegation: d, taken: map[actors.ReservationID][]calendar.Hold{}}}
		w.bought[key] = b
		w.accounts[d.ID] = b.account
	}
	if h.Sequence < b.sequence {
		w.fail(saysSequence, "%s: %s goes from #%d to #%d", p.Name, h.Name, b.sequence, h.Sequence)
	}
	b.sequence = h.Sequence
	if h.Ticket == nil || h.Ticket.ID == b.ticket {
		return
	}
	if b.ticket == "" {
		w.counts.Bought++
	} else {
		w.counts.Prolonged++
	}
	b.ticket = h.Ticket.ID
	w.latest = max(w.latest, h.Ticket.Term.End)
	b.account.supply(h.Ticket.Term, h.Ticket.Units)
}

// gaveBack ends what a buyer may have of something, at the present of the clock by
// which it decided that.
func (w *world) gaveBack(p *process, id actors.ReservationID) {
	if b := w.bought[boughtKey{p.ID, id}]; b != nil {
		b.account.cut(p.present())
		b.account.given = true
		b.account.judge(w, p)
	}
}

// asksOthers reports whether a message is a request that a broker sends as a client.
func asksOthers(p *process, m actors.Message) bool {
	return p.role == actors.RoleBroker && (m.Op == actors.OpTicket || m.Op == actors.OpExtendTicket || m.Op == actors.OpRelinquish)
}

// sellOut closes everything that brokers have bought, so that all of it is where it
// came from.
func (w *world) sellOut() {
	for i, b := range w.cfg.Buys {
		w.ask(w.brokers[b.By], actors.Close{Reservation: holdingName(i)}, nil)
	}
}

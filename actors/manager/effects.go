package manager

import (
	"github.com/leasehold/leasehold/actors"
)

// owed is the work a reservation owes the world beyond what it owed as before;
// with a nil before, all of it. It depends on the two reservations only, so a
// restart asks with nil and has forgotten nothing.
func (r Reservation) owed(k Rules, before *Reservation) actors.Effects {
	var fx actors.Effects
	if op, seq, try := r.request(); op != 0 {
		if before == nil || !before.asks(op, seq, try) {
			fx.Send = append(fx.Send, r.message(k, op, seq))
		}
	}
	if before != nil {
		if r.Relinquished && !before.Relinquished {
			fx.Send = append(fx.Send, r.message(k, actors.OpRelinquish, r.TicketSeq))
		}
	}
	var was actors.Units
	var order *actors.Order
	if before != nil {
		was = before.Held
	}
	// Units keep their order from one reservation to the next, so that one walk over
	// both finds what is new.
	r.Held.News(was, func(units, old []actors.Unit) {
		for i := range units {
			u := &units[i]
			for len(old) > 0 && old[0].ID != u.ID {
				old = old[1:] // it has gone; behind the last one, all are new
			}
			same := false
			if len(old) > 0 {
				same, old = old[0].Sequence == u.Sequence && old[0].State == u.State, old[1:]
			}
			verb, ok := verbOf(u.State)
			if !ok || same {
				continue
			}
			if fx.Run == nil {
				fx.Run = make([]actors.Task, 0, len(units)-i)
				order = &actors.Order{Reservation: r.ID, Slice: r.Slice, Type: r.Type, Term: r.LeaseTerm, Properties: r.Local}
			}
			fx.Run = append(fx.Run, actors.Task{Order: order, Unit: u, Verb: verb, Sequence: u.Sequence})
		}
	})
	return fx
}

// request is the call a reservation waits for an answer to: its operation, its
// sequence number and how often it was repeated. The operation is 0 if none.
func (r Reservation) request() (actors.Op, int, int) {
	switch r.Status.Pending {
	case actors.Ticketing:
		return actors.OpTicket, r.TicketSeq, r.Tries
	case actors.ExtendingTicket:
		return actors.OpExtendTicket, r.TicketSeq, r.Tries
	case actors.Redeeming:
		return actors.OpRedeem, r.LeaseSeq, r.Tries
	case actors.ExtendingLease:
		return actors.OpExtendLease, r.LeaseSeq, r.Tries
	case actors.ModifyingLease:
		return actors.OpModifyLease, r.LeaseSeq, r.Tries
	}
	if r.Status == closeWait || r.Unclosed {
		return actors.OpClose, r.LeaseSeq, r.Tries
	}
	return 0, 0, 0
}

func (r *Reservation) asks(op actors.Op, seq, try int) bool {
	o, s, t := r.request()
	return o == op && s == seq && t == try
}

// verbOf is the action a unit waits for.
func verbOf(s actors.UnitState) (actors.Verb, bool) {
	switch s {
	case actors.UnitPriming:
		return actors.Join, true
	case actors.UnitClosing:
		return actors.Leave, true
	}
	return 0, false
}

// message fills a request as wire contract 2.6 says: what was asked for goes to
// brokers with the request properties, what is held goes to sites with the
// configuration properties and the ticket.
func (r Reservation) message(k Rules, op actors.Op, seq int) actors.Message {
	m := actors.Message{Op: op, From: k.Self, Reservation: r.ID, Slice: r.Slice, Sequence: seq, Type: r.Type}
	switch op {
	case actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish:
		m.To, m.Units, m.Term, m.Properties = r.Broker, r.Units, r.Term, r.Request
	default:
		m.To, m.Units, m.Term, m.Properties = r.Authority.ID, r.Ticket.Units, r.Ticket.Term, r.Config
		m.Ticket = r.Ticket
		if op == actors.OpExtendLease && len(r.Shed) > 0 {
			m.Properties = r.Config.Merged(actors.Properties{actors.PropVictims: actors.VictimList(r.Shed)})
		}
	}
	return m
}

const reservationPrefix = "reservation/"

func key(id actors.ReservationID) string { return reservationPrefix + string(id) }

// records is what has to be saved of r when it was as before until now: itself, and
// those parts of its units that are others. From then on r stays as it is.
func (r *Reservation) records(before Reservation) []actors.Record {
	return r.Held.Records([]actors.Record{{Key: key(r.ID), Value: r}}, r.ID, before.Held)
}

// AppendRecord makes a Reservation its own durable form (actors.Value): the JSON of
// its fields, written by hand. TestRecord compares the two.
func (r Reservation) AppendRecord(dst []byte) ([]byte, error) {
	o := actors.NewObject(dst)
	o.Text("id", string(r.ID))
	o.Part("slice", r.Slice.AppendRecord)
	o.Text("broker", string(r.Broker))
	o.Part("authority", r.Authority.AppendRecord)
	o.Part("status", r.Status.appendRecord)
	o.Text("type", string(r.Type))
	o.Number("units", int64(r.Units))
	o.Part("term", r.Term.AppendRecord)
	o.SomeProperties("request", r.Request)
	o.SomeProperties("config", r.Config)
	o.SomeProperties("local", r.Local)
	o.SomeProperties("resource", r.Resource)
	o.SomeList("after", len(r.After), r.After)
	o.SomeText("hold", r.Hold)
	o.SomeNumber("holdUntil", int64(r.HoldUntil))
	if r.Ticket != nil {
		o.Part("ticket", r.Ticket.AppendRecord)
	}
	if r.LeaseTerm != (actors.Term{}) {
		o.Part("leaseTerm", r.LeaseTerm.AppendRecord)
	}
	o.SomeUnits("held", r.Held)
	o.SomeNumber("parts", int64(r.Parts))
	o.SomeNumber("ticketSeq", int64(r.TicketSeq))
	o.SomeNumber("leaseSeq", int64(r.LeaseSeq))
	o.SomeText("guest", r.Guest)
	o.SomeNumber("number", int64(r.Number))
	o.SomeList("victims", len(r.Victims), r.Victims)
	o.SomeList("shed", len(r.Shed), r.Shed)
	o.SomeTruth("renewable", r.Renewable)
	o.SomeTruth("renewRefused", r.RenewRefused)
	o.SomeTruth("closeAsked", r.CloseAsked)
	o.SomeTruth("unclosed", r.Unclosed)
	o.SomeTruth("relinquished", r.Relinquished)
	o.Number("since", int64(r.Since))
	o.SomeNumber("sent", int64(r.Sent))
	o.SomeNumber("tries", int64(r.Tries))
	o.SomeText("error", r.Error)
	return o.End(), o.Err()
}

func (s Status) appendRecord(dst []byte) []byte {
	o := actors.NewObject(dst)
	o.Number("state", int64(s.State))
	o.Number("pending", int64(s.Pending))
	o.Number("join", int64(s.Join))
	return o.End()
}

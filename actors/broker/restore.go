package broker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// Records are restored in key order, so sources, donated or bought, must sort
// before the reservations carved from them.
const sourcePrefix = "donated/"

func sourceKey(id actors.TicketID) string { return sourcePrefix + string(id) }

// stored is a donated ticket in its durable form.
type stored actors.Ticket

// AppendRecord encodes the ticket (actors.Value).
func (s stored) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(actors.Ticket(s))
	return append(dst, b...), err
}

// Restore puts back one record (actors.Machine).
func (a *Actor) Restore(rec actors.Stored) error {
	bad := func(err error) error { return fmt.Errorf("broker: record %q: %w", rec.Key, err) }
	if id, ok := strings.CutPrefix(rec.Key, sourcePrefix); ok {
		var t actors.Ticket
		if err := json.Unmarshal(rec.Data, &t); err != nil {
			return bad(err)
		}
		if string(t.ID) != id || t.Units < 1 {
			return bad(fmt.Errorf("it is about ticket %q for %d units", t.ID, t.Units))
		}
		a.stock(t)
		a.ledger.Restore("", t, actors.Forever)
		return nil
	}
	if id, ok := strings.CutPrefix(rec.Key, actors.EvidencePrefix); ok {
		if err := a.archive.Restore(id, rec.Data); err != nil {
			return bad(err)
		}
		return nil
	}
	if id, ok := strings.CutPrefix(rec.Key, claimPrefix); ok {
		var c claim
		if err := json.Unmarshal(rec.Data, &c); err != nil {
			return bad(err)
		}
		if string(c.Reservation) != id || c.Authority == "" {
			return bad(fmt.Errorf("it is about claim %q at %q", c.Reservation, c.Authority))
		}
		a.keep(c)
		return nil
	}
	if id, ok := strings.CutPrefix(rec.Key, lotPrefix); ok {
		if err := a.restoreLot(actors.TicketID(id), rec.Data); err != nil {
			return bad(err)
		}
		return nil
	}
	if name, ok := strings.CutPrefix(rec.Key, holdingPrefix); ok {
		if err := a.restoreHolding(actors.ReservationID(name), rec.Data); err != nil {
			return bad(err)
		}
		return nil
	}
	id, ok := strings.CutPrefix(rec.Key, "reservation/")
	if !ok {
		return bad(fmt.Errorf("of no kind known here"))
	}
	var r Reservation
	if err := json.Unmarshal(rec.Data, &r); err != nil {
		return bad(err)
	}
	if string(r.ID) != id {
		return bad(fmt.Errorf("it is about reservation %q", r.ID))
	}
	if err := Moves.Check(r.Status, r.Status); err != nil {
		return bad(err)
	}
	if r.holding() && a.sources[r.Source] == nil {
		return bad(fmt.Errorf("its source %q is gone", r.Source))
	}
	a.put(r)
	return nil
}

// Recover is what every reservation still owes (actors.Machine): those that wait
// are decided in the next round; an answer that was lost is repeated when the
// client asks again; what is asked of other brokers is asked once more.
func (a *Actor) Recover(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	for _, name := range sorted(a.holdings) {
		if h := a.holdings[name]; h.waiting() != 0 {
			fx.Send = append(fx.Send, h.message(a.config.Self, h.waiting()))
		}
	}
	fx.Wake = a.wake(now)
	return fx
}

// View shows one reservation (actors.Viewer).
func (a *Actor) View(id actors.ReservationID) (actors.View, bool) {
	if h, ok := a.holdings[id]; ok {
		return a.viewHolding(h), true
	}
	r, ok := a.book[id]
	if !ok {
		return actors.View{}, false
	}
	return a.view(r), true
}

// Views shows all reservations in order of their names, those of clients and what
// the broker buys itself (actors.Viewer).
func (a *Actor) Views() []actors.View {
	out := make([]actors.View, 0, len(a.book)+len(a.holdings))
	for _, id := range sorted(a.book) {
		out = append(out, a.view(a.book[id]))
	}
	if len(a.holdings) == 0 {
		return out
	}
	for _, name := range sorted(a.holdings) {
		out = append(out, a.viewHolding(a.holdings[name]))
	}
	slices.SortFunc(out, func(x, y actors.View) int { return cmp.Compare(x.Reservation, y.Reservation) })
	return out
}

func (a *Actor) view(r Reservation) actors.View {
	v := actors.View{Reservation: r.ID, Slice: r.Slice, Role: actors.RoleBroker.String(), State: r.Status.State.String(),
		Pending: r.Status.Pending.String(), Type: r.Type, Units: r.Units, Term: r.Term, Client: r.Client,
		Broker: a.config.Self, Authority: a.base(r).Authority.ID, TicketSeq: r.Sequence, Since: r.Since, Error: r.Error,
		NextAt: a.due(r), Deadline: a.due(r), Next: "expire"}
	if d, ok := r.explain(a.asks[r.ID]); ok {
		v.Decision = append([]string{d.Text}, d.Details...)
	}
	switch {
	case r.Approval.Given && r.Approval.Granted:
		v.Approval = "granted"
	case r.Approval.Given:
		v.Approval = "denied"
	case a.asks[r.ID] && r.Operator:
		v.Approval = "wanted"
	}
	if r.Granted != nil {
		v.Units, v.Term = r.Granted.Units, r.Granted.Term
	}
	switch {
	case a.asks[r.ID]:
		v.Waiting, v.Next, v.NextAt = "the policy's next round", "decide", max(r.Since+1, a.decides(r))
		if r.Why != "" {
			v.Waiting += ": " + r.Why
		}
	case r.Status.State.Final() && !r.holding():
		v.Next, v.Deadline = "forget", 0
	}
	return v
}

// Stock is what a broker has of one source, for people.
type Stock struct {
	Ticket actors.Delegation `json:"ticket"`
	Free   int               `json:"free"` // over all of from..to as asked
}

// Stocks lists the sources and what is free of each over all of term.
func (a *Actor) Stocks(term actors.Term) []Stock {
	var out []Stock
	for _, id := range sorted(a.sources) {
		s := a.sources[id]
		out = append(out, Stock{s.ticket.Delegation, s.calendar.Free(term.Start, term.End)})
	}
	return out
}

package authority

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/ledger"
	"github.com/leasehold/leasehold/actors/policy"
)

// export delegates part of the site to a broker (actors.Export). Delegating more
// than there is takes an operator's word for it: hosts may be added later.
func (a *Actor) export(ev actors.Export) (actors.Effects, error) {
	d := Delegate(a.config.Self.ID, ev)
	if _, ok := a.exports[d.ID]; ok {
		return actors.Effects{}, nil // exported twice
	}
	if err := d.Term.Validate(); err != nil {
		return actors.Effects{}, a.refuse("export", "", actors.Invalid, err.Error())
	}
	if err := policy.CheckStock(ev.Properties, ev.Units); err != nil {
		return actors.Effects{}, a.refuse("export", "", actors.Invalid, err.Error())
	}
	if d.Units < 1 || d.Type == "" || d.Holder == "" {
		return actors.Effects{}, a.refuse("export", "", actors.Invalid, "an export needs a holder, a type and units")
	}
	a.exports[d.ID] = d
	return actors.Effects{Save: []actors.Record{{Key: exportKey(d.ID), Value: exported(d)}}}, nil
}

// claim answers a broker that fetches what was exported to it. The export's own
// name is the reservation's (wire contract 5.1), and a repeated claim gets the same
// ticket.
func (a *Actor) claim(m actors.Message) (actors.Effects, error) {
	x, ok := a.exports[actors.TicketID(m.Reservation)]
	switch {
	case !ok:
		return actors.Effects{}, a.refuseMessage(m, actors.NotFound, "nothing of that name was exported")
	case x.Holder != m.From:
		return actors.Effects{}, a.refuseMessage(m, actors.Denied, "it was exported to somebody else")
	}
	return actors.Effects{Send: []actors.Message{{Op: actors.OpUpdateTicket, From: a.config.Self.ID, To: m.From,
		Reservation: m.Reservation, Slice: m.Slice, Sequence: m.Sequence, Type: x.Type, Units: x.Units, Term: x.Term,
		Properties: actors.Descriptor(x.Type, x.Properties),
		Ticket:     &actors.Ticket{Delegation: x, Authority: a.config.Self}, ReplyTo: m.ReplyTo}}}, nil
}

// Delegate is the delegation an export makes. The same arguments name the same
// delegation, so that a site that starts again exports nothing twice.
func Delegate(self actors.ActorID, ev actors.Export) actors.Delegation {
	name := []string{"export", string(self), string(ev.Holder), string(ev.Type), fmt.Sprint(ev.Units),
		fmt.Sprint(ev.Term.Start), fmt.Sprint(ev.Term.End)}
	for _, k := range ev.Properties.Keys() {
		name = append(name, k, ev.Properties[k])
	}
	return actors.Delegation{
		ID: actors.TicketID(actors.DeriveID(name...)), Issuer: self, Holder: ev.Holder, Type: ev.Type, Units: ev.Units,
		Term: ev.Term, Properties: ev.Properties,
	}
}

// source is the export a ticket was carved from: one of its records must be one
// of ours, exactly as we issued it.
func (a *Actor) source(t actors.Ticket) (actors.Delegation, bool) {
	if x, ok := a.issued(t.Delegation); ok {
		return x, true
	}
	for _, d := range t.Ancestors {
		if x, ok := a.issued(d); ok {
			return x, true
		}
	}
	return actors.Delegation{}, false
}

func (a *Actor) issued(d actors.Delegation) (actors.Delegation, bool) {
	x, ok := a.exports[d.ID]
	return x, ok && x.Issuer == d.Issuer && x.Holder == d.Holder && x.Type == d.Type && x.Units == d.Units && x.Term == d.Term &&
		maps.Equal(x.Properties, d.Properties)
}

// check refuses a ticket that can never be redeemed here by this client. Its
// signatures were verified before it came here; this is about what it says.
func (a *Actor) check(now actors.Cycle, m actors.Message) error {
	kind, why := actors.Invalid, ""
	t := m.Ticket
	switch {
	case (m.Op == actors.OpExtendLease || m.Op == actors.OpModifyLease) && a.book[m.Reservation].ID == "":
		kind, why = actors.NotFound, "no such reservation"
	case m.Reservation == "" || m.Slice.ID == "":
		why = "a redeem needs a reservation and a slice"
	case t == nil:
		why = "there is no ticket in it"
	case t.Holder != m.From:
		kind, why = actors.Denied, fmt.Sprintf("the ticket is made out to %s", t.Holder)
	case t.Root().Issuer != a.config.Self.ID:
		kind, why = actors.Denied, fmt.Sprintf("the ticket is for site %s", t.Root().Issuer)
	case !a.delegated(*t):
		kind, why = actors.Denied, "the ticket rests on a delegation this site did not issue"
	case m.Type != t.Type || m.Units != t.Units || t.Units < 1:
		why = fmt.Sprintf("the message says %d units of %q, the ticket %d of %q", m.Units, m.Type, t.Units, t.Type)
	case !t.Term.Covers(m.Term) || m.Term.NewStart < t.Term.NewStart:
		why = fmt.Sprintf("the term %+v is not within the ticket's %+v", m.Term, t.Term)
	case m.Op == actors.OpRedeem && a.config.Cycles.Start(now) > t.RedeemBy():
		why = fmt.Sprintf("the ticket was to be redeemed by %d", t.RedeemBy())
	case m.Op != actors.OpClose && a.config.Cycles.Of(m.Term.End) <= now:
		why = "the term is already over"
	}
	if why == "" {
		if other, ok := a.redeemed[sold{t.Issuer, t.ID}]; ok && other != m.Reservation {
			kind, why = actors.Denied, fmt.Sprintf("the ticket was redeemed for reservation %s", other)
		}
	}
	if err := m.Term.Validate(); why == "" && err != nil {
		why = err.Error()
	}
	if why == "" {
		return nil
	}
	return a.refuseMessage(m, kind, why)
}

func (a *Actor) delegated(t actors.Ticket) bool {
	_, ok := a.source(t)
	return ok
}

// conflict refuses a ticket that does not fit beside those that were redeemed, and
// keeps the evidence.
func (a *Actor) conflict(now actors.Cycle, r Reservation, cause error) (fx actors.Effects, err error) {
	if c := (*ledger.Conflict)(nil); errors.As(cause, &c) {
		fx.Save = a.archive.Keep(now, r.Client, r.ID, c)
	}
	return fx, &actors.Error{Op: "authority.redeem", Actor: a.config.Self.ID, Peer: r.Client, Reservation: r.ID,
		Kind: actors.KindOf(cause), Err: cause}
}

// Evidence lists the conflicts in which somebody's ticket was refused
// (actors.Witness).
func (a *Actor) Evidence() []actors.Evidence { return a.archive.List() }

const exportPrefix = "export/"

func exportKey(id actors.TicketID) string { return exportPrefix + string(id) }

// exported is a delegation in its durable form.
type exported actors.Delegation

// AppendRecord encodes the delegation (actors.Value).
func (x exported) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(actors.Delegation(x))
	return append(dst, b...), err
}

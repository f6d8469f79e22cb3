package authority

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/check"
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
	if err := cmp.Or(check.Named("to", string(d.Holder), "say to whom the units are delegated"), check.Named("type", string(d.Type), "say what to delegate"),
		check.Units(d.Units), check.Form(d.Term), policy.CheckStock(ev.Properties, ev.Units)); err != nil {
		return actors.Effects{}, &actors.Error{Op: "authority.export", Actor: a.config.Self.ID, Peer: ev.Holder, Kind: actors.Invalid, Err: err}
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
	t := m.Ticket
	_, known := a.book[m.Reservation]
	denied := func(format string, args ...any) error {
		return &actors.Error{Kind: actors.Denied, Err: actors.Problem(fmt.Sprintf(format, args...))}
	}
	err := cmp.Or(check.Named("reservation", string(m.Reservation), "say what the request is about"),
		check.Named("slice", string(m.Slice.ID), "say for whom the units are"), check.Form(m.Term))
	switch {
	case err != nil:
	case !known && (m.Op == actors.OpExtendLease || m.Op == actors.OpModifyLease):
		err = &actors.Error{Kind: actors.NotFound, Err: check.Unknown("reservation", string(m.Reservation), a.known(m.From))}
	case t == nil:
		err = actors.Problem("ticket is missing: say what the units are leased by")
	case t.Holder != m.From:
		err = denied("the ticket is made out to %s", t.Holder)
	case t.Root().Issuer != a.config.Self.ID:
		err = denied("the ticket is for site %s", t.Root().Issuer)
	case !a.delegated(*t):
		err = denied("the ticket rests on a delegation that this site did not issue")
	case m.Type != t.Type || m.Units != t.Units || t.Units < 1:
		err = actors.Problem(fmt.Sprintf("the message says %d units of %q, the ticket %d of %q", m.Units, m.Type, t.Units, t.Type))
	case m.Op != actors.OpClose && a.config.Cycles.Of(m.Term.End) <= now:
		err = check.Term(a.config.Cycles.End(now), m.Term)
	default:
		if err = check.Beyond(m.Term, t.Term); err == nil && m.Op == actors.OpRedeem {
			err = check.RedeemBy(a.config.Cycles.Start(now), *t)
		}
		if err != nil {
			break
		}
		if other, ok := a.redeemed[sold{t.Issuer, t.ID}]; ok && other != m.Reservation {
			err = denied("the ticket was redeemed for another reservation")
		}
	}
	if err == nil {
		return nil
	}
	kind := actors.KindOf(err)
	if kind == actors.Other {
		kind = actors.Invalid
	}
	return &actors.Error{Op: "authority." + m.Op.String(), Actor: a.config.Self.ID, Peer: m.From, Reservation: m.Reservation,
		Message: m.ID, Kind: kind, Err: err}
}

// known are the reservations of a client: nobody is told of another's.
func (a *Actor) known(client actors.ActorID) (names []string) {
	for id, r := range a.book {
		if r.Client == client {
			names = append(names, string(id))
		}
	}
	slices.Sort(names)
	return names
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

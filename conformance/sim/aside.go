package sim

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/evidence"
)

// sellAside is a broker who sells behind its own books: with its own key it makes out
// a ticket for all that a site has delegated to it, and a manager presents that. The
// ticket is sound, and so are those that the broker's machine sells meanwhile; only
// the site, where they meet, can tell that together they are too many.
func (w *world) sellAside() {
	m := w.procs[w.rnd.IntN(w.cfg.Managers)]
	s := w.sites[w.rnd.IntN(len(w.sites))]
	b := w.brokers[w.rnd.IntN(w.cfg.Direct)]
	var stock []actors.Ticket
	for _, t := range w.exported {
		if t.Holder == b.ID && t.Root().Issuer == s.p.ID {
			stock = append(stock, t)
		}
	}
	if !s.p.up || !m.up || len(stock) == 0 {
		return
	}
	base := stock[w.rnd.IntN(len(stock))]
	w.aside[b.ID]++
	start := w.now + w.upTo(10*w.cfg.Cycle)
	term := actors.NewTerm(start, start+actors.Millis(2+w.rnd.IntN(8))*w.cfg.Cycle)
	if end := begin + w.cfg.Chaos; term.End >= end {
		return // act two wants a world in which nobody cheats any more
	}
	name := fmt.Sprintf("aside%d-%s", w.aside[b.ID], b.Name)
	t, err := w.grant(b.member, actors.Ticket{Delegation: actors.Delegation{
		ID: actors.TicketID(actors.DeriveID("aside", name)), Issuer: b.ID, Holder: m.ID, Type: base.Type, Units: base.Units, Term: term,
	}, Base: base.Text, Authority: base.Authority, Ancestors: append([]actors.Delegation{base.Delegation}, base.Ancestors...)})
	if err != nil {
		w.fail(saysSendable, "a ticket sold aside: %v", err)
		return
	}
	m.sent++
	msg := actors.Message{ID: m.messageID(), Op: actors.OpRedeem, From: m.ID, To: s.p.ID, Reservation: actors.ReservationID(name),
		Slice: actors.Slice{ID: "aside", Name: "aside"}, Sequence: 1, Type: t.Type, Units: t.Units, Term: term, Ticket: &t, ReplyTo: m.URL}
	sealed, err := w.seal(m, s.p, msg)
	if err != nil {
		w.fail(saysSendable, "a redeem of what was sold aside: %v", err)
		return
	}
	in, err := w.open(sealed.octets, m, s.p)
	switch {
	case err != nil && w.skew.Most > 0: // it seems to be from before the site's start
		return
	case err != nil:
		w.fail(saysSendable, "a redeem of what was sold aside is not read: %v", err)
		return
	}
	w.counts.Aside++
	w.trace.add(w.now, "%s sells %d of %s aside, and %s redeems them", b.Name, t.Units, base.ID, m.Name)
	s.p.post(actors.Receive{Message: in.message}, nil)
}

// judgeAccusation wants evidence to be what it says: it convinces a stranger who has
// nothing but the sites' certificates, and the one it accuses has really sold more
// than it had.
func (w *world) judgeAccusation(p *process, e actors.Evidence) {
	w.counts.Proofs++
	proof, err := evidence.Of(e)
	if err == nil {
		proof, err = evidence.ParseProof(proof.Text())
	}
	if err != nil {
		w.fail(saysAccused, "%s keeps evidence that proves nothing: %v", p.Name, err)
		return
	}
	found, err := proof.Verify(w.cast.siteKeys)
	switch {
	case err != nil:
		w.fail(saysAccused, "%s keeps evidence that nobody believes: %v", p.Name, err)
	case found.Units <= found.Parent.Units || !found.Conclusive:
		w.fail(saysAccused, "%s accuses %s: %+v", p.Name, w.nameOf(actors.ActorID(found.Issuer)), found)
	case w.aside[actors.ActorID(found.Issuer)] == 0:
		w.fail(saysAccused, "%s accuses %s, which sold nothing aside: %d of %d units of %s at %.3f", p.Name, w.nameOf(actors.ActorID(found.Issuer)),
			found.Units, found.Parent.Units, found.Parent.Type, seconds(actors.Millis(found.At)))
	}
}

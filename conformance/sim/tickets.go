package sim

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// verified is a ticket with what its chain proves.
type verified struct {
	ticket actors.Ticket
	chain  ticket.Chain
}

// verify checks the text of a ticket. What verified once is remembered: the check
// is a function of the text and the sites, and a world presents the same ticket
// many times.
func (w *world) verify(text string) (verified, error) {
	if v, ok := w.stage.proven[text]; ok && w.cast.find(v.ticket.Root().Issuer) != nil {
		return v, nil
	}
	c, err := ticket.Verify(text, w.cast.siteKeys)
	if err != nil {
		return verified{}, err
	}
	v := verified{translate.FromChain(c, text), c}
	w.stage.proven[text] = v
	return v, nil
}

// grant signs a ticket that its actor has just granted, as actors/remote does.
func (w *world) grant(by *member, t actors.Ticket) (actors.Ticket, error) {
	if t.Text != "" {
		return t, nil
	}
	holder := w.cast.cert(t.Holder)
	if holder == nil {
		return t, fmt.Errorf("ticket for %s, whom nobody knows", t.Holder)
	}
	d := t.Delegation
	what := fmt.Sprintf("%s %s %s %s %d %v %v %s", d.ID, d.Issuer, d.Holder, d.Type, d.Units, d.Term, d.Properties, t.Base)
	if text, ok := w.stage.granted[what]; ok && d.Issuer == by.ID {
		t.Text = text
		return t, nil
	}
	text, err := ticket.Delegate(t.Base, translate.Record(d), by.key.Key, holder)
	if err != nil {
		return t, err
	}
	t.Text = text
	w.stage.granted[what] = text
	return t, nil
}

// export is the ticket for a delegation that a site made to a broker: a root, and
// the delegation carved from it.
func (w *world) export(site *member, d actors.Delegation) (actors.Ticket, error) {
	root := d
	root.ID = actors.TicketID(actors.DeriveID("root", string(d.Issuer), string(d.ID)))
	root.Holder = root.Issuer
	base, err := ticket.Root(translate.Record(root), site.key.Key, site.key.Cert)
	if err != nil {
		return actors.Ticket{}, err
	}
	t, err := w.grant(site, actors.Ticket{Delegation: d, Base: base})
	if err != nil {
		return t, err
	}
	v, err := w.verify(t.Text)
	v.ticket.Authority = site.Location
	return v.ticket, err
}

// belongs says why a ticket, sound by itself, does not belong in a message from
// this peer to this actor, or nil: whoever presents a ticket holds it, and whoever
// grants one issued it to the one who gets it (tickets 12.2 T16).
func belongs(op actors.Op, v verified, from, to *member) error {
	holder := from
	if op == actors.OpUpdateTicket {
		holder = to
		if v.ticket.Issuer != from.ID {
			return fmt.Errorf("ticket issued by %s", v.ticket.Issuer)
		}
	}
	key, ok := v.chain.HolderKey().(interface{ Equal(crypto.PublicKey) bool })
	if v.ticket.Holder != holder.ID || !ok || !key.Equal(holder.key.Key.Public()) {
		return fmt.Errorf("ticket held by %s", v.ticket.Holder)
	}
	if to.role == actors.RoleAuthority && v.ticket.Root().Issuer != to.ID {
		return errors.New("ticket of another site")
	}
	return nil
}

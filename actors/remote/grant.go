package remote

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// Grant signs the newest delegation of a ticket that self has granted, and
// returns the ticket with its text. A ticket that has its text already comes
// back as it is. The holder's certificate must be for the delegation's holder.
//
// Base is the signed text that the delegation was carved from. A site that
// exports has none: its root record is signed first, from the ticket's only
// ancestor, or, if there is no ancestor, from a root record with the units, type
// and term of the delegation itself. A chain has one scheme from its root on:
// scheme is that of a new chain, and must be able to read that of an old one.
// Everything follows from the arguments, so the same ticket always gets the same
// text.
func Grant(t actors.Ticket, self keys.Identity, holder *x509.Certificate, scheme ticket.Scheme) (actors.Ticket, error) {
	if t.Text != "" {
		return t, nil
	}
	base := t.Base
	if base != "" {
		of := ticket.SchemeOf(base)
		if of == ticket.SHA256Chain != (scheme == ticket.SHA256Chain) {
			return t, fmt.Errorf("the holder reads tickets of scheme %v, and the source's is %v", scheme, of)
		}
	}
	if base == "" {
		root, err := rootOf(t)
		if err != nil {
			return t, err
		}
		if base, err = scheme.Root(translate.Record(root), self.Key, self.Cert); err != nil {
			return t, err
		}
		if root.ID == t.ID { // a ticket that the site keeps
			t.Text = base
			return t, nil
		}
		t.Ancestors = []actors.Delegation{root}
	}
	text, err := scheme.Delegate(base, translate.Record(t.Delegation), self.Key, holder)
	if err != nil {
		return t, err
	}
	t.Text = text
	return t, nil
}

// rootOf is the root record of a ticket that a site grants from its own units.
func rootOf(t actors.Ticket) (actors.Delegation, error) {
	switch {
	case len(t.Ancestors) > 1:
		return actors.Delegation{}, errors.New("ticket with several ancestors but no text of theirs")
	case len(t.Ancestors) == 1:
		return t.Ancestors[0], nil
	case t.Issuer == t.Holder:
		return t.Delegation, nil
	}
	root := t.Delegation
	root.ID = actors.TicketID(actors.DeriveID("root", string(t.Issuer), string(t.ID)))
	root.Holder, root.Properties = root.Issuer, nil
	return root, nil
}

// signed is m with its ticket signed, if this actor has just granted it.
func (r *Remote) signed(m actors.Message) (actors.Message, error) {
	if m.Ticket == nil || m.Ticket.Text != "" {
		return m, nil
	}
	if m.Ticket.Holder != m.To {
		return m, fmt.Errorf("ticket for %s in a message to %s", m.Ticket.Holder, m.To)
	}
	peer, ok := r.cfg.Registry.Peer(m.Ticket.Holder)
	if !ok {
		return m, fmt.Errorf("no certificate of the holder %s", m.Ticket.Holder)
	}
	t, err := Grant(*m.Ticket, r.cfg.Self, peer.Certs[0], peer.Tickets())
	if err != nil {
		return m, err
	}
	m.Ticket = &t
	return m, nil
}

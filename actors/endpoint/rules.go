package endpoint

import (
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// proof is a ticket found in a message, with what its chain proves.
type proof struct {
	ticket actors.Ticket
	key    crypto.PublicKey // of the holder
}

// verify checks the text of a ticket up to a root that this actor believes: a
// site believes its own key only, everybody else the pinned keys of sites.
func (e *Endpoint) verify(text string, peer registry.Peer) (proof, error) {
	roots := e.cfg.Registry.SiteKeys
	if e.cfg.Role == actors.RoleAuthority {
		roots = func(guid string) []crypto.PublicKey {
			if guid != e.cfg.Self.GUID {
				return nil
			}
			return []crypto.PublicKey{e.cfg.Self.Cert.PublicKey}
		}
	}
	// A peer of today has no use for a ticket of yesterday's scheme; a legacy peer
	// may hold one of ours.
	scheme := peer.Tickets()
	if ticket.SchemeOf(text) == ticket.SHA256Chain {
		scheme = ticket.SHA256Chain
	}
	c, err := e.tickets.Verify(scheme, text, roots)
	if err != nil {
		return proof{}, err
	}
	return proof{translate.FromChain(c, text), c.HolderKey()}, nil
}

// checkTicket says why a ticket, sound by itself, does not belong in this message
// from this peer, or nil. Whoever presents a ticket must hold it, with the key
// that signed the message (tickets 12.2 T16), or, while a peer changes its key, with
// another that is pinned for it (wssec A26): leases outlive keys. Whoever grants one
// must have issued it, and to this actor.
func (e *Endpoint) checkTicket(m actors.Message, p proof, signer crypto.PublicKey) error {
	switch m.Op {
	case actors.OpUpdateTicket:
		switch {
		case p.ticket.Issuer != m.From:
			return fmt.Errorf("ticket issued by %s, sent by %s", p.ticket.Issuer, m.From)
		case string(p.ticket.Holder) != e.cfg.Self.GUID:
			return fmt.Errorf("ticket for %s", p.ticket.Holder)
		case !same(p.key, e.cfg.Self.Cert.PublicKey):
			return errors.New("ticket for another key than this actor's")
		}
	default:
		switch {
		case p.ticket.Holder != m.From:
			return fmt.Errorf("ticket of %s, presented by %s", p.ticket.Holder, m.From)
		case !same(p.key, signer) && !e.pinned(m.From, p.key):
			return errors.New("ticket held with another key than the message was signed with, which is no other key of the sender")
		}
	}
	return nil
}

// pinned reports whether key is one of the sender's.
func (e *Endpoint) pinned(from actors.ActorID, key crypto.PublicKey) bool {
	return slices.ContainsFunc(e.cfg.Registry.Pins(string(from)), func(p wssec.Pin) bool { return same(p.Key, key) })
}

// site says where a ticket is redeemed. The message says so too, but nobody
// vouches for that: the root of the chain names the site, and the administrator
// wrote down where it is (wssec A22).
func (e *Endpoint) site(t actors.Ticket) (actors.Location, error) {
	id := t.Root().Issuer
	if t.Authority.ID != id {
		return actors.Location{}, fmt.Errorf("ticket of site %s, said to be redeemed at %s", id, t.Authority.ID)
	}
	if id == e.cfg.Location.ID {
		return e.cfg.Location, nil
	}
	peer, ok := e.cfg.Registry.Peer(id)
	if !ok {
		return actors.Location{}, fmt.Errorf("site %s is not registered", id)
	}
	return peer.Location, nil
}

// permitted says why a peer may not ask op, or nil.
func (e *Endpoint) permitted(peer registry.Peer, op actors.Op) error {
	if !peer.May(e.cfg.Role, op) {
		return fmt.Errorf("%s %q may not ask %v", peer.Role, peer.Name, op)
	}
	return nil
}

func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

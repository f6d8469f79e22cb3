package translate

import (
	"errors"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/plist"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// ticketNodes is the concrete set of a ticket (wire contract 4.1).
func ticketNodes(t actors.Ticket) ([]wire.Property, error) {
	if t.Text == "" {
		return nil, bad("ticket %s has not been signed", t.ID)
	}
	if err := checkNumbers(int64(t.Units), 0); err != nil {
		return nil, err
	}
	return plist.Ticket{
		Type:      string(t.Type),
		Units:     int32(t.Units),
		Authority: plist.Proxy{Name: t.Authority.Name, GUID: string(t.Authority.ID), Endpoint: t.Authority.URL},
		Text:      t.Text,
	}.Nodes()
}

// ticketOf verifies the text and adds where the peer says the site is. Nothing
// vouches for that place: Authority.ID must be compared with Root().Issuer, and
// its URL with what is known of the site, before anything is sent there.
func ticketOf(nodes []wire.Property, verify func(string) (actors.Ticket, error)) (*actors.Ticket, error) {
	p, err := plist.ParseTicket(nodes)
	if err != nil {
		return nil, err
	}
	if verify == nil {
		return nil, &actors.Error{Kind: actors.Denied, Err: errors.New("no tickets are accepted here")}
	}
	t, err := verify(p.Text)
	if err != nil {
		if malformed(err) && actors.KindOf(err) == actors.Other {
			return nil, bad("%w", err)
		}
		return nil, err
	}
	if len(p.Authority.GUID) > maxID || len(p.Authority.Name) > maxName || len(p.Authority.Endpoint) > maxURL {
		return nil, bad("the site's guid, name or URL is over the limit of %d, %d or %d octets", maxID, maxName, maxURL)
	}
	t.Authority = actors.Location{ID: actors.ActorID(p.Authority.GUID), Name: p.Authority.Name, URL: p.Authority.Endpoint}
	t.Text = p.Text
	return &t, nil
}

// malformed reports whether a ticket was refused for its form and not for want
// of proof.
func malformed(err error) bool {
	return errors.Is(err, ticket.ErrMalformed) || errors.Is(err, ticket.ErrLimit) || errors.Is(err, ticket.ErrRecord)
}

// leaseNodes is the concrete set of updateLease: nil when nothing was ever
// leased, a set without units when the lease has ended (wire contract 4.4). The
// host that carries a unit, and how often an action was tried, stay at the site.
// Properties that would hide one of the unit's own fields are left out.
func leaseNodes(m actors.Message, self actors.Location) ([]wire.Property, error) {
	if m.Lease == nil {
		return nil, nil
	}
	set := make(plist.UnitSet, len(m.Lease.Units))
	for i, u := range m.Lease.Units {
		set[i] = plist.Unit{
			ID:          string(u.ID),
			Type:        string(m.Type),
			State:       int(u.State),
			Sequence:    int64(u.Sequence),
			Reservation: string(m.Reservation),
			Slice:       string(m.Slice.ID),
			Actor:       string(self.ID),
			Notice:      note(u.Notice),
			Properties:  free(u.Properties),
		}
	}
	return set.Nodes()
}

func free(p actors.Properties) map[string]string {
	out := make(map[string]string, len(p))
	for k, v := range p {
		if !plist.Reserved(k) {
			out[k] = v
		}
	}
	return out
}

func leaseOf(nodes []wire.Property) (*actors.Lease, error) {
	set, err := plist.ParseUnitSet(nodes)
	if err != nil {
		return nil, err
	}
	l := &actors.Lease{Units: make([]actors.Unit, len(set))}
	for i, u := range set {
		if len(u.ID) > maxID {
			return nil, bad("unit id is over the limit of %d octets", maxID)
		}
		seq, err := intOf(u.Sequence)
		if err != nil {
			return nil, err
		}
		l.Units[i] = actors.Unit{
			ID:         actors.UnitID(u.ID),
			State:      actors.UnitState(u.State),
			Sequence:   seq,
			Properties: u.Properties,
			Notice:     note(u.Notice),
		}
	}
	return l, nil
}

package plist

import (
	"strconv"

	"github.com/leasehold/leasehold/wire"
)

// Ticket is the concrete set of redeem, extendLease, modifyLease, close and a
// successful updateTicket (wire contract 4.1).
type Ticket struct {
	// Type and Units repeat the newest delegation. Readers take both from the
	// signed Text; here they are decoration, and zero when a peer left them out.
	Type      string
	Units     int32
	Authority Proxy  // the site that redeems it; not covered by the signature
	Text      string // the signed ticket, opaque to this package
}

const (
	ticketProxyKey = "ticket.authority.proxy"
	ticketTextKey  = "ticket.resourceTicket"
)

// Nodes are the nodes of the set in a fixed order.
func (t Ticket) Nodes() ([]wire.Property, error) {
	if t.Text == "" {
		return nil, &wire.Error{Path: ticketTextKey, What: "ticket has no text"}
	}
	proxy, err := t.Authority.Text()
	if err != nil {
		return nil, within(ticketProxyKey, err)
	}
	nodes := make([]wire.Property, 0, 5)
	nodes = append(nodes, wire.Property{Name: ClassKey, Value: TicketClass})
	if t.Type != "" {
		nodes = append(nodes, wire.Property{Name: typeKey, Value: t.Type})
	}
	return append(nodes,
		wire.Property{Name: unitsKey, Value: strconv.Itoa(int(t.Units))},
		wire.Property{Name: ticketProxyKey, Value: proxy},
		wire.Property{Name: ticketTextKey, Value: t.Text},
	), nil
}

// ParseTicket reads the nodes of a ticket. Names it does not know are ignored,
// as legacy readers ignore them. Errors are of type *wire.Error.
func ParseTicket(nodes []wire.Property) (Ticket, error) {
	m, err := open(nodes, TicketClass)
	if err != nil {
		return Ticket{}, err
	}
	t := Ticket{Type: m[typeKey], Text: m[ticketTextKey]}
	if t.Text == "" {
		return Ticket{}, &wire.Error{Path: ticketTextKey, What: "missing or empty"}
	}
	if _, ok := m[unitsKey]; ok {
		n, err := number(m, unitsKey, 32)
		if err != nil {
			return Ticket{}, err
		}
		t.Units = int32(n)
	}
	text, ok := m[ticketProxyKey]
	if !ok {
		return Ticket{}, &wire.Error{Path: ticketProxyKey, What: "missing"}
	}
	if t.Authority, err = ParseProxy(text); err != nil {
		return Ticket{}, within(ticketProxyKey, err)
	}
	return t, nil
}

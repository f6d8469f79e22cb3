package translate

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// FromChain is a verified ticket as actors know it; text is what was verified.
// Authority stays empty: it is not part of what was signed. The zero chain gives
// the zero ticket.
func FromChain(c ticket.Chain, text string) actors.Ticket {
	records := c.Records()
	if len(records) == 0 {
		return actors.Ticket{}
	}
	t := actors.Ticket{Delegation: Delegation(records[0]), Text: text, Loose: c.Scheme() != ticket.SHA256Chain}
	for _, r := range records[1:] {
		t.Ancestors = append(t.Ancestors, Delegation(r))
	}
	return t
}

// Delegation is a ticket's record as actors know it.
func Delegation(r ticket.Record) actors.Delegation {
	d := actors.Delegation{
		ID:     actors.TicketID(r.GUID),
		Issuer: actors.ActorID(r.Issuer),
		Holder: actors.ActorID(r.Holder),
		Type:   actors.ResourceType(r.Type),
		Units:  r.Units,
		Term:   actors.Term{Start: actors.Millis(r.Start), NewStart: actors.Millis(r.NewStart), End: actors.Millis(r.End)},
	}
	if len(r.Properties) > 0 {
		d.Properties = r.Properties
	}
	return d
}

// Record is what an actor delegates, ready to be signed. Whether it makes a sound
// record is for ticket.Root and ticket.Delegate to say.
func Record(d actors.Delegation) ticket.Record {
	return ticket.Record{
		GUID:       string(d.ID),
		Issuer:     string(d.Issuer),
		Holder:     string(d.Holder),
		Units:      d.Units,
		Type:       string(d.Type),
		Start:      int64(d.Term.Start),
		NewStart:   int64(d.Term.NewStart),
		End:        int64(d.Term.End),
		Properties: d.Properties,
	}
}

package soap

import (
	"fmt"

	"github.com/leasehold/leasehold/wire"
)

// EncodeBody appends the canonical octets of m's wrapper element, the one child
// of Body: UTF-8, no XML declaration, no empty-element tags (wire contract 2.2,
// 2.3). Only the parts of m's operation are looked at. An error, of type
// *wire.Error, names the element whose value cannot be written; dst is then
// returned as it was.
func EncodeBody(dst []byte, m wire.Message) ([]byte, error) {
	row, ok := wire.Lookup(m.Op)
	if !ok {
		return dst, &wire.Error{What: fmt.Sprintf("no operation %d", uint8(m.Op))}
	}
	e := encoder{dst: dst}
	e.wrapper(row.Name, func() {
		for _, p := range row.Parts {
			if p == 0 {
				break
			}
			e.part(p, &m)
		}
	})
	if e.err != nil {
		return dst, e.err
	}
	return e.dst, nil
}

func (e *encoder) part(p wire.Part, m *wire.Message) {
	switch p {
	case wire.PartMessageID:
		e.text("messageID", m.MessageID)
	case wire.PartRequestID:
		e.text("requestID", m.RequestID)
	case wire.PartReservation:
		e.reservation(&m.Reservation)
	case wire.PartCallbackURL:
		e.text("callbackURL", m.CallbackURL)
	case wire.PartUpdateData:
		e.update(m.Update)
	case wire.PartProperties:
		e.properties("properties", m.Properties)
	case wire.PartReservationID:
		e.text("reservationID", m.ReservationID)
	case wire.PartErrorDetails:
		e.text("errorDetails", m.ErrorDetails)
	case wire.PartRequestType:
		e.number("requestType", int64(m.RequestType))
	default:
		e.fail("no encoding for " + p.String())
	}
}

func (e *encoder) reservation(r *wire.Reservation) {
	e.open("reservation")
	e.text("reservationID", r.ID)
	e.open("slice")
	e.text("sliceName", r.Slice.Name)
	e.text("guid", r.Slice.GUID)
	e.close()
	e.resources(&r.Resources)
	e.open("term")
	e.number("startTime", r.Term.StartTime)
	e.number("endTime", r.Term.EndTime)
	e.number("ticketTime", r.Term.TicketTime)
	e.number("newStartTime", r.Term.NewStartTime)
	e.close()
	e.number("sequence", r.Sequence)
	e.close()
}

func (e *encoder) resources(r *wire.Resources) {
	e.open("resourceSet")
	e.number("units", int64(r.Units))
	e.text("type", r.Type)
	if r.Request != nil || r.Configuration != nil || r.Resource != nil {
		e.open("resourceData")
		if r.Request != nil {
			e.properties("requestProperties", r.Request)
		}
		if r.Configuration != nil {
			e.properties("configurationProperties", r.Configuration)
		}
		if r.Resource != nil {
			e.properties("resourceProperties", r.Resource)
		}
		e.close()
	}
	if r.Concrete != nil {
		e.list("concrete", "plistNode", r.Concrete, wire.MaxNodes)
	}
	e.close()
}

func (e *encoder) properties(name string, list []wire.Property) {
	e.list(name, "property", list, wire.MaxProperties)
}

func (e *encoder) list(name, entry string, list []wire.Property, most int) {
	e.open(name)
	if len(list) > most {
		e.fail(overCount(entry, most))
	}
	for _, p := range list {
		e.open(entry)
		e.text("name", p.Name)
		e.text("value", p.Value)
		e.close()
	}
	e.close()
}

func (e *encoder) update(u wire.Update) {
	e.open("updateData")
	e.boolean("failed", u.Failed)
	if u.Message != "" {
		e.text("message", u.Message)
	}
	e.close()
}

// overCount is the text of both codecs when a list is too long.
func overCount(entry string, most int) string {
	return fmt.Sprintf("more than the limit of %d %s elements", most, entry)
}

package soap

import (
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// DecodeBody reads a request from n, its wrapper element: the one child of a
// verified Body. The wrapper's name decides the operation. Errors are of type
// *wire.Error. The message shares no memory with the document.
func DecodeBody(n xmltree.Node) (wire.Message, error) {
	if !n.Valid() || n.IsText() {
		return wire.Message{}, &wire.Error{What: "there is no wrapper element"}
	}
	row, ok := wire.LookupName(n.Local())
	if !ok || n.Space() != ServicesNS {
		return wire.Message{}, &wire.Error{What: "no operation " + describe(n)}
	}
	d := decoder{path: make([]string, 0, 8)}
	m := wire.Message{Op: row.Op}
	var buf [5]xmltree.Node
	c := d.enter(n, buf[:0])
	for _, p := range row.Parts {
		if p == 0 {
			break
		}
		if part := c.take(p.String()); part.Valid() {
			d.part(p, part, &m)
		}
	}
	c.leave()
	if d.err != nil {
		return wire.Message{}, d.err
	}
	return m, nil
}

func (d *decoder) part(p wire.Part, n xmltree.Node, m *wire.Message) {
	switch p {
	case wire.PartMessageID:
		m.MessageID = d.text(n)
	case wire.PartRequestID:
		m.RequestID = d.text(n)
	case wire.PartReservation:
		d.reservation(n, &m.Reservation)
	case wire.PartCallbackURL:
		m.CallbackURL = d.text(n)
	case wire.PartUpdateData:
		m.Update = d.update(n)
	case wire.PartProperties:
		m.Properties = d.properties(n)
	case wire.PartReservationID:
		m.ReservationID = d.text(n)
	case wire.PartErrorDetails:
		m.ErrorDetails = d.text(n)
	case wire.PartRequestType:
		m.RequestType = int32(d.number(n, 32))
	default:
		d.fail("no decoding for %s", p)
	}
}

// reservation requires resourceSet and term, which the schema makes optional and
// no receiver can do without (wire contract 3.9).
func (d *decoder) reservation(n xmltree.Node, r *wire.Reservation) {
	var buf [5]xmltree.Node
	c := d.enter(n, buf[:0])
	r.ID = d.text(c.take("reservationID"))
	if n := c.take("slice"); n.Valid() {
		var buf [2]xmltree.Node
		c := d.enter(n, buf[:0])
		r.Slice.Name = d.text(c.take("sliceName"))
		r.Slice.GUID = d.text(c.take("guid"))
		c.leave()
	}
	if n := c.take("resourceSet"); n.Valid() {
		d.resources(n, &r.Resources)
	}
	if n := c.take("term"); n.Valid() {
		r.Term = d.term(n)
	}
	r.Sequence = d.number(c.take("sequence"), 64)
	c.leave()
}

func (d *decoder) resources(n xmltree.Node, r *wire.Resources) {
	var buf [4]xmltree.Node
	c := d.enter(n, buf[:0])
	r.Units = int32(d.number(c.take("units"), 32))
	r.Type = d.text(c.take("type"))
	if n, ok := c.maybe("resourceData"); ok {
		var buf [3]xmltree.Node
		c := d.enter(n, buf[:0])
		if n, ok := c.maybe("requestProperties"); ok {
			r.Request = d.properties(n)
		}
		if n, ok := c.maybe("configurationProperties"); ok {
			r.Configuration = d.properties(n)
		}
		if n, ok := c.maybe("resourceProperties"); ok {
			r.Resource = d.properties(n)
		}
		c.leave()
	}
	if n, ok := c.maybe("concrete"); ok {
		r.Concrete = d.list(n, "plistNode", wire.MaxNodes)
	}
	c.leave()
}

func (d *decoder) term(n xmltree.Node) (t wire.Term) {
	var buf [4]xmltree.Node
	c := d.enter(n, buf[:0])
	t.StartTime = d.number(c.take("startTime"), 64)
	t.EndTime = d.number(c.take("endTime"), 64)
	t.TicketTime = d.number(c.take("ticketTime"), 64)
	t.NewStartTime = d.number(c.take("newStartTime"), 64)
	c.leave()
	return t
}

func (d *decoder) properties(n xmltree.Node) []wire.Property {
	return d.list(n, "property", wire.MaxProperties)
}

// list reads name and value pairs. The slice is never nil: the element is there.
func (d *decoder) list(n xmltree.Node, entry string, most int) []wire.Property {
	var room [16]xmltree.Node
	c := d.enter(n, room[:0])
	if len(c.kids) > most {
		d.fail("%s", overCount(entry, most))
	}
	list := make([]wire.Property, 0, len(c.kids))
	for len(c.kids) > 0 && d.err == nil {
		var buf [2]xmltree.Node
		pair := d.enter(c.take(entry), buf[:0])
		p := wire.Property{Name: d.text(pair.take("name")), Value: d.text(pair.take("value"))}
		pair.leave()
		list = append(list, p)
	}
	c.leave()
	return list
}

// update reads failed and message in either order; both may be left out.
func (d *decoder) update(n xmltree.Node) (u wire.Update) {
	var buf [2]xmltree.Node
	c := d.enter(n, buf[:0])
	if n, ok := c.maybe("message"); ok {
		u.Message = d.text(n)
		if n, ok := c.maybe("failed"); ok {
			u.Failed = d.boolean(n)
		}
	} else if n, ok := c.maybe("failed"); ok {
		u.Failed = d.boolean(n)
		if n, ok := c.maybe("message"); ok {
			u.Message = d.text(n)
		}
	}
	c.leave()
	return u
}

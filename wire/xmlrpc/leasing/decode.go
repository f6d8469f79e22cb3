package leasing

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Decode reads a message from the name of a method and the struct that was its second
// parameter. Errors are of type *wire.Error. The message shares no memory with the
// request.
func Decode(method string, request xmlrpc.Value) (wire.Message, error) {
	op, ok := Lookup(method)
	if !ok {
		return wire.Message{}, &wire.Error{What: "no operation " + wire.Clip(method)}
	}
	d := &decoder{}
	m := wire.Message{Op: op.Op}
	c := d.enter("request", request)
	for _, p := range op.Parts {
		if p == 0 {
			break
		}
		d.part(p, c, &m)
	}
	c.leave()
	if d.err != nil {
		return wire.Message{}, d.err
	}
	return m, nil
}

// decoder walks values along the schema. Its first error sticks; readers then return
// zero values until the walk is over.
type decoder struct {
	path []string
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &wire.Error{Path: strings.Join(d.path, "/"), What: fmt.Sprintf(format, args...)}
	}
}

// cursor hands out the members of one struct.
type cursor struct {
	d     *decoder
	of    xmlrpc.Value
	taken []string
}

// enter starts on a struct; leave ends what enter began.
func (d *decoder) enter(name string, v xmlrpc.Value) *cursor {
	d.path = append(d.path, name)
	if v.Kind() != xmlrpc.KindStruct {
		d.fail("it is %v, want a struct", v.Kind())
		v = xmlrpc.Struct()
	}
	return &cursor{d: d, of: v, taken: make([]string, 0, 5)}
}

// leave refuses members that nobody took.
func (c *cursor) leave() {
	if c.d.err == nil && len(c.taken) != c.of.Len() {
		for name := range c.of.Members() {
			if !slices.Contains(c.taken, name) {
				c.d.fail("unexpected member %q", wire.Clip(name))
			}
		}
	}
	c.d.path = c.d.path[:len(c.d.path)-1]
}

// maybe takes a member if there is one of that name.
func (c *cursor) maybe(name string) (xmlrpc.Value, bool) {
	v := c.of.Member(name)
	if c.d.err != nil || v.IsNil() {
		return xmlrpc.Value{}, false
	}
	c.taken = append(c.taken, name)
	return v, true
}

// take takes a member that must be there.
func (c *cursor) take(name string) xmlrpc.Value {
	v, ok := c.maybe(name)
	if !ok {
		c.d.fail("member %s is missing", name)
	}
	return v
}

// text takes a string. It is a copy, so that a field of a message does not keep the
// whole call alive.
func (c *cursor) text(name string) string { return c.d.text(name, c.take(name)) }

func (d *decoder) text(name string, v xmlrpc.Value) string {
	if d.err != nil {
		return ""
	}
	s, ok := v.Raw()
	if !ok {
		d.fail("%s is %v, want a string", wire.Clip(name), v.Kind())
		return ""
	}
	if bad := wire.FirstIllegal(s); bad >= 0 { // base64 could carry it, and no other message then
		d.fail("%s: %s", wire.Clip(name), wire.IllegalText(s, bad))
		return ""
	}
	return strings.Clone(s)
}

// number takes an integer between two bounds, in any of the forms that peers without
// 64 bits use.
func (c *cursor) number(name string, least, most int64) int64 {
	v := c.take(name)
	if c.d.err != nil {
		return 0
	}
	n, ok := v.Number()
	switch {
	case !ok:
		c.d.fail("%s is no integer but %v", name, v.Kind())
	case n < least || n > most:
		c.d.fail("%s is %d, want %d to %d", name, n, least, most)
	default:
		return n
	}
	return 0
}

func (c *cursor) int32(name string) int32 { return int32(c.number(name, math.MinInt32, math.MaxInt32)) }
func (c *cursor) int64(name string) int64 { return c.number(name, math.MinInt64, math.MaxInt64) }

func (d *decoder) part(p wire.Part, c *cursor, m *wire.Message) {
	name := p.String()
	switch p {
	case wire.PartMessageID:
		m.MessageID = c.text(name)
	case wire.PartRequestID:
		m.RequestID = c.text(name)
	case wire.PartReservation:
		d.reservation(c.take(name), &m.Reservation)
	case wire.PartCallbackURL:
		m.CallbackURL = c.text(name)
	case wire.PartUpdateData:
		d.update(c.take(name), &m.Update)
	case wire.PartProperties:
		m.Properties = d.list(name, c.take(name), wire.MaxProperties)
	case wire.PartReservationID:
		m.ReservationID = c.text(name)
	case wire.PartErrorDetails:
		m.ErrorDetails = c.text(name)
	case wire.PartRequestType:
		m.RequestType = c.int32(name)
	default:
		d.fail("no decoding for %s", p)
	}
}

func (d *decoder) reservation(v xmlrpc.Value, r *wire.Reservation) {
	c := d.enter("reservation", v)
	r.ID = c.text("reservationID")
	slice := d.enter("slice", c.take("slice"))
	r.Slice.Name, r.Slice.GUID = slice.text("sliceName"), slice.text("guid")
	slice.leave()
	d.resources(c.take("resourceSet"), &r.Resources)
	term := d.enter("term", c.take("term"))
	r.Term.StartTime, r.Term.EndTime = term.int64("startTime"), term.int64("endTime")
	r.Term.TicketTime, r.Term.NewStartTime = term.int64("ticketTime"), term.int64("newStartTime")
	term.leave()
	r.Sequence = c.int64("sequence")
	c.leave()
}

func (d *decoder) resources(v xmlrpc.Value, r *wire.Resources) {
	c := d.enter("resourceSet", v)
	r.Units = c.int32("units")
	r.Type = c.text("type")
	if v, ok := c.maybe("resourceData"); ok {
		data := d.enter("resourceData", v)
		for _, l := range [...]struct {
			name string
			list *[]wire.Property
		}{{"requestProperties", &r.Request}, {"configurationProperties", &r.Configuration}, {"resourceProperties", &r.Resource}} {
			if v, ok := data.maybe(l.name); ok {
				*l.list = d.list(l.name, v, wire.MaxProperties)
			}
		}
		data.leave()
	}
	if v, ok := c.maybe("concrete"); ok {
		r.Concrete = d.list("concrete", v, wire.MaxNodes)
	}
	c.leave()
}

// list reads a struct as a property list, in the order of its names. The slice is never
// nil: the member is there.
func (d *decoder) list(name string, v xmlrpc.Value, most int) []wire.Property {
	c := d.enter(name, v)
	defer func() { d.path = d.path[:len(d.path)-1] }()
	if c.of.Len() > most {
		d.fail("more than the limit of %d properties", most)
	}
	if d.err != nil {
		return nil
	}
	out := make([]wire.Property, 0, c.of.Len())
	for _, m := range c.of.Sorted() {
		if strings.IndexByte(m.Name, '\r') >= 0 {
			d.fail("a name with a carriage return")
		}
		out = append(out, wire.Property{Name: strings.Clone(m.Name), Value: d.text(m.Name, m.Value)})
	}
	return out
}

// update takes failed for false when it is left out, as its SOAP form does.
func (d *decoder) update(v xmlrpc.Value, u *wire.Update) {
	c := d.enter("updateData", v)
	if v, ok := c.maybe("failed"); ok {
		n, isInt := v.Int()
		b, isBool := v.Bool()
		switch {
		case isBool:
			u.Failed = b
		case isInt && (n == 0 || n == 1): // Perl has no booleans
			u.Failed = n == 1
		default:
			d.fail("failed is no boolean")
		}
	}
	if v, ok := c.maybe("message"); ok {
		u.Message = d.text("message", v)
	}
	c.leave()
}

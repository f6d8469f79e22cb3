package leasing

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// Encode is m as the name of a method and its second parameter. An error, of type
// *wire.Error, names the member that XML-RPC cannot carry.
func Encode(m wire.Message) (method string, request xmlrpc.Value, err error) {
	op, ok := wire.Lookup(m.Op)
	if !ok {
		return "", request, &wire.Error{What: fmt.Sprintf("no operation %d", uint8(m.Op))}
	}
	e := new(encoder)
	members := make([]xmlrpc.Member, 0, len(op.Parts))
	for _, p := range op.Parts {
		if p == 0 {
			break
		}
		members = append(members, xmlrpc.Member{Name: p.String(), Value: e.part(p, &m)})
	}
	if e.err != nil {
		return "", xmlrpc.Value{}, e.err
	}
	return Method(op), xmlrpc.Struct(members...), nil
}

// encoder makes values. Its first error sticks.
type encoder struct{ err error }

func (e *encoder) fail(path, what string) {
	if e.err == nil {
		e.err = &wire.Error{Path: path, What: what}
	}
}

// text is a string, or base64 where XML would change it.
func (e *encoder) text(path, s string) xmlrpc.Value {
	if strings.IndexByte(s, '\r') >= 0 {
		return e.octets(path, s)
	}
	e.legal(path, s)
	return xmlrpc.String(s)
}

func (e *encoder) octets(path, s string) xmlrpc.Value {
	e.legal(path, s)
	return xmlrpc.Base64([]byte(s))
}

// legal refuses what the SOAP form of the message could not carry: an actor may have
// to say it to another peer in that form.
func (e *encoder) legal(path, s string) {
	if bad := wire.FirstIllegal(s); bad >= 0 {
		e.fail(path, wire.IllegalText(s, bad))
	}
}

func instant(ms int64) xmlrpc.Value { return xmlrpc.String(strconv.FormatInt(ms, 10)) }

func (e *encoder) part(p wire.Part, m *wire.Message) xmlrpc.Value {
	switch p {
	case wire.PartMessageID:
		return e.text("messageID", m.MessageID)
	case wire.PartRequestID:
		return e.text("requestID", m.RequestID)
	case wire.PartReservation:
		return e.reservation(&m.Reservation)
	case wire.PartCallbackURL:
		return e.text("callbackURL", m.CallbackURL)
	case wire.PartUpdateData:
		return e.update(m.Update)
	case wire.PartProperties:
		return e.list("properties", m.Properties, wire.MaxProperties)
	case wire.PartReservationID:
		return e.text("reservationID", m.ReservationID)
	case wire.PartErrorDetails:
		return e.text("errorDetails", m.ErrorDetails)
	case wire.PartRequestType:
		return xmlrpc.Int(m.RequestType)
	}
	e.fail(p.String(), "no encoding")
	return xmlrpc.Value{}
}

func (e *encoder) reservation(r *wire.Reservation) xmlrpc.Value {
	sequence := instant(r.Sequence)
	if r.Sequence >= math.MinInt32 && r.Sequence <= math.MaxInt32 {
		sequence = xmlrpc.Int(int32(r.Sequence))
	}
	return xmlrpc.Struct(
		xmlrpc.Member{Name: "reservationID", Value: e.text("reservation/reservationID", r.ID)},
		xmlrpc.Member{Name: "sequence", Value: sequence},
		xmlrpc.Member{Name: "slice", Value: xmlrpc.Struct(
			xmlrpc.Member{Name: "sliceName", Value: e.text("reservation/slice/sliceName", r.Slice.Name)},
			xmlrpc.Member{Name: "guid", Value: e.text("reservation/slice/guid", r.Slice.GUID)},
		)},
		xmlrpc.Member{Name: "term", Value: xmlrpc.Struct(
			xmlrpc.Member{Name: "startTime", Value: instant(r.Term.StartTime)},
			xmlrpc.Member{Name: "endTime", Value: instant(r.Term.EndTime)},
			xmlrpc.Member{Name: "ticketTime", Value: instant(r.Term.TicketTime)},
			xmlrpc.Member{Name: "newStartTime", Value: instant(r.Term.NewStartTime)},
		)},
		xmlrpc.Member{Name: "resourceSet", Value: e.resources(&r.Resources)},
	)
}

func (e *encoder) resources(r *wire.Resources) xmlrpc.Value {
	const path = "reservation/resourceSet/"
	set := make([]xmlrpc.Member, 2, 4)
	set[0] = xmlrpc.Member{Name: "units", Value: xmlrpc.Int(r.Units)}
	set[1] = xmlrpc.Member{Name: "type", Value: e.text(path+"type", r.Type)}
	var data []xmlrpc.Member
	for _, l := range [...]struct {
		name string
		list []wire.Property
	}{{"requestProperties", r.Request}, {"configurationProperties", r.Configuration}, {"resourceProperties", r.Resource}} {
		if l.list != nil {
			data = append(data, xmlrpc.Member{Name: l.name, Value: e.list(path+"resourceData/"+l.name, l.list, wire.MaxProperties)})
		}
	}
	if data != nil {
		set = append(set, xmlrpc.Member{Name: "resourceData", Value: xmlrpc.Struct(data...)})
	}
	if r.Concrete != nil {
		set = append(set, xmlrpc.Member{Name: "concrete", Value: e.list(path+"concrete", r.Concrete, wire.MaxNodes)})
	}
	return xmlrpc.Struct(set...)
}

// list is a property list as a struct.
func (e *encoder) list(path string, list []wire.Property, most int) xmlrpc.Value {
	if len(list) > most {
		e.fail(path, fmt.Sprintf("more than the limit of %d properties", most))
		return xmlrpc.Value{}
	}
	members := make([]xmlrpc.Member, 0, len(list))
	var at map[string]int // of names, once there are enough to make looking slow
	if len(list) > 16 {
		at = make(map[string]int, len(list))
	}
	for _, p := range list {
		if strings.IndexByte(p.Name, '\r') >= 0 {
			e.fail(path, "a name with a carriage return, which XML-RPC cannot carry")
			return xmlrpc.Value{}
		}
		e.legal(path, p.Name)
		m := xmlrpc.Member{Name: p.Name}
		if p.Name == ticketText {
			m.Value = e.octets(path+"/"+ticketText, p.Value)
		} else {
			m.Value = e.text(path, p.Value)
		}
		i, again := at[p.Name]
		if at == nil {
			i = slices.IndexFunc(members, func(m xmlrpc.Member) bool { return m.Name == p.Name })
			again = i >= 0
		}
		if again { // the later counts
			members[i] = m
			continue
		}
		if at != nil {
			at[p.Name] = len(members)
		}
		members = append(members, m)
	}
	return xmlrpc.Struct(members...)
}

func (e *encoder) update(u wire.Update) xmlrpc.Value {
	members := []xmlrpc.Member{{Name: "failed", Value: xmlrpc.Bool(u.Failed)}}
	if u.Message != "" {
		members = append(members, xmlrpc.Member{Name: "message", Value: e.text("updateData/message", u.Message)})
	}
	return xmlrpc.Struct(members...)
}

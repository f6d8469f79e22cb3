package translate_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/plist"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/ticket"
)

func TestOutgoingRefuses(t *testing.T) {
	unit := func(u actors.Unit) func(*actors.Message) {
		return func(m *actors.Message) { m.Lease = &actors.Lease{Units: []actors.Unit{u}} }
	}
	for _, tt := range []struct {
		op     actors.Op
		change func(*actors.Message)
		want   string
	}{
		{0, nil, "no such operation"},
		{99, nil, "no such operation"},
		{actors.OpTicket, func(m *actors.Message) { m.Reservation = "" }, "no reservation id"},
		{actors.OpTicket, func(m *actors.Message) { m.Slice.ID = "" }, "no slice guid"},
		{actors.OpTicket, func(m *actors.Message) { m.Type = "" }, "no resource type"},
		{actors.OpTicket, func(m *actors.Message) { m.Units = -1 }, "units is -1"},
		{actors.OpTicket, func(m *actors.Message) { m.Units = 1 << 31 }, "units is 2147483648"},
		{actors.OpTicket, func(m *actors.Message) { m.Sequence = 1 << 31 }, "sequence 2147483648 is outside"},
		{actors.OpTicket, func(m *actors.Message) { m.Sequence = -1 }, "sequence -1 is outside"},
		{actors.OpTicket, func(m *actors.Message) { m.Term.NewStart = 0 }, "is missing"},
		{actors.OpRedeem, nil, "no ticket"},
		{actors.OpExtendLease, nil, "no ticket"},
		{actors.OpModifyLease, nil, "no ticket"},
		{actors.OpClose, nil, "no ticket"},
		{actors.OpUpdateTicket, nil, "no ticket"},
		{actors.OpRedeem, func(m *actors.Message) { m.Ticket, m.Units = right, 1 }, "message says 1 units, its ticket 2"},
		{actors.OpUpdateTicket, func(m *actors.Message) { m.Ticket, m.Units = right, 3 }, "message says 3 units, its ticket 2"},
		{actors.OpUpdateTicket, func(m *actors.Message) {
			granted := *right
			granted.Text, granted.Base = "", "signed by others"
			m.Ticket = &granted
		}, "ticket t2 has not been signed"},
		{actors.OpRedeem, func(m *actors.Message) { m.Ticket = &actors.Ticket{Delegation: right.Delegation, Text: "x"} }, "a proxy needs"},
		{actors.OpUpdateTicket, func(m *actors.Message) { m.Failed, m.Term = true, actors.Term{} }, "is missing"},
		{actors.OpUpdateLease, func(m *actors.Message) { m.Term.End = m.Term.Start }, "is not after start"},
		{actors.OpUpdateLease, unit(actors.Unit{}), "a unit needs an id"},
		{actors.OpUpdateLease, unit(actors.Unit{ID: "u", State: 7}), "7 is no state"},
		{actors.OpUpdateLease, func(m *actors.Message) { m.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u"}, {ID: "u"}}} }, "second unit"},
	} {
		_, err := translate.Outgoing(message(tt.op, tt.change), broker)
		checkError(t, fmt.Sprintf("%v, %s", tt.op, tt.want), err, actors.Invalid, tt.want)
	}
}

// Each row spoils a message that would be taken.
// What is refused of messages without a reservation.
func TestBareRefuses(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for want, m := range map[string]wire.Message{
		"request id is over":     {Op: wire.OpQueryResult, RequestID: long},
		"callback URL is over":   {Op: wire.OpQuery, CallbackURL: long},
		"reservation id is over": {Op: wire.OpFailedRPC, ReservationID: long},
	} {
		_, err := translate.Incoming(m, broker.ID, nil)
		checkError(t, want, err, actors.Invalid, want)
	}
	_, err := translate.Outgoing(actors.Message{Op: actors.OpQueryResult}, broker)
	checkError(t, "an answer to nothing", err, actors.Invalid, "answers no message")
	m, err := translate.Incoming(wire.Message{Op: wire.OpFailedRPC, RequestID: "r", RequestType: 99}, broker.ID, nil)
	if err != nil || m.RequestOp != 0 {
		t.Errorf("an unknown request type: %+v, %v", m, err)
	}
}

func TestIncomingRefuses(t *testing.T) {
	nodes := func(name, value string) func(*wire.Message) {
		return func(m *wire.Message) {
			m.Reservation.Resources.Concrete = append(m.Reservation.Resources.Concrete, wire.Property{Name: name, Value: value})
		}
	}
	proxy := func(p plist.Proxy) func(*wire.Message) {
		text, err := p.Text()
		if err != nil {
			t.Fatal(err)
		}
		return nodes("ticket.authority.proxy", text)
	}
	long := strings.Repeat("x", 5000)
	for _, tt := range []struct {
		op     actors.Op
		change func(*wire.Message)
		kind   actors.Kind
		want   string
	}{
		{actors.OpTicket, func(m *wire.Message) { m.Op = 0 }, actors.Invalid, "not offered"},
		{actors.OpTicket, func(m *wire.Message) { m.Op = 200 }, actors.Invalid, "not offered"},
		{actors.OpModifyLease, func(m *wire.Message) { m.Reservation.Resources.Concrete = nil }, actors.Invalid, "want a ticket"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.ID = "" }, actors.Invalid, "no reservation id"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.ID = long }, actors.Invalid, "reservation id is over the limit of 256"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Slice.GUID = "" }, actors.Invalid, "no slice guid"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Slice.GUID = long }, actors.Invalid, "slice guid is over the limit of 256"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Slice.Name = long }, actors.Invalid, "slice name is over the limit of 1024"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Resources.Type = "" }, actors.Invalid, "no resource type"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Resources.Type = long }, actors.Invalid, "resource type is over the limit of 256"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Resources.Units = -1 }, actors.Invalid, "units is -1"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Sequence = 1 << 31 }, actors.Invalid, "sequence 2147483648"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Sequence = -1 }, actors.Invalid, "sequence -1"},
		{actors.OpTicket, func(m *wire.Message) { m.CallbackURL = long }, actors.Invalid, "callback URL is over the limit of 2048"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Term.NewStartTime = 0 }, actors.Invalid, "new interval is missing"},
		{actors.OpTicket, func(m *wire.Message) { m.Reservation.Term.EndTime = -5 }, actors.Invalid, "end is missing"},
		{actors.OpRelinquish, func(m *wire.Message) { m.Reservation.Term.EndTime = 1 }, actors.Invalid, "is not after start"},
		{actors.OpUpdateTicket, func(m *wire.Message) { m.Reservation.Term = wire.Term{} }, actors.Invalid, "start is missing"},
		{actors.OpRedeem, func(m *wire.Message) { m.Reservation.Resources.Concrete = nil }, actors.Invalid, "want a ticket"},
		{actors.OpRedeem, func(m *wire.Message) { m.Reservation.Resources.Concrete = []wire.Property{} }, actors.Invalid, "__class_name__ is missing"},
		{actors.OpClose, func(m *wire.Message) { m.Reservation.Resources.Concrete = nil }, actors.Invalid, "want a ticket"},
		{actors.OpUpdateTicket, func(m *wire.Message) { m.Reservation.Resources.Concrete = nil }, actors.Invalid, "want a ticket"},
		{actors.OpRedeem, nodes("__class_name__", plist.UnitSetClass), actors.Invalid, "UnitSet"},
		{actors.OpRedeem, nodes("ticket.authority.proxy", "x=y"), actors.Invalid, "ticket.authority.proxy"},
		{actors.OpRedeem, nodes("ticket.resourceTicket", "<forged/>"), actors.Denied, "unknown text"},
		{actors.OpRedeem, nodes("ticket.resourceTicket", "late"), actors.Transient, "not now"},
		{actors.OpRedeem, nodes("ticket.resourceTicket", "form"), actors.Invalid, "malformed"},
		{actors.OpRedeem, nodes("ticket.resourceTicket", "link"), actors.Denied, "broken link"},
		{actors.OpRedeem, proxy(plist.Proxy{Name: "n", GUID: long}), actors.Invalid, "the site's guid, name or URL is over the limit"},
		{actors.OpRedeem, proxy(plist.Proxy{Name: long, GUID: "g"}), actors.Invalid, "is over the limit"},
		{actors.OpRedeem, proxy(plist.Proxy{Name: "n", GUID: "g", Endpoint: long}), actors.Invalid, "is over the limit"},
		{actors.OpUpdateLease, nodes("__class_name__", plist.TicketClass), actors.Invalid, "Ticket"},
		{actors.OpUpdateLease, nodes("unit.0", "x=y"), actors.Invalid, "unit.0/unit.id"},
		{actors.OpUpdateLease, nodes("unit.0", "unit.id=u2"), actors.Invalid, "second unit"},
		{actors.OpUpdateLease, nodes("unit.0", "unit.id="+long), actors.Invalid, "unit id is over the limit of 256"},
		{actors.OpUpdateLease, nodes("unit.0", "unit.id=a\nunit.sequence=2147483648"), actors.Invalid, "unit sequence 2147483648"},
		{actors.OpUpdateLease, nodes("unit.0", "unit.id=a\nunit.sequence=-1"), actors.Invalid, "unit sequence -1"},
	} {
		sent, err := translate.Outgoing(message(tt.op, func(m *actors.Message) { m.Ticket, m.Lease = right, lease }), broker)
		if err != nil {
			t.Fatal(err)
		}
		check := func(text string) (actors.Ticket, error) {
			switch text {
			case "late":
				return actors.Ticket{}, &actors.Error{Op: "test", Kind: actors.Transient, Err: errors.New("not now")}
			case "form":
				return actors.Ticket{}, fmt.Errorf("ticket: %w", ticket.ErrMalformed)
			case "link":
				return actors.Ticket{}, fmt.Errorf("ticket: %w", ticket.ErrLink)
			}
			return verify(text)
		}
		if _, err := translate.Incoming(sent, broker.ID, check); err != nil {
			t.Fatalf("%v: refused before it was spoilt: %v", tt.op, err)
		}
		tt.change(&sent)
		m, err := translate.Incoming(sent, broker.ID, check)
		checkError(t, fmt.Sprintf("%v, %s", tt.op, tt.want), err, tt.kind, tt.want)
		if m.Reservation != "" {
			t.Errorf("%v: a refused message was returned", tt.op)
		}
	}
}

// Instants that are not positive are not given (wire contract 3.3). Only close is
// taken without a term.
func TestIncomingNoTerm(t *testing.T) {
	sent, err := translate.Outgoing(message(actors.OpClose, withTicket), manager)
	if err != nil {
		t.Fatal(err)
	}
	sent.Reservation.Term = wire.Term{StartTime: -1, EndTime: -1 << 63, NewStartTime: 0, TicketTime: 9}
	if m, err := translate.Incoming(sent, manager.ID, verify); err != nil || m.Term != (actors.Term{}) {
		t.Errorf("%+v, %v", m.Term, err)
	}
}

// Nobody verifies, so nobody is believed.
func TestIncomingWithoutVerify(t *testing.T) {
	sent, err := translate.Outgoing(message(actors.OpRedeem, withTicket), manager)
	if err != nil {
		t.Fatal(err)
	}
	_, err = translate.Incoming(sent, manager.ID, nil)
	checkError(t, "redeem", err, actors.Denied, "no tickets are accepted here")
}

// An error says who, what and which.
func TestErrorFields(t *testing.T) {
	_, err := translate.Incoming(wire.Message{Op: wire.OpTicket, MessageID: "m1", Reservation: wire.Reservation{ID: "r1"}}, "peer", nil)
	var e *actors.Error
	if !errors.As(err, &e) || e.Op != "translate.ticket" || e.Peer != "peer" || e.Reservation != "r1" || e.Message != "m1" {
		t.Errorf("%#v", err)
	}
	if got, want := err.Error(), "translate.ticket: peer peer: reservation r1: message m1: invalid request: no slice guid"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Legacy peers send what they always sent.
func TestIncomingLegacy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		check func(actors.Message) bool
	}{
		{"ticket", func(m actors.Message) bool {
			return m.Op == actors.OpTicket && m.Properties["request.memoryCapacity"] == "1024"
		}},
		{"extendTicket", func(m actors.Message) bool { return m.Term.NewStart == 1700086400000 && m.Sequence == 2 }},
		{"relinquish", func(m actors.Message) bool { return m.Sequence == 3 }},
		{"redeem", func(m actors.Message) bool {
			return m.Ticket.Authority.Name == "unc-vm-am" && m.Properties["config.image.guid"] == "8b2f"
		}},
		{"extendLease", func(m actors.Message) bool { return m.Ticket.Authority.ID == siteID }},
		{"modifyLease", func(m actors.Message) bool {
			wanted := actors.NewestModify(m.Properties)
			return m.Op == actors.OpModifyLease && wanted.Number == 1 && wanted.Subcommand == "modify.ssh" &&
				wanted.Arguments["config.ssh.numlogins"] == "1" && m.Sequence == 3 && m.Ticket.Authority.ID == siteID
		}},
		{"close", func(m actors.Message) bool { return strings.HasPrefix(m.Ticket.Text, "<") }},
		{"updateTicket", func(m actors.Message) bool { return !m.Failed && m.Sequence == 0 && m.Ticket != nil }},
		{"updateTicket-failed", func(m actors.Message) bool { return m.Failed && m.Note == "Insufficient resources" && m.Ticket == nil }},
		{"updateLease", func(m actors.Message) bool {
			return m.Lease.Units[0].State == actors.UnitActive && m.Lease.Units[0].Properties["unit.manage.ip"] == "192.0.2.15"
		}},
		{"updateLease-fin", func(m actors.Message) bool { return m.Lease != nil && len(m.Lease.Units) == 0 && !m.Failed }},
	} {
		src, err := os.ReadFile(filepath.Join("testdata", tt.name+".xml"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := decode(src)
		if err != nil {
			t.Fatal(err)
		}
		in, err := translate.Incoming(m, "peer", func(text string) (actors.Ticket, error) { return actors.Ticket{}, nil })
		if err != nil || !tt.check(in) {
			t.Errorf("%s: %+v, %v", tt.name, in, err)
		}
	}
}

// FuzzIncoming: whatever the codec takes is taken or refused with a kind, and a
// refusal never says internal error.
func FuzzIncoming(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds")
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := decode(src)
		if err != nil {
			return
		}
		in, err := translate.Incoming(m, "peer", func(string) (actors.Ticket, error) { return *right, nil })
		if err != nil {
			if k := actors.KindOf(err); k != actors.Invalid {
				t.Fatalf("%v: %v", k, err)
			}
			return
		}
		if in.Ticket != nil && !in.Failed {
			in.Units = in.Ticket.Units // the machine compares them
		}
		in.Slice.ID += "s"
		if in.Ticket != nil && in.Failed {
			in.Term = in.Ticket.Term
		}
		if _, err := translate.Outgoing(in, site); err != nil {
			t.Fatalf("taken, but cannot be sent on: %v\n%+v", err, in)
		}
	})
}

func decode(src []byte) (wire.Message, error) {
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		return wire.Message{}, err
	}
	return soap.DecodeBody(doc.Root())
}

func checkError(t *testing.T, what string, err error, kind actors.Kind, want string) {
	t.Helper()
	if err == nil || actors.KindOf(err) != kind || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want %v with %q", what, err, kind, want)
	}
	if e := (*actors.Error)(nil); !errors.As(err, &e) || !strings.HasPrefix(e.Op, "translate.") {
		t.Errorf("%s: error is a %T", what, err)
	}
}

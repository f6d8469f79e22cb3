package translate_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

const (
	siteID    = "7c1f0c52-0a57-4a6e-9a43-6d2f6c0f3a11"
	brokerID  = "1f4d7c3a-0d2d-4f43-8f8c-7f0f1a2b3002"
	managerID = "1f4d7c3a-0d2d-4f43-8f8c-7f0f1a2b3001"
)

var (
	manager = actors.Location{ID: managerID, Name: "service", URL: "http://sm.example.net:8080/orca/services/service"}
	broker  = actors.Location{ID: brokerID, Name: "broker", URL: "http://broker.example.net:8080/orca/services/broker"}
	site    = actors.Location{ID: siteID, Name: "site1", URL: "http://site1.example.net:8080/orca/services/site1"}

	term  = actors.NewTerm(1700000000000, 1700086399999)
	right = &actors.Ticket{
		Delegation: actors.Delegation{ID: "t2", Issuer: brokerID, Holder: managerID, Type: "site1.node", Units: 2, Term: term},
		Ancestors:  []actors.Delegation{{ID: "t1", Issuer: siteID, Holder: siteID, Type: "site1.node", Units: 8, Term: term}},
		Authority:  site,
		Text:       "<sharpTicket>signed</sharpTicket>",
	}
	lease = &actors.Lease{Units: []actors.Unit{
		{ID: "u1", State: actors.UnitActive, Sequence: 1, Properties: actors.Properties{"unit.manage.ip": "192.0.2.15", "note": "a=b\n:é"}},
		{ID: "u2", State: actors.UnitModifying, Sequence: 3, Notice: "slow\ndisk"},
	}}
)

// message is a request of the manager or an answer to it, with all that every
// operation has.
func message(op actors.Op, change func(*actors.Message)) actors.Message {
	m := actors.Message{
		ID: "e6d2e6b2-7b36-4f8f-b9d2-30c7f4f5a001", Op: op, From: managerID, Reservation: "2b7b9a40", Slice: actors.Slice{ID: "9a1d3c77", Name: "demo & <slice>"},
		Sequence: 7, Type: "site1.node", Units: 2, Term: term, Properties: actors.Properties{"image": "debian", "key": "ssh-rsa AAAA\n"},
		ReplyTo: manager.URL,
	}
	if change != nil {
		change(&m)
	}
	return m
}

func withTicket(m *actors.Message) { m.Ticket = right }

// verify knows the one ticket of these tests.
func verify(text string) (actors.Ticket, error) {
	if text != right.Text {
		return actors.Ticket{}, fmt.Errorf("unknown text %q", text)
	}
	t := *right
	t.Authority = actors.Location{}
	return t, nil
}

// over sends m as self would and reads it as a peer does.
func over(t rapid.TB, m actors.Message, self actors.Location) (actors.Message, wire.Message) {
	t.Helper()
	sent, err := translate.Outgoing(m, self)
	if err != nil {
		t.Fatal(err)
	}
	octets, err := soap.EncodeBody(nil, sent)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	// What was written must be what is hashed.
	if canonical := c14n.Exclusive(nil, doc.Root(), nil); !bytes.Equal(canonical, octets) {
		t.Fatalf("not canonical:\n%s\nwant\n%s", octets, canonical)
	}
	got, err := soap.DecodeBody(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sent) {
		t.Fatalf("the codec changed\n%+v\ninto\n%+v", sent, got)
	}
	in, err := translate.Incoming(got, self.ID, verify)
	if err != nil {
		t.Fatal(err)
	}
	if called := overCalls(t, sent, self); called != nil && !reflect.DeepEqual(*called, in) {
		t.Fatalf("as a call of XML-RPC\n%+v\nin SOAP\n%+v", *called, in)
	}
	return in, got
}

// overCalls reads the same message as a peer does that speaks XML-RPC. That protocol
// cannot carry the name of a property with a carriage return: then it is nil.
func overCalls(t rapid.TB, sent wire.Message, self actors.Location) *actors.Message {
	t.Helper()
	method, request, err := leasing.Encode(sent)
	if err != nil {
		for _, list := range [][]wire.Property{sent.Properties, sent.Reservation.Resources.Request, sent.Reservation.Resources.Configuration, sent.Reservation.Resources.Resource} {
			for _, p := range list {
				if strings.Contains(p.Name, "\r") {
					return nil
				}
			}
		}
		t.Fatal(err)
	}
	doc, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: method, Params: []xmlrpc.Value{request}}, xmlrpc.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := xmlrpc.ParseCall(doc, xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := leasing.Decode(c.Method, c.Params[0])
	if err != nil {
		t.Fatal(err)
	}
	in, err := translate.Incoming(m, self.ID, verify)
	if err != nil {
		t.Fatal(err)
	}
	return &in
}

// Every operation of package actors, in every form it takes, arrives as it was
// sent, in SOAP and as a call of XML-RPC. A row's want says what differs.
func TestRoundTrip(t *testing.T) {
	answer := func(from actors.Location) func(*actors.Message) {
		return func(m *actors.Message) { m.From, m.ReplyTo = from.ID, from.URL }
	}
	seen := make(map[actors.Op]bool)
	for _, tt := range []struct {
		name string
		self actors.Location
		msg  actors.Message
		want func(*actors.Message)
	}{
		{name: "ticket", self: manager, msg: message(actors.OpTicket, nil)},
		{name: "ticket of nothing", self: manager, msg: message(actors.OpTicket, func(m *actors.Message) { m.Units, m.Properties, m.Slice.Name = 0, nil, "" })},
		{name: "ticket without a callback", self: manager, msg: message(actors.OpTicket, func(m *actors.Message) { m.ReplyTo = "" }),
			want: func(m *actors.Message) { m.ReplyTo = manager.URL }},
		{name: "ticket for ever", self: manager, msg: message(actors.OpTicket, func(m *actors.Message) { m.Term.End = actors.Forever })},
		{name: "ticket that carries one", self: manager, msg: message(actors.OpTicket, withTicket),
			want: func(m *actors.Message) { m.Ticket = nil }},
		{name: "extendTicket", self: manager, msg: message(actors.OpExtendTicket, func(m *actors.Message) { m.Term = term.Extended(1700172799999) })},
		{name: "relinquish", self: manager, msg: message(actors.OpRelinquish, nil)},
		{name: "redeem", self: manager, msg: message(actors.OpRedeem, withTicket)},
		{name: "extendLease", self: manager, msg: message(actors.OpExtendLease, withTicket)},
		{name: "modifyLease", self: manager, msg: message(actors.OpModifyLease, withTicket)},
		{name: "close", self: manager, msg: message(actors.OpClose, withTicket)},
		{name: "close without a term", self: manager, msg: message(actors.OpClose, func(m *actors.Message) { m.Ticket, m.Term = right, actors.Term{} })},
		{name: "updateTicket", self: broker, msg: message(actors.OpUpdateTicket, func(m *actors.Message) { answer(broker)(m); m.Ticket = right })},
		{name: "updateTicket for the client's own callback", self: broker, msg: message(actors.OpUpdateTicket, func(m *actors.Message) { answer(broker)(m); m.Ticket, m.ReplyTo = right, manager.URL }),
			want: func(m *actors.Message) { m.ReplyTo = broker.URL }},
		{name: "first ticket failed", self: broker, msg: message(actors.OpUpdateTicket, func(m *actors.Message) { answer(broker)(m); m.Failed, m.Note = true, "insufficient resources" }),
			want: func(m *actors.Message) { m.Units = 0 }},
		{name: "extension failed", self: broker, msg: message(actors.OpUpdateTicket, func(m *actors.Message) {
			answer(broker)(m)
			m.Failed, m.Note, m.Ticket, m.Units, m.Term = true, "no", right, 5, term.Extended(1700172799999)
		}), want: func(m *actors.Message) { m.Units, m.Term = 2, term }},
		{name: "updateLease", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) { answer(site)(m); m.Lease = lease })},
		{name: "updateLease with a note", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) { answer(site)(m); m.Lease, m.Note = lease, "one unit was lost" })},
		{name: "updateLease FIN", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) {
			answer(site)(m)
			m.Lease = &actors.Lease{Units: []actors.Unit{}}
		}), want: func(m *actors.Message) { m.Units = 0 }},
		{name: "updateLease, nothing ever leased", self: site, msg: message(actors.OpUpdateLease, answer(site)),
			want: func(m *actors.Message) { m.Units = 0 }},
		{name: "redeem failed", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) { answer(site)(m); m.Failed, m.Note = true, "all units failed" }),
			want: func(m *actors.Message) { m.Units = 0 }},
		{name: "what stays at the site", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) {
			answer(site)(m)
			m.Units = 1
			m.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u", Host: "node17", Attempts: 3, Properties: actors.Properties{"unit.id": "other", "a": "b"}}}}
		}), want: func(m *actors.Message) {
			m.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u", Properties: actors.Properties{"a": "b"}}}}
		}},
		{name: "a note that no XML can carry", self: site, msg: message(actors.OpUpdateLease, func(m *actors.Message) { answer(site)(m); m.Lease, m.Note = lease, "\x1b[31mred" }),
			want: func(m *actors.Message) { m.Note = "\uFFFD[31mred" }},
		{name: "claim", self: broker, msg: message(actors.OpClaim, func(m *actors.Message) { m.Term, m.Units = actors.Term{}, 0; answer(broker)(m) }),
			want: func(m *actors.Message) { m.Failed, m.Note = false, "" }},
		{name: "query", self: manager, msg: actors.Message{ID: "q1", Op: actors.OpQuery, From: manager.ID, ReplyTo: manager.URL,
			Properties: actors.Properties{actors.QueryAction: "discover.pools"}}},
		{name: "queryResult", self: broker, msg: actors.Message{ID: "q2", Op: actors.OpQueryResult, From: broker.ID, RequestID: "q1",
			Properties: actors.Properties{"pools.count": "0"}, ReplyTo: manager.URL}, want: func(m *actors.Message) { m.ReplyTo = "" }},
		{name: "queryResult, nothing", self: broker, msg: actors.Message{ID: "q2", Op: actors.OpQueryResult, From: broker.ID, RequestID: "q1"}},
		{name: "failedRPC", self: site, msg: actors.Message{ID: "f1", Op: actors.OpFailedRPC, From: site.ID, RequestID: "m1",
			RequestOp: actors.OpRedeem, Reservation: "R1", Failed: true, Note: "broken"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := over(t, tt.msg, tt.self)
			want := tt.msg
			if tt.want != nil {
				tt.want(&want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
		seen[tt.msg.Op] = true
	}
	for op := actors.Op(0); op < 32; op++ {
		if named := op.String() != fmt.Sprintf("Op(%d)", op); named && !seen[op] {
			t.Errorf("no row for %v", op)
		}
	}
}

// The list that travels is the one of the direction, present even when empty,
// and it travels alone (wire contract 3.5, 3.9).
func TestDirection(t *testing.T) {
	for _, tt := range []struct {
		op   actors.Op
		list wire.List
	}{
		{actors.OpTicket, wire.RequestList}, {actors.OpExtendTicket, wire.RequestList}, {actors.OpRelinquish, wire.RequestList},
		{actors.OpRedeem, wire.ConfigurationList}, {actors.OpExtendLease, wire.ConfigurationList},
		{actors.OpModifyLease, wire.ConfigurationList}, {actors.OpClose, wire.ConfigurationList},
		{actors.OpUpdateTicket, wire.ResourceList}, {actors.OpUpdateLease, wire.ResourceList},
	} {
		for _, p := range []actors.Properties{nil, {}, {"b": "2", "a": "1"}} {
			m := message(tt.op, func(m *actors.Message) { m.Properties, m.Ticket = p, right })
			out, err := translate.Outgoing(m, broker)
			if err != nil {
				t.Fatal(err)
			}
			r := out.Reservation.Resources
			list := *r.List(tt.list)
			if list == nil || len(list) != len(p) || len(p) == 2 && (list[0].Name != "a" || list[1].Name != "b") {
				t.Errorf("%v: list %v", tt.op, list)
			}
			*r.List(tt.list) = nil
			if r.Request != nil || r.Configuration != nil || r.Resource != nil {
				t.Errorf("%v: a second list travels: %+v", tt.op, r)
			}
		}
	}
}

// Any message that can be sent arrives: names, properties and notes of all
// characters, units of all states.
func TestRoundTripAny(t *testing.T) {
	legal := rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return wire.Clean(string(r)) == string(r) && r != '\uFFFD' }), 0, 20, 200)
	name := legal.Filter(func(s string) bool { return s != "" })
	properties := rapid.Custom(func(t *rapid.T) actors.Properties {
		if m := rapid.MapOfN(legal, legal, 0, 5).Draw(t, "map"); len(m) > 0 {
			return m
		}
		return nil
	})
	unit := rapid.Custom(func(t *rapid.T) actors.Unit {
		return actors.Unit{
			ID: actors.UnitID(name.Draw(t, "unit")), State: actors.UnitState(rapid.IntRange(0, 6).Draw(t, "state")),
			Sequence: rapid.IntRange(0, 1<<31-1).Draw(t, "unit sequence"), Notice: legal.Draw(t, "notice"), Properties: properties.Draw(t, "unit properties"),
		}
	})
	ops := []actors.Op{actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish, actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease,
		actors.OpUpdateTicket, actors.OpUpdateLease, actors.OpClose}
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(1, 1<<62).Draw(t, "start")
		m := actors.Message{
			ID: legal.Draw(t, "id"), Op: rapid.SampledFrom(ops).Draw(t, "op"), From: broker.ID,
			Reservation: actors.ReservationID(name.Draw(t, "reservation")),
			Slice:       actors.Slice{ID: actors.SliceID(name.Draw(t, "slice")), Name: legal.Draw(t, "slice name")},
			Sequence:    rapid.IntRange(0, 1<<31-1).Draw(t, "sequence"),
			Type:        actors.ResourceType(name.Draw(t, "type")), Units: right.Units,
			Term:       actors.NewTerm(actors.Millis(start), actors.Millis(rapid.Int64Range(start+1, 1<<63-1).Draw(t, "end"))),
			Properties: properties.Draw(t, "properties"), ReplyTo: broker.URL,
		}
		switch m.Op {
		case actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease, actors.OpClose, actors.OpUpdateTicket:
			m.Ticket = right
		case actors.OpUpdateLease:
			units := rapid.SliceOfNDistinct(unit, 1, 4, func(u actors.Unit) actors.UnitID { return u.ID }).Draw(t, "units")
			m.Lease, m.Failed, m.Note = &actors.Lease{Units: units}, rapid.Bool().Draw(t, "failed"), legal.Draw(t, "note")
		}
		if got, _ := over(t, m, broker); !reflect.DeepEqual(got, m) {
			t.Fatalf("got  %+v\nwant %+v", got, m)
		}
	})
}

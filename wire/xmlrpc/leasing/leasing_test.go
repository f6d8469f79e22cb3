package leasing_test

import (
	"cmp"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wire/xmltree"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

// carried is a message after it has gone over as XML-RPC, and the document it went in.
func carried(t testing.TB, m wire.Message, d xmlrpc.Dialect) (wire.Message, []byte) {
	t.Helper()
	method, request, err := leasing.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: method, Params: []xmlrpc.Value{request}}, d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := xmlrpc.ParseCall(doc, xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := leasing.Decode(c.Method, c.Params[0])
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return got, doc
}

// asMaps is a message with its lists in the order of names, of two the later.
func asMaps(m wire.Message) wire.Message {
	r := &m.Reservation.Resources
	for _, l := range []*[]wire.Property{&m.Properties, &r.Request, &r.Configuration, &r.Resource, &r.Concrete} {
		if *l == nil {
			continue
		}
		last := make(map[string]string)
		for _, p := range *l {
			last[p.Name] = p.Value
		}
		out := make([]wire.Property, 0, len(last))
		for name, value := range last {
			out = append(out, wire.Property{Name: name, Value: value})
		}
		slices.SortFunc(out, func(a, b wire.Property) int { return cmp.Compare(a.Name, b.Name) })
		*l = out
	}
	return m
}

func fromSOAP(t testing.TB, file string) wire.Message {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xmltree.Parse(data, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := soap.DecodeBody(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every message that the SOAP codec has a golden file of goes over unchanged, and its
// document is a golden file here.
func TestSameAsSOAP(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../soap/testdata/golden/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v: %v", files, err)
	}
	seen := make(map[wire.Op]bool)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			m := fromSOAP(t, file)
			seen[m.Op] = true
			got, doc := carried(t, m, xmlrpc.Dialect{})
			if want := asMaps(m); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			golden := filepath.Join("testdata", "golden", filepath.Base(file))
			if *update {
				if err := os.WriteFile(golden, doc, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(doc) != string(want) {
				t.Errorf("%s changed:\n%s", golden, doc)
			}
			if bare, _ := carried(t, m, xmlrpc.Dialect{Bare: true}); !reflect.DeepEqual(bare, got) {
				t.Errorf("without string elements: %+v", bare)
			}
		})
	}
	for op := range wire.Operations() {
		if !seen[op.Op] {
			t.Errorf("no message of %v", op.Op)
		}
	}
}

// Names of methods, with and without their first half.
func TestMethods(t *testing.T) {
	t.Parallel()
	want := map[wire.Op]string{
		wire.OpClaim: "broker.claim", wire.OpTicket: "broker.ticket", wire.OpExtendTicket: "broker.extendTicket", wire.OpRelinquish: "broker.relinquish",
		wire.OpRedeem: "authority.redeem", wire.OpExtendLease: "authority.extendLease", wire.OpModifyLease: "authority.modifyLease", wire.OpClose: "authority.close",
		wire.OpUpdateTicket: "actor.updateTicket", wire.OpUpdateLease: "actor.updateLease", wire.OpQuery: "actor.query",
		wire.OpQueryResult: "actor.queryResult", wire.OpFailedRPC: "actor.failedRPC",
	}
	for op := range wire.Operations() {
		if got := leasing.Method(op); got != want[op.Op] {
			t.Errorf("%v is %s", op.Op, got)
		}
		for _, name := range []string{want[op.Op], op.Name} {
			if got, ok := leasing.Lookup(name); !ok || got.Op != op.Op {
				t.Errorf("%s is %v, %v", name, got.Op, ok)
			}
		}
	}
	for _, name := range []string{"", ".", "ticket.", "actor.ticket", "broker.broker.ticket", "Broker.ticket", "broker.redeem", "system.listMethods"} {
		if op, ok := leasing.Lookup(name); ok {
			t.Errorf("%q is %v", name, op.Op)
		}
	}
}

func sample() wire.Message {
	return wire.Message{
		Op: wire.OpRedeem, MessageID: "m", CallbackURL: "http://sm/",
		Reservation: wire.Reservation{ID: "r", Slice: wire.Slice{Name: "s", GUID: "g"}, Sequence: 7,
			Resources: wire.Resources{Units: 2, Type: "t", Configuration: []wire.Property{{Name: "k", Value: "v"}}, Concrete: []wire.Property{{Name: "ticket.resourceTicket", Value: "<x/>"}}},
			Term:      wire.Term{StartTime: 1700000000000, EndTime: 1700086399999, NewStartTime: 1700000000000}},
	}
}

// set is a struct with another value at a path of names.
func set(v xmlrpc.Value, value xmlrpc.Value, path ...string) xmlrpc.Value {
	if len(path) > 1 {
		value = set(v.Member(path[0]), value, path[1:]...)
	}
	if value.IsNil() {
		return v.Without(path[0])
	}
	return v.Without(path[0]).With(path[0], value)
}

// What other writers of the same message may put where.
func TestDecodesLoosely(t *testing.T) {
	t.Parallel()
	m := sample()
	method, request, err := leasing.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]xmlrpc.Value{
		"i8 instants":        set(request, xmlrpc.Long(1700000000000), "reservation", "term", "startTime"),
		"double instants":    set(request, xmlrpc.Double(1700086399999), "reservation", "term", "endTime"),
		"int for a zero":     set(request, xmlrpc.Int(0), "reservation", "term", "ticketTime"),
		"sequence in digits": set(request, xmlrpc.String("7"), "reservation", "sequence"),
		"units in digits":    set(request, xmlrpc.String("2"), "reservation", "resourceSet", "units"),
		"text as octets":     set(request, xmlrpc.Base64([]byte("v")), "reservation", "resourceSet", "resourceData", "configurationProperties", "k"),
		"ticket as a string": set(request, xmlrpc.String("<x/>"), "reservation", "resourceSet", "concrete", "ticket.resourceTicket"),
	} {
		if got, err := leasing.Decode(method, v); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for value, want := range map[xmlrpc.Kind]bool{xmlrpc.KindBool: true, xmlrpc.KindInt: true} {
		v := xmlrpc.Bool(true)
		if value == xmlrpc.KindInt {
			v = xmlrpc.Int(1)
		}
		up, request, err := leasing.Encode(wire.Message{Op: wire.OpUpdateLease})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := leasing.Decode(up, set(request, v, "updateData", "failed")); err != nil || got.Update.Failed != want {
			t.Errorf("failed as %v: %+v, %v", value, got.Update, err)
		}
	}
}

// What no message is, and where it says so.
func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	method, request, err := leasing.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		request xmlrpc.Value
		path    string
	}{
		{"a string", xmlrpc.String("x"), "request"},
		{"nil", xmlrpc.Value{}, "request"},
		{"nothing in it", xmlrpc.Struct(), "request"},
		{"no reservation", set(request, xmlrpc.Value{}, "reservation"), "request"},
		{"no term", set(request, xmlrpc.Value{}, "reservation", "term"), "request/reservation"},
		{"no resource set", set(request, xmlrpc.Value{}, "reservation", "resourceSet"), "request/reservation"},
		{"an array for a struct", set(request, xmlrpc.Array(), "reservation", "slice"), "request/reservation/slice"},
		{"an int for a string", set(request, xmlrpc.Int(7), "messageID"), "request"},
		{"words for a number", set(request, xmlrpc.String("two"), "reservation", "resourceSet", "units"), "request/reservation/resourceSet"},
		{"units over 32 bits", set(request, xmlrpc.String("3000000000"), "reservation", "resourceSet", "units"), "request/reservation/resourceSet"},
		{"half a millisecond", set(request, xmlrpc.Double(1.5), "reservation", "term", "endTime"), "request/reservation/term"},
		{"a date for an instant", set(request, xmlrpc.Bool(true), "reservation", "term", "endTime"), "request/reservation/term"},
		{"an unknown member", set(request, xmlrpc.Int(1), "reservation", "lease"), "request/reservation"},
		{"a nested property", set(request, xmlrpc.Struct(), "reservation", "resourceSet", "concrete", "x"), "request/reservation/resourceSet/concrete"},
		{"a number for a property", set(request, xmlrpc.Int(1), "reservation", "resourceSet", "resourceData", "configurationProperties", "k"), "request/reservation/resourceSet/resourceData/configurationProperties"},
		{"octets that no XML carries", set(request, xmlrpc.Base64([]byte("a\x00")), "reservation", "resourceSet", "concrete", "x"), "request/reservation/resourceSet/concrete"},
		{"octets that are no text", set(request, xmlrpc.Base64([]byte{0xff}), "callbackURL"), "request"},
	} {
		m, err := leasing.Decode(method, tt.request)
		var e *wire.Error
		if !errors.As(err, &e) || e.Path != tt.path {
			t.Errorf("%s: %v, want it at %s", tt.name, err, tt.path)
		}
		if !reflect.DeepEqual(m, wire.Message{}) {
			t.Errorf("%s: refused, and still %+v", tt.name, m)
		}
	}
	if _, err := leasing.Decode("broker.sell", request); err == nil {
		t.Error("an operation that nobody has")
	}
	many := make([]xmlrpc.Member, wire.MaxProperties+1)
	for i := range many {
		many[i] = xmlrpc.Member{Name: strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/182), Value: xmlrpc.String("")}
	}
	if _, err := leasing.Decode(method, set(request, xmlrpc.Struct(many...), "reservation", "resourceSet", "resourceData", "configurationProperties")); err == nil {
		t.Error("more properties than the limit")
	}
}

// A text that XML would change goes as octets, and one that no message can carry not at
// all.
func TestEncodesTexts(t *testing.T) {
	t.Parallel()
	m := sample()
	m.Reservation.Resources.Configuration = []wire.Property{{Name: "key", Value: "a\r\nb"}, {Name: "tab", Value: "\ta\n"}}
	if got, doc := carried(t, m, xmlrpc.Dialect{}); !reflect.DeepEqual(got, m) || !strings.Contains(string(doc), "<base64>YQ0KYg==</base64>") {
		t.Errorf("got %+v\n%s", got, doc)
	}
	for _, change := range []func(*wire.Message){
		func(m *wire.Message) { m.MessageID = "\x00" },
		func(m *wire.Message) { m.Reservation.Slice.Name = "\xff" },
		func(m *wire.Message) { m.Reservation.Resources.Configuration[0].Name = "a\rb" },
		func(m *wire.Message) { m.Reservation.Resources.Configuration[0].Name = "a\x01" },
		func(m *wire.Message) { m.Reservation.Resources.Concrete = make([]wire.Property, wire.MaxNodes+1) },
		func(m *wire.Message) { m.Op = 99 },
	} {
		m := sample()
		change(&m)
		if _, _, err := leasing.Encode(m); !errors.As(err, new(*wire.Error)) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	if err := leasing.Outcome(leasing.Taken()); err != nil {
		t.Errorf("taken: %v", err)
	}
	for code := wire.FaultUnknown; code <= wire.FaultTimeout; code++ {
		want := wire.Fault{Code: code, String: "no <units>\nleft"}
		var got wire.Fault
		if err := leasing.Outcome(leasing.Refused(want)); !errors.As(err, &got) || got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	var f wire.Fault
	if err := leasing.Outcome(xmlrpc.Struct(xmlrpc.Member{Name: "err", Value: xmlrpc.Int(1)}, xmlrpc.Member{Name: "error", Value: xmlrpc.String("Authorization")})); !errors.As(err, &f) || f.Code != wire.FaultAuthorization {
		t.Errorf("by name: %+v", f)
	}
	for _, v := range []xmlrpc.Value{{}, xmlrpc.Struct(), xmlrpc.String("ok"), xmlrpc.Struct(xmlrpc.Member{Name: "err", Value: xmlrpc.Int(2)})} {
		if err := leasing.Outcome(v); !errors.As(err, new(*wire.Error)) {
			t.Errorf("%+v: %v", v, err)
		}
	}
	for code, want := range map[int32]wire.FaultCode{-32700: wire.FaultInvalidRequest, -32600: wire.FaultInvalidRequest, -32601: wire.FaultInvalidRequest,
		-32602: wire.FaultInvalidRequest, -32603: wire.FaultRemoteError, 0: wire.FaultUnknown, 17: wire.FaultUnknown} {
		if got := leasing.FaultOf(&xmlrpc.Fault{Code: code, Text: "t"}); got.Code != want || got.String != "t" {
			t.Errorf("%d is %+v", code, got)
		}
	}
}

// FuzzDecode: whatever decodes goes over again unchanged, and can be said in SOAP too.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := xmlrpc.ParseCall(in, xmlrpc.Limits{Bytes: 1 << 20})
		if err != nil || len(c.Params) == 0 {
			return
		}
		m, err := leasing.Decode(c.Method, c.Params[0])
		if err != nil {
			if !errors.As(err, new(*wire.Error)) {
				t.Fatal(err)
			}
			return
		}
		if got, doc := carried(t, m, xmlrpc.Dialect{}); !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v became %+v\n%s", m, got, doc)
		}
		if _, err := soap.EncodeBody(nil, m); err != nil {
			t.Fatalf("%+v cannot be said in SOAP: %v", m, err)
		}
	})
}

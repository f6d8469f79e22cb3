package soap_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

var update = flag.Bool("update", false, "rewrite testdata/golden")

type goldenRow struct {
	name   string
	legacy bool         // decode testdata/legacy first
	msg    wire.Message // otherwise: a message of our own
}

// golden is one row for every message: a legacy file, or a message of our own.
// An operation without a row fails TestEveryOperationHasGolden.
var golden = []goldenRow{
	{name: "claim", legacy: true},
	{name: "ticket", legacy: true},
	{name: "extendTicket", legacy: true},
	{name: "relinquish", legacy: true},
	{name: "redeem", legacy: true},
	{name: "extendLease", legacy: true},
	{name: "modifyLease", legacy: true},
	{name: "updateTicket", legacy: true},
	{name: "updateTicket-failed", legacy: true},
	{name: "updateLease", legacy: true},
	{name: "updateLease-fin", legacy: true},
	{name: "close", legacy: true},
	{name: "query", legacy: true},
	{name: "queryResult", legacy: true},
	{name: "failedRPC", legacy: true},
	{name: "ticket-zero", msg: wire.Message{Op: wire.OpTicket}},
	{name: "close-every-list", msg: wire.Message{
		Op: wire.OpClose, MessageID: "m", CallbackURL: "http://sm/?a=1&b=2",
		Reservation: wire.Reservation{
			ID: "r", Slice: wire.Slice{Name: "R&D <\"lab\"> 'é' \U0001F600", GUID: " g "}, Sequence: -1 << 63,
			Resources: wire.Resources{
				Units: -1 << 31, Type: "a\tb\nc\rd\r\ne]]>f",
				Request:       []wire.Property{},
				Configuration: []wire.Property{{Name: "", Value: ""}, {Name: "k", Value: "1"}, {Name: "k", Value: "2"}},
				Resource:      []wire.Property{{Name: "\u0085\u2028\uFFFD\u007f", Value: " "}},
				Concrete:      []wire.Property{},
			},
			Term: wire.Term{StartTime: 1, EndTime: 1<<63 - 1, TicketTime: -1, NewStartTime: 2},
		},
	}},
	{name: "updateLease-failed", msg: wire.Message{
		Op:          wire.OpUpdateLease,
		Reservation: wire.Reservation{Resources: wire.Resources{Resource: []wire.Property{}}},
		Update:      wire.Update{Failed: true, Message: "handler said: \"no\"\n"},
	}},
	{name: "query-empty", msg: wire.Message{Op: wire.OpQuery, Properties: []wire.Property{}}},
	{name: "failedRPC-zero", msg: wire.Message{Op: wire.OpFailedRPC, RequestType: -1}},
}

func TestGolden(t *testing.T) {
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			m := tt.msg
			if tt.legacy {
				var err error
				if m, err = soap.DecodeBody(payload(t, "testdata/legacy/"+tt.name+".request.xml")); err != nil {
					t.Fatal(err)
				}
			}
			got, err := soap.EncodeBody(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", "golden", tt.name+".xml")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, path); !bytes.Equal(got, want) {
				t.Errorf("encoding changed:\n%s\nwant:\n%s", got, want)
			}
			back, err := soap.DecodeBody(parse(t, got).Root())
			if err != nil || !reflect.DeepEqual(back, m) {
				t.Errorf("decode(encode(m)) = %+v, %v\nwant %+v", back, err, m)
			}
		})
	}
}

// What this package writes is, octet for octet, the canonical form of what the legacy
// stack accepted.
func TestWritesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	for _, g := range golden {
		if !g.legacy {
			continue
		}
		accepted := c14n.Exclusive(nil, payload(t, "testdata/legacy/"+g.name+".request.xml"), nil)
		if ours := read(t, "testdata/golden/"+g.name+".xml"); !bytes.Equal(ours, accepted) {
			t.Errorf("%s: ours is\n%s\nand what was accepted\n%s", g.name, ours, accepted)
		}
	}
}

func TestEveryOperationHasGolden(t *testing.T) {
	for row := range wire.Operations() {
		if !slices.ContainsFunc(golden, func(g goldenRow) bool { return g.name == row.Name }) {
			t.Errorf("no golden file %s.xml", row.Name)
		}
	}
}

// What is written must not depend on what stands before it in the buffer.
func TestEncodeAppends(t *testing.T) {
	m := wire.Message{Op: wire.OpQuery, MessageID: "m"}
	alone, _ := soap.EncodeBody(nil, m)
	after, err := soap.EncodeBody([]byte("<a/>"), m)
	if err != nil || string(after) != "<a/>"+string(alone) {
		t.Errorf("got %s, %v", after, err)
	}
}

func TestDecodeLegacyValues(t *testing.T) {
	m, err := soap.DecodeBody(payload(t, "testdata/legacy/updateTicket-failed.request.xml"))
	if err != nil {
		t.Fatal(err)
	}
	r := m.Reservation
	switch {
	case m.Op != wire.OpUpdateTicket || m.MessageID != "e6d2e6b2-7b36-4f8f-b9d2-30c7f4f5a003":
		t.Errorf("op %v, id %q", m.Op, m.MessageID)
	case m.Update != wire.Update{Failed: true, Message: "Insufficient resources"}:
		t.Errorf("update %+v", m.Update)
	case r.Resources.Resource == nil || len(r.Resources.Resource) != 0:
		t.Error("an empty list is not the same as an absent one")
	case r.Resources.Request != nil || r.Resources.Configuration != nil || r.Resources.Concrete != nil:
		t.Error("an absent list was made present")
	case r.Term != wire.Term{StartTime: 1700000000000, EndTime: 1700086399999, NewStartTime: 1700000000000}:
		t.Errorf("term %+v", r.Term)
	}
}

// The octets a legacy client wrote: single quotes in the declaration, ">" as
// itself, CR as a reference.
func TestDecodeRecorded(t *testing.T) {
	m, err := soap.DecodeBody(payload(t, "testdata/recorded/ticket.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Reservation.Slice.Name, "sl & <x>"; got != want {
		t.Errorf("slice name %q, want %q", got, want)
	}
	if got, want := m.Reservation.Resources.Request, []wire.Property{{Name: "k", Value: "line1\nline2\t<&>\"'é\r\nx"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("request properties %q, want %q", got, want)
	}
}

// loose lists what is accepted besides the canonical form. Each file holds one
// body; what it must mean is the golden message of the same operation, changed.
func TestLoose(t *testing.T) {
	base := func(name string) wire.Message {
		m, err := soap.DecodeBody(parse(t, read(t, "testdata/golden/"+name+".xml")).Root())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	with := func(m wire.Message, change func(*wire.Message)) wire.Message { change(&m); return m }
	want := map[string]wire.Message{
		"blanks.xml":       base("ticket"),
		"attributes.xml":   base("failedRPC"),
		"nil-string.xml":   with(base("failedRPC"), func(m *wire.Message) { m.ReservationID, m.ErrorDetails = "", "" }),
		"cdata.xml":        with(base("failedRPC"), func(m *wire.Message) { m.ErrorDetails = "a <b> & c" }),
		"update-empty.xml": base("updateLease-fin"),
		"update-order.xml": base("updateTicket-failed"),
		"boolean-case.xml": base("updateTicket-failed"),
	}
	files, _ := filepath.Glob("testdata/loose/*.xml")
	if len(files) != len(want) {
		t.Errorf("%d files, %d expectations", len(files), len(want))
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got, err := soap.DecodeBody(parse(t, bytes.TrimSpace(read(t, path))).Root())
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want[filepath.Base(path)]) {
				t.Errorf("got  %+v\nwant %+v", got, want[filepath.Base(path)])
			}
		})
	}
}

func payload(t testing.TB, path string) xmltree.Node {
	t.Helper()
	_, n, err := soap.DecodeEnvelope(parse(t, read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parse(t testing.TB, src []byte) *xmltree.Document {
	t.Helper()
	doc, err := xmltree.Parse(src, xmltree.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func contains(err error, parts ...string) bool {
	return err != nil && !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(err.Error(), p) })
}

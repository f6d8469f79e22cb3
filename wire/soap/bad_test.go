package soap_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
)

// Each change to a good message must be refused with an error that says where
// and what.
func TestDecodeRefuses(t *testing.T) {
	const nilAttr = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"`
	for _, tt := range []struct {
		name, golden string
		old, new     string
		want         []string // parts of the error
	}{
		{"unknown operation", "query", "ns2:query", "ns2:quest", []string{"no operation quest"}},
		{"operation of no namespace", "query", "ns2:query", "query", []string{"no operation query"}},
		{"other namespace", "query", "services\"", "service\"", []string{"no operation query of namespace"}},
		{"default namespace", "query", `ns2:query xmlns:ns2="`, `ns2:query xmlns="urn:x" xmlns:ns2="`, []string{"query: ", "messageID of namespace urn:x must be in no namespace"}},
		{"qualified part", "query", "messageID", "ns2:messageID", []string{"must be in no namespace"}},
		{"missing part", "query", "<messageID>e6d2e6b2-7b36-4f8f-b9d2-30c7f4f5a013</messageID>", "", []string{"query: found element callbackURL where messageID belongs"}},
		{"missing last part", "failedRPC", "<requestType>10</requestType>", "", []string{"failedRPC: element requestType is missing"}},
		{"extra part", "query", "</properties>", "</properties><more></more>", []string{"query: unexpected element more"}},
		{"part twice", "query", "</properties>", "</properties><properties></properties>", []string{"unexpected element properties"}},
		{"parts swapped", "failedRPC", "messageID", "x", []string{"where messageID belongs"}},
		{"order of the WSDL", "updateTicket-failed", "<callbackURL>", "<updateData></updateData><callbackURL>", []string{"found element updateData where callbackURL belongs"}},
		{"text between elements", "query", "<callbackURL>", "oops<callbackURL>", []string{"unexpected text", "oops"}},
		{"text in a list", "query", "<property>", "oops<property>", []string{"query/properties: unexpected text"}},
		{"element in a text", "query", "<messageID>", "<messageID><b></b>", []string{"messageID holds element b"}},
		{"blank in a number", "ticket", "<units>1<", "<units> 1<", []string{"ticket/reservation/resourceSet: units is \" 1\""}},
		{"empty number", "ticket", "<sequence>1<", "<sequence><", []string{"ticket/reservation: sequence is \"\""}},
		{"units of 33 bits", "ticket", "<units>1<", "<units>2147483648<", []string{"units", "32 bits"}},
		{"instant of 65 bits", "ticket", "<ticketTime>0<", "<ticketTime>9223372036854775808<", []string{"ticket/reservation/term: ticketTime", "64 bits"}},
		{"nil number", "ticket", "<ticketTime>0<", "<ticketTime" + nilAttr + "><", []string{"ticketTime is \"\""}},
		{"nil with text", "query", "<messageID>", "<messageID" + nilAttr + ">", []string{"messageID is xsi:nil and holds text"}},
		{"nil term", "ticket", "<term>", "<term" + nilAttr + ">", []string{"ticket/reservation/term: xsi:nil"}},
		{"nil list", "query", "<properties>", "<properties" + nilAttr + ">", []string{"query/properties: xsi:nil"}},
		{"no resourceSet", "ticket-zero", "<resourceSet><units>0</units><type></type></resourceSet>", "", []string{"found element term where resourceSet belongs"}},
		{"no ticketTime", "ticket", "<ticketTime>0</ticketTime>", "", []string{"found element newStartTime where ticketTime belongs"}},
		{"lists in the wrong order", "close-every-list", "<requestProperties></requestProperties>", "<resourceProperties></resourceProperties>", []string{"resourceData: unexpected element configurationProperties"}},
		{"pvalue", "updateLease-fin", "<plistNode><name>cs.units</name>", "<plistNode><name>cs.units</name><pvalue></pvalue>", []string{"plistNode: found element pvalue where value belongs"}},
		{"node without a value", "updateLease-fin", "<value>0</value>", "", []string{"updateLease/reservation/resourceSet/concrete/plistNode: element value is missing"}},
		{"property for a node", "updateLease-fin", "plistNode", "property", []string{"concrete: found element property where plistNode belongs"}},
		{"failed is 1", "updateLease-fin", "<failed>false<", "<failed>1<", []string{"updateLease/updateData: failed is \"1\""}},
		{"failed is empty", "updateLease-fin", "<failed>false<", "<failed><", []string{"failed is \"\""}},
		{"failed twice", "updateLease-fin", "</failed>", "</failed><failed>true</failed>", []string{"updateData: unexpected element failed"}},
		{"message twice", "updateTicket-failed", "</message>", "</message><message></message>", []string{"updateData: unexpected element message"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := string(read(t, "testdata/golden/"+tt.golden+".xml"))
			changed := strings.ReplaceAll(src, tt.old, tt.new)
			if changed == src {
				t.Fatal("the change changes nothing")
			}
			m, err := soap.DecodeBody(parse(t, []byte(changed)).Root())
			if !contains(err, tt.want...) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if m.Op != 0 || m.MessageID != "" {
				t.Errorf("a refused message was returned: %+v", m)
			}
			if e := (*wire.Error)(nil); !errors.As(err, &e) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestDecodeNothing(t *testing.T) {
	if _, err := soap.DecodeBody(xmltree.Node{}); !contains(err, "no wrapper element") {
		t.Error(err)
	}
	if _, err := soap.DecodeBody(parse(t, []byte("<a>text</a>")).At(1)); !contains(err, "no wrapper element") {
		t.Error(err)
	}
}

// The limit itself is allowed, one more is not, for both codecs alike.
func TestLimits(t *testing.T) {
	list := func(n int) []wire.Property { return make([]wire.Property, n) }
	body := func(properties, nodes int) wire.Message {
		m := wire.Message{Op: wire.OpClose}
		m.Reservation.Resources.Configuration = list(properties)
		m.Reservation.Resources.Concrete = list(nodes)
		return m
	}
	octets, err := soap.EncodeBody(nil, body(wire.MaxProperties, wire.MaxNodes))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := soap.DecodeBody(parse(t, octets).Root()); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		msg  wire.Message
		want string
	}{
		{body(wire.MaxProperties+1, 0), "close/reservation/resourceSet/resourceData/configurationProperties: more than the limit of 4096"},
		{body(0, wire.MaxNodes+1), "close/reservation/resourceSet/concrete: more than the limit of 8192"},
		{wire.Message{Op: wire.OpQuery, Properties: list(wire.MaxProperties + 1)}, "query/properties: more than the limit of 4096"},
	} {
		if _, err := soap.EncodeBody(nil, tt.msg); !contains(err, tt.want) {
			t.Errorf("encode: %v, want %s", err, tt.want)
		}
	}
	for _, tt := range []struct{ entry, want string }{
		{"<property><name></name><value></value></property>", "configurationProperties: more than the limit of 4096 property"},
		{"<plistNode><name></name><value></value></plistNode>", "concrete: more than the limit of 8192 plistNode"},
	} {
		more := strings.Replace(string(octets), tt.entry, tt.entry+tt.entry, 1)
		if _, err := soap.DecodeBody(parse(t, []byte(more)).Root()); !contains(err, tt.want) {
			t.Errorf("decode: %v, want %s", err, tt.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		text, want string
	}{
		{"a\x00", "octet 1: XML cannot carry the character U+0000"},
		{"ab\x1b[0m", "octet 2: XML cannot carry the character U+001B"},
		{"\uFFFE", "U+FFFE"},
		{"é\uFFFF", "octet 2: XML cannot carry the character U+FFFF"},
		{"ok\xff", "octet 2 is not UTF-8"},
		{"\xed\xa0\x80", "octet 0 is not UTF-8"},
	} {
		m := wire.Message{Op: wire.OpUpdateLease, Update: wire.Update{Message: tt.text}}
		prefix := []byte("kept")
		got, err := soap.EncodeBody(prefix, m)
		if !contains(err, "updateLease/updateData/message: ", tt.want) {
			t.Errorf("%q: error %v, want %s", tt.text, err, tt.want)
		}
		if string(got) != "kept" {
			t.Errorf("%q: half a message was returned: %s", tt.text, got)
		}
	}
	for _, op := range []wire.Op{wire.OpUnknown, 14, 255} {
		if _, err := soap.EncodeBody(nil, wire.Message{Op: op}); !contains(err, fmt.Sprintf("no operation %d", op)) {
			t.Errorf("operation %d: %v", op, err)
		}
		if _, err := soap.EncodeResponse(nil, op); !contains(err, "no operation") {
			t.Errorf("response %d: %v", op, err)
		}
	}
}

package wsdl_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/wsdl"
	"github.com/leasehold/leasehold/wire/xmltree"
)

var update = flag.Bool("update", false, "rewrite testdata")

var services = []wire.PortType{wire.ActorPort, wire.ManagerPort, wire.BrokerPort, wire.AuthorityPort}

func TestGolden(t *testing.T) {
	t.Parallel()
	types, err := wsdl.Types()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "types.xsd"), types)
	for _, p := range services {
		name := wsdl.Name(p)
		got, err := wsdl.Definitions(p, "http://127.0.0.1:8080/orca/services/actor", wsdl.SchemaFile)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".wsdl"), got)
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s changed:\n%s", path, got)
	}
}

// TestOperations: each service offers exactly what the table says, with the bare
// name as SOAPAction and the parts in wire order.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, p := range services {
		doc := definitions(t, p)
		offered := 0
		for op := range wire.Operations() {
			got := doc.FindElements("//wsdl:binding/wsdl:operation[@name='" + op.Name + "']/soap:operation")
			if op.Offered&p == 0 {
				if len(got) != 0 {
					t.Errorf("%s offers %s", wsdl.Name(p), op.Name)
				}
				continue
			}
			offered++
			if len(got) != 1 || got[0].SelectAttrValue("soapAction", "") != op.Name {
				t.Errorf("%s: %s has %d bindings", wsdl.Name(p), op.Name, len(got))
			}
			var parts, want []string
			for _, e := range doc.FindElements("//wsdl:message[@name='" + op.Name + "Request']/wsdl:part") {
				parts = append(parts, e.SelectAttrValue("name", ""))
			}
			for _, part := range op.Parts {
				if part != 0 {
					want = append(want, part.String())
				}
			}
			if !reflect.DeepEqual(parts, want) {
				t.Errorf("%s: %s has parts %v, not %v", wsdl.Name(p), op.Name, parts, want)
			}
			if m := doc.FindElement("//wsdl:message[@name='" + op.Response + "']"); m == nil || len(m.ChildElements()) != 0 {
				t.Errorf("%s: the answer to %s is not empty", wsdl.Name(p), op.Name)
			}
		}
		if n := len(doc.FindElements("//wsdl:portType/wsdl:operation")); n != offered {
			t.Errorf("%s has %d operations, not %d", wsdl.Name(p), n, offered)
		}
	}
}

// TestSchemaIsTheCodec: a reservation with everything in it, as wire/soap writes
// it, has the elements of the schema in the order of the schema, and nothing else.
func TestSchemaIsTheCodec(t *testing.T) {
	t.Parallel()
	list := []wire.Property{{Name: "n", Value: "v"}}
	full := wire.Message{Properties: list, Update: wire.Update{Failed: true, Message: "m"}, Reservation: wire.Reservation{
		Resources: wire.Resources{Request: list, Configuration: list, Resource: list, Concrete: list},
	}}
	beans := schema(t)
	seen := map[string]bool{}
	for op := range wire.Operations() {
		full.Op = op.Op
		octets, err := soap.EncodeBody(nil, full)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := xmltree.Parse(octets, xmltree.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		message := definitions(t, wire.AuthorityPort).FindElement("//wsdl:message[@name='" + op.Name + "Request']")
		for part := range doc.Root().Children() {
			kind := message.FindElement("wsdl:part[@name='"+part.Local()+"']").SelectAttrValue("type", "")
			walk(t, op.Name, part, kind, beans, seen)
		}
	}
	for name := range beans {
		if !seen[name] {
			t.Errorf("no message has a %s", name)
		}
	}
}

func walk(t *testing.T, path string, n xmltree.Node, kind string, beans map[string][]*etree.Element, seen map[string]bool) {
	t.Helper()
	path += "/" + n.Local()
	prefix, local, _ := strings.Cut(kind, ":")
	if prefix == "xsd" {
		for range n.Children() {
			t.Errorf("%s is %s and has children", path, kind)
			return
		}
		return
	}
	seen[local] = true
	var got, want []string
	for c := range n.Children() {
		got = append(got, c.Local())
	}
	for _, e := range beans[local] {
		want = append(want, e.SelectAttrValue("name", ""))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s has %v, the schema says %v", path, got, want)
		return
	}
	i := 0
	for c := range n.Children() {
		walk(t, path, c, beans[local][i].SelectAttrValue("type", ""), beans, seen)
		i++
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1/orca/services/a"
	for _, tt := range []struct {
		port            wire.PortType
		address, schema string
	}{
		{0, address, wsdl.SchemaFile},
		{wire.AnyPort, address, wsdl.SchemaFile},
		{wire.BrokerPort, "", wsdl.SchemaFile},
		{wire.BrokerPort, "/orca/services/a", wsdl.SchemaFile},
		{wire.BrokerPort, "http://h/\x00", wsdl.SchemaFile},
		{wire.BrokerPort, "http://h/\xff", wsdl.SchemaFile},
		{wire.BrokerPort, address, ""},
		{wire.BrokerPort, address, "a\x01"},
	} {
		if doc, err := wsdl.Definitions(tt.port, tt.address, tt.schema); err == nil {
			t.Errorf("%d %q %q gave\n%s", tt.port, tt.address, tt.schema, doc)
		}
	}
}

// An address with characters that mean something in XML arrives whole.
func TestAddressEscaped(t *testing.T) {
	t.Parallel()
	const address = `http://h/orca/services/a'b"&<c`
	octets, err := wsdl.Definitions(wire.BrokerPort, address, wsdl.SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(octets); err != nil {
		t.Fatal(err)
	}
	if got := doc.FindElement("//soap:address").SelectAttrValue("location", ""); got != address {
		t.Errorf("address is %q", got)
	}
}

func definitions(t *testing.T, p wire.PortType) *etree.Document {
	t.Helper()
	octets, err := wsdl.Definitions(p, "http://127.0.0.1/", wsdl.SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(octets); err != nil {
		t.Fatal(err)
	}
	return doc
}

func schema(t *testing.T) map[string][]*etree.Element {
	t.Helper()
	octets, err := wsdl.Types()
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(octets); err != nil {
		t.Fatal(err)
	}
	beans := map[string][]*etree.Element{}
	for _, b := range doc.FindElements("//xsd:complexType") {
		beans[b.SelectAttrValue("name", "")] = b.FindElements("xsd:sequence/xsd:element")
	}
	return beans
}

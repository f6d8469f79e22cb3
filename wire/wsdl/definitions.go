package wsdl

import (
	"fmt"
	"net/url"
	"unicode/utf8"

	"github.com/beevik/etree"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
)

const (
	wsdlNS = "http://schemas.xmlsoap.org/wsdl/"
	bindNS = "http://schemas.xmlsoap.org/wsdl/soap/"
	overHT = "http://schemas.xmlsoap.org/soap/http"
)

// Name is the legacy name of a service, its binding and its port, such as
// BrokerService (wire contract 1.5). It is empty unless p is exactly one service.
func Name(p wire.PortType) string {
	switch p {
	case wire.ActorPort:
		return "ActorService"
	case wire.ManagerPort:
		return "ServiceManagerService"
	case wire.BrokerPort:
		return "BrokerService"
	case wire.AuthorityPort:
		return "AuthorityService"
	}
	return ""
}

// kinds is the type of each part.
var kinds = map[wire.Part]string{
	wire.PartMessageID:     "xsd:string",
	wire.PartRequestID:     "xsd:string",
	wire.PartReservation:   "beans:reservation",
	wire.PartCallbackURL:   "xsd:string",
	wire.PartUpdateData:    "beans:updateData",
	wire.PartProperties:    "beans:properties",
	wire.PartReservationID: "xsd:string",
	wire.PartErrorDetails:  "xsd:string",
	wire.PartRequestType:   "xsd:int",
}

// Definitions is the WSDL 1.1 document of one service, rpc/literal over HTTP.
// Address is the absolute URL where an actor offers it; schema is where the
// document's readers find [Types], absolute or relative to the document, such as
// [SchemaFile].
func Definitions(p wire.PortType, address, schema string) ([]byte, error) {
	name := Name(p)
	if name == "" {
		return nil, fmt.Errorf("wsdl: %d is no service", p)
	}
	if u, err := url.Parse(address); err != nil || u.Scheme == "" || u.Host == "" || !utf8.ValidString(address) {
		return nil, fmt.Errorf("wsdl: the address %q is no absolute URL", wire.Clip(address))
	}
	if _, err := url.Parse(schema); err != nil || schema == "" || !utf8.ValidString(schema) {
		return nil, fmt.Errorf("wsdl: no schema can be at %q", wire.Clip(schema))
	}
	doc := document()
	d := child(doc, "wsdl:definitions", "name", name, "targetNamespace", soap.ServicesNS,
		"xmlns:wsdl", wsdlNS, "xmlns:soap", bindNS, "xmlns:xsd", xsdNS, "xmlns:beans", BeansNS, "xmlns:tns", soap.ServicesNS)
	child(child(child(d, "wsdl:types"), "xsd:schema"), "xsd:import", "namespace", BeansNS, "schemaLocation", schema)
	if err := messages(d, p); err != nil {
		return nil, err
	}
	portType(d, p, name+"PortType")
	binding(d, p, name)
	s := child(d, "wsdl:service", "name", name)
	child(child(s, "wsdl:port", "name", name, "binding", "tns:"+name), "soap:address", "location", address)
	return write(doc)
}

// messages writes the request and the empty response of every operation.
func messages(d *etree.Element, p wire.PortType) error {
	for op := range wire.Operations() {
		if op.Offered&p == 0 {
			continue
		}
		m := child(d, "wsdl:message", "name", op.Name+"Request")
		for _, part := range op.Parts {
			if part == 0 {
				break
			}
			kind := kinds[part]
			if kind == "" {
				return fmt.Errorf("wsdl: part %s has no type", part)
			}
			child(m, "wsdl:part", "name", part.String(), "type", kind)
		}
		child(d, "wsdl:message", "name", op.Response)
	}
	return nil
}

func portType(d *etree.Element, p wire.PortType, name string) {
	t := child(d, "wsdl:portType", "name", name)
	for op := range wire.Operations() {
		if op.Offered&p == 0 {
			continue
		}
		o := child(t, "wsdl:operation", "name", op.Name)
		child(o, "wsdl:input", "message", "tns:"+op.Name+"Request")
		child(o, "wsdl:output", "message", "tns:"+op.Response)
	}
}

// binding names the bare operation as SOAPAction: legacy servers look it up among
// their operations, and check no signature when they do not find it (1.6).
func binding(d *etree.Element, p wire.PortType, name string) {
	b := child(d, "wsdl:binding", "name", name, "type", "tns:"+name+"PortType")
	child(b, "soap:binding", "style", "rpc", "transport", overHT)
	for op := range wire.Operations() {
		if op.Offered&p == 0 {
			continue
		}
		o := child(b, "wsdl:operation", "name", op.Name)
		child(o, "soap:operation", "soapAction", op.Name)
		for _, direction := range []string{"wsdl:input", "wsdl:output"} {
			child(child(o, direction), "soap:body", "use", "literal", "namespace", soap.ServicesNS)
		}
	}
}

// child adds an element with attributes, given as names and values in turn.
func child(parent interface {
	CreateElement(string) *etree.Element
}, tag string, attrs ...string) *etree.Element {
	e := parent.CreateElement(tag)
	for i := 0; i < len(attrs); i += 2 {
		e.CreateAttr(attrs[i], attrs[i+1])
	}
	return e
}

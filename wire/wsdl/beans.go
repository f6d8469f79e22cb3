package wsdl

import "github.com/beevik/etree"

// BeansNS is the namespace of the types. It never appears in a message, because
// the schema leaves elements unqualified (wire contract 1.4).
const BeansNS = "http://orca/shirako/proxies/soapaxis2/beans"

// SchemaFile is the name under which the schema is known beside a WSDL document.
const SchemaFile = "types.xsd"

const xsdNS = "http://www.w3.org/2001/XMLSchema"

// element is one child of a bean.
type element struct {
	name, kind string // kind is a qualified name: xsd for built-in types, tns for beans
	min, max   string // minOccurs and maxOccurs; empty means 1
}

// bean is a complex type: a sequence of elements in wire order.
type bean struct {
	name     string
	elements []element
}

// beans is the schema (wire contract 2.3, 3). It is never changed.
var beans = []bean{
	{"reservation", []element{
		{name: "reservationID", kind: "xsd:string"},
		{name: "slice", kind: "tns:slice"},
		{name: "resourceSet", kind: "tns:resourceSet"},
		{name: "term", kind: "tns:term"},
		{name: "sequence", kind: "xsd:long"},
	}},
	{"slice", []element{
		{name: "sliceName", kind: "xsd:string"},
		{name: "guid", kind: "xsd:string"},
	}},
	{"resourceSet", []element{
		{name: "units", kind: "xsd:int"},
		{name: "type", kind: "xsd:string"},
		{name: "resourceData", kind: "tns:resourceData"},
		{name: "concrete", kind: "tns:plist", min: "0"},
	}},
	{"resourceData", []element{
		{name: "requestProperties", kind: "tns:properties", min: "0"},
		{name: "configurationProperties", kind: "tns:properties", min: "0"},
		{name: "resourceProperties", kind: "tns:properties", min: "0"},
	}},
	{"term", []element{
		{name: "startTime", kind: "xsd:long"},
		{name: "endTime", kind: "xsd:long"},
		{name: "ticketTime", kind: "xsd:long"},
		{name: "newStartTime", kind: "xsd:long"},
	}},
	{"properties", []element{
		{name: "property", kind: "tns:property", min: "0", max: "unbounded"},
	}},
	{"property", []element{
		{name: "name", kind: "xsd:string"},
		{name: "value", kind: "xsd:string"},
	}},
	{"plist", []element{
		{name: "plistNode", kind: "tns:plistNode", min: "0", max: "unbounded"},
	}},
	{"plistNode", []element{
		{name: "name", kind: "xsd:string"},
		{name: "value", kind: "xsd:string"},
	}},
	{"updateData", []element{
		{name: "failed", kind: "xsd:boolean"},
		{name: "message", kind: "xsd:string", min: "0"},
	}},
}

// Types is the schema of the beans, the document that every WSDL of this package
// imports. It is the same for all actors.
func Types() ([]byte, error) {
	doc := document()
	s := doc.CreateElement("xsd:schema")
	s.CreateAttr("xmlns:xsd", xsdNS)
	s.CreateAttr("xmlns:tns", BeansNS)
	s.CreateAttr("targetNamespace", BeansNS)
	s.CreateAttr("elementFormDefault", "unqualified")
	for _, b := range beans {
		t := s.CreateElement("xsd:complexType")
		t.CreateAttr("name", b.name)
		seq := t.CreateElement("xsd:sequence")
		for _, e := range b.elements {
			x := seq.CreateElement("xsd:element")
			x.CreateAttr("name", e.name)
			x.CreateAttr("type", e.kind)
			if e.min != "" {
				x.CreateAttr("minOccurs", e.min)
			}
			if e.max != "" {
				x.CreateAttr("maxOccurs", e.max)
			}
		}
	}
	return write(doc)
}

func document() *etree.Document {
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	return doc
}

func write(doc *etree.Document) ([]byte, error) {
	doc.Indent(2)
	return doc.WriteToBytes()
}

package xmlrpc_test

import (
	"errors"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// rich understands everything the reader gives.
var rich = xmlrpc.Dialect{Long: xmlrpc.Apache, Nil: xmlrpc.Plain}

// FuzzCall: whatever was read is written, unless the writer says why not, and then
// read again to the same.
func FuzzCall(f *testing.F) {
	f.Add(with(`<value><struct><member><value><i8>1</i8></value><name>a</name></member></struct></value>`))
	f.Add(with(`<value><array><data><value/><value><base64>AQ==</base64></value><value><double>1e3</double></value></data></array></value>`))
	f.Add(with(`<value><dateTime.iso8601>20200102T03:04:05Z</dateTime.iso8601></value>`))
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><methodCall><methodName>m</methodName></methodCall>"))
	f.Add(zip(f, with(`<value>zipped</value>`)))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := xmlrpc.ParseCall(in, xmlrpc.Limits{Bytes: 1 << 20})
		if err != nil {
			if !errors.As(err, new(*xmlrpc.Error)) {
				t.Fatalf("an error of type %T", err)
			}
			return
		}
		out, err := xmlrpc.AppendCall(nil, c, rich)
		if err != nil {
			if !errors.As(err, new(*wire.Error)) {
				t.Fatalf("an error of type %T", err)
			}
			return
		}
		again, err := xmlrpc.ParseCall(out, xmlrpc.Limits{})
		if err != nil || again.Method != c.Method || len(again.Params) != len(c.Params) {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
		for i := range c.Params {
			third, err := xmlrpc.AppendAnswer(nil, again.Params[i], rich)
			if err != nil {
				t.Fatal(err)
			}
			if v, err := xmlrpc.ParseAnswer(third, xmlrpc.Limits{}); err != nil || !v.Equal(again.Params[i]) || !v.Equal(v.Clone()) {
				t.Fatalf("%+v became %+v, %v", again.Params[i], v, err)
			}
		}
	})
}

// FuzzAnswer: an answer is a value, a fault or an error, and a fault can be sent on.
func FuzzAnswer(f *testing.F) {
	f.Add(xmlrpc.AppendFault(nil, xmlrpc.Fault{Code: 1, Text: "no"}, xmlrpc.Dialect{}))
	f.Add([]byte(`<methodResponse><params><param><value>x</value></param></params></methodResponse>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		_, err := xmlrpc.ParseAnswer(in, xmlrpc.Limits{Bytes: 1 << 20})
		var fault, again *xmlrpc.Fault
		switch {
		case err == nil || errors.As(err, new(*xmlrpc.Error)):
			return
		case !errors.As(err, &fault):
			t.Fatalf("an error of type %T", err)
		}
		_, err = xmlrpc.ParseAnswer(xmlrpc.AppendFault(nil, *fault, xmlrpc.Dialect{}), xmlrpc.Limits{})
		if !errors.As(err, &again) || again.Code != fault.Code || again.Text != wire.Clean(fault.Text) {
			t.Fatalf("%+v became %+v, %v", fault, again, err)
		}
	})
}

package soap_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
)

const (
	env   = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">`
	fault = env + `<e:Body><e:Fault xmlns:f="http://geni-orca.renci.org/">`
	over  = `</e:Fault></e:Body></e:Envelope>`
)

func TestEnvelope(t *testing.T) {
	body, err := soap.EncodeBody(nil, wire.Message{Op: wire.OpQuery, MessageID: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"", `<h xmlns="urn:h"></h>`} {
		octets := soap.EncodeEnvelope(nil, []byte(header), body)
		h, n, err := soap.DecodeEnvelope(parse(t, octets))
		if err != nil {
			t.Fatal(err)
		}
		if h.Valid() != (header != "") || header != "" && !h.Child("urn:h", "h").Valid() {
			t.Errorf("header %q came back as %s", header, h.Source())
		}
		if string(n.Source()) != string(body) {
			t.Errorf("body came back as %s", n.Source())
		}
	}
}

func TestEnvelopeRefuses(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{`<a></a>`, "no SOAP envelope but a"},
		{`<Envelope></Envelope>`, "no SOAP envelope"},
		{`<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"></e:Envelope>`, "SOAP 1.2"},
		{env + `</e:Envelope>`, "Body is missing"},
		{env + `<e:Header></e:Header></e:Envelope>`, "Body is missing"},
		{env + `<e:Body></e:Body></e:Envelope>`, "Body is empty"},
		{env + `<e:Body><a></a><b></b></e:Body></e:Envelope>`, "unexpected element b"},
		{env + `<e:Body>x<a></a></e:Body></e:Envelope>`, "unexpected text"},
		{env + `<e:Body><a></a></e:Body><e:Body><a></a></e:Body></e:Envelope>`, "unexpected element Body"},
		{env + `<e:Body><a></a></e:Body><e:Header></e:Header></e:Envelope>`, "unexpected element Header"},
		{env + `<e:Header></e:Header><e:Header></e:Header><e:Body><a></a></e:Body></e:Envelope>`, "Body is missing"},
		{env + `<Body><a></a></Body></e:Envelope>`, "Body is missing"},
	} {
		if _, n, err := soap.DecodeEnvelope(parse(t, []byte(tt.src))); !contains(err, tt.want) || n.Valid() {
			t.Errorf("%s: %v, want %s", tt.src, err, tt.want)
		}
	}
}

func TestResponse(t *testing.T) {
	for row := range wire.Operations() {
		octets, err := soap.EncodeResponse(nil, row.Op)
		if err != nil {
			t.Fatal(err)
		}
		want := `<ns2:` + row.Name + `Response xmlns:ns2="http://orca/shirako/proxies/soapaxis2/services"></ns2:` + row.Name + `Response>`
		if string(octets) != want {
			t.Errorf("got  %s\nwant %s", octets, want)
		}
		n := parse(t, octets).Root()
		if err := soap.DecodeResponse(n, row.Op); err != nil {
			t.Error(err)
		}
		if err := soap.DecodeResponse(n, row.Op%13+1); !contains(err, "no answer to") {
			t.Errorf("taken for an answer to %v: %v", row.Op%13+1, err)
		}
	}
	// As a legacy server wrote it.
	if err := soap.DecodeResponse(payload(t, "testdata/recorded/ticketResponse.xml"), wire.OpTicket); err != nil {
		t.Error(err)
	}
}

func TestResponseRefuses(t *testing.T) {
	const ns = ` xmlns:ns2="http://orca/shirako/proxies/soapaxis2/services"`
	for _, tt := range []struct{ src, want string }{
		{`<ns2:ticketResponse` + ns + `><a></a></ns2:ticketResponse>`, "unexpected element a"},
		{`<ns2:ticketResponse` + ns + `>a</ns2:ticketResponse>`, "unexpected text"},
		{`<ticketResponse></ticketResponse>`, "no answer to ticket but ticketResponse"},
		{`<html></html>`, "no answer to ticket but html"},
	} {
		if err := soap.DecodeResponse(parse(t, []byte(tt.src)).Root(), wire.OpTicket); !contains(err, tt.want) {
			t.Errorf("%s: %v, want %s", tt.src, err, tt.want)
		}
	}
	if err := soap.DecodeResponse(parse(t, []byte("<a></a>")).Root(), 0); !contains(err, "no operation 0") {
		t.Error(err)
	}
}

func TestEncodeFault(t *testing.T) {
	got := string(soap.EncodeFault(nil, wire.Fault{Code: wire.FaultInvalidRequest, String: "invalid <request>\x1b", Detail: "at secret.go:12"}))
	want := `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
		`<soapenv:Fault xmlns:orcafault="http://geni-orca.renci.org/"><faultcode>orcafault:InvalidRequest</faultcode>` +
		"<faultstring>invalid &lt;request&gt;\uFFFD</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for code := wire.FaultUnknown; code <= wire.FaultTimeout; code++ {
		f := wire.Fault{Code: code, String: "text"}
		_, n, err := soap.DecodeEnvelope(parse(t, soap.EncodeFault(nil, f)))
		if err != nil {
			t.Fatal(err)
		}
		var back wire.Fault
		if err := soap.DecodeResponse(n, wire.OpTicket); !errors.As(err, &back) || back != f {
			t.Errorf("%v came back as %v", f, err)
		}
	}
	if got := string(soap.EncodeFault(nil, wire.Fault{Code: 200})); !strings.Contains(got, ">orcafault:Unknown<") {
		t.Error(got)
	}
}

// The rows are wire contract 1.8 and 5.7.
func TestDecodeFault(t *testing.T) {
	for _, tt := range []struct {
		inside string
		want   wire.Fault
	}{
		{`<faultcode>f:Authorization</faultcode><faultstring>Unauthorized request</faultstring><detail><Exception>java.lang.Exception: x
	at a.b(C.java:1)</Exception></detail>`, wire.Fault{Code: wire.FaultAuthorization, String: "Unauthorized request", Detail: "java.lang.Exception: x\n\tat a.b(C.java:1)"}},
		{`<faultcode>f:InvalidRequest</faultcode><faultstring>Invalid ticket request</faultstring>`, wire.Fault{Code: wire.FaultInvalidRequest, String: "Invalid ticket request"}},
		{`<faultcode>f:RemoteError</faultcode>`, wire.Fault{Code: wire.FaultRemoteError}},
		{`<faultcode> f:RemoteError
</faultcode>`, wire.Fault{Code: wire.FaultRemoteError}},
		{`<faultcode>f:remoteerror</faultcode>`, wire.Fault{Code: wire.FaultUnknown}},
		{`<faultcode>f:Surprise</faultcode>`, wire.Fault{Code: wire.FaultUnknown}},
		{`<faultcode>e:Client</faultcode><faultstring>Unexpected subelement x</faultstring>`, wire.Fault{Code: wire.FaultLocalError, String: "Unexpected subelement x"}},
		{`<faultcode>e:client</faultcode>`, wire.Fault{Code: wire.FaultLocalError}},
		{`<faultcode>e:Server</faultcode>`, wire.Fault{Code: wire.FaultNetworkError}},
		{`<faultcode>e:VersionMismatch</faultcode>`, wire.Fault{Code: wire.FaultInvalidRequest}},
		{`<faultcode>e:MustUnderstand</faultcode>`, wire.Fault{Code: wire.FaultInvalidRequest}},
		{`<faultcode>e:Client.Authentication</faultcode>`, wire.Fault{Code: wire.FaultUnknown}},
		{`<faultcode>Client</faultcode>`, wire.Fault{Code: wire.FaultNetworkError}},
		{`<faultcode>nobody:Client</faultcode>`, wire.Fault{Code: wire.FaultNetworkError}},
		{`<faultcode xmlns:g="urn:gateway">g:Overload</faultcode>`, wire.Fault{Code: wire.FaultNetworkError}},
		{`<faultcode xmlns:f="urn:other">f:Authorization</faultcode>`, wire.Fault{Code: wire.FaultNetworkError}},
		{``, wire.Fault{}},
		{`<detail>plain</detail><faultstring>first</faultstring><faultcode>f:Timeout</faultcode>`, wire.Fault{Code: wire.FaultTimeout, String: "first", Detail: "plain"}},
		{`<faultstring>` + strings.Repeat("é", 3000) + `</faultstring>`, wire.Fault{String: strings.Repeat("é", 2046) + "..."}},
	} {
		_, n, err := soap.DecodeEnvelope(parse(t, []byte(fault+tt.inside+over)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := soap.DecodeFault(n); err != nil || got != tt.want {
			t.Errorf("%s:\ngot  %#v, %v\nwant %#v", tt.inside, got, err, tt.want)
		}
	}
	if _, err := soap.DecodeFault(parse(t, []byte("<Fault></Fault>")).Root()); !contains(err, "no fault but Fault") {
		t.Error(err)
	}
}

package soap_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/soap"
)

const space12 = "http://www.w3.org/2003/05/soap-envelope"

// An envelope of either version is what it says that it is, and nothing of the other.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, v := range []soap.Version{soap.V11, soap.V12} {
		for _, header := range []string{"", `<h xmlns="urn:h"></h>`} {
			octets := v.Envelope(nil, []byte(header), []byte(`<a xmlns="urn:a"></a>`))
			if got := strings.Contains(string(octets), space12); got != (v == soap.V12) {
				t.Errorf("%s", octets)
			}
			h, n, err := v.Decode(parse(t, octets))
			if err != nil || h.Valid() != (header != "") || !n.Is("urn:a", "a") {
				t.Errorf("%s: %s, %v", octets, n.Source(), err)
			}
			if _, n, err := (3 - v).Decode(parse(t, octets)); err == nil || n.Valid() {
				t.Errorf("%s is of both versions", octets)
			}
		}
		// Parts of two versions are no envelope.
		mixed := strings.Replace(string(v.Envelope(nil, nil, []byte("<a></a>"))), "<soapenv:Body>",
			`<soapenv:Body xmlns:soapenv="`+map[soap.Version]string{soap.V11: space12, soap.V12: soap.EnvelopeNS}[v]+`">`, 1)
		if _, _, err := v.Decode(parse(t, []byte(mixed))); !contains(err, "Body is missing") {
			t.Errorf("%s: %v", mixed, err)
		}
	}
}

func TestVersionFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v      soap.Version
		sender bool
		status int
		want   string
	}{
		{soap.V11, true, 500, `<soapenv:Fault><faultcode>soapenv:Client</faultcode><faultstring>a &lt;b> ` + "\uFFFD" + `</faultstring></soapenv:Fault>`},
		{soap.V11, false, 500, `<faultcode>soapenv:Server</faultcode>`},
		{soap.V12, true, 400, `<soapenv:Fault><soapenv:Code><soapenv:Value>soapenv:Sender</soapenv:Value></soapenv:Code>` +
			`<soapenv:Reason><soapenv:Text xml:lang="en">a &lt;b> ` + "\uFFFD" + `</soapenv:Text></soapenv:Reason></soapenv:Fault>`},
		{soap.V12, false, 500, `<soapenv:Value>soapenv:Receiver</soapenv:Value>`},
	} {
		out, status := tt.v.Fault(nil, tt.sender, "a <b> \x1b")
		if _, n, err := tt.v.Decode(parse(t, out)); err != nil || n.Local() != "Fault" || status != tt.status ||
			!strings.Contains(strings.ReplaceAll(string(out), "&gt;", ">"), tt.want) {
			t.Errorf("%d %s, %v, want %d %s", status, out, err, tt.status, tt.want)
		}
	}
}

// The Content-Type says which version it is, also of what is refused.
func TestUnpackEither(t *testing.T) {
	t.Parallel()
	kind := func(media string) string {
		return `multipart/related; boundary=B; type="application/xop+xml"; start="<r>"; start-info="` + media + `"`
	}
	body := func(media string) string {
		return "--B\r\ncontent-type: application/xop+xml; charset=UTF-8; type=\"" + media + "\"\r\ncontent-id: <r>\r\n\r\n<e/>\r\n--B--\r\n"
	}
	const t11, t12 = "text/xml", "application/soap+xml"
	for _, tt := range []struct {
		name, kind, body string
		v                soap.Version
		action           string
		ok               bool
	}{
		{"1.1", "text/xml; charset=UTF-8", "<e/>", soap.V11, "", true},
		{"1.1 with a parameter that it does not have", `text/xml; action="a"`, "<e/>", soap.V11, "", true},
		{"1.1 in MTOM", kind(t11), body(t11), soap.V11, "", true},
		{"1.2", `application/soap+xml; charset=UTF-8; action="urn:a"`, "<e/>", soap.V12, "urn:a", true},
		{"1.2 in capitals", `Application/SOAP+XML; Action=a`, "<e/>", soap.V12, "a", true},
		{"1.2 without an action", t12, "<e/>", soap.V12, "", true},
		{"1.2 in MTOM", kind(t12) + `; action="a"`, body(t12), soap.V12, "a", true},
		{"1.2 around 1.1", kind(t12), body(t11), soap.V12, "", false},
		{"1.1 around 1.2", kind(t11), body(t12), soap.V11, "", false},
		{"1.2 in Latin-1", t12 + "; charset=iso-8859-1", "<e/>", soap.V12, "", false},
		{"action twice", t12 + `; action="a"; action="b"`, "<e/>", soap.V11, "", false},
		{"another", "application/json", "{}", soap.V11, "", false},
		{"none", "", "<e/>", soap.V11, "", false},
	} {
		got, v, action, err := soap.UnpackEither(tt.kind, []byte(tt.body))
		if (err == nil) != tt.ok || v != tt.v || action != tt.action || err == nil && string(got) != "<e/>" || err != nil && !errors.Is(err, soap.ErrPackaging) {
			t.Errorf("%s: %q, version %d, action %q, %v", tt.name, got, v, action, err)
		}
	}
	if v := soap.V12.ContentType(); v != "application/soap+xml; charset=UTF-8" {
		t.Error(v)
	}
}

// FuzzUnpackEither: whatever comes out was in the body, and somebody can be answered.
func FuzzUnpackEither(f *testing.F) {
	f.Add(soap.PlainType, []byte("<e/>"))
	f.Add(soap.V12.ContentType()+`; action="a"`, []byte("<e/>"))
	kind, packed := soap.Pack("AB", []byte("<e/>"))
	f.Add(kind, packed)
	f.Add(strings.ReplaceAll(kind, "text/xml", "application/soap+xml"), []byte(strings.ReplaceAll(string(packed), "text/xml", "application/soap+xml")))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		got, v, _, err := soap.UnpackEither(kind, body)
		switch {
		case v != soap.V11 && v != soap.V12:
			t.Fatalf("version %d", v)
		case err != nil && !errors.Is(err, soap.ErrPackaging):
			t.Fatal(err)
		case err == nil && !strings.Contains(string(body), string(got)):
			t.Fatalf("%q", got)
		}
	})
}

package serve_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

const (
	space12 = "http://www.w3.org/2003/05/soap-envelope"
	type12  = `application/soap+xml; charset=UTF-8; action="testFunc"`
)

func seal12(t *testing.T, id keys.Identity, r wire.Request) []byte {
	t.Helper()
	body, err := wire.EncodeRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := wssec.Seal{Signer: id.Key, Cert: id.Cert, MessageID: rand.Text(), Profile: wssec.Legacy}.Bare12(body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

// A request in SOAP 1.2 is carried out as one in 1.1 is, and everything is answered in
// the version of the request, what is refused too.
func TestSOAP12(t *testing.T) {
	t.Parallel()
	w, _ := begin(t)
	action := func(name string) string {
		return `application/soap+xml; charset=UTF-8; action="http://orca/nodeagent/NodeAgentPortType/` + name + `"`
	}
	// Install and upgrade are told apart by the parameter alone; the header of 1.1 means nothing.
	for _, c := range []struct {
		r    wire.Request
		code int32
	}{
		{wire.Request{Op: wire.TestFunc, Number: 7}, 17},
		{wire.Request{Op: wire.UpgradeDriver, Driver: "web", Package: driver(t, w.authority, "1")}, wire.NotInstalled},
		{install("web", driver(t, w.authority, "1")), 0},
		{wire.Request{Op: wire.UpgradeDriver, Driver: "web", Package: driver(t, w.authority, "2")}, 0},
		{wire.Request{Op: wire.ExecuteDriver, Driver: "web", Action: "test", Properties: []wire.Property{{Name: "a", Value: "1"}}}, 0},
		{wire.Request{Op: wire.UninstallDriver, Driver: "web"}, 0},
	} {
		request := seal12(t, w.authority, c.r)
		status, kind, data := w.postAs(request, action(string(c.r.Op)), "installDriver")
		if status != 200 || kind != soap.V12.ContentType() || !bytes.Contains(data, []byte(space12)) || bytes.Contains(data, []byte(soap.EnvelopeNS)) {
			t.Fatalf("%s: %d %s %s", c.r.Op, status, kind, data)
		}
		if got := w.decode(data, c.r.Op, request); got.Code != c.code {
			t.Errorf("%s: %+v, want %d", c.r.Op, got, c.code)
		}
	}
	body, err := wire.EncodeRequest(wire.Request{Op: wire.GetServiceKey})
	if err != nil {
		t.Fatal(err)
	}
	status, kind, data := w.postAs(soap.V12.Envelope(nil, nil, body), "application/soap+xml", "")
	doc, err := xmltree.Parse(data, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, payload, err := soap.V12.Decode(doc)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := wire.DecodeResponse(payload, wire.GetServiceKey); status != 200 || kind != soap.V12.ContentType() || err != nil || !bytes.Equal(r.Key, w.agent.Identity().Cert.Raw) {
		t.Errorf("%d %s %s, %v", status, kind, data, err)
	}

	mark := filepath.Join(t.TempDir(), "mark")
	once := wire.Request{Op: wire.ExecuteScript, Script: "mkdir", Arguments: mark}
	good, good11 := seal12(t, w.authority, once), seal(t, w.authority, once)
	unsigned, err := wire.EncodeRequest(once)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, envelope []byte, kind, want string) {
		t.Helper()
		status, is, data := w.postAs(envelope, kind, "executeScript")
		v, code, at := soap.V11, ">soapenv:Client<", 500
		if strings.HasPrefix(kind, "application/soap+xml") {
			v, code, at = soap.V12, ">soapenv:Sender<", 400
		}
		doc, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		_, fault, err := v.Decode(doc)
		if err != nil || fault.Local() != "Fault" || status != at || is != v.ContentType() || !strings.Contains(string(data), code) || !strings.Contains(string(data), want) {
			t.Errorf("%s: %d %s %s", name, status, is, data)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s: it was done", name)
		}
	}
	kind12 := action("executeScript")
	refused("nobody", seal12(t, identity(t, keys.RSA2048), once), kind12, wssec.ErrRefused.Error())
	refused("unsigned", soap.V12.Envelope(nil, nil, unsigned), kind12, wssec.ErrRefused.Error())
	refused("changed", bytes.Replace(good, []byte("<script>"), []byte("<script> "), 1), kind12, wssec.ErrRefused.Error())
	refused("signed as 1.1, and sent as 1.2", bytes.ReplaceAll(good11, []byte(soap.EnvelopeNS), []byte(space12)), kind12, wssec.ErrRefused.Error())
	refused("signed as 1.2, and sent as 1.1", bytes.ReplaceAll(good, []byte(space12), []byte(soap.EnvelopeNS)), soap.PlainType, wssec.ErrRefused.Error())
	refused("1.1 that is said to be 1.2", good11, kind12, "SOAP 1.1")
	refused("1.2 that is said to be 1.1", good, soap.PlainType, "SOAP 1.2")
	refused("no XML", []byte("hello"), kind12, "")
	refused("no SOAP", []byte("<a/>"), kind12, "no SOAP envelope")
	if status, _, data := w.postAs(good, kind12, ""); status != 200 || w.decode(data, once.Op, good).Code != 0 {
		t.Errorf("%d %s", status, data)
	}
	if err := os.Remove(mark); err != nil {
		t.Error(err)
	}
	refused("again", good, kind12, wssec.ErrRefused.Error())
}

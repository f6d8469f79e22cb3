package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

func TestWireCall(t *testing.T) {
	t.Setenv("LEASEHOLD_CONFIG", "")
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	id := func(guid string) keys.Identity {
		i, err := keys.Generate(rand.Reader, guid, "sm", keys.ECDSAP256, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	sm, other := id("33333333-3333-4333-8333-333333333333"), id("44444444-4444-4444-8444-444444444444")
	request := xmlrpc.Struct(xmlrpc.Member{Name: "messageID", Value: xmlrpc.String("m-1")}, xmlrpc.Member{Name: "units", Value: xmlrpc.Int(2)}, xmlrpc.Member{Name: "x", Value: xmlrpc.Base64([]byte{1})})
	auth, err := wssec.Seal{Signer: sm.Key, Cert: sm.Cert, GUID: sm.GUID, Name: "sm", To: other.GUID, MessageID: "n-1", Created: time.UnixMilli(1700000000000)}.Call("broker.ticket", request)
	if err != nil {
		t.Fatal(err)
	}
	doc := func(params ...xmlrpc.Value) []byte {
		out, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "broker.ticket", Params: params}, xmlrpc.Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	good := doc(auth, request)
	path := file("good.xml", good)
	http := file("good.http", append([]byte("POST /orca/xmlrpc/broker HTTP/1.1\r\nContent-Type: text/xml\r\n\r\n"), good...))
	changed := file("changed.xml", bytes.Replace(good, []byte("<i4>2</i4>"), []byte("<i4>3</i4>"), 1))
	unsigned := file("unsigned.xml", doc(xmlrpc.Struct(), request))
	double := file("double.xml", doc(auth, request.With("d", xmlrpc.Double(1))))
	pin, wrong := file("sm.pem", keys.CertificatePEM(sm.Cert)), file("other.pem", keys.CertificatePEM(other.Cert))
	for _, c := range []cli{
		{"wire call " + path, 0, "signature    matches", ""},
		{"wire call " + path + " --pin " + pin, 0, "2023-11-14T22:13:20Z", ""},
		{"wire call " + http + " --pin " + pin, 0, "broker.ticket", ""},
		{"wire call " + path + " --pin " + wrong, 8, "", "another key than the one of --pin"},
		{"wire call " + changed, 8, "broker.ticket", "does not verify"},
		{"wire call " + unsigned, 8, "", "not signed"},
		{"wire call " + double, 8, "", "nothing signs a double"},
		{"wire call " + path + " --canonical", 0, "orca-xmlrpc-sig-1\na3:s13:broker.ticket", ""},
		{"wire call " + file("one.xml", doc(request)), 1, "", "one of leasing has two structs"},
		{"wire call " + file("none.xml", []byte("<a/>")), 1, "", "no methodCall"},
	} {
		c.run(t)
	}
	var v callInfo
	out := cli{"wire call " + path + " --json", 0, "", ""}.run(t)
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Request["messageID"] != "m-1" || v.Request["x"] != "AQ==" || v.Certificate != keys.Fingerprint(sm.Cert) || v.To != other.GUID {
		t.Errorf("%v: %+v", err, v)
	}
}

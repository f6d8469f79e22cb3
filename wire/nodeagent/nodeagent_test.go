package nodeagent

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmltree"
)

func parse(t *testing.T, text string) xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(text), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d.Root()
}

// every has something in each field of every operation.
func every() []Request {
	props := []Property{{"a", "1"}, {"unit.net.ip", "10.0.0.9 <&>\"'\r\n"}}
	return []Request{
		{Op: ExecuteScript, Script: "ls", Arguments: "-l /"},
		{Op: ExecuteDriver, Driver: "d", Action: "test", Properties: props},
		{Op: ExecuteObjectDriver, Driver: "d", Object: "o", Action: "test", Properties: props},
		{Op: InstallDriver, Driver: "d", Class: "c", Package: []byte{0, 1, 255}},
		{Op: UpgradeDriver, Driver: "d", Class: "c", Package: []byte("x")},
		{Op: UninstallDriver, Driver: "d"},
		{Op: TestFunc, Number: -7},
		{Op: RegisterKey, Alias: "k", Certificate: []byte{255, 0, 127, 128}},
		{Op: UnregisterKey, Alias: "k"},
		{Op: RegisterAuthorityKey, Alias: "authoritykey", Certificate: []byte{1, 2}, Message: []byte("<a/>"), Signature: []byte{200, 3}},
		{Op: GetServiceKey},
		{Op: RollbackDriver, Driver: "d"},
		{Op: Run, Args: []string{"", "a b", "\x00\xff"}, Stdin: "in\r\n"},
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for _, r := range every() {
		if r.Op != RollbackDriver && r.Op != Run {
			text, err := EncodeRequest(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeRequest(parse(t, string(text)), `"`+string(r.Op)+`"`)
			if got.Package != nil && len(got.Package) == 0 {
				got.Package = nil
			}
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%s\nread as %+v, %v\nwant    %+v", text, got, err, r)
			}
		}
		got, err := FromParams(r.Op, Params(r))
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("XML-RPC: read as %+v, %v\nwant %+v", got, err, r)
		}
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	props := []Property{{"a", "1"}, {"b", "<"}}
	for _, r := range []Response{
		{Op: ExecuteScript, Code: 3, Message: "m", Stdout: "a\nb", Stderr: "e"},
		{Op: ExecuteDriver, Code: -10005, Properties: props},
		{Op: InstallDriver, Code: -1003},
		{Op: TestFunc, Code: 17},
		{Op: RegisterKey, Code: 5},
		{Op: RegisterAuthorityKey, Reply: []byte{1, 255}, Key: []byte{128, 5}},
		{Op: GetServiceKey, Key: []byte{1, 2, 3}},
	} {
		text, err := EncodeResponse(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResponse(parse(t, string(text)), r.Op)
		if len(got.Reply) == 0 {
			got.Reply = nil
		}
		if len(got.Key) == 0 {
			got.Key = nil
		}
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s\nread as %+v, %v", text, got, err)
		}
		got, err = FromValue(r.Op, Value(r))
		if len(got.Reply) == 0 {
			got.Reply = nil
		}
		if len(got.Key) == 0 {
			got.Key = nil
		}
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("XML-RPC: %+v read as %+v, %v", r, got, err)
		}
	}
	out, err := EncodeResponse(Response{Op: ExecuteScript, Stdout: "a\x00\xffb\x1b"})
	if err != nil || !strings.Contains(string(out), "<stdOut>a??b?</stdOut>") {
		t.Errorf("%s, %v", out, err)
	}
	said := Response{Op: ExecuteDriver, Properties: []Property{{"a", "\x1b[1m"}}}
	if out, err := EncodeResponse(said); err != nil || !strings.Contains(string(out), "<value>?[1m</value>") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := xmlrpc.AppendAnswer(nil, Value(said), xmlrpc.Dialect{}); err != nil || !strings.Contains(string(out), "?[1m") {
		t.Errorf("%s, %v", out, err)
	}
}

// The example of the document, its children in another order, octets as base64, and what is
// none of it.
func TestWire(t *testing.T) {
	t.Parallel()
	r, err := DecodeRequest(parse(t, `<n:driverRequestElement xmlns:n="http://orca/nodeagent/documents">
  <properties><property><value>10.0.0.9</value><name>unit.net.ip</name></property></properties>
  <actionId>test</actionId>
  <driverId>bfc1aa30-451d-11db-b0de-0800200c9a66</driverId>
</n:driverRequestElement>`), "")
	if err != nil || r.Op != ExecuteDriver || r.Driver != "bfc1aa30-451d-11db-b0de-0800200c9a66" || r.Action != "test" || Map(r.Properties)["unit.net.ip"] != "10.0.0.9" {
		t.Errorf("%+v, %v", r, err)
	}
	text, err := EncodeRequest(Request{Op: RegisterKey, Alias: "k", Certificate: []byte{255, 1}})
	if want := `<n:registerKeyElement xmlns:n="http://orca/nodeagent/documents"><alias>k</alias><publickey>-1</publickey><publickey>1</publickey></n:registerKeyElement>`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	const ns = ` xmlns:n="http://orca/nodeagent/documents"`
	for text, says := range map[string]string{
		`<testFuncElement>1</testFuncElement>`: "not of the service's namespace",
		`<n:other` + ns + `/>`:                 "no operation",
		`<n:driverElement` + ns + `/>`:         "no operation",
		`<n:unregisterKeyElement` + ns + `><n:alias>k</n:alias></n:unregisterKeyElement>`:             "has a namespace",
		`<n:unregisterKeyElement` + ns + `><alias>k</alias><alias>l</alias></n:unregisterKeyElement>`: "two of alias",
		`<n:unregisterKeyElement` + ns + `><name>k</name></n:unregisterKeyElement>`:                   "has no \"name\"",
		`<n:registerKeyElement` + ns + `><publickey>300</publickey></n:registerKeyElement>`:           "no octet",
		`<n:testFuncElement` + ns + `>x</n:testFuncElement>`:                                          "invalid syntax",
	} {
		if _, err := DecodeRequest(parse(t, text), ""); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
	if _, err := FromParams(ExecuteDriver, []xmlrpc.Value{xmlrpc.Int(1), xmlrpc.String("a"), xmlrpc.Struct()}); err == nil {
		t.Error("a number is a driver")
	}
	if _, err := FromParams(ExecuteDriver, []xmlrpc.Value{xmlrpc.String("d"), xmlrpc.String("a"), xmlrpc.String("none")}); err == nil {
		t.Error("a string is properties")
	}
	if _, err := EncodeRequest(Request{Op: ExecuteScript, Script: "a\x1b"}); err == nil {
		t.Error("an escape is said in XML")
	}
	asked := Request{Op: ExecuteDriver, Driver: "d", Action: "a", Properties: []Property{{"a", "\x1b"}}}
	if _, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: "a", Params: Params(asked)}, xmlrpc.Dialect{}); err == nil {
		t.Error("an escape is asked for as something else")
	}
	if _, err := FromParams(ExecuteDriver, nil); err == nil {
		t.Error("nothing is a request")
	}
}

// Whatever is read is written and read as the same.
func FuzzDecodeRequest(f *testing.F) {
	for _, r := range every() {
		if text, err := EncodeRequest(r); err == nil {
			f.Add(string(text), string(r.Op))
		}
	}
	f.Fuzz(func(t *testing.T, text, action string) {
		d, err := xmltree.Parse([]byte(text), xmltree.Limits{})
		if err != nil {
			return
		}
		r, err := DecodeRequest(d.Root(), action)
		if err != nil {
			return
		}
		again, err := EncodeRequest(r)
		if err != nil {
			return // a character that is read and not written
		}
		got, err := DecodeRequest(parse(t, string(again)), string(r.Op))
		if err != nil || got.Op != r.Op || got.Driver != r.Driver || string(got.Package) != string(r.Package) || len(got.Properties) != len(r.Properties) {
			t.Errorf("%s\nbecame %s: %v", text, again, err)
		}
	})
}

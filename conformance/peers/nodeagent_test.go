package peers

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/handlers/nodeagent/pack"
	"github.com/leasehold/leasehold/wssec/keys"
)

// caller is the Java program that calls one node agent (axis2/NodeAgentPeer.java).
type caller struct {
	*peer
	t    *testing.T
	url  string
	cert []byte // of the agent
}

// say is one signed call of the program's key alias. The answer has passed Rampart, and
// confirms the call; field names and values alternate.
func (c *caller) say(alias, operation, element string, fields ...string) (name string, answer map[string]string) {
	c.t.Helper()
	args := [][]byte{[]byte(c.url), []byte(alias), []byte(operation), []byte(element)}
	for _, f := range fields {
		args = append(args, []byte(f))
	}
	got := c.ask(c.t, "call", args...)
	if string(got[0]) == "fault" {
		return "fault", map[string]string{"": string(got[1])}
	}
	if !bytes.Equal(got[1], c.cert) {
		c.t.Errorf("%s: the answer is signed by somebody else", operation)
	}
	answer = map[string]string{}
	for i := 3; i < len(got); i += 2 {
		answer[string(got[i])] = string(got[i+1])
	}
	return string(got[2]), answer
}

// want calls, and compares the answer.
func (c *caller) want(answer map[string]string, alias, operation, element, result string, fields ...string) {
	c.t.Helper()
	name, got := c.say(alias, operation, element, fields...)
	if name != result || !maps.Equal(got, answer) {
		c.t.Errorf("%s of %s is answered with %s %q, want %s %q", operation, alias, name, got, result, answer)
	}
}

// echo is a driver package whose action gives its properties back.
func echo(t *testing.T, version string, by keys.Identity) string {
	t.Helper()
	data, err := pack.Build(pack.Manifest{ID: "echo", Version: version, Actions: map[string]pack.Action{
		"same": {Run: []string{"cat"}}, "version": {Run: []string{"bin/version"}}, "fail": {Run: []string{"sh", "-c", "echo no luck >&2; exit 1"}}}},
		[]pack.File{{Name: "bin/version", Exec: true, Data: []byte("#!/bin/sh\necho '{\"properties\":{\"version\":\"" + version + "\",\"object\":\"'\"$LEASEHOLD_OBJECT\"'\"}}'\n")}}, by.Key, by.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestNodeAgent: a caller on Axis2 and Rampart gives a real agent its first key, with
// the weak exchange of deployed authorities and with the strong one, and uses every
// operation of the service, in SOAP 1.1 and 1.2: the agent opens what Rampart signed, and
// Rampart what the agent did.
func TestNodeAgent(t *testing.T) {
	t.Parallel()
	p, err := startJava("axis2", "NodeAgentPeer", true, "axis2-lib")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]keys.Identity{}
	for n, alias := range []string{"authority", "actorkey", "stranger"} {
		id, err := keys.Generate(rand.Reader, fmt.Sprintf("%08d-1111-4111-8111-111111111111", n), alias, keys.RSA2048, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		ids[alias] = id
		der, err := x509.MarshalPKCS8PrivateKey(id.Key)
		if err != nil {
			t.Fatal(err)
		}
		p.ask(t, "key", []byte(alias), der, id.Cert.Raw)
	}
	authority := ids["authority"]
	private, err := x509.MarshalPKCS8PrivateKey(authority.Key)
	if err != nil {
		t.Fatal(err)
	}
	var c *caller
	var packed, newer atomic.Int32 // requests that were MTOM, and SOAP 1.2
	for hash, fingerprint := range map[string]func(*x509.Certificate) string{"MD5": nodeagent.LegacyHash, "SHA256": nodeagent.Hash} {
		node := setup.StartNodeAgent(t, authority.Cert, fingerprint)
		front, err := neturl.Parse(strings.TrimSuffix(node.URL, "/xmlrpc"))
		if err != nil {
			t.Fatal(err)
		}
		pass := httputil.NewSingleHostReverseProxy(front)
		watched := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/related") {
				packed.Add(1)
			}
			if strings.Contains(r.Header.Get("Content-Type"), "application/soap+xml") {
				newer.Add(1)
			}
			if bytes.Contains(body, []byte("Include")) {
				t.Errorf("a part is referred to: %s", body)
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			pass.ServeHTTP(w, r)
		}))
		defer watched.Close()
		url := watched.URL + "/axis2/services/NodeAgentService"
		meet := func(token string) ([][]byte, error) {
			return p.try("meet", []byte(url), private, authority.Cert.Raw, []byte(hash), []byte(token))
		}
		got, err := meet(node.Token)
		if err != nil {
			t.Fatalf("%s: %v", hash, err)
		}
		if own := p.ask(t, "service", []byte(url)); !bytes.Equal(own[0], got[0]) {
			t.Errorf("%s: the agent shows another certificate than its first answer did", hash)
		}
		if _, err := meet("of another node"); !refused(err) || !strings.Contains(err.Error(), "another node's token") {
			t.Errorf("%s: %v", hash, err)
		}
		if hash == "MD5" {
			c = &caller{peer: p, t: t, url: url, cert: got[0]}
		}
	}
	p.ask(t, "trust", []byte("node"), c.cert)

	code := func(n string) map[string]string { return map[string]string{"": n} }
	result := func(n string, properties ...string) map[string]string {
		out := map[string]string{"code": n}
		for i := 0; i < len(properties); i += 2 {
			out["property:"+properties[i]] = properties[i+1]
		}
		return out
	}
	said := func(alias, operation, element, code string, fields ...string) {
		t.Helper()
		if name, got := c.say(alias, operation, element, fields...); name != "resultElement" || got["code"] != code || got["property:driver.exception.message"] == "" {
			t.Errorf("%s: %s %q, want code %s and why", operation, name, got, code)
		}
	}
	c.want(code("17"), "authority", "testFunc", "testFuncElement", "testFuncResultElement", "text:", "7")
	for range 2 { // the same words are another message
		c.want(code("5"), "authority", "testFunc", "testFuncElement", "testFuncResultElement", "text:", "-5")
	}
	c.want(code("0"), "authority", "registerKey", "registerKeyElement", "registerKeyResultElement", "text:alias", "actorkey", "bytes:publickey", string(ids["actorkey"].Cert.Raw))
	c.want(code("5"), "authority", "registerKey", "registerKeyElement", "registerKeyResultElement", "text:alias", "actorkey", "bytes:publickey", string(ids["stranger"].Cert.Raw))
	c.want(code("2"), "actorkey", "registerKey", "registerKeyElement", "registerKeyResultElement", "text:alias", "third", "bytes:publickey", string(ids["stranger"].Cert.Raw))

	said("actorkey", "executeDriver", "driverRequestElement", "3", "text:driverId", "echo", "text:actionId", "same")
	said("actorkey", "upgradeDriver", "driverElement", "-1005", "text:driverId", "echo", "base64:pkg", echo(t, "1", authority))
	said("actorkey", "installDriver", "driverElement", "-1007", "text:driverId", "echo", "base64:pkg", "no package")
	c.want(result("0", "driver.version", "1"), "actorkey", "installDriver", "driverElement", "resultElement", "mtom:pkg", echo(t, "1", authority), "text:className", "x.Y", "text:path", "ignored", "text:driverId", "echo")
	if n := packed.Load(); n != 1 {
		t.Errorf("%d requests were MTOM", n)
	}
	said("actorkey", "installDriver", "driverElement", "-1003", "text:driverId", "echo", "base64:pkg", echo(t, "1", authority))

	properties := []string{"unit.net.ip", "10.0.0.9", "text", "caf\u00e9 \u2603 <&>\"' \ttwo\nlines", "empty", "", "last", "z"}
	fields := []string{"text:driverId", "echo", "text:actionId", "same"}
	for i := 0; i < len(properties); i += 2 {
		fields = append(fields, "property:"+properties[i], properties[i+1])
	}
	c.want(result("0", properties...), "actorkey", "executeDriver", "driverRequestElement", "resultElement", fields...)
	c.want(result("0", "version", "1", "object", "vm 1"), "actorkey", "executeObjectDriver", "driverObjectRequestElement", "resultElement",
		"text:objectId", "vm 1", "text:driverId", "echo", "text:actionId", "version")
	said("actorkey", "executeDriver", "driverRequestElement", "-10001", "text:driverId", "echo", "text:actionId", "fail")
	said("actorkey", "executeDriver", "driverRequestElement", "-10", "text:driverId", "echo", "text:actionId", "none")
	c.want(result("0", "driver.version", "2"), "actorkey", "upgradeDriver", "driverElement", "resultElement", "text:driverId", "echo", "base64:pkg", echo(t, "2", authority))
	c.want(result("0", "version", "2", "object", ""), "actorkey", "executeDriver", "driverRequestElement", "resultElement", "text:driverId", "echo", "text:actionId", "version")
	c.want(map[string]string{"code": "0", "stdOut": "a\nb"}, "actorkey", "executeScript", "scriptElement", "scriptResultElement", "text:script", "printf", "text:arguments", `a\nb\n`)
	c.want(result("0"), "actorkey", "uninstallDriver", "driverElement", "resultElement", "text:driverId", "echo")
	said("actorkey", "uninstallDriver", "driverElement", "-1005", "text:driverId", "echo")
	said("actorkey", "executeDriver", "driverRequestElement", "3", "text:driverId", "echo", "text:actionId", "same")

	// The same in SOAP 1.2, whose callers name the operation in the type of what they send.
	if n := newer.Load(); n != 0 {
		t.Errorf("%d requests were SOAP 1.2", n)
	}
	p.ask(t, "version", []byte("1.2"))
	if own := p.ask(t, "service", []byte(c.url)); !bytes.Equal(own[0], c.cert) {
		t.Error("the agent shows another certificate in SOAP 1.2")
	}
	c.want(code("18"), "actorkey", "testFunc", "testFuncElement", "testFuncResultElement", "text:", "8")
	c.want(result("0", "driver.version", "1"), "actorkey", "installDriver", "driverElement", "resultElement", "mtom:pkg", echo(t, "1", authority), "text:driverId", "echo")
	c.want(result("0", "driver.version", "2"), "actorkey", "upgradeDriver", "driverElement", "resultElement", "text:driverId", "echo", "base64:pkg", echo(t, "2", authority))
	c.want(result("0", properties...), "actorkey", "executeDriver", "driverRequestElement", "resultElement", fields...)
	c.want(result("0"), "actorkey", "uninstallDriver", "driverElement", "resultElement", "text:driverId", "echo")
	if name, got := c.say("stranger", "testFunc", "testFuncElement", "text:", "1"); name != "fault" || !strings.Contains(got[""], "refused") {
		t.Errorf("a stranger is answered with %s %q", name, got)
	}
	if n, m := newer.Load(), packed.Load(); n != 7 || m != 2 {
		t.Errorf("%d requests were SOAP 1.2, and %d MTOM", n, m)
	}
	p.ask(t, "version", []byte("1.1"))

	c.want(code("0"), "authority", "unregisterKey", "unregisterKeyElement", "unregisterKeyResultElement", "text:alias", "actorkey")
	for _, alias := range []string{"actorkey", "stranger"} {
		if name, got := c.say(alias, "testFunc", "testFuncElement", "text:", "1"); name != "fault" || !strings.Contains(got[""], "refused") {
			t.Errorf("%s is answered with %s %q", alias, name, got)
		}
	}
}

package peers

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
)

var startAxis2 = sync.OnceValues(func() (*peer, error) {
	return startJava("axis2", "Axis2Peer", true, "stub", "axis2-lib")
})

// inbox is held by the one test that looks at what Axis2's services receive.
var inbox sync.Mutex

// TestAxis2Calls: stubs that Axis2 generates from our WSDL send every operation so
// that we read back what went in, plain and as MTOM, and understand our answers.
func TestAxis2Calls(t *testing.T) {
	t.Parallel()
	p := use(t, startAxis2)
	r := newRecorder(t, unsigned)
	for kind, m := range everything() {
		for mtom, packaging := range map[string]soap.Packaging{"false": soap.Plain, "true": soap.MTOM} {
			answer := p.ask(t, "call", []byte(r.URL+"/actor"), []byte(m.Op.String()), []byte(body(t, m)), []byte(mtom))
			c := r.take(t)
			if len(answer) != 1 || string(answer[0]) != "answered" {
				t.Errorf("%s: Axis2 understood our answer as %q", kind, answer)
			}
			if c.action != m.Op.String() || c.packaging != packaging {
				t.Errorf("%s: packaging %v to %q", kind, c.packaging, c.action)
			}
			if !reflect.DeepEqual(c.message, m) {
				t.Errorf("%s: Axis2 sent\n%s\nwhich is %+v", kind, c.text, c.message)
			}
		}
	}
}

// TestAxis2Refused: our endpoint's fault reaches the caller's code as that fault.
func TestAxis2Refused(t *testing.T) {
	t.Parallel()
	p := use(t, startAxis2)
	at := endpointFor(t, actors.RoleAuthority)
	for kind, m := range everything() {
		answer := p.ask(t, "call", []byte(at), []byte(m.Op.String()), []byte(body(t, m)), []byte("false"))
		if len(answer) != 3 || string(answer[0]) != "fault" || string(answer[1]) != "{"+soap.FaultNS+"}"+wire.FaultAuthorization.String() {
			t.Errorf("%s: our fault is %q to Axis2", kind, answer)
		}
	}
}

// TestAxis2Serves: the skeleton that Axis2 generates from our WSDL reads what we
// send, and we understand its answers and its faults.
func TestAxis2Serves(t *testing.T) {
	t.Parallel()
	p := use(t, startAxis2)
	inbox.Lock()
	defer inbox.Unlock()
	at := string(p.ask(t, "serve")[0])
	for kind, m := range everything() {
		_, answer := post(t, at, m.Op.String(), soap.EncodeEnvelope(nil, nil, []byte(body(t, m))))
		if err := answered(t, answer, m.Op); err != nil {
			t.Errorf("%s: Axis2 answers %v\n%s", kind, err, answer)
			continue
		}
		got := p.ask(t, "received")
		if len(got) != 1 {
			t.Fatalf("%s: Axis2 received %d messages", kind, len(got))
		}
		back, err := soap.DecodeBody(parse(t, string(got[0])).Root())
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%s: Axis2 received\n%s\nwhich is %+v, %v", kind, got[0], back, err)
		}
	}
	// What the schema does not have, its code refuses, like a legacy actor.
	m := everything()["ticket"]
	status, answer := post(t, at, "ticket", soap.EncodeEnvelope(nil, nil, []byte(strings.Replace(body(t, m), "<messageID>", "<x></x><messageID>", 1))))
	if err := answered(t, answer, wire.OpTicket); err == nil || status != http.StatusInternalServerError {
		t.Errorf("Axis2 takes an element too many: %d %v", status, err)
	}
}

// post sends an envelope as our client does.
func post(t testing.TB, url, action string, envelope []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(envelope))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=UTF-8")
	req.Header.Set("SOAPAction", `"`+action+`"`)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	octets, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(octets)
}

// answered reads an answer to op: nil, or its fault.
func answered(t testing.TB, text string, op wire.Op) error {
	t.Helper()
	_, payload, err := soap.DecodeEnvelope(parse(t, text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return soap.DecodeResponse(payload, op)
}

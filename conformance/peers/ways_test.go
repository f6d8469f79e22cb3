package peers

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec/keys"
)

// What Axis2 and Rampart do that one has to know before writing to them, though it changes
// nothing of what we send: if a newer version stops doing it, peers.md is to be changed.

// TestAxis2Generates: the generator complains of our schema, and then reads it: the stubs
// of all other tests are what came out.
func TestAxis2Generates(t *testing.T) {
	t.Parallel()
	dir, err := prepared()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "stub.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Retrieving schema at 'types.xsd'", "No schemaLocation for import of http://orca/shirako/proxies/soapaxis2/beans"} {
		if !bytes.Contains(log, []byte(want)) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}

// TestAxis2FinalClass: Axis2 deploys a service whose class is final, and cannot call it.
func TestAxis2FinalClass(t *testing.T) {
	t.Parallel()
	p := use(t, startAxis2)
	inbox.Lock()
	defer inbox.Unlock()
	m := message(0)
	envelope := soap.EncodeEnvelope(nil, nil, []byte(body(t, m)))
	for command, ok := range map[string]bool{"serve": true, "serveFinal": false} {
		at := string(p.ask(t, command)[0])
		if _, answer := post(t, at, m.Op.String(), envelope); ok != (answered(t, answer, m.Op) == nil) {
			t.Errorf("%s: %s", command, answer)
		}
	}
	if got := p.ask(t, "received"); len(got) != 1 {
		t.Errorf("%d messages arrived", len(got))
	}
}

// TestRampartAction: whatever SOAPAction says, Rampart verifies; and Axis2 believes it
// when it says which operation is meant, in spite of what was signed.
func TestRampartAction(t *testing.T) {
	t.Parallel()
	p, ids := useRampart(t)
	inbox.Lock()
	defer inbox.Unlock()
	id, s, m := ids[0], suites[0], message(0)
	at := string(p.ask(t, "serveSigned", []byte(id.name), []byte(s.method), []byte(s.digest))[0])
	send := func(text string, action ...string) error {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", soap.PlainType)
		for _, a := range action {
			req.Header.Set("SOAPAction", `"`+a+`"`)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer bytes.Buffer
		if _, err := answer.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		op := m.Op
		if len(action) == 1 && action[0] == "ticket" {
			op = wire.OpTicket
		}
		return answered(t, answer.String(), op)
	}
	good := seal(t, shapes["ours"](body(t, m)), id, s)
	for _, c := range []struct {
		action []string
		taken  string // for
	}{{nil, "redeem"}, {[]string{""}, "redeem"}, {[]string{"nonsense"}, "redeem"}, {[]string{"ticket"}, "ticket"}} {
		if err := send(tamper(t, good), c.action...); err == nil {
			t.Errorf("action %q: a changed message is taken", c.action)
		}
		if got := p.ask(t, "received"); len(got) != 0 {
			t.Errorf("action %q: a changed message arrived: %s", c.action, got)
		}
		if err := send(good, c.action...); err != nil {
			t.Errorf("action %q: %v", c.action, err)
		}
		if got := p.ask(t, "received"); len(got) != 1 || parse(t, string(got[0])).Root().Local() != c.taken {
			t.Errorf("action %q: arrived as %s, want %s", c.action, got, c.taken)
		}
	}
}

// TestRampartKeyStore: a key that is added after Rampart has signed once is not found.
func TestRampartKeyStore(t *testing.T) {
	t.Parallel()
	p, ids := useRampart(t)
	r := newRecorder(t, unsigned)
	s, m := suites[0], message(0)
	sign := func(alias string) (sent bool, got [][]byte) {
		t.Helper()
		got = p.ask(t, "callSigned", []byte(r.URL+"/actor"), []byte(m.Op.String()), []byte(body(t, m)), []byte("false"),
			[]byte(alias), []byte(s.method), []byte(s.digest), []byte("false"), []byte(authToken))
		r.mu.Lock()
		defer r.mu.Unlock()
		sent = len(r.calls) == 1
		r.calls = nil
		return sent, got
	}
	if sent, got := sign(ids[0].name); !sent {
		t.Fatalf("%q", got)
	}
	late, err := keys.Generate(rand.Reader, "99999999-1111-4111-8111-111111111111", "late", keys.RSA2048, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(late.Key)
	if err != nil {
		t.Fatal(err)
	}
	p.ask(t, "key", []byte("late"), der, late.Cert.Raw)
	if sent, got := sign("late"); sent || string(got[0]) != "fault" {
		t.Errorf("signed by a key that came late: %q", got)
	}
}

package endpoint_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

// What is wrong before anybody looks at the message.
func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m))
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"as it should be", func(*http.Request) {}, 200},
		{"action without quotes", set("SOAPAction", "ticket"), 200},
		{"plain content type", set("Content-Type", "text/xml"), 200},
		{"charset in quotes", set("Content-Type", `text/xml;charset="utf-8"`), 200},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405},
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, 405},
		{"query", func(r *http.Request) { r.URL.RawQuery = "wsdl" }, 400},
		{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
		{"two content types", func(r *http.Request) { r.Header.Add("Content-Type", "text/xml") }, 415},
		{"SOAP 1.2", set("Content-Type", "application/soap+xml"), 415},
		{"MTOM", set("Content-Type", `multipart/related; boundary=x; type="application/xop+xml"`), 415},
		{"other charset", set("Content-Type", "text/xml; charset=ISO-8859-1"), 415},
		{"odd content type", set("Content-Type", "text/xml; ;="), 415},
		{"gzip", set("Content-Encoding", "gzip"), 415},
		{"identity", set("Content-Encoding", "identity"), 415},
		{"no action", func(r *http.Request) { r.Header.Del("SOAPAction") }, 500},
		{"empty action", set("SOAPAction", `""`), 500},
		{"two actions", func(r *http.Request) { r.Header.Add("SOAPAction", `"ticket"`) }, 500},
		{"half a quote", set("SOAPAction", `"ticket`), 500},
		{"action in capitals", set("SOAPAction", `"Ticket"`), 500},
		{"unknown action", set("SOAPAction", `"shutdown"`), 500},
		{"action of another role", set("SOAPAction", `"redeem"`), 500},
		{"announced too long", func(r *http.Request) { r.ContentLength = 4<<20 + 1 }, 413},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := w.serve(t, to)
			rec := s.post("ticket", request, tt.change)
			if rec.Code != tt.status {
				t.Errorf("answer %d, want %d\n%s", rec.Code, tt.status, rec.Body)
			}
			if taken := len(s.messages()) == 1; taken != (tt.status == 200) {
				t.Errorf("taken: %v", taken)
			}
			if tt.status == 405 && rec.Header().Get("Allow") != "POST" {
				t.Error("no Allow")
			}
			if tt.status != 200 {
				if _, signed := s.kindOf(t, rec, from, request); signed {
					t.Error("signed for a stranger")
				}
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m))
	for _, tt := range []struct {
		limit  int64
		status int
	}{{int64(len(request)), 200}, {int64(len(request)) - 1, 413}} {
		for _, chunked := range []bool{false, true} {
			s := w.serve(t, to, func(c *endpoint.Config) { c.Body = tt.limit })
			rec := s.post("ticket", request, func(r *http.Request) {
				if chunked {
					r.ContentLength = -1
				}
			})
			if rec.Code != tt.status {
				t.Errorf("limit %d of %d, chunked %v: answer %d", tt.limit, len(request), chunked, rec.Code)
			}
		}
	}
	s := w.serve(t, to)
	rec := s.post("ticket", nil, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(zeros{}), -1
	})
	if rec.Code != 413 {
		t.Errorf("endless zeros: answer %d", rec.Code)
	}
	rec = s.post("ticket", nil, func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(request[:100]), broken{})), -1
	})
	if rec.Code != 400 {
		t.Errorf("broken off: answer %d", rec.Code)
	}
	if len(s.messages()) != 0 {
		t.Error("taken")
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range ops {
		t.Run(op.String(), func(t *testing.T) {
			t.Parallel()
			from, to, m := w.message(t, op)
			request := from.seal(t, to, w.wire(t, from, m))
			s := w.serve(t, to)
			if rec := s.post(op.String(), request); rec.Code != 200 {
				t.Fatalf("answer %d", rec.Code)
			}
			for _, later := range []time.Duration{0, time.Second, 3 * time.Minute, time.Hour, 365 * 24 * time.Hour} {
				s.clock.Advance(later)
				if rec := s.post(op.String(), request); rec.Code != 500 {
					t.Errorf("again after %v: answer %d", later, rec.Code)
				}
			}
			// The same id under another signature is the same message.
			s = w.serve(t, to)
			s.post(op.String(), request)
			s.post(op.String(), from.seal(t, to, w.wire(t, from, m), func(s *wssec.Seal) { s.Created = start.Add(time.Second) }))
			if len(s.messages()) != 1 {
				t.Errorf("%d messages with one id taken", len(s.messages()))
			}
			// A restart forgets what it has seen, and so refuses what it may have seen.
			s = w.serve(t, to, func(c *endpoint.Config) {
				c.Clock.(interface{ Advance(time.Duration) }).Advance(time.Second)
			})
			if rec := s.post(op.String(), request); rec.Code != 500 || len(s.messages()) != 0 {
				t.Errorf("after a restart: answer %d", rec.Code)
			}
		})
	}
}

// Failures of authentication: nothing reaches the actor, and the peer cannot tell
// one from another (wssec A28).
func TestUnauthenticated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	good := w.wire(t, from, m)
	as := func(f func(*wssec.Seal)) []byte { return from.seal(t, to, good, f) }
	swap := func(old, new string) []byte {
		b := from.seal(t, to, good)
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("no %q in the request", old)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
	body, err := soap.EncodeBody(nil, good)
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, tt := range []struct {
		name    string
		request []byte
	}{
		{"unsigned", soap.EncodeEnvelope(nil, nil, body)},
		{"a stranger", w.evil.seal(t, to, good)},
		{"a stranger in the manager's name", as(func(s *wssec.Seal) { s.Signer, s.Cert = w.evil.Key, certify(t, from.GUID, w.evil.Key) })},
		{"the broker in the manager's name", as(func(s *wssec.Seal) { s.Signer, s.Cert = w.broker2.Key, w.broker2.Cert })},
		{"the endpoint's own key", as(func(s *wssec.Seal) { s.Signer, s.Cert = to.Key, to.Cert })},
		{"the endpoint itself", w.broker.seal(t, w.site, good)},
		{"the endpoint's own guid", as(func(s *wssec.Seal) { s.GUID, s.To, s.Signer, s.Cert = to.GUID, w.site.GUID, to.Key, to.Cert })},
		{"for another actor", from.seal(t, w.broker2, good)},
		{"another name", as(func(s *wssec.Seal) { s.Name = "manager2" })},
		{"too old", as(func(s *wssec.Seal) { s.Created, s.Expires = start.Add(-time.Hour), start.Add(-50*time.Minute) })},
		{"from before the start", as(func(s *wssec.Seal) { s.Created, s.Expires = start.Add(-time.Second), start.Add(time.Minute) })},
		{"from the future", as(func(s *wssec.Seal) { s.Created, s.Expires = start.Add(time.Hour), start.Add(70*time.Minute) })},
		{"name changed", swap(`sec:name="manager"`, `sec:name="manager2"`)},
		{"guid changed", swap(`sec:guid="33333333-3333-4333-8333-333333333333"`, `sec:guid="66666666-6666-4666-8666-666666666666"`)},
		{"units changed", swap("<units>2<", "<units>3<")},
		{"operation changed", bytes.ReplaceAll(from.seal(t, to, good), []byte("ns2:ticket"), []byte("ns2:relinquish"))},
		{"header message id changed", swap("abcd</wsa:MessageID>", "abce</wsa:MessageID>")},
		{"body message id changed", swap("abcd</messageID>", "abce</messageID>")},
		{"destination changed", swap("urn:uuid:"+to.GUID, "urn:uuid:"+w.broker2.GUID)},
		{"created changed", swap("<wsu:Created>2026-03-01T12:00:00", "<wsu:Created>2026-03-01T12:00:01")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := w.serve(t, to)
			rec := s.post("ticket", tt.request)
			if rec.Code != 500 || len(s.messages()) != 0 {
				t.Errorf("answer %d, %d messages taken", rec.Code, len(s.messages()))
			}
			if kind, signed := s.kindOf(t, rec, from, tt.request); kind != actors.Denied || signed {
				t.Errorf("kind %v, signed %v", kind, signed)
			}
			if first == nil {
				first = rec.Body.Bytes()
			}
			if !bytes.Equal(rec.Body.Bytes(), first) {
				t.Errorf("this failure can be told from others:\n%s\n%s", rec.Body, first)
			}
		})
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	good := string(from.seal(t, to, w.wire(t, from, m)))
	for name, request := range map[string]string{
		"nothing":             "",
		"half":                good[:len(good)/2],
		"no XML":              "hello",
		"a second document":   good + good,
		"DTD":                 `<!DOCTYPE x [<!ENTITY a "b">]>` + good,
		"comment":             strings.Replace(good, "<units>2", "<units>2<!-- -->", 1),
		"instruction":         strings.Replace(good, "<units>", "<?x?><units>", 1),
		"deep":                strings.Repeat("<a>", 100000),
		"many attributes":     "<a " + strings.Repeat(`b="c" `, 100000) + "/>",
		"not UTF-8":           strings.Replace(good, "slice", "sl\xffce", 1),
		"forbidden character": strings.Replace(good, "slice", "sl&#0;ce", 1),
	} {
		s := w.serve(t, to)
		rec := s.post("ticket", []byte(request))
		if kind, signed := s.kindOf(t, rec, from, nil); rec.Code != 500 || kind != actors.Invalid || signed || len(s.messages()) != 0 {
			t.Errorf("%s: answer %d, %v, signed %v, %d taken", name, rec.Code, kind, signed, len(s.messages()))
		}
	}
}

// A pinned peer that signs nonsense gets a signed answer, and no further.
func TestSignedNonsense(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	for _, tt := range []struct {
		name   string
		change func(*wire.Message)
		seal   func(*wssec.Seal)
		want   actors.Kind
	}{
		{name: "other message id in the header", seal: func(s *wssec.Seal) { s.MessageID = "another" }, want: actors.Invalid},
		{name: "no reservation", change: func(m *wire.Message) { m.Reservation.ID = "" }, want: actors.Invalid},
		{name: "no term", change: func(m *wire.Message) { m.Reservation.Term.EndTime = 0 }, want: actors.Invalid},
		{name: "negative units", change: func(m *wire.Message) { m.Reservation.Resources.Units = -1 }, want: actors.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := w.serve(t, to)
			msg := w.wire(t, from, m)
			if tt.change != nil {
				tt.change(&msg)
			}
			if tt.seal == nil {
				tt.seal = func(*wssec.Seal) {}
			}
			request := from.seal(t, to, msg, tt.seal)
			rec := s.post("ticket", request)
			if kind, signed := s.kindOf(t, rec, from, request); rec.Code != 500 || kind != tt.want || !signed || len(s.messages()) != 0 {
				t.Errorf("answer %d, %v, signed %v, %d taken", rec.Code, kind, signed, len(s.messages()))
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// A broker signs a redeem with a ticket of its own: the role is wrong.
	_, to, m := w.message(t, actors.OpRedeem)
	tk := w.leaf(t, w.broker, w.broker2)
	m.Ticket, m.From = &tk, w.broker2.id()
	s := w.serve(t, to)
	request := w.broker2.seal(t, to, w.wire(t, w.broker2, m))
	if kind, signed := s.kindOf(t, s.post("redeem", request), w.broker2, request); kind != actors.Denied || !signed {
		t.Errorf("broker redeems: %v, signed %v", kind, signed)
	}
	// The administrator narrows what a peer may ask, while the endpoint runs.
	from, to, m := w.message(t, actors.OpTicket)
	s = w.serve(t, to)
	p := from.peer()
	p.Ops = []actors.Op{actors.OpRelinquish}
	if err := s.registry.Replace([]registryPeer{p}); err != nil {
		t.Fatal(err)
	}
	request = from.seal(t, to, w.wire(t, from, m))
	if kind, signed := s.kindOf(t, s.post("ticket", request), from, request); kind != actors.Denied || !signed {
		t.Errorf("narrowed peer: %v, signed %v", kind, signed)
	}
	// And takes a peer out altogether.
	if err := s.registry.Replace(nil); err != nil {
		t.Fatal(err)
	}
	m.ID = "another"
	request = from.seal(t, to, w.wire(t, from, m))
	if kind, signed := s.kindOf(t, s.post("ticket", request), from, request); kind != actors.Denied || signed {
		t.Errorf("removed peer: %v, signed %v", kind, signed)
	}
	if len(s.messages()) != 0 {
		t.Error("taken")
	}
}

package endpoint_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec"
)

// Every operation reaches the actor as the event its sender meant, and the
// answer is the endpoint's signed word about this very request.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.site = withRSA(t, w.site)
	for _, op := range ops {
		t.Run(op.String(), func(t *testing.T) {
			t.Parallel()
			from, to, m := w.message(t, op)
			s := w.serve(t, to)
			request := from.seal(t, to, w.wire(t, from, m))
			rec := s.post(op.String(), request)
			if rec.Code != http.StatusOK {
				t.Fatalf("answer %d\n%s\n%v", rec.Code, rec.Body, s.log.LastEntry())
			}
			got := s.messages()
			if len(got) != 1 {
				t.Fatalf("%d messages taken", len(got))
			}
			want := m
			want.ReplyTo = from.location().URL
			if want.Ticket != nil {
				tk := *want.Ticket
				tk.Authority = w.site.location()
				want.Ticket = &tk
			}
			if !reflect.DeepEqual(got[0], want) {
				t.Errorf("got\n%+v\nwant\n%+v", got[0], want)
			}
			doc, err := xmltree.Parse(rec.Body.Bytes(), xmltree.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.openAnswer(doc, from, request)
			if err != nil {
				t.Fatal(err)
			}
			if err := soap.DecodeResponse(v.Body(), wire.Op(op)); err != nil {
				t.Error(err)
			}
			if _, err := s.openAnswer(doc, w.evil, request); !errors.Is(err, wssec.ErrDestination) {
				t.Errorf("the answer serves another caller: %v", err)
			}
			if _, err := s.openAnswer(doc, from, from.seal(t, to, w.wire(t, from, m), func(s *wssec.Seal) { s.Created = start.Add(time.Second) })); !errors.Is(err, wssec.ErrConfirmation) {
				t.Errorf("the answer serves another request: %v", err)
			}
			if c := s.Counts(); c.Taken[op.String()] != 1 || len(c.Refused) != 0 || c.Octets != len(request) {
				t.Errorf("counts: %+v", c)
			}
			if len(s.traced) != 1 || s.traced[0].Peer != from.Name || s.traced[0].Err != nil || s.traced[0].Message.Op != op {
				t.Errorf("trace: %+v", s.traced)
			}
		})
	}
}

func TestPathsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	request := from.seal(t, to, w.wire(t, from, m))
	for path, status := range map[string]int{
		"/orca/services/broker":               200,
		"/orca/services/broker/":              200,
		"/orca/services/broker/ticket":        200,
		"/orca/services/broker/ticket/":       200,
		"/orca/services/broker/relinquish":    500,
		"/orca/services/broker/ticket/ticket": 500,
		"/orca/services/Broker":               404,
		"/orca/services/broker2":              404,
		"/orca/services/":                     404,
		"/orca/services":                      404,
		"/services/broker":                    404,
		"/":                                   404,
	} {
		s := w.serve(t, to)
		rec := s.post("ticket", request, func(r *http.Request) { r.URL.Path = path })
		if rec.Code != status || len(s.messages()) != map[bool]int{true: 1}[status == 200] {
			t.Errorf("%s: answer %d, %d messages", path, rec.Code, len(s.messages()))
		}
	}
}

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

// SOAPAction against body, 13 by 13, at each role: what passes is the diagonal, and
// of that only what the roles of caller and callee allow.
func TestOperationMatrix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, to := range []party{w.manager, w.broker, w.site} {
		for _, from := range []party{w.manager2, w.broker2, w.site} {
			if from.GUID == to.GUID {
				continue
			}
			t.Run(to.Name+" from "+from.Name, func(t *testing.T) {
				t.Parallel()
				s := w.serve(t, to)
				n := 0
				for body := range wire.Operations() {
					m := wire.Message{Op: body.Op, Properties: []wire.Property{}}
					if body.List != wire.NoList {
						_, _, am := w.message(t, cmp.Or(actors.Op(body.Op)*known(body.Op), actors.OpTicket))
						if am.Ticket != nil && body.Op != wire.OpUpdateTicket {
							tk := w.leaf(t, w.broker, from)
							am.Ticket = &tk
						}
						if body.Op == wire.OpUpdateTicket {
							tk := w.leaf(t, from, to)
							am.Ticket = &tk
						}
						m = w.wire(t, from, am)
						m.Op = body.Op
					}
					for action := range wire.Operations() {
						n++
						m.MessageID = fmt.Sprint("m", n)
						before := len(s.messages())
						rec := s.post(action.Name, from.seal(t, to, m))
						want := action.Op == body.Op && from.peer().May(to.role, actors.Op(body.Op))
						if got := len(s.messages()) > before; got != want || (rec.Code == 200) != want {
							t.Errorf("action %s, body %s: taken %v, answer %d, want %v", action.Name, body.Name, got, rec.Code, want)
						}
					}
				}
			})
		}
	}
}

// known is 1 for operations that actors perform and 0 for others.
func known(op wire.Op) actors.Op {
	for _, o := range ops {
		if wire.Op(o) == op {
			return 1
		}
	}
	return 0
}

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

// The actor's refusal crosses as its kind, signed; its cause stays here and is
// logged once.
func TestActorRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	for _, tt := range []struct {
		err  error
		want actors.Kind
	}{
		{&actors.Error{Op: "broker.ticket", Kind: actors.Stale, Err: errors.New("secret cause")}, actors.Stale},
		{&actors.Error{Kind: actors.Denied, Err: errors.New("secret cause")}, actors.Denied},
		{fmt.Errorf("secret cause: %w", actors.Exhausted), actors.Exhausted},
		{fmt.Errorf("secret cause: %w", actors.NotFound), actors.NotFound},
		{fmt.Errorf("secret cause: %w", actors.Transient), actors.Transient},
		{errors.New("secret cause"), actors.Other},
		{fmt.Errorf("secret cause: %w", context.DeadlineExceeded), actors.Transient},
	} {
		t.Run(tt.want.Error(), func(t *testing.T) {
			t.Parallel()
			s := w.serve(t, to)
			s.answer = tt.err
			request := from.seal(t, to, w.wire(t, from, m))
			rec := s.post("ticket", request)
			if kind, signed := s.kindOf(t, rec, from, request); kind != tt.want || !signed || rec.Code != 500 {
				t.Errorf("answer %d, %v, signed %v", rec.Code, kind, signed)
			}
			if strings.Contains(rec.Body.String(), "secret") || strings.Contains(fmt.Sprint(rec.Header()), "secret") {
				t.Errorf("the cause went out:\n%s", rec.Body)
			}
			entries := s.log.AllEntries()
			if len(entries) != 1 {
				t.Fatalf("%d log entries", len(entries))
			}
			e := entries[0]
			want := logrus.Fields{"actor": "broker", "peer": "manager", "reservation": "r1", "msg_id": m.ID, "kind": tt.want.Error(), "op": "ticket"}
			for k, v := range want {
				if e.Data[k] != v {
					t.Errorf("log field %s is %v, want %v", k, e.Data[k], v)
				}
			}
			if !strings.Contains(fmt.Sprint(e.Data[logrus.ErrorKey]), "secret cause") {
				t.Errorf("the cause is not in the log: %v", e.Data)
			}
			if level := map[bool]logrus.Level{true: logrus.ErrorLevel, false: logrus.WarnLevel}[tt.want == actors.Other]; e.Level != level {
				t.Errorf("level %v", e.Level)
			}
		})
	}
}

func TestStrangersAreLoggedByAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to)
	s.post("ticket", w.evil.seal(t, to, w.wire(t, w.evil, m)), func(r *http.Request) { r.RemoteAddr = "192.0.2.1:99" })
	if e := s.log.AllEntries(); len(e) != 1 || e[0].Data["peer"] != "192.0.2.1:99" || !errors.Is(e[0].Data[logrus.ErrorKey].(error), wssec.ErrRefused) {
		t.Errorf("log: %+v", e)
	}
}

func TestActorTooSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, func(c *endpoint.Config) {
		c.Wait = time.Millisecond
		c.Ask = func(ctx context.Context, _ actors.Event) error { <-ctx.Done(); return ctx.Err() }
	})
	request := from.seal(t, to, w.wire(t, from, m))
	if kind, _ := s.kindOf(t, s.post("ticket", request), from, request); kind != actors.Transient {
		t.Errorf("kind %v", kind)
	}
}

// One check at a time, many clients: all served, none twice.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, func(c *endpoint.Config) { c.Checks = 1 })
	server := httptest.NewServer(s)
	defer server.Close()
	var wg sync.WaitGroup
	for i := range 20 {
		m.ID = fmt.Sprint("m", i)
		request := from.seal(t, to, w.wire(t, from, m))
		for range 3 {
			wg.Go(func() {
				r, err := http.NewRequest(http.MethodPost, server.URL+endpoint.Root+"broker", bytes.NewReader(request))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "text/xml")
				r.Header.Set("SOAPAction", "ticket")
				resp, err := server.Client().Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
	}
	wg.Wait()
	if n := len(s.messages()); n != 20 {
		t.Errorf("%d of 20 messages taken", n)
	}
	if c := s.Counts(); c.Taken["ticket"] != 20 || c.Refused[actors.Denied.Error()] != 40 {
		t.Errorf("counts: %+v", c)
	}
}

func TestServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	b, b2 := w.serve(t, to), w.serve(t, w.broker2)
	all, err := endpoint.NewServices(b.Endpoint, b2.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := endpoint.NewServices(b.Endpoint, b.Endpoint); err == nil {
		t.Error("two actors of one name")
	}
	request := from.seal(t, to, w.wire(t, from, m))
	for path, want := range map[string]int{
		"/orca/services/broker": 200, "/orca/services/broker2/ticket": 500, "/orca/services/nobody": 404, "/orca/services/": 404, "/": 404,
	} {
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(request))
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("SOAPAction", `"ticket"`)
		rec := httptest.NewRecorder()
		all.ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("%s: answer %d, want %d", path, rec.Code, want)
		}
	}
	if len(b.messages()) != 1 || len(b2.messages()) != 0 {
		t.Error("the wrong actor took it")
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := endpoint.Config{
		Self: w.broker.Identity, Location: w.broker.location(), Role: actors.RoleBroker,
		Registry: w.serve(t, w.broker).registry, Ask: func(context.Context, actors.Event) error { return nil },
	}
	if _, err := endpoint.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*endpoint.Config){
		"no key":         func(c *endpoint.Config) { c.Self.Key = nil },
		"no certificate": func(c *endpoint.Config) { c.Self.Cert = nil },
		"other guid":     func(c *endpoint.Config) { c.Location.ID = "x" },
		"no name":        func(c *endpoint.Config) { c.Location.Name = "" },
		"name with path": func(c *endpoint.Config) { c.Location.Name = "a/b" },
		"no role":        func(c *endpoint.Config) { c.Role = 0 },
		"no registry":    func(c *endpoint.Config) { c.Registry = nil },
		"no actor":       func(c *endpoint.Config) { c.Ask = nil },
		"negative":       func(c *endpoint.Config) { c.Body = -1 },
	} {
		c := good
		change(&c)
		if _, err := endpoint.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

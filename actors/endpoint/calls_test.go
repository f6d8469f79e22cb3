package endpoint_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
)

// speaking makes an endpoint whose peers all speak XML-RPC.
func speaking(t testing.TB) func(*endpoint.Config) {
	return func(c *endpoint.Config) {
		var peers []registry.Peer
		for _, p := range c.Registry.Peers() {
			p.Policy.Protocol = wssec.XMLRPC
			peers = append(peers, p)
		}
		if err := c.Registry.Replace(peers); err != nil {
			t.Fatal(err)
		}
	}
}

// call is the octets of a call that p would make; change edits the seal first.
func (p party) call(t testing.TB, to party, m wire.Message, change ...func(*wssec.Seal)) []byte {
	t.Helper()
	method, request, err := leasing.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return p.sign(t, to, m.MessageID, method, request, change...)
}

// sign is a call of any request under p's signature.
func (p party) sign(t testing.TB, to party, nonce, method string, request xmlrpc.Value, change ...func(*wssec.Seal)) []byte {
	t.Helper()
	s := wssec.Seal{Signer: p.Key, Cert: p.Cert, GUID: p.GUID, Name: p.Name, To: to.GUID, MessageID: nonce, Created: start}
	for _, f := range change {
		f(&s)
	}
	auth, err := s.Call(method, request)
	if err != nil {
		t.Fatal(err)
	}
	return document(t, method, auth, request)
}

func document(t testing.TB, method string, params ...xmlrpc.Value) []byte {
	t.Helper()
	out, err := xmlrpc.AppendCall(nil, xmlrpc.Call{Method: method, Params: params}, xmlrpc.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// postCall sends a call to the address for calls and reads the answer.
func (s *service) postCall(t testing.TB, body []byte) (xmlrpc.Value, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, leasing.Root+s.party.Name, bytes.NewReader(body))
	r.Header.Set("Content-Type", "text/xml")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return xmlrpc.ParseAnswer(w.Body.Bytes(), xmlrpc.Limits{})
}

// openResult opens a result as the caller would.
func (s *service) openResult(caller party, method, nonce string, result xmlrpc.Value) error {
	_, err := wssec.OpenResult(method, result, wssec.Opening{
		Trust: wssec.Pins{{GUID: s.party.GUID, Key: s.party.Cert.PublicKey}}, Self: caller.GUID, Now: s.clock.Now(),
		Policy: func(string) wssec.Policy { return wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC} },
	}, s.party.GUID, []byte(nonce))
	return err
}

// refusal is the kind that a result or a fault tells the caller.
func refusal(t testing.TB, result xmlrpc.Value, err error) actors.Kind {
	t.Helper()
	var fault *xmlrpc.Fault
	var refused wire.Fault
	switch {
	case errors.As(err, &fault):
		return translate.KindOf(leasing.FaultOf(fault))
	case err != nil:
		t.Fatal(err)
	case !errors.As(leasing.Outcome(result), &refused):
		t.Fatalf("no refusal: %+v", result)
	}
	return translate.KindOf(refused)
}

// Every operation reaches the actor as the same event as in SOAP, under its full name
// and its bare one, and its answer is signed.
func TestEveryOperationAsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, op := range ops {
		t.Run(op.String(), func(t *testing.T) {
			from, to, m := w.message(t, op)
			sent := w.wire(t, from, m)
			soap := w.serve(t, to)
			if rec := soap.post(op.String(), from.seal(t, to, sent)); rec.Code != http.StatusOK {
				t.Fatalf("SOAP: %s", rec.Body)
			}
			for _, bare := range []bool{false, true} {
				s := w.serve(t, to, speaking(t))
				method, request, err := leasing.Encode(sent)
				if err != nil {
					t.Fatal(err)
				}
				if bare {
					method = op.String()
				}
				result, err := s.postCall(t, from.sign(t, to, sent.MessageID, method, request))
				if err != nil || leasing.Outcome(result) != nil {
					t.Fatalf("%s: %+v, %v", method, result, err)
				}
				if !reflect.DeepEqual(s.messages(), soap.messages()) {
					t.Errorf("%s: taken\n%+v\nin SOAP\n%+v", method, s.messages(), soap.messages())
				}
				if err := s.openResult(from, method, sent.MessageID, result); err != nil {
					t.Errorf("%s: the answer: %v", method, err)
				}
				if x := s.traced; len(x) != 1 || x[0].Op != op.String() || x[0].Peer != from.Name || x[0].Read == 0 || x[0].Err != nil {
					t.Errorf("%s: traced %+v", method, x)
				}
			}
		})
	}
}

// What is wrong with a call: the kind that the caller is told, and nothing reaches the
// actor. Whoever is known is told under our signature, nobody else is.
func TestCallsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpRedeem)
	sent := w.wire(t, from, m)
	method, request, err := leasing.Encode(sent)
	if err != nil {
		t.Fatal(err)
	}
	good := from.call(t, to, sent)
	parsed, err := xmlrpc.ParseCall(good, xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	auth := parsed.Params[0]
	reservation := func(name string, v xmlrpc.Value) xmlrpc.Value {
		r := request.Member("reservation").Without(name).With(name, v)
		return request.Without("reservation").With("reservation", r)
	}
	signed := func(request xmlrpc.Value) []byte { return from.sign(t, to, sent.MessageID, method, request) }
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(make([]byte, 64<<20))
	z.Close()
	var zipped bytes.Buffer
	z = gzip.NewWriter(&zipped)
	z.Write(good)
	z.Close()
	deep := xmlrpc.Struct()
	for range 25 {
		deep = xmlrpc.Struct(xmlrpc.Member{Name: "x", Value: deep})
	}
	for _, tt := range []struct {
		name   string
		body   []byte
		fault  int32 // 0: a result
		kind   actors.Kind
		signed bool
		change func(*endpoint.Config)
	}{
		{name: "no XML", body: []byte("hello"), fault: xmlrpc.NotWellFormed, kind: actors.Invalid},
		{name: "cut short", body: good[:len(good)/2], fault: xmlrpc.NotWellFormed, kind: actors.Invalid},
		{name: "zip cut short", body: zipped.Bytes()[:zipped.Len()/2], fault: xmlrpc.NotWellFormed, kind: actors.Invalid},
		{name: "bomb", body: bomb.Bytes(), fault: xmlrpc.NotACall, kind: actors.Invalid},
		{name: "10 MB of text", body: signed(reservation("reservationID", xmlrpc.String(strings.Repeat("x", 10<<20)))), fault: xmlrpc.NotACall, kind: actors.Invalid},
		{name: "nested deeply", body: bytes.Replace(good, []byte("<params>"), []byte("<params><param>"+strings.Repeat("<value><array><data>", 100_000)), 1), fault: xmlrpc.NotACall, kind: actors.Invalid},
		{name: "bad base64", body: bytes.Replace(good, []byte("<base64>"), []byte("<base64>!"), 1), fault: xmlrpc.NotACall, kind: actors.Invalid},
		{name: "a member twice", body: bytes.Replace(good, []byte("<member><name>guid</name>"), []byte("<member><name>guid</name><value>x</value></member><member><name>guid</name>"), 1), fault: xmlrpc.NotACall, kind: actors.Invalid},
		{name: "unknown method", body: document(t, "broker.sell", auth, request), fault: xmlrpc.NoSuchMethod, kind: actors.Invalid},
		{name: "method of another role", body: from.sign(t, to, "n", "broker.updateTicket", request), fault: xmlrpc.NoSuchMethod, kind: actors.Invalid},
		{name: "one parameter", body: document(t, method, auth), fault: xmlrpc.WrongParams, kind: actors.Invalid},
		{name: "three parameters", body: document(t, method, auth, request, xmlrpc.Int(1)), fault: xmlrpc.WrongParams, kind: actors.Invalid},
		{name: "no parameters", body: document(t, method), fault: xmlrpc.WrongParams, kind: actors.Invalid},
		{name: "a string for auth", body: document(t, method, xmlrpc.String("me"), request), fault: xmlrpc.WrongParams, kind: actors.Invalid},
		{name: "an array for the request", body: document(t, method, auth, xmlrpc.Array()), fault: xmlrpc.WrongParams, kind: actors.Invalid},

		{name: "unsigned", body: document(t, method, xmlrpc.Struct(xmlrpc.Member{Name: "name", Value: xmlrpc.String(from.Name)}, xmlrpc.Member{Name: "guid", Value: xmlrpc.String(from.GUID)}), request), kind: actors.Denied},
		{name: "changed", body: bytes.Replace(good, []byte("<i4>2</i4>"), []byte("<i4>3</i4>"), 1), kind: actors.Denied},
		{name: "another method under the same signature", body: document(t, "authority.close", auth, request), kind: actors.Denied},
		{name: "of a stranger", body: w.evil.call(t, to, sent), kind: actors.Denied},
		{name: "under another's guid", body: from.call(t, to, sent, func(s *wssec.Seal) { s.GUID = w.manager2.GUID }), kind: actors.Denied},
		{name: "under another name", body: from.call(t, to, sent, func(s *wssec.Seal) { s.Name = "root" }), kind: actors.Denied},
		{name: "for another actor", body: from.call(t, w.broker, sent), kind: actors.Denied},
		{name: "old", body: from.call(t, to, sent, func(s *wssec.Seal) { s.Created = start.Add(-time.Hour) }), kind: actors.Denied},
		{name: "from a peer of SOAP", body: good, kind: actors.Denied, change: func(c *endpoint.Config) {
			var peers []registry.Peer
			for _, p := range c.Registry.Peers() {
				p.Policy.Protocol = wssec.SOAP
				peers = append(peers, p)
			}
			if err := c.Registry.Replace(peers); err != nil {
				t.Error(err)
			}
		}},

		{name: "may not ask this", body: w.broker.call(t, to, sent), kind: actors.Denied, signed: true},
		{name: "ticket of another", body: w.manager2.call(t, to, sent), kind: actors.Denied, signed: true},
		{name: "units as words", body: signed(reservation("resourceSet", request.Member("reservation").Member("resourceSet").Without("units").With("units", xmlrpc.String("two")))), kind: actors.Invalid, signed: true},
		{name: "no term", body: signed(request.Without("reservation").With("reservation", request.Member("reservation").Without("term"))), kind: actors.Invalid, signed: true},
		{name: "a member too many", body: signed(request.With("comment", xmlrpc.String("x"))), kind: actors.Invalid, signed: true},
		{name: "a struct for a string", body: signed(request.Without("messageID").With("messageID", deep)), kind: actors.Invalid, signed: true},
		{name: "ticket that is none", body: signed(reservation("resourceSet", request.Member("reservation").Member("resourceSet").Without("concrete").With("concrete", xmlrpc.Struct()))), kind: actors.Invalid, signed: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := w.serve(t, to, speaking(t))
			if tt.change != nil {
				cfg := endpoint.Config{Registry: s.registry}
				tt.change(&cfg)
			}
			result, err := s.postCall(t, tt.body)
			var fault *xmlrpc.Fault
			switch {
			case tt.fault != 0 && (!errors.As(err, &fault) || fault.Code != tt.fault):
				t.Fatalf("%+v, %v, want fault %d", result, err, tt.fault)
			case tt.fault == 0 && err != nil:
				t.Fatal(err)
			}
			if got := refusal(t, result, err); got != tt.kind {
				t.Errorf("told %v, want %v: %+v %v", got, tt.kind, result, err)
			}
			if len(s.messages()) != 0 {
				t.Error("it reached the actor")
			}
			if n := s.Counts(); n.Refused[tt.kind.Error()] != 1 {
				t.Errorf("counted %+v", n)
			}
			if tt.fault == 0 {
				caller := from
				switch tt.name {
				case "may not ask this":
					caller = w.broker
				case "ticket of another":
					caller = w.manager2
				}
				if err := s.openResult(caller, method, sent.MessageID, result); (err == nil) != tt.signed {
					t.Errorf("the answer opens: %v", err)
				}
				if text := fmt.Sprint(result); strings.Contains(text, "pinned") || strings.Contains(text, "wssec") {
					t.Errorf("it says why: %s", text)
				}
			}
			// What was refused leaves no trace: the good one is taken afterwards, unless it is
			// the one whose nonce a known peer has used.
			if !tt.signed && tt.change == nil {
				if result, err := s.postCall(t, good); err != nil || leasing.Outcome(result) != nil || len(s.messages()) != 1 {
					t.Errorf("the good one afterwards: %+v, %v", result, err)
				}
			}
		})
	}
}

// A call counts once, over all of the ways to make it.
func TestCallReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, speaking(t))
	sent := w.wire(t, from, m)
	good := from.call(t, to, sent)
	if result, err := s.postCall(t, good); err != nil || leasing.Outcome(result) != nil {
		t.Fatalf("%+v, %v", result, err)
	}
	c, err := xmlrpc.ParseCall(good, xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"the same octets":     good,
		"members shuffled":    document(t, c.Method, xmlrpc.Struct(c.Params[0].Sorted()...), xmlrpc.Struct(c.Params[1].Sorted()...)),
		"signed anew":         from.call(t, to, sent, func(s *wssec.Seal) { s.Created = start.Add(time.Second) }),
		"inside of multicall": nil,
	} {
		if body == nil {
			body = document(t, "system.multicall", xmlrpc.Array(xmlrpc.Struct(xmlrpc.Member{Name: "methodName", Value: xmlrpc.String(c.Method)}, xmlrpc.Member{Name: "params", Value: xmlrpc.Array(c.Params...)})))
			result, err := s.postCall(t, body)
			for inner := range result.Items() {
				for one := range inner.Items() {
					result = one
				}
			}
			if got := refusal(t, result, err); got != actors.Denied {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		result, err := s.postCall(t, body)
		if got := refusal(t, result, err); got != actors.Denied {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := len(s.messages()); n != 1 {
		t.Errorf("the actor heard it %d times", n)
	}
}

// What the actor says reaches the caller as its kind, signed.
func TestActorRefusesCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	sent := w.wire(t, from, m)
	for _, kind := range []actors.Kind{actors.Stale, actors.NotFound, actors.Exhausted, actors.Transient, actors.Invalid} {
		s := w.serve(t, to, speaking(t))
		s.answer = &actors.Error{Kind: kind, Err: errors.New("what only the log may know")}
		result, err := s.postCall(t, from.call(t, to, sent))
		if got := refusal(t, result, err); got != kind {
			t.Errorf("told %v, want %v", got, kind)
		}
		if err := s.openResult(from, "broker.ticket", sent.MessageID, result); err != nil {
			t.Errorf("%v: %v", kind, err)
		}
		if strings.Contains(fmt.Sprint(result), "only the log") {
			t.Error("the cause went out")
		}
	}
}

// What anybody may ask about the methods of an actor.
func TestCallIntrospection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		p    party
		want int // operations offered
	}{{w.manager, 5}, {w.broker, 9}, {w.site, 13}} {
		s := w.serve(t, tt.p)
		v, err := s.postCall(t, document(t, "system.listMethods"))
		if err != nil || v.Len() != 2*tt.want+5 {
			t.Errorf("%s: %d methods, %v", tt.p.Name, v.Len(), err)
		}
		v, err = s.postCall(t, document(t, "system.methodSignature", xmlrpc.String("actor.query")))
		word := xmlrpc.String("struct")
		if err != nil || !v.Equal(xmlrpc.Array(xmlrpc.Array(word, word, word))) {
			t.Errorf("%s: %+v, %v", tt.p.Name, v, err)
		}
	}
}

// Services finds the actor under both addresses.
func TestServicesOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to, m := w.message(t, actors.OpTicket)
	s := w.serve(t, to, speaking(t))
	all, err := endpoint.NewServices(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	post := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(from.call(t, to, w.wire(t, from, m))))
		rec := httptest.NewRecorder()
		all.ServeHTTP(rec, r)
		return rec
	}
	if rec := post(leasing.Root + "nobody"); rec.Code != http.StatusNotFound {
		t.Errorf("nobody: %d", rec.Code)
	}
	if rec := post(leasing.Root + to.Name + "/"); rec.Code != http.StatusOK || len(s.messages()) != 1 {
		t.Errorf("with a slash: %d %s", rec.Code, rec.Body)
	}
}

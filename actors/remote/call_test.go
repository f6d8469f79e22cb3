package remote_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
)

// calls makes two actors speak XML-RPC with one another.
func calls(t testing.TB, a, b *node) {
	t.Helper()
	for _, pair := range [][2]*node{{a, b}, {b, a}} {
		peers := pair[0].registry.Peers()
		for i := range peers {
			if string(peers[i].ID) == pair[1].id.GUID {
				peers[i].Policy.Protocol = wssec.XMLRPC
				peers[i].URL = leasing.Address(peers[i].URL)
			}
		}
		if err := pair[0].registry.Replace(peers); err != nil {
			t.Fatal(err)
		}
	}
}

// where is the address that n has of another.
func (n *node) where(of *node) string {
	p, _ := n.registry.Peer(actors.ActorID(of.id.GUID))
	return p.URL
}

// address is where n asks another to send its answers.
func (n *node) address(to *node) string {
	p, _ := n.registry.Peer(actors.ActorID(to.id.GUID))
	if p.Policy.Protocol == wssec.XMLRPC {
		return leasing.Address(n.location().URL)
	}
	return n.location().URL
}

// What comes back from a call, and what becomes of the message.
func TestAnswersToCalls(t *testing.T) {
	t.Parallel()
	answer := func(v xmlrpc.Value) func(http.ResponseWriter, *http.Request, http.Handler) {
		doc, err := xmlrpc.AppendAnswer(nil, v, xmlrpc.Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.Write(doc) }
	}
	fault := func(code int32) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Write(xmlrpc.AppendFault(nil, xmlrpc.Fault{Code: code, Text: "no"}, xmlrpc.Dialect{}))
		}
	}
	for name, front := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"unsigned result":         answer(leasing.Taken()),
		"unsigned refusal":        answer(leasing.Refused(wire.Fault{Code: wire.FaultInvalidRequest, String: "no"})),
		"unsigned denial":         answer(leasing.Refused(wire.Fault{Code: wire.FaultAuthorization, String: "no"})),
		"no result":               answer(xmlrpc.String("ok")),
		"fault, wrong parameters": fault(xmlrpc.WrongParams),
		"fault, internal":         fault(xmlrpc.Internal),
		"fault of a deployed one": fault(0),
		"not found":               func(w http.ResponseWriter, r *http.Request, _ http.Handler) { http.NotFound(w, r) },
		"HTML":                    func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { io.WriteString(w, "<html/>") },
		"nothing":                 hangUp,
		"the answer to another": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			rec := httptest.NewRecorder()
			r.Body = io.NopCloser(newReader(body))
			next.ServeHTTP(rec, r)
			io.WriteString(w, strings.ReplaceAll(rec.Body.String(), "inReplyTo</name><value><string>", "inReplyTo</name><value><string>x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t)
			calls(t, manager, broker)
			broker.behind(front)
			manager.Send(ask("r1", 1))
			if a := manager.attempt(t); a.Err == nil || a.Final || a.Sent == 0 {
				t.Fatalf("it counts: %+v", a)
			}
			broker.behind(nil)
			manager.clock.Advance(time.Hour)
			if a := manager.attempt(t); a.Err != nil || !a.Final || a.Try != 2 {
				t.Fatalf("afterwards: %+v", a)
			}
			if n := len(manager.failed); n != 0 {
				t.Errorf("%d given up", n)
			}
		})
	}
}

// A refusal that the peer signed is its word.
func TestSignedRefusalsOfCalls(t *testing.T) {
	t.Parallel()
	for kind, final := range map[actors.Kind]bool{actors.Invalid: true, actors.Stale: true, actors.NotFound: true, actors.Denied: true, actors.Transient: false, actors.Exhausted: false} {
		t.Run(kind.Error(), func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t)
			calls(t, manager, broker)
			refusing := newEndpoint(t, broker, func(context.Context, actors.Event) error { return &actors.Error{Kind: kind} })
			broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) { refusing.ServeHTTP(w, r) })
			manager.Send(ask("r1", 1))
			if a := manager.attempt(t); a.Err == nil || a.Final != final {
				t.Fatalf("%+v", a)
			}
			if final {
				if f := manager.givenUp(t); f.Kind != kind {
					t.Errorf("given up as %v", f.Kind)
				}
			}
		})
	}
}

// A reservation that was made in one protocol goes on when its peer speaks the other.
func TestProtocolChanges(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	m := grant(t, broker, site)
	m.ReplyTo = manager.location().URL // as the request said, in SOAP
	calls(t, manager, broker)
	broker.Send(m)
	if a := broker.attempt(t); a.Err != nil || !a.Final {
		t.Fatalf("%+v", a)
	}
	if n := len(manager.messages()); n != 1 {
		t.Errorf("%d messages arrived", n)
	}
}

// What XML-RPC cannot carry is given up at once, and says why.
func TestUnsendableAsCall(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	calls(t, manager, broker)
	m := ask("r1", 1)
	m.Properties = actors.Properties{"a\rb": "1"}
	manager.Send(m)
	if f := manager.givenUp(t); f.Kind != actors.Invalid || !strings.Contains(f.Note, "carriage return") {
		t.Errorf("%+v", f)
	}
}

package remote_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

// Every operation, from one actor's step to the other's.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	granted := grant(t, broker, site)
	deliver := func(from, to *node, m actors.Message) actors.Message {
		t.Helper()
		m.From, m.To = actors.ActorID(from.id.GUID), actors.ActorID(to.id.GUID)
		from.Send(m)
		a := from.attempt(t)
		if a.Err != nil || !a.Final || a.Try != 1 || a.Sent == 0 || a.Peer != to.id.Name || a.Message.ID == "" {
			t.Fatalf("%v: %+v", m.Op, a)
		}
		all := to.messages()
		got := all[len(all)-1]
		if got.ID != a.Message.ID || got.From != m.From || got.To != m.To || got.ReplyTo != from.location().URL {
			t.Errorf("%v: got %+v", m.Op, got)
		}
		return got
	}
	same := func(got, want actors.Message) {
		t.Helper()
		want.ID, want.ReplyTo = got.ID, got.ReplyTo
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	}
	req := ask("r1", 1)
	for _, op := range []actors.Op{actors.OpTicket, actors.OpExtendTicket, actors.OpRelinquish} {
		req.Op = op
		same(deliver(manager, broker, req), req)
	}
	update := deliver(broker, manager, granted)
	held := update.Ticket
	if held == nil || held.Text == "" || held.Authority != site.location() || len(held.Ancestors) != 2 ||
		!reflect.DeepEqual(held.Delegation, granted.Ticket.Delegation) || held.Root().Holder != siteGUID {
		t.Fatalf("the granted ticket arrived as %+v", held)
	}
	req.To, req.Ticket = siteGUID, held
	for _, op := range []actors.Op{actors.OpRedeem, actors.OpExtendLease, actors.OpClose} {
		req.Op = op
		same(deliver(manager, site, req), req)
	}
	lease := ask("r1", 1)
	lease.Op, lease.From, lease.To = actors.OpUpdateLease, siteGUID, managerGUID
	lease.Lease = &actors.Lease{Units: []actors.Unit{{ID: "u1", State: actors.UnitActive}, {ID: "u2", State: actors.UnitActive}}}
	same(deliver(site, manager, lease), lease)

	if c := manager.Counts(); c.Queued != 6 || c.Attempts != 6 || c.Waiting != 0 || c.GivenUp != 0 || c.Delivered[actors.OpRedeem] != 1 {
		t.Errorf("counts: %+v", c)
	}
}

func TestDownThenUp(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	broker.behind(hangUp)
	manager.Send(ask("r1", 1))
	for try, pause := 1, 500*time.Millisecond; try <= 9; try++ {
		if a := manager.attempt(t); a.Err == nil || a.Final || a.Try != try {
			t.Fatalf("attempt %d: %+v", try, a)
		}
		manager.later(t, pause-time.Nanosecond)
		if n := len(manager.attempts); n != 0 {
			t.Fatalf("attempt %d came early", try+1)
		}
		if try == 9 {
			broker.behind(nil)
		}
		manager.later(t, time.Nanosecond)
		pause = min(2*pause, time.Minute)
	}
	if a := manager.attempt(t); a.Err != nil || !a.Final {
		t.Fatalf("after the broker came up: %+v", a)
	}
	if got := broker.messages(); len(got) != 1 || got[0].Reservation != "r1" {
		t.Errorf("the broker took %+v", got)
	}
	// The pause is forgotten: the next message goes at once.
	manager.Send(ask("r2", 1))
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	// And so are the failures: the next pause is the first again.
	broker.behind(hangUp)
	manager.Send(ask("r3", 1))
	manager.attempt(t)
	broker.behind(nil)
	manager.later(t, 500*time.Millisecond)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
}

// A peer whose server is gone, and which the administrator moves elsewhere.
func TestPeerMoves(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	p := broker.peer()
	p.URL = gone.URL
	if err := manager.registry.Replace([]registry.Peer{p}); err != nil {
		t.Fatal(err)
	}
	manager.Send(ask("r1", 1))
	if a := manager.attempt(t); a.Err == nil || a.Final {
		t.Fatalf("%+v", a)
	}
	if err := manager.registry.Replace([]registry.Peer{broker.peer()}); err != nil {
		t.Fatal(err)
	}
	manager.later(t, time.Second)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	// Or takes out.
	if err := manager.registry.Replace(nil); err != nil {
		t.Fatal(err)
	}
	manager.Send(ask("r2", 1))
	if f := manager.givenUp(t); f.Kind != actors.NotFound || f.Message.Reservation != "r2" {
		t.Errorf("%+v", f)
	}
}

// The answer gets lost, so the message goes again. It is a new message, not a
// replay; the captured octets of the first are a replay.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	broker.behind(func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	manager.Send(ask("r1", 1))
	manager.attempt(t)
	broker.behind(nil)
	manager.later(t, time.Second)
	if a := manager.attempt(t); a.Err != nil {
		t.Fatal(a.Err)
	}
	got := broker.messages()
	if len(got) != 2 || got[0].ID == got[1].ID || got[0].Sequence != got[1].Sequence {
		t.Fatalf("the broker took %+v", got)
	}
	sent := broker.received()
	for _, field := range []string{"wsa:MessageID", "wsu:Created", "ds:SignatureValue"} {
		if a, b := between(sent[0], field), between(sent[1], field); a == "" || a == b {
			t.Errorf("both attempts have %s %q", field, a)
		}
	}
	for i, captured := range sent {
		resp, err := http.DefaultClient.Do(post(t, broker.location().URL, "ticket", captured))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 500 {
			t.Errorf("replay %d: answer %d", i, resp.StatusCode)
		}
	}
	if len(broker.messages()) != 2 {
		t.Error("a replay reached the actor")
	}
}

// between is the text of the first element of that name.
func between(b []byte, name string) string {
	_, rest, _ := strings.Cut(string(b), "<"+name)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "</")
	return text
}

func post(t testing.TB, url, op string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml")
	r.Header.Set("SOAPAction", op)
	return r
}

// Whose key is pinned decides, in both directions, until the administrator
// corrects it.
func TestWrongPin(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(m, b *node) *node{
		"at the caller": func(m, _ *node) *node { return m },
		"at the callee": func(_, b *node) *node { return b },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t)
			here := at(manager, broker)
			good := here.registry.Peers()
			bad := slices.Clone(good)
			for i := range bad {
				bad[i].Certs = []*x509.Certificate{identity(t, string(bad[i].ID), "", "another key of "+bad[i].Name).Cert}
			}
			if err := here.registry.Replace(bad); err != nil {
				t.Fatal(err)
			}
			manager.Send(ask("r1", 1))
			for try := 1; try <= 3; try++ {
				if a := manager.attempt(t); a.Err == nil || a.Final {
					t.Fatalf("%+v", a)
				}
				if try == 3 {
					if err := here.registry.Replace(good); err != nil {
						t.Fatal(err)
					}
				}
				manager.later(t, time.Minute)
			}
			if a := manager.attempt(t); a.Err != nil {
				t.Fatal(a.Err)
			}
			if len(manager.failed) != 0 {
				t.Error("given up")
			}
		})
	}
}

// answer is the sealed answer of a node to a request it got, with something
// changed.
func (n *node) answer(t testing.TB, request []byte, body []byte, change func(s *wssec.Seal, confirm *[]byte)) []byte {
	t.Helper()
	s := wssec.Seal{
		Signer: n.id.Key, Cert: n.id.Cert, GUID: n.id.GUID, Name: n.id.Name, To: managerGUID, MessageID: between(request, "wsa:MessageID"),
		Created: n.clock.Now(), Expires: n.clock.Now().Add(time.Minute), Profile: wssec.Strict,
	}
	confirm := signature(request)
	if change != nil {
		change(&s, &confirm)
	}
	env, err := s.Response(body, confirm)
	if err != nil {
		t.Error(err)
	}
	return env
}

func responseTo(op wire.Op) []byte {
	b, err := soap.EncodeResponse(nil, op)
	if err != nil {
		panic(err)
	}
	return b
}

// Answers that do not prove that the broker took the message: it is tried again,
// and the actor hears nothing.
func TestAnswersThatProveNothing(t *testing.T) {
	t.Parallel()
	other := identity(t, "44444444-4444-4444-8444-444444444444", "evil", "evil")
	var old []byte // an answer from earlier
	for _, tt := range []struct {
		name  string
		reply func(t *testing.T, n *node, request []byte) (int, []byte)
	}{
		{"unsigned", func(*testing.T, *node, []byte) (int, []byte) {
			return 200, soap.EncodeEnvelope(nil, nil, responseTo(wire.OpTicket))
		}},
		{"signed by a stranger", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) {
				s.Signer, s.Cert, s.GUID, s.Name = other.Key, other.Cert, other.GUID, other.Name
			})
		}},
		{"signed by a stranger in the broker's name", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) {
				s.Signer, s.Cert = other.Key, certify(t, brokerGUID, other.Key)
			})
		}},
		{"signed by another peer", func(t *testing.T, n *node, req []byte) (int, []byte) {
			site := identity(t, siteGUID, "site", "site")
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) {
				s.Signer, s.Cert, s.GUID, s.Name = site.Key, site.Cert, site.GUID, site.Name
			})
		}},
		{"confirms another request", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(_ *wssec.Seal, c *[]byte) { (*c)[5] ^= 1 })
		}},
		{"for another actor", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) { s.To = siteGUID })
		}},
		{"too old", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) {
				s.Created, s.Expires = start.Add(-time.Hour), start.Add(-50*time.Minute)
			})
		}},
		{"to another operation", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, n.answer(t, req, responseTo(wire.OpRelinquish), nil)
		}},
		{"signed text changed", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, bytes.Replace(n.answer(t, req, responseTo(wire.OpRelinquish), nil), []byte("relinquishResponse"), []byte("ticketResponse"), 2)
		}},
		{"from earlier", func(t *testing.T, n *node, req []byte) (int, []byte) {
			if old == nil {
				old = n.answer(t, bytes.Replace(req, []byte("<ds:SignatureValue>"), []byte("<ds:SignatureValue>AA"), 1), responseTo(wire.OpTicket), nil)
			}
			return 200, old
		}},
		{"empty", func(*testing.T, *node, []byte) (int, []byte) { return 200, nil }},
		{"HTML", func(*testing.T, *node, []byte) (int, []byte) { return 200, []byte("<html><body>welcome</body></html>") }},
		{"a gateway's page", func(*testing.T, *node, []byte) (int, []byte) { return 502, []byte("<html>bad gateway</html>") }},
		{"accepted", func(*testing.T, *node, []byte) (int, []byte) { return 202, nil }},
		{"not found", func(*testing.T, *node, []byte) (int, []byte) { return 404, []byte("404 page not found") }},
		{"good, but with another status", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 203, n.answer(t, req, responseTo(wire.OpTicket), nil)
		}},
		{"good, but too long", func(t *testing.T, n *node, req []byte) (int, []byte) {
			return 200, append(n.answer(t, req, responseTo(wire.OpTicket), nil), bytes.Repeat([]byte(" "), 256<<10)...)
		}},
		{"unsigned fault", func(*testing.T, *node, []byte) (int, []byte) {
			return 500, soap.EncodeFault(nil, translate.Fault(actors.Invalid))
		}},
		{"unsigned authorization fault", func(*testing.T, *node, []byte) (int, []byte) {
			return 500, soap.EncodeFault(nil, translate.Fault(actors.Denied))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t)
			broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				body, _ := io.ReadAll(r.Body)
				code, answer := tt.reply(t, broker, body)
				w.WriteHeader(code)
				w.Write(answer)
			})
			manager.Send(ask("r1", 1))
			for range 3 {
				if a := manager.attempt(t); a.Err == nil || a.Final {
					t.Fatalf("believed: %+v", a)
				}
				manager.later(t, time.Minute)
			}
			manager.attempt(t)
			broker.behind(nil)
			manager.later(t, time.Minute)
			if a := manager.attempt(t); a.Err != nil {
				t.Errorf("the true broker: %v", a.Err)
			}
			if len(manager.failed) != 0 {
				t.Errorf("given up: %+v", <-manager.failed)
			}
		})
	}
}

// The answer of the tests is a good one when nothing is changed, or the table
// above would prove nothing.
func TestAnswerOfTheTestsIsGood(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		body, _ := io.ReadAll(r.Body)
		w.Write(broker.answer(t, body, responseTo(wire.OpTicket), nil))
	})
	manager.Send(ask("r1", 1))
	if a := manager.attempt(t); a.Err != nil {
		t.Error(a.Err)
	}
}

// What the callee itself says, signed, decides by its kind.
func TestSignedFaults(t *testing.T) {
	t.Parallel()
	for kind, final := range map[actors.Kind]bool{
		actors.Invalid: true, actors.Stale: true, actors.Denied: true, actors.NotFound: true,
		actors.Exhausted: false, actors.Transient: false, actors.Other: false,
	} {
		t.Run(kind.Error(), func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t)
			refusing := newEndpoint(t, broker, func(context.Context, actors.Event) error { return kind })
			broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) { refusing.ServeHTTP(w, r) })
			manager.Send(ask("r1", 1))
			a := manager.attempt(t)
			if a.Err == nil || a.Final != final {
				t.Fatalf("%+v", a)
			}
			if final {
				if f := manager.givenUp(t); f.Kind != kind || f.Message.Reservation != "r1" || f.Note == "" {
					t.Errorf("%+v", f)
				}
				return
			}
			// Only this reservation waits.
			broker.behind(nil)
			manager.Send(ask("r2", 1))
			if a := manager.attempt(t); a.Err != nil || a.Message.Reservation != "r2" {
				t.Fatalf("another reservation: %+v", a)
			}
			manager.later(t, time.Minute)
			if a := manager.attempt(t); a.Err != nil || a.Message.Reservation != "r1" || a.Try != 2 {
				t.Fatalf("tried again: %+v", a)
			}
		})
	}
}

// Patience ends where trying is useless, and only there.
func TestPatience(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		front func(http.ResponseWriter, *http.Request, http.Handler)
		kind  actors.Kind // of an actor that answers; with front nil
		gives time.Duration
	}{
		{name: "no connection: as long as the term lasts", front: hangUp, gives: 24 * time.Hour},
		{name: "unsigned unauthorized: as long as the term lasts", front: fault(actors.Denied), gives: 24 * time.Hour},
		{name: "other unsigned faults: an hour", front: fault(actors.Invalid), gives: time.Hour},
		{name: "try again later, signed: an hour", kind: actors.Transient, gives: time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			manager, broker, _ := federation(t, func(c *remote.Config) { c.Retry = remote.Backoff{First: 10 * time.Minute, Most: 10 * time.Minute} })
			broker.behind(tt.front)
			if tt.front == nil {
				refusing := newEndpoint(t, broker, func(context.Context, actors.Event) error { return tt.kind })
				broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) { refusing.ServeHTTP(w, r) })
			}
			manager.Send(ask("r1", 1))
			for {
				a := manager.attempt(t)
				waited := manager.clock.Now().Sub(start)
				if a.Final != (waited >= tt.gives) {
					t.Fatalf("after %v: %+v", waited, a)
				}
				if a.Final {
					break
				}
				manager.later(t, 10*time.Minute)
			}
			if f := manager.givenUp(t); f.Kind != actors.Transient {
				t.Errorf("nobody vouches for %v", f.Kind)
			}
		})
	}
}

func fault(k actors.Kind) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(500)
		w.Write(soap.EncodeFault(nil, translate.Fault(k)))
	}
}

// No address but the administrator's is contacted.
func TestAddresses(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("contacted an address that a message made up") }))
	t.Cleanup(trap.Close)

	manager.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, trap.URL, http.StatusTemporaryRedirect)
	})
	m := grant(t, broker, site)
	broker.Send(m)
	if a := broker.attempt(t); a.Err == nil || a.Final {
		t.Fatalf("redirected: %+v", a)
	}
	var paths []string
	manager.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		user, _, _ := r.BasicAuth()
		paths = append(paths, user+r.URL.Path)
		next.ServeHTTP(w, r)
	})
	for _, reply := range []string{
		trap.URL + "/orca/services/manager", "://", strings.Replace(manager.server.URL, "http", "https", 1),
		strings.Replace(manager.location().URL, "http://", "http://user@", 1), "file:///etc/passwd", manager.location().URL + "/updateTicket",
	} {
		broker.clock.Advance(time.Hour)
		m.ReplyTo = reply
		broker.Send(m)
		if a := broker.attempt(t); a.Err != nil {
			t.Errorf("%s: %v", reply, a.Err)
		}
	}
	want := slices.Repeat([]string{"/orca/services/manager"}, 5)
	want = append(want, "/orca/services/manager/updateTicket")
	if !slices.Equal(paths, want) {
		t.Errorf("paths %v", paths)
	}
	// A request always goes to the registry's address: its ReplyTo is our own.
	broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.URL.Path != "/orca/services/broker" {
			t.Errorf("request to %s", r.URL.Path)
		}
		next.ServeHTTP(w, r)
	})
	for _, reply := range []string{trap.URL, broker.location().URL + "/ticket"} {
		r := ask("r1", 1)
		r.ReplyTo = reply
		manager.Send(r)
		if a := manager.attempt(t); a.Err != nil {
			t.Error(a.Err)
		}
		if got := broker.messages(); got[len(got)-1].ReplyTo != reply {
			t.Errorf("ReplyTo %q", got[len(got)-1].ReplyTo)
		}
	}
}

// A dead peer delays nobody else, and a newer message takes the place of one that
// waits.
func TestQueues(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	update := grant(t, broker, site)
	broker.behind(hangUp)
	for seq := 1; seq <= 3; seq++ {
		manager.Send(ask("r1", seq))
		if seq == 1 {
			manager.attempt(t)
		}
	}
	manager.Send(ask("r2", 1))
	// The manager still reaches the site while the broker is down.
	broker.Send(update)
	broker.attempt(t)
	held := manager.messages()[0].Ticket
	redeem := ask("r1", 1)
	redeem.Op, redeem.To, redeem.Ticket = actors.OpRedeem, siteGUID, held
	manager.Send(redeem)
	if a := manager.attempt(t); a.Err != nil || a.Peer != "site" {
		t.Fatalf("%+v", a)
	}
	broker.behind(nil)
	manager.later(t, time.Minute)
	for _, want := range []string{"r1#3", "r2#1"} {
		a := manager.attempt(t)
		if got := fmt.Sprintf("%s#%d", a.Message.Reservation, a.Message.Sequence); a.Err != nil || got != want {
			t.Fatalf("%s instead of %s: %v", got, want, a.Err)
		}
	}
	if c := manager.Counts(); c.Superseded != 2 || c.Queued != 5 || c.Waiting != 0 {
		t.Errorf("counts: %+v", c)
	}
}

// A message that was overtaken while it was under way is nobody's failure.
func TestOvertakenUnderWay(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	refusing := newEndpoint(t, broker, func(context.Context, actors.Event) error { return actors.Stale })
	there, release := make(chan struct{}), make(chan struct{})
	broker.behind(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		there <- struct{}{}
		<-release
		refusing.ServeHTTP(w, r)
	})
	manager.Send(ask("r1", 1))
	<-there
	manager.Send(ask("r1", 2))
	broker.behind(nil)
	close(release)
	if a := manager.attempt(t); a.Err == nil || !a.Final || a.Message.Sequence != 1 {
		t.Errorf("the older: %+v", a)
	}
	if a := manager.attempt(t); a.Err != nil || a.Message.Sequence != 2 {
		t.Errorf("the newer: %+v", a)
	}
	if err := manager.Close(context.Background()); err != nil || len(manager.failed) != 0 {
		t.Errorf("close %v, %d reported", err, len(manager.failed))
	}
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	block := make(chan struct{})
	heard := make(chan actors.SendFailed, 10)
	manager, broker, _ := federation(t, func(c *remote.Config) {
		c.Queue = 2
		c.Failed = func(f actors.SendFailed) { <-block; heard <- f } // Send does not wait for it
	})
	broker.behind(hangUp)
	manager.Send(ask("r1", 1))
	manager.attempt(t)
	manager.Send(ask("r2", 1))
	manager.Send(ask("r3", 1)) // one too many
	manager.Send(ask("r1", 2)) // takes another's place
	stranger := ask("r4", 1)
	stranger.To = "99999999-9999-4999-8999-999999999999"
	manager.Send(stranger)
	close(block)
	if f := <-heard; f.Message.Reservation != "r3" || f.Kind != actors.Transient {
		t.Errorf("%+v", f)
	}
	if f := <-heard; f.Message.Reservation != "r4" || f.Kind != actors.NotFound {
		t.Errorf("%+v", f)
	}
	broker.behind(nil)
	manager.later(t, time.Minute)
	for _, want := range []actors.ReservationID{"r2", "r1"} {
		if a := manager.attempt(t); a.Message.Reservation != want || a.Err != nil {
			t.Errorf("%+v, want %s", a, want)
		}
	}
}

// What can never be sent is given up at once.
func TestUnsendable(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	noTerm := ask("r1", 1)
	noTerm.Term = actors.Term{}
	manager.Send(noTerm)
	if f := manager.givenUp(t); f.Kind != actors.Invalid {
		t.Errorf("no term: %+v", f)
	}
	tooMuch := grant(t, broker, site)
	tooMuch.Ticket.Units, tooMuch.Units = 11, 11
	broker.Send(tooMuch)
	if f := broker.givenUp(t); f.Kind != actors.Invalid || !strings.Contains(f.Note, "exceeds") {
		t.Errorf("more than the broker holds: %+v", f)
	}
	wrongHolder := grant(t, broker, site)
	wrongHolder.Ticket.Holder = siteGUID
	broker.Send(wrongHolder)
	if f := broker.givenUp(t); f.Kind != actors.Invalid {
		t.Errorf("ticket for another: %+v", f)
	}
	if len(manager.received())+len(broker.received()) != 0 {
		t.Error("something was sent")
	}
}

// A repeated answer is the same ticket (actors.Ticket).
func TestGrantTwice(t *testing.T) {
	t.Parallel()
	manager, broker, site := federation(t)
	for range 2 {
		broker.Send(grant(t, broker, site))
		if a := broker.attempt(t); a.Err != nil {
			t.Fatal(a.Err)
		}
	}
	got := manager.messages()
	if len(got) != 2 || got[0].Ticket.Text != got[1].Ticket.Text {
		t.Error("two tickets for one grant")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	t.Run("delivers what can go", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		release := make(chan struct{})
		broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) { <-release; next.ServeHTTP(w, r) })
		for i := range 5 {
			manager.Send(ask(fmt.Sprint("r", i), 1))
		}
		closed := make(chan error)
		go func() { closed <- manager.Close(context.Background()) }()
		close(release)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if n := len(broker.messages()); n != 5 {
			t.Errorf("%d of 5 delivered", n)
		}
		manager.Send(ask("late", 1))
		if c := manager.Counts(); c.Queued != 5 {
			t.Error("took a message after Close")
		}
		if err := manager.Close(context.Background()); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
	t.Run("does not wait for a pause", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		broker.behind(hangUp)
		manager.Send(ask("r1", 1))
		manager.attempt(t)
		if err := manager.Close(context.Background()); err == nil {
			t.Error("says that everything was delivered")
		}
	})
	t.Run("cuts off what hangs", func(t *testing.T) {
		t.Parallel()
		manager, broker, _ := federation(t)
		hangs := make(chan struct{}, 1)
		broker.behind(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			hangs <- struct{}{}
			<-r.Context().Done()
		})
		m := ask("r1", 1)
		m.Term = actors.NewTerm(1, 2) // a real failure now would be the last
		manager.Send(m)
		<-hangs
		manager.clock.Advance(2 * time.Hour)
		ctx, stop := context.WithCancel(context.Background())
		stop()
		if err := manager.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 messages") {
			t.Errorf("close: %v", err)
		}
		if len(manager.failed) != 0 {
			t.Error("a message that was cut off counts as refused")
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	manager, _, _ := federation(t)
	good := remote.Config{Self: manager.id, Location: manager.location(), Registry: manager.registry, Failed: func(actors.SendFailed) {}}
	if _, err := remote.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*remote.Config){
		"no key":      func(c *remote.Config) { c.Self.Key = nil },
		"other guid":  func(c *remote.Config) { c.Location.ID = "x" },
		"no name":     func(c *remote.Config) { c.Location.Name = "" },
		"no registry": func(c *remote.Config) { c.Registry = nil },
		"no Failed":   func(c *remote.Config) { c.Failed = nil },
		"negative":    func(c *remote.Config) { c.Queue = -1 },
		"long life":   func(c *remote.Config) { c.Life = time.Hour },
	} {
		c := good
		change(&c)
		if _, err := remote.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// roundTrip answers requests without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever octets answer, only the broker's signature delivers.
func FuzzAnswer(f *testing.F) {
	answers := make(chan []byte, 1)
	manager, broker, _ := federation(f, func(c *remote.Config) {
		c.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(<-answers)), Request: r}, nil
		})}
		c.Retry = remote.Backoff{First: time.Nanosecond, Most: time.Nanosecond}
		c.Patience = time.Nanosecond
	})
	body, err := soap.EncodeBody(nil, wire.Message{Op: wire.OpQuery, MessageID: "m"})
	if err != nil {
		f.Fatal(err)
	}
	env, confirm, err := wssec.Seal{Signer: manager.id.Key, Cert: manager.id.Cert, GUID: managerGUID, Name: "manager", To: brokerGUID,
		MessageID: "m", Created: start, Expires: start.Add(time.Minute), Profile: wssec.Strict}.RequestConfirm(body)
	if err != nil || confirm == nil {
		f.Fatal(err)
	}
	f.Add(broker.answer(f, env, responseTo(wire.OpTicket), func(s *wssec.Seal, _ *[]byte) { s.MessageID = "m" }))
	f.Add(soap.EncodeEnvelope(nil, nil, responseTo(wire.OpTicket)))
	f.Add(soap.EncodeFault(nil, translate.Fault(actors.Denied)))
	f.Add(env)
	n := 0
	f.Fuzz(func(t *testing.T, answer []byte) {
		n++
		m := ask(fmt.Sprint("r", n), 1)
		m.Term = actors.NewTerm(1, 2) // over, so that it is given up
		answers <- answer
		manager.clock.Advance(time.Second)
		manager.Send(m)
		a := manager.attempt(t)
		if a.Err == nil {
			t.Errorf("believed: %q", answer)
		}
		for !a.Final {
			answers <- answer
			manager.later(t, time.Second)
			a = manager.attempt(t)
		}
		manager.givenUp(t)
	})
}

func BenchmarkDeliver(b *testing.B) {
	manager, broker, site := federation(b)
	for _, op := range []actors.Op{actors.OpTicket, actors.OpUpdateTicket} {
		b.Run(op.String(), func(b *testing.B) {
			from, m := manager, ask("r1", 1)
			if op == actors.OpUpdateTicket {
				from, m = broker, grant(b, broker, site)
			}
			b.ReportAllocs()
			for b.Loop() {
				from.Send(m)
				if a := from.attempt(b); a.Err != nil {
					b.Fatal(a.Err)
				}
			}
		})
	}
}

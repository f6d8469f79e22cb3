package remote_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/actors/translate"
	"github.com/leasehold/leasehold/wire"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

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

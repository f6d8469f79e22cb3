package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec"
)

// Both ends speak as deployed actors do, in all four combinations of packagings;
// an answer of the peer's that is not its own is no answer.
func TestLegacyDelivery(t *testing.T) {
	t.Parallel()
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	for _, packed := range []bool{false, true} {
		policy := wssec.Policy{Profile: wssec.Legacy, MTOM: packed}
		manager, broker, _ := federation(t)
		for i, n := range []*node{manager, broker} {
			n.id.Key, n.id.Cert = keys[i], certify(t, n.id.GUID, keys[i])
		}
		for _, n := range []*node{manager, broker} {
			other := map[*node]*node{manager: broker, broker: manager}[n]
			if err := n.registry.Replace([]registry.Peer{{
				Location: other.location(), Role: other.role, Policy: policy, Certs: []*x509.Certificate{other.id.Cert},
			}}); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if broker.endpoint, err = endpoint.New(endpoint.Config{
			Self: broker.id, Location: broker.location(), Role: broker.role, Registry: broker.registry, Clock: broker.clock,
			Ask: newTaker(broker),
		}); err != nil {
			t.Fatal(err)
		}
		var kinds []string
		answered := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			kinds = append(kinds, r.Header.Get("Content-Type"), rec.Header().Get("Content-Type"))
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.Header().Set("Date", start.Add(7*time.Second).Format(http.TimeFormat))
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes())
		}
		broker.behind(answered)
		offsets := clock.NewOffsets(time.Second, nil)
		manager.Remote, err = remote.New(remote.Config{
			Self: manager.id, Location: manager.location(), Registry: manager.registry, Clock: manager.clock,
			Failed: func(f actors.SendFailed) { manager.failed <- f },
			Trace:  func(a remote.Attempt) { manager.attempts <- a },
			Chance: func() float64 { return 0 }, Clocks: offsets,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer manager.Close(t.Context())
		manager.Send(ask("r1", 1))
		if a := manager.attempt(t); a.Err != nil || !a.Final {
			t.Fatalf("packed %v: %v", packed, a.Err)
		}
		// An undated answer has no other time than the one its server writes above it.
		if o, known := offsets.Of(brokerGUID, start); !known || o.Low != 7*time.Second || o.High != 8*time.Second {
			t.Errorf("packed %v: by the HTTP date the clock is %v, %v", packed, o, known)
		}
		if len(broker.messages()) != 1 || !bytes.Contains(broker.received()[0], []byte("#rsa-sha1")) {
			t.Errorf("%d messages taken", len(broker.messages()))
		}
		for _, kind := range kinds {
			if strings.HasPrefix(kind, "multipart/related") != packed {
				t.Errorf("packed %v: %s", packed, kind)
			}
		}

		// The answer to another request, packed or not, delivers nothing.
		var old []byte
		broker.behind(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			if old == nil {
				old = rec.Body.Bytes()
			}
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			w.Write(old)
		})
		manager.Send(ask("r2", 1))
		if a := manager.attempt(t); a.Err != nil {
			t.Fatal(a.Err)
		}
		manager.Send(ask("r3", 1))
		if a := manager.attempt(t); a.Err == nil || a.Final {
			t.Errorf("an old answer delivered: %v", a.Err)
		}
		// A broken package is no answer either.
		broker.behind(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "multipart/related; boundary=x")
			w.Write(old)
		})
		manager.later(t, manager.clock.Now().Sub(start)+1e12)
		if a := manager.attempt(t); a.Err == nil || a.Final || !strings.Contains(a.Err.Error(), soap.ErrPackaging.Error()) {
			t.Errorf("a broken package delivered: %v", a.Err)
		}
	}
}

// newTaker is an actor that takes everything.
func newTaker(n *node) func(context.Context, actors.Event) error {
	return func(_ context.Context, ev actors.Event) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.taken = append(n.taken, ev.(actors.Receive).Message)
		return nil
	}
}

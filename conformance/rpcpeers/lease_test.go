package rpcpeers

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// A client that somebody else wrote from the description signs a message, and checks the
// signature on our answer, with OpenSSL's keys of both kinds.
func TestSignedByOpenSSL(t *testing.T) {
	t.Parallel()
	for _, alg := range []keys.Algorithm{keys.ECDSAP256, keys.RSA2048} {
		t.Run(alg.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			make := func(guid, name string) keys.Identity {
				id, err := keys.Generate(rand.Reader, guid, name, alg, time.Now().Add(-time.Hour).Truncate(time.Second), time.Now().AddDate(1, 0, 0).Truncate(time.Second))
				if err == nil {
					err = id.Save(filepath.Join(dir, name))
				}
				if err != nil {
					t.Fatal(err)
				}
				return id
			}
			broker, sm, evil := make(brokerGUID, "broker"), make("33333333-3333-4333-8333-333333333333", "sm"), make("44444444-4444-4444-8444-444444444444", "evil")
			known, err := registry.New(brokerGUID, []registry.Peer{{Location: actors.Location{ID: actors.ActorID(sm.GUID), Name: "sm", URL: "http://127.0.0.1:1/orca/xmlrpc/sm"},
				Role: actors.RoleManager, Policy: wssec.Policy{Profile: wssec.Strict, Protocol: wssec.XMLRPC}, Certs: []*x509.Certificate{sm.Cert}}})
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var taken []actors.Message
			e, err := endpoint.New(endpoint.Config{Self: broker, Location: actors.Location{ID: brokerGUID, Name: "broker", URL: "http://127.0.0.1:2/orca/services/broker"},
				Role: actors.RoleBroker, Registry: known, Ask: func(_ context.Context, ev actors.Event) error {
					mu.Lock()
					defer mu.Unlock()
					taken = append(taken, ev.(actors.Receive).Message)
					return nil
				}})
			if err != nil {
				t.Fatal(err)
			}
			s := httptest.NewServer(e)
			defer s.Close()
			call := func(guid, name, callee string) string {
				t.Helper()
				cmd := command(t, []string{"python3", "python/lease.py", s.URL + leasing.Root + "broker", guid, name, callee,
					filepath.Join(dir, name, "identity.pem"), filepath.Join(dir, name, "certificate.pem")})
				var errs bytes.Buffer
				cmd.Stderr = &errs
				out, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v\n%s", err, errs.String())
				}
				return strings.TrimSpace(string(out))
			}
			if got := call(sm.GUID, "sm", brokerGUID); got != `signed True True True {"err": false, "ret": true}` {
				t.Errorf("it says %s", got)
			}
			mu.Lock()
			if len(taken) != 1 || taken[0].Op != actors.OpQuery || taken[0].From != actors.ActorID(sm.GUID) || taken[0].Properties["note"] != "caf\u00e9 <&>" {
				t.Errorf("taken %+v", taken)
			}
			mu.Unlock()
			for _, got := range []string{call(evil.GUID, "evil", brokerGUID), call(sm.GUID, "sm", siteGUID)} {
				if !strings.HasPrefix(got, "unsigned ") || !strings.Contains(got, `"error": "Authorization"`) {
					t.Errorf("it says %s", got)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if len(taken) != 1 {
				t.Errorf("taken %+v", taken)
			}
		})
	}
}

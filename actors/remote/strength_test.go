package remote_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"path/filepath"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/wssec"
)

// A broker that has answered without SHA-1 is not believed with SHA-1 again, also
// after a restart, though its profile takes it (wssec A13).
func TestDowngradedAnswers(t *testing.T) {
	t.Parallel()
	manager, broker, _ := federation(t)
	know := func(n, other *node, p wssec.Profile) {
		if err := n.registry.Replace([]registry.Peer{{
			Location: other.location(), Role: other.role, Policy: p.Policy(), Certs: []*x509.Certificate{other.id.Cert},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []*node{manager, broker} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		n.id.Key, n.id.Cert = key, certify(t, n.id.GUID, key)
	}
	know(manager, broker, wssec.LegacyStrong)
	var err error
	if broker.endpoint, err = endpoint.New(endpoint.Config{
		Self: broker.id, Location: broker.location(), Role: broker.role, Registry: broker.registry, Clock: broker.clock, Ask: newTaker(broker),
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "seen")
	var journal *endpoint.Journal
	life := func(keep bool) {
		if manager.Remote != nil {
			ctx, stop := context.WithCancel(context.Background())
			stop()
			manager.Close(ctx)
		}
		cfg := remote.Config{
			Self: manager.id, Location: manager.location(), Registry: manager.registry, Clock: manager.clock,
			Failed: func(f actors.SendFailed) { manager.failed <- f }, Trace: func(a remote.Attempt) { manager.attempts <- a },
			Chance: func() float64 { return 0 },
		}
		if journal != nil {
			journal.Close()
		}
		if keep {
			if journal, err = endpoint.OpenJournal(path); err != nil {
				t.Fatal(err)
			}
			cfg.Strength, cfg.Stronger = journal.Answers(), func(guid string) {
				if err := journal.Answered(guid); err != nil {
					t.Error(err)
				}
			}
			if _, err := endpoint.New(endpoint.Config{Self: manager.id, Location: manager.location(), Role: manager.role, Registry: manager.registry,
				Clock: manager.clock, Ask: newTaker(manager), Journal: journal}); err != nil {
				t.Fatal(err)
			}
		}
		if manager.Remote, err = remote.New(cfg); err != nil {
			t.Fatal(err)
		}
	}
	send := func(reservation string, p wssec.Profile) error {
		know(broker, manager, p) // how it answers
		manager.Send(ask(reservation, 1))
		return manager.attempt(t).Err
	}
	life(true)
	for i, step := range []struct {
		p    wssec.Profile
		want error
	}{{wssec.Legacy, nil}, {wssec.LegacyStrong, nil}, {wssec.LegacyStrong, nil}, {wssec.Legacy, wssec.ErrDowngrade}} {
		if err := send(string(rune('a'+i)), step.p); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("step %d: %v", i, err)
		}
	}
	life(true)
	if err := send("restarted", wssec.Legacy); !errors.Is(err, wssec.ErrDowngrade) {
		t.Errorf("after a restart: %v", err)
	}
	life(false)
	if err := send("forgotten", wssec.Legacy); err != nil {
		t.Errorf("who remembers nothing: %v", err)
	}
}

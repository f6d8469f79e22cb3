package main

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/conformance/setup"
)

// twins are two servers of the same actors on one data base and one directory.
func twins(t *testing.T) [2]*victim {
	t.Helper()
	pg, slapd := setup.StartPostgres(t), setup.StartSlapd(t)
	url, password := pg.Address(t)
	one := newVictim(t)
	one.prepare(config.Store{Kind: config.StorePostgres, URL: url, Standby: true}, password)
	dir := filepath.Dir(one.config.State)
	if err := os.WriteFile(dir+"/slapd.password", []byte(slapd.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	one.config.Directory = &config.Directory{URL: slapd.URL, Base: slapd.Base, Bind: slapd.BindDN, PasswordFile: "slapd.password"}
	two := &victim{t: t, config: one.config, known: one.known}
	two.config.Listen = newVictim(t).prepare(config.Store{}, "").Listen // an address of its own
	two.config.State, two.config.Admin = dir+"/state2", dir+"/state2/admin.sock"
	one.config.Log.Level, two.config.Log.Level = "info", "info"
	for i, v := range []*victim{one, two} {
		v.path = dir + []string{"/one.yaml", "/two.yaml"}[i]
		if err := os.WriteFile(v.path, v.config.YAML(), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(v.path)
		if err != nil {
			t.Fatal(err)
		}
		v.config, v.client = c, manage.NewClient(c.Admin)
	}
	return [2]*victim{one, two}
}

// TestStandby kills a server with SIGKILL while its standby waits, then the other
// way round, then stops the one at work for longer than its lease. Each time the
// other serves after that, knows every lease that was accepted and gives no
// host away twice; the one that was stopped ends by itself when it wakes up.
func TestStandby(t *testing.T) {
	t.Parallel()
	both := twins(t)
	chance := rand.New(rand.NewPCG(1, 2))
	now, next := both[0], both[1]
	now.start()
	now.waitServing()
	for round := range 3 {
		next.start()
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			now.request(ctx, chance)
			now.look(ctx)
			cancel()
		}
		for give := time.Now().Add(2 * time.Minute); !strings.Contains(next.log.String(), "is held by"); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(give) {
				t.Fatalf("the standby does not stand by:\n%s", next.log.String())
			}
		}
		if _, err := os.Stat(next.config.Admin); err == nil {
			t.Fatal("the standby serves while the other does")
		}
		began := time.Now()
		if round < 2 {
			now.kill()
		} else if err := now.process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		next.waitServing()
		took := time.Since(began)
		t.Logf("round %d: serving after %v", round+1, took.Round(10*time.Millisecond))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		if list := next.look(ctx); list == nil {
			t.Error("it lists nothing")
		}
		cancel()
		now, next = next, now
		next.log.reset()
		_ = os.Remove(next.config.Admin) // what a killed server leaves
	}
	if err := next.process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := next.wait(); err == nil || !strings.Contains(next.log.String(), "another process has taken the actor over") {
		t.Errorf("the server that was stopped ended with %v and says\n%s", err, next.log.String())
	}
	now.settle()
	now.term()
	if len(both[0].known.accepted) < 10 {
		t.Errorf("only %d leases were asked for", len(both[0].known.accepted))
	}
}

package wiring_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
)

// freePort is an address that a server can listen on in a moment. It is below those
// that the system gives to outgoing connections, of which tests make so many that
// one would take it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		at := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if l, err := net.Listen("tcp", at); err == nil {
			defer l.Close()
			return at
		}
	}
	t.Fatal("no free port")
	return ""
}

// federation starts a process with one actor of each role on slapd.
func federation(t *testing.T, s *setup.Slapd) *wiring.Process {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(s.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := starter.Make(starter.Plan{Dir: dir, Nodes: 4, Listen: freePort(t), Cycle: 100 * time.Millisecond,
		Remote: &config.Directory{URL: s.URL, Base: s.Base, Bind: s.BindDN, PasswordFile: "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(t.Output())
	log.SetLevel(logrus.WarnLevel)
	p, err := wiring.New(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	<-p.Ready()
	return p
}

// TestDirectoryOutage takes slapd away at each stage of a lease: before it begins,
// while it is used and while it is torn down. Leases keep their state meanwhile,
// and everything goes on when slapd is back.
func TestDirectoryOutage(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	p := federation(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	wait := func(actor, id string, patience time.Duration, state string) (manage.Reservation, error) {
		return p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Actor: actor, Reservation: id}, States: []string{state}, Timeout: patience})
	}
	request := func() string {
		r, err := p.Manage.Request(ctx, manage.Order{Slice: "outage", Type: string(starter.Type), Units: 4, Start: "+300ms", Length: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		return r.Reservation
	}

	s.Stop()
	id := request()
	// The site assigns hosts and cannot write them; it says nothing wrong about them.
	if r, err := wait("manager", id, 3*time.Second, "Active"); err == nil {
		t.Fatalf("without a directory the lease is %+v", r)
	}
	if r, err := p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: id}); err != nil || r.Pending != "Priming" || r.Error != "" {
		t.Fatalf("the site shows %+v, %v", r, err)
	}
	s.Start()
	r, err := wait("manager", id, time.Minute, "Active")
	if err != nil || len(r.Held) != 4 {
		t.Fatalf("after slapd came back: %+v, %v", r, err)
	}

	s.Stop()
	if r, err := p.Manage.Show(ctx, manage.Ref{Actor: "manager", Reservation: id}); err != nil || r.State != "Active" {
		t.Fatalf("with slapd down the lease is %+v, %v", r, err)
	}
	if _, err := p.Manage.Close(ctx, manage.Ref{Actor: "manager", Reservation: id}); err != nil {
		t.Fatal(err)
	}
	if r, err := wait("site", id, 2*time.Second, "Closed"); err == nil {
		t.Fatalf("without a directory the lease closed: %+v", r)
	}
	s.Start()
	if _, err := wait("manager", id, time.Minute, "Closed"); err != nil {
		t.Fatal(err)
	}
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	// The cluster's own entries go a moment after its last node.
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left, err := d.List(ctx, ldapschema.DN("ou=slices,"+string(s.Base)))
		if err == nil && len(left) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("in the end the directory has %s, %v", fmt.Sprint(left), err)
		}
	}
}

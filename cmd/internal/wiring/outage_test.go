package wiring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	c, err := starter.Make(starter.Plan{Dir: dir, Nodes: 4, Listen: setup.Address(t), Cycle: 100 * time.Millisecond,
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
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
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
	if r := priming(ctx, t, p, id); r.Error != "" {
		t.Fatalf("the site shows %+v", r)
	}
	if r, err := wait("manager", id, 3*time.Second, "Active"); err == nil {
		t.Fatalf("without a directory the lease is %+v", r)
	}
	s.Start()
	r, err := wait("manager", id, 2*time.Minute, "Active")
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
	if _, err := wait("manager", id, 2*time.Minute, "Closed"); err != nil {
		t.Fatal(err)
	}
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	// The cluster's own entries go a moment after its last node.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		left, err := d.List(ctx, ldapschema.DN("ou=slices,"+string(s.Base)))
		if err == nil && len(left) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("in the end the directory has %s, %v", fmt.Sprint(left), err)
		}
	}
}

// priming waits until the site has assigned hosts to a lease and sets them up.
func priming(ctx context.Context, t *testing.T, p *wiring.Process, id string) manage.Reservation {
	t.Helper()
	for {
		r, err := p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: id})
		if err == nil && r.Pending == "Priming" {
			return r
		}
		if ctx.Err() != nil || err == nil && r.State != "Ticketed" {
			t.Fatalf("the site shows %+v, %v", r, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestReadOnlyDirectory: a slapd that was made read-only for a while (olcReadOnly) says
// that it is unwilling. Leases wait for it, their nodes say what it said, and go on when it
// takes writes again.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	p := federation(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s.Configure("readonly on")
	order := manage.Order{Slice: "readers", Type: string(starter.Type), Units: 4, Start: "+300ms", Length: "1h"}
	r, err := p.Manage.Request(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	id := r.Reservation
	priming(ctx, t, p, id)
	site := p.Actors[slices.IndexFunc(p.Actors, func(a *wiring.Actor) bool { return a.Site != nil })].Site
	for said := ""; !strings.Contains(said, "unwilling"); time.Sleep(20 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("the nodes say that they wait for %s", said)
		}
		said = fmt.Sprintf("%+v", site.Snapshot())
	}
	if r, err = p.Manage.Show(ctx, manage.Ref{Actor: "site", Reservation: id}); err != nil || r.Pending != "Priming" || r.Error != "" {
		t.Errorf("while slapd is read-only the site shows %+v, %v", r, err)
	}
	s.Configure()
	goal := manage.Goal{Ref: manage.Ref{Actor: "manager", Reservation: id}, States: []string{"Active"}, Timeout: 4 * time.Minute}
	if r, err = p.Manage.Wait(ctx, goal); err != nil || len(r.Held) != 4 {
		t.Errorf("after slapd takes writes again: %+v, %v", r, err)
	}
}

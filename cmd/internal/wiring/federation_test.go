package wiring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/dsig"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/sirupsen/logrus"
)

// part makes the configuration of a process with some of the roles and RSA keys.
func part(t *testing.T, roles ...actors.Role) (dir string, c config.Config) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	plan := starter.Plan{Dir: dir, Roles: roles, Nodes: 3, Listen: setup.Address(t), LDAP: setup.Address(t), Cycle: 100 * time.Millisecond,
		Begin: time.Now().Truncate(time.Minute), Algorithm: keys.RSA2048}
	if c, err = starter.Make(plan); err != nil {
		t.Fatal(err)
	}
	return dir, c
}

// introduce writes the actors of one configuration into the peers of another.
func introduce(c *config.Config, others config.Config, policy wssec.Policy) {
	root := endpoint.Root
	if policy.Protocol == wssec.XMLRPC {
		root = leasing.Root
	}
	for _, a := range others.Actors {
		c.Peers = append(c.Peers, config.Peer{Name: a.Name, GUID: a.GUID, Role: a.Role, Policy: policy,
			URL: others.Listen.URL + root + a.Name, Certificates: []string{filepath.Join(a.Keys, "certificate.pem")}})
	}
}

// serve writes the configuration, reads it back as the program would, and serves.
func serve(t *testing.T, dir string, c config.Config) *wiring.Process {
	t.Helper()
	path := filepath.Join(dir, starter.File)
	if err := os.WriteFile(path, c.YAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
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

// TestProfiles runs a site, a broker and a service manager, each in a process of its
// own, once for each trust profile between them: the broker claims what the site
// exported, a lease is requested, modified, extended and closed. With the legacy profiles
// tickets are of the legacy scheme too, MD5 and all.
func TestProfiles(t *testing.T) {
	t.Parallel()
	for _, policy := range []wssec.Policy{
		wssec.Strict.Policy(), wssec.Legacy.Policy(), wssec.LegacyStrong.Policy(),
		{Profile: wssec.LegacyStrong, Mutual: true, MTOM: true},
		{Profile: wssec.Strict, Protocol: wssec.XMLRPC}, {Profile: wssec.LegacyStrong, Protocol: wssec.XMLRPC},
		{Profile: wssec.Legacy, MinRSABits: 2048, FinalConfirmation: true, Signatures: []string{dsig.RSASHA1}, Digests: []string{dsig.SHA1}},
	} {
		t.Run(fmt.Sprint(policy.Profile, policy.Protocol, policy.MTOM, policy.FinalConfirmation), func(t *testing.T) {
			t.Parallel()
			siteDir, site := part(t, actors.RoleAuthority)
			brokerDir, broker := part(t, actors.RoleBroker)
			managerDir, manager := part(t, actors.RoleManager)
			for _, c := range []*config.Config{&broker, &manager} {
				c.Clock = site.Clock
			}
			s, b, m := site, broker, manager
			introduce(&site, b, policy)
			introduce(&site, m, policy)
			introduce(&broker, s, policy)
			introduce(&broker, m, policy)
			introduce(&manager, s, policy)
			introduce(&manager, b, policy)
			until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
			site.Actors[0].Exports = []config.Export{{To: "broker", Type: starter.Type, Units: 3, Until: until}}
			manager.Actors[0].DefaultBroker = "broker"
			broker.Actors[0].Claims = []config.Claim{{From: "site", Reservation: wiring.ExportID(site, site.Actors[0], site.Actors[0].Exports[0])}}

			serve(t, siteDir, site)
			serve(t, brokerDir, broker)
			p := serve(t, managerDir, manager)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			lease(t, ctx, p)
		})
	}
}

// TestSoldOn runs a site, a broker, another broker that buys from the first, and a
// service manager, each in a process of its own. The site has never heard of the
// second broker and verifies its tickets through the first, whose key is in them; the
// manager knows nothing of the first. The second broker starts when the first has
// nothing to sell yet, and asks again.
func TestSoldOn(t *testing.T) {
	t.Parallel()
	siteDir, site := part(t, actors.RoleAuthority)
	centralDir, central := part(t, actors.RoleBroker)
	campusDir, campus := part(t, actors.RoleBroker)
	managerDir, manager := part(t, actors.RoleManager)
	central.Actors[0].Name, campus.Actors[0].Name = "central", "campus"
	for _, c := range []*config.Config{&central, &campus, &manager} {
		c.Clock = site.Clock
	}
	s, ce, ca, m := site, central, campus, manager
	introduce(&site, ce, wssec.Strict.Policy())
	introduce(&site, m, wssec.Strict.Policy())
	introduce(&central, s, wssec.Strict.Policy())
	introduce(&central, ca, wssec.Strict.Policy())
	introduce(&campus, s, wssec.Strict.Policy())
	introduce(&campus, ce, wssec.Strict.Policy())
	introduce(&campus, m, wssec.Strict.Policy())
	introduce(&manager, s, wssec.Strict.Policy())
	introduce(&manager, ca, wssec.Strict.Policy())
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	site.Actors[0].Exports = []config.Export{{To: "central", Type: starter.Type, Units: 3, Until: until}}
	manager.Actors[0].DefaultBroker = "campus"
	central.Actors[0].Claims = []config.Claim{{From: "site", Reservation: wiring.ExportID(site, site.Actors[0], site.Actors[0].Exports[0])}}
	campus.Actors[0].Buys = []config.Buy{{From: "central", Type: starter.Type, Units: 2, Length: 4 * time.Hour, Renew: true, Name: "stock"}}

	serve(t, centralDir, central)
	buyer := serve(t, campusDir, campus)
	serve(t, siteDir, site)
	p := serve(t, managerDir, manager)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	lease(t, ctx, p)

	held, err := buyer.Manage.Show(ctx, manage.Ref{Actor: "campus", Reservation: "stock"})
	if err != nil || held.State != "Ticketed" || held.Units != 2 || held.Broker == nil || held.Broker.Name != "central" {
		t.Fatalf("%+v, %v", held, err)
	}
	if _, err := buyer.Manage.Close(ctx, manage.Ref{Actor: "campus", Reservation: "stock"}); err != nil {
		t.Fatal(err)
	}
	if r, err := buyer.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Actor: "campus", Reservation: "stock"}, States: []string{"Closed"}, Timeout: 2 * time.Minute}); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
}

// lease plays one lease at a manager. The broker may not have its stock yet, so a
// refused request is tried again.
func lease(t *testing.T, ctx context.Context, p *wiring.Process) {
	t.Helper()
	var r manage.Reservation
	for {
		var err error
		r, err = p.Manage.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 2, Length: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Active"}, Timeout: 2 * time.Minute})
		if err == nil {
			break
		}
		if ctx.Err() != nil || r.State != "Failed" {
			t.Fatalf("%v: %+v", err, r)
		}
	}
	if len(r.Held) != 2 || r.Held[0].Properties["host.name"] == "" {
		t.Fatalf("held: %+v", r.Held)
	}
	modified(t, ctx, p, manage.Modification{Ref: manage.Ref{Reservation: r.Reservation}, Subcommand: "restart"}, 1, 0, "restart done")
	modified(t, ctx, p, manage.Modification{Ref: manage.Ref{Reservation: r.Reservation}, Number: 2, Subcommand: "resize",
		Arguments: map[string]string{"exit": "17", "memory": "2048"}}, 2, 17, "noop: resize ended with code 17 as told")
	if _, err := p.Manage.Extend(ctx, manage.Extension{Ref: manage.Ref{Reservation: r.Reservation}, Length: "1h"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"ActiveTicketed"}, Timeout: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Manage.Close(ctx, manage.Ref{Reservation: r.Reservation}); err != nil {
		t.Fatal(err)
	}
	if r, err := p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{"Closed"}, Timeout: 2 * time.Minute}); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
}

// modified plays one modify: both units report how it went, and stay in service.
func modified(t *testing.T, ctx context.Context, p *wiring.Process, m manage.Modification, n, code int, message string) {
	t.Helper()
	if _, err := p.Manage.Modify(ctx, m); err != nil {
		t.Fatal(err)
	}
	r, err := p.Manage.Wait(ctx, manage.Goal{Ref: m.Ref, States: []string{"Active"}, Settled: true, Timeout: 2 * time.Minute})
	if err != nil || len(r.Held) != 2 {
		t.Fatalf("%v: %+v", err, r)
	}
	for _, u := range r.Held {
		got, text, ok := actors.Properties(u.Properties).ModifyOutcome(n)
		if !ok || got != code || text != message || u.State != "active" {
			t.Errorf("modify %d of unit %s: %d %q %v, the unit is %s", n, u.ID, got, text, ok, u.State)
		}
	}
	if code != 0 && r.Error == "" {
		t.Errorf("nobody is told that modify %d failed: %+v", n, r)
	}
}

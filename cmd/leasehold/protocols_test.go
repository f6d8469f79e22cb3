package main

import (
	"context"
	"crypto/x509"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/actors/remote"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/wire/xmlrpc/leasing"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// meetAs writes the actors of one server into the peers of another.
func meetAs(s, other *victim, protocol wssec.Protocol) {
	root := endpoint.Root
	if protocol == wssec.XMLRPC {
		root = leasing.Root
	}
	for _, a := range other.config.Actors {
		s.config.Peers = append(s.config.Peers, config.Peer{Name: a.Name, GUID: a.GUID, Role: a.Role, Policy: wssec.Policy{Profile: wssec.Strict, Protocol: protocol},
			URL: other.config.Listen.URL + root + a.Name, Certificates: []string{filepath.Join(a.Keys, "certificate.pem")}})
	}
}

// TestProtocols runs three servers, one for each role, once with XML-RPC between all of
// them and once with a manager that speaks SOAP with its broker and XML-RPC with the
// site: the broker claims what was exported to it, and a lease goes through every
// operation; what only other people's actors say is said too. In between, each server is
// killed once.
func TestProtocols(t *testing.T) {
	t.Parallel()
	for name, protocol := range map[string]func(a, b actors.Role) wssec.Protocol{
		"XML-RPC": func(a, b actors.Role) wssec.Protocol { return wssec.XMLRPC },
		"both": func(a, b actors.Role) wssec.Protocol {
			if a != actors.RoleAuthority && b != actors.RoleAuthority {
				return wssec.SOAP
			}
			return wssec.XMLRPC
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, protocol)
		})
	}
}

func protocols(t *testing.T, protocol func(a, b actors.Role) wssec.Protocol) {
	roles := []actors.Role{actors.RoleAuthority, actors.RoleBroker, actors.RoleManager}
	begin := time.Now().Truncate(time.Minute)
	var all []*victim
	for _, role := range roles {
		s := newVictim(t)
		s.prepare(config.Store{}, "", func(p *starter.Plan) { p.Roles, p.Begin = []actors.Role{role}, begin })
		s.config.Log.Level = "debug"
		all = append(all, s)
	}
	site, broker, manager := all[0], all[1], all[2]
	broker.config.Clock, manager.config.Clock = site.config.Clock, site.config.Clock
	for i, s := range all {
		for j, other := range all {
			if i != j {
				meetAs(s, other, protocol(roles[i], roles[j]))
			}
		}
	}
	export := config.Export{To: "broker", Type: starter.Type, Units: 3, Until: time.Now().Add(24 * time.Hour).Truncate(time.Second)}
	site.config.Actors[0].Exports = []config.Export{export}
	manager.config.Actors[0].DefaultBroker = "broker"
	broker.config.Actors[0].Claims = []config.Claim{{From: "site", Reservation: wiring.ExportID(site.config, site.config.Actors[0], export)}}
	for _, s := range all {
		s.write()
		s.start()
	}
	for _, s := range all {
		s.waitServing()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	must := func(r manage.Reservation, err error) manage.Reservation {
		t.Helper()
		if err != nil {
			t.Fatalf("%v: %+v\nmanager:\n%s\nbroker:\n%s\nsite:\n%s", err, r, tail(manager), tail(broker), tail(site))
		}
		return r
	}
	wait := func(id string, settled bool, states ...string) manage.Reservation {
		t.Helper()
		return must(manager.client.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: id}, States: states, Settled: settled, Timeout: 2 * time.Minute}))
	}
	var lease string
	for { // the broker may not have claimed anything yet
		r := must(manager.client.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 2, Length: "1h"}))
		lease = r.Reservation
		if r = wait(lease, false, "Active", "Failed"); r.State == "Active" {
			break
		}
	}
	for _, s := range all {
		s.kill()
		s.start()
		s.waitServing()
	}
	// What peers say besides: a question to each, and that they could not do what was
	// asked of them, to which a lease that waits for nothing is deaf.
	asked := map[string]string{actors.QueryAction: "discover.pools"}
	ask(t, manager, broker, protocol(actors.RoleManager, actors.RoleBroker), actors.Message{Op: actors.OpQuery, Properties: asked})
	ask(t, manager, site, protocol(actors.RoleManager, actors.RoleAuthority), actors.Message{Op: actors.OpQuery, Properties: asked})
	ask(t, broker, site, protocol(actors.RoleBroker, actors.RoleAuthority), actors.Message{Op: actors.OpQuery, Properties: asked})
	failed := actors.Message{Op: actors.OpFailedRPC, RequestID: "none", Reservation: actors.ReservationID(lease), RequestOp: actors.OpModifyLease, Note: "no such thing"}
	ask(t, site, manager, protocol(actors.RoleAuthority, actors.RoleManager), failed)
	failed.RequestOp = actors.OpTicket
	ask(t, broker, manager, protocol(actors.RoleBroker, actors.RoleManager), failed)
	must(manager.client.Modify(ctx, manage.Modification{Ref: manage.Ref{Reservation: lease}, Subcommand: "restart"}))
	if r := wait(lease, true, "Active"); len(r.Held) != 2 {
		t.Errorf("modified: %+v", r)
	}
	must(manager.client.Extend(ctx, manage.Extension{Ref: manage.Ref{Reservation: lease}, Length: "1h"}))
	wait(lease, false, "ActiveTicketed")
	must(manager.client.Close(ctx, manage.Ref{Reservation: lease}))
	wait(lease, false, "Closed")

	// A ticket that is never redeemed goes back to the broker.
	r := must(manager.client.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 1, Start: "+10m", Length: "1h"}))
	wait(r.Reservation, true, "Ticketed")
	must(manager.client.Close(ctx, manage.Ref{Reservation: r.Reservation}))
	wait(r.Reservation, false, "Closed")

	taken := func(s *victim, op string) bool {
		return slices.ContainsFunc(strings.Split(s.log.String(), "\n"), func(line string) bool {
			return strings.Contains(line, "message taken") && strings.Contains(line, op)
		})
	}
	// A lease that goes on and on is extended at the site too. A server that is slow may
	// miss the end of one: then there is another.
	renewed := ""
	for !taken(site, "extendLease") {
		if renewed != "" {
			r := must(manager.client.Show(ctx, manage.Ref{Reservation: renewed}))
			if !final(r) {
				time.Sleep(50 * time.Millisecond)
				continue
			}
		}
		renewed = must(manager.client.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 1, Length: "5s", Renewable: true})).Reservation
	}
	if _, err := manager.client.Close(ctx, manage.Ref{Reservation: renewed}); err != nil {
		t.Log(err) // it may have ended by itself
	}
	wait(renewed, false, "Closed", "Failed")

	for s, ops := range map[*victim][]string{
		site: {"claim", "redeem", "extendLease", "modifyLease", "close", "query"}, broker: {"ticket", "extendTicket", "relinquish", "updateTicket", "query"},
		manager: {"updateTicket", "updateLease", "failedRPC"},
	} {
		for _, op := range ops {
			taken := func() bool { return taken(s, op) }
			for deadline := time.Now().Add(2 * time.Minute); !taken(); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Errorf("%s never took %s\n%s", s.config.Actors[0].Name, op, tail(s))
					break
				}
			}
		}
	}
	// The answers to the questions arrive, signed, at who did not ask them by itself: it
	// says so.
	for _, s := range []*victim{manager, broker} {
		for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(s.log.String(), "queryResult"); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%s never got the answer\n%s", s.config.Actors[0].Name, tail(s))
				break
			}
		}
	}
	for _, s := range all {
		s.term()
	}
}

// ask sends what none of our actors says by itself, with the key of from.
func ask(t *testing.T, from, to *victim, protocol wssec.Protocol, m actors.Message) {
	t.Helper()
	self, err := keys.Load(from.config.Actors[0].Keys)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := keys.Load(to.config.Actors[0].Keys)
	if err != nil {
		t.Fatal(err)
	}
	root := endpoint.Root
	if protocol == wssec.XMLRPC {
		root = leasing.Root
	}
	a, b := from.config.Actors[0], to.config.Actors[0]
	all, err := registry.New(a.GUID, []registry.Peer{{Location: actors.Location{ID: b.GUID, Name: b.Name, URL: to.config.Listen.URL + root + b.Name}, Role: b.Role,
		Policy: wssec.Policy{Profile: wssec.Strict, Protocol: protocol}, Certs: []*x509.Certificate{peer.Cert}}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	r, err := remote.New(remote.Config{Self: self, Location: actors.Location{ID: a.GUID, Name: a.Name, URL: from.config.Listen.URL + endpoint.Root + a.Name}, Registry: all,
		Failed: func(actors.SendFailed) {},
		Trace: func(a remote.Attempt) {
			if a.Final {
				ended <- a.Err
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(t.Context())
	m.From, m.To = a.GUID, b.GUID
	r.Send(m)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%s of %s to %s: %v", m.Op, a.Name, b.Name, err)
		}
	case <-time.After(2 * time.Minute):
		t.Errorf("%s of %s to %s has no end", m.Op, a.Name, b.Name)
	}
}

// tail is the end of what a server logged.
func tail(s *victim) string {
	text := s.log.String()
	return text[max(0, len(text)-4000):]
}

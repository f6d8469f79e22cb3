package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wssec"
)

// seat is one process of a federation whose actors meet over HTTP.
type seat struct {
	dir string
	c   config.Config
}

func newSeat(t *testing.T, name string, role actors.Role, begin time.Time) seat {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c, err := starter.Make(starter.Plan{Dir: dir, Roles: []actors.Role{role}, Nodes: 3, Listen: setup.Address(t), LDAP: setup.Address(t),
		Cycle: 100 * time.Millisecond, Begin: begin})
	if err != nil {
		t.Fatal(err)
	}
	c.Actors[0].Name = name
	return seat{dir, c}
}

func (s *seat) knows(others ...seat) {
	for _, o := range others {
		a := o.c.Actors[0]
		s.c.Peers = append(s.c.Peers, config.Peer{Name: a.Name, GUID: a.GUID, Role: a.Role, Policy: wssec.Strict.Policy(),
			URL: o.c.Listen.URL + "/orca/services/" + a.Name, Certificates: []string{filepath.Join(a.Keys, "certificate.pem")}})
	}
}

// serve runs the process until stop or the end of the test.
func (s seat) serve(t *testing.T) (p *wiring.Process, stop func()) {
	t.Helper()
	path := filepath.Join(s.dir, starter.File)
	if err := os.WriteFile(path, s.c.YAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(t.Output())
	log.SetLevel(logrus.WarnLevel)
	if p, err = wiring.New(t.Context(), c, log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	<-p.Ready()
	for { // the admin socket is there a moment later
		conn, err := net.Dial("unix", c.Admin)
		if err == nil {
			conn.Close()
			return p, stop
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestOversold: a broker whose operator runs it twice sells the same units twice. The
// site refuses the second buyer with a kind of its own, keeps what the broker signed,
// over a restart too, and its operator gets a proof that anybody checks with nothing
// but the site's certificate.
func TestOversold(t *testing.T) {
	t.Parallel()
	begin := time.Now().Truncate(time.Minute)
	site := newSeat(t, "site", actors.RoleAuthority, begin)
	broker := newSeat(t, "broker", actors.RoleBroker, begin)
	one, two := newSeat(t, "one", actors.RoleManager, begin), newSeat(t, "two", actors.RoleManager, begin)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	site.c.Actors[0].Exports = []config.Export{{To: "broker", Type: starter.Type, Units: 3, Until: until, Properties: map[string]string{"memory": "4096"}}}
	plainSite, plainBroker := site, broker
	site.knows(broker, one, two)
	broker.knows(plainSite, one)
	one.knows(plainSite, plainBroker)
	one.c.Actors[0].DefaultBroker = "broker"
	_, stopSite := site.serve(t)
	files, err := filepath.Glob(filepath.Join(site.dir, "state", "exports", "*.ticket"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: tickets %v", err, files)
	}
	broker.c.Actors[0].Sources = files
	broker.serve(t)

	// The same broker again, with the same keys, and nothing that it has sold before.
	twin := newSeat(t, "broker", actors.RoleBroker, begin)
	twin.c.Actors = plainBroker.c.Actors[:1:1]
	twin.c.Actors[0].Sources = files
	twin.knows(plainSite, two)
	twin.serve(t)
	two.knows(plainSite, twin)
	two.c.Actors[0].DefaultBroker = "broker"

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	buy := func(s seat, state string) manage.Reservation {
		t.Helper()
		p, _ := s.serve(t)
		r, err := p.Manage.Request(ctx, manage.Order{Slice: "demo", Type: string(starter.Type), Units: 2, Length: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		r, err = p.Manage.Wait(ctx, manage.Goal{Ref: manage.Ref{Reservation: r.Reservation}, States: []string{state}, Timeout: 2 * time.Minute})
		if err != nil {
			t.Fatalf("%v: %+v", err, r)
		}
		return r
	}
	buy(one, "Active")
	if r := buy(two, "Failed"); !strings.Contains(r.Error, actors.Oversold.Error()) {
		t.Errorf("the second buyer is told %q", r.Error)
	}

	at := " --config " + filepath.Join(site.dir, starter.File)
	root := " --root " + filepath.Join(site.c.Actors[0].Keys, "certificate.pem")
	proof := filepath.Join(t.TempDir(), "evidence.json")
	for range 2 {
		var list []manage.Conflict
		if err := json.Unmarshal([]byte(cli{"ticket conflicts --json" + at, 0, "", ""}.run(t)), &list); err != nil || len(list) != 1 {
			t.Fatalf("%v: conflicts %+v", err, list)
		}
		c := list[0]
		if c.Issuer.Name != "broker" || c.Peer.Name != "two" || c.Held != 3 || c.Given != 4 || len(c.Claims) != 2 || c.Claims[0].Holder.Name != "two" || c.Proof != nil {
			t.Errorf("conflict %+v", c)
		}
		cli{"ticket conflicts" + at, 0, "broker", ""}.run(t)
		cli{"ticket conflicts " + c.ID[:6] + at, 0, "gave away", ""}.run(t)
		cli{"ticket conflicts " + c.ID + at + " --out " + proof, 0, "written to", ""}.run(t)
		cli{"ticket verify " + proof + root, 0, "proved", ""}.run(t)
		var found struct {
			Issuer, Site string
			Conclusive   bool
			Units        int
			Claims       []struct{ Holder string }
		}
		out := cli{"ticket verify --json " + proof + root, 0, "", ""}.run(t)
		if err := json.Unmarshal([]byte(out), &found); err != nil || found.Issuer != string(broker.c.Actors[0].GUID) || !found.Conclusive ||
			found.Site != string(site.c.Actors[0].GUID) || found.Units != 4 || len(found.Claims) != 2 {
			t.Errorf("%v: %+v", err, found)
		}
		cli{"ticket verify " + proof + " --root " + filepath.Join(broker.c.Actors[0].Keys, "certificate.pem"), 8, "", "not trusted"}.run(t)
		cli{"ticket conflicts " + c.ID + at + " --out " + proof, 1, "", "exists"}.run(t)
		cli{"ticket conflicts nobody" + at, 3, "", "no conflict is called"}.run(t)
		cli{"ticket conflicts" + at + " --out " + proof, 2, "", "say which conflict"}.run(t)
		if err := os.Remove(proof); err != nil {
			t.Fatal(err)
		}
		stopSite()
		_, stopSite = site.serve(t)
	}
}

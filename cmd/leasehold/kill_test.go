package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/conformance/setup"
)

var (
	kills    = flag.Int("kills", 40, "how often TestKill kills the servers of each store")
	killSeed = flag.Uint64("kill-seed", 0, "seed of TestKill; 0 means one by chance")
)

// TestKill kills the real servers of a federation with SIGKILL at random moments,
// with each kind of durable store, while leases are requested, extended, modified and
// closed. One server has the site and the broker, the other the manager; now one dies, now
// the other, now both. Then:
//
//   - no lease that was accepted is lost, and no host ever has two holders;
//   - no handler runs twice for one transition (see known.runs);
//   - peers go on with one another, under numbers that never fall;
//   - when the killing ends every lease comes to its end, and the directory is as it
//     was.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("bbolt", func(t *testing.T) {
		t.Parallel()
		killing(t, config.Store{}, "", nil)
	})
	t.Run("ldap", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t)
		killing(t, config.Store{Kind: config.StoreLDAP, URL: s.URL, Bind: s.BindDN, Base: s.Base.Parent().Child("ou", "records")}, s.Password, s)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url, password := setup.StartPostgres(t).Address(t)
		// The server before was killed and gave nothing up: the lease is short.
		killing(t, config.Store{Kind: config.StorePostgres, URL: url, Lease: 100 * time.Millisecond}, password, nil)
	})
}

// federation is the two servers of TestKill. The manager's is the victim that looks
// at both.
func federation(t *testing.T, place config.Store, password string, slapd *setup.Slapd) (manager, site *victim) {
	t.Helper()
	site, manager = newVictim(t), newVictim(t)
	manager.known = site.known
	manager.others = []*victim{site}
	begin := time.Now()
	site.prepare(place, password, func(p *starter.Plan) {
		p.Roles, p.Begin, p.Cycle = []actors.Role{actors.RoleAuthority, actors.RoleBroker}, begin, cycle/2
		p.Driver.Journal = "site.runs"
		if slapd != nil {
			if err := os.WriteFile(p.Dir+"/slapd.password", []byte(slapd.Password), 0o600); err != nil {
				t.Fatal(err)
			}
			p.Remote = &config.Directory{URL: slapd.URL, Base: slapd.Base, Bind: slapd.BindDN, PasswordFile: "slapd.password"}
		}
	})
	manager.prepare(place, password, func(p *starter.Plan) {
		p.Roles, p.Begin, p.Cycle = []actors.Role{actors.RoleManager}, begin, cycle/2
	})
	for _, v := range []*victim{site, manager} {
		for _, other := range []*victim{site, manager} {
			if other == v {
				continue
			}
			for _, a := range other.config.Actors {
				v.config.Peers = append(v.config.Peers, config.Peer{Name: a.Name, GUID: a.GUID, Role: a.Role,
					URL: other.config.Listen.URL + "/orca/services/" + a.Name, Certificates: []string{filepath.Join(a.Keys, "certificate.pem")}})
			}
		}
	}
	manager.config.Actors[0].DefaultBroker = "broker"
	manager.config.Actors[0].Handler = &config.Handler{Driver: "noop", SetupDelay: 20 * time.Millisecond, TeardownDelay: 20 * time.Millisecond,
		Journal: filepath.Join(filepath.Dir(manager.yaml()), "manager.runs")}
	site.write()
	manager.write()
	return manager, site
}

// killing is TestKill with one store.
func killing(t *testing.T, place config.Store, password string, slapd *setup.Slapd) {
	manager, site := federation(t, place, password, slapd)
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	both := []*victim{site, manager}
	for _, v := range both {
		v.start()
		v.waitServing()
	}
	before := site.entries()
	began := time.Now()
	stop, answered := make(chan struct{}), make(chan struct{}, 1)
	var work sync.WaitGroup
	for n := range uint64(2) {
		work.Go(func() { manager.work(stop, answered, rand.New(rand.NewPCG(seed, 2+n))) })
	}
	deaths := 0
	for range *kills {
		// The site's server has more to lose.
		dead := both[:1]
		switch chance.IntN(6) {
		case 0:
			dead = both
		case 1, 2:
			dead = both[1:]
		}
		// Most of them are to hit a server at work, the others one that is starting.
		if chance.IntN(4) > 0 {
			for _, v := range dead {
				v.waitServing()
			}
			switch chance.IntN(9) {
			case 0: // long enough for leases to come up and to be renewed
				time.Sleep(time.Duration(500+chance.IntN(1000)) * time.Millisecond)
			case 1, 2, 3: // at once after an answer: what was said has to be true
				select {
				case <-answered:
				case <-time.After(500 * time.Millisecond):
				}
			default:
				time.Sleep(time.Duration(chance.IntN(300)) * time.Millisecond)
			}
		} else {
			time.Sleep(time.Duration(chance.IntN(120)) * time.Millisecond)
		}
		for _, v := range dead {
			v.kill()
			deaths++
		}
		for _, v := range dead {
			v.start()
		}
		if t.Failed() {
			break
		}
	}
	took := time.Since(began)
	for _, v := range both {
		v.waitServing()
	}
	// A slow machine has not come to much yet. Now nobody is killed any more.
	for deadline := time.Now().Add(5 * time.Minute); site.known.idle(*kills) && time.Now().Before(deadline) && !t.Failed(); {
		time.Sleep(50 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		manager.look(ctx)
		cancel()
	}
	close(stop)
	work.Wait()
	manager.settle()
	if after := site.entries(before); after != before {
		t.Errorf("the directory had\n%s\nand in the end has\n%s", before, after)
	}
	manager.term()
	site.term()
	k := site.known
	k.runs(t, actors.RoleAuthority.String(), filepath.Join(filepath.Dir(site.yaml()), "site.runs"))
	k.runs(t, actors.RoleManager.String(), manager.config.Actors[0].Handler.Journal)
	t.Logf("%d rounds, %d processes killed in %v; %d reservations accepted, %d seen active, %d seen renewed", *kills, deaths,
		took.Round(time.Second), len(k.accepted), len(k.active), len(k.renewed))
	if k.idle(*kills) {
		t.Errorf("too little was going on: %d accepted, %d active", len(k.accepted), len(k.active))
	}
	if t.Failed() {
		t.Logf("the servers said\n%s\n%s", site.log.String(), manager.log.String())
	}
}

// work requests, extends, modifies and closes leases as fast as the servers answer, and looks
// at everything in between.
func (s *victim) work(stop, answered chan struct{}, chance *rand.Rand) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(chance.IntN(60)) * time.Millisecond):
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		ref := manage.Ref{Actor: "manager", Reservation: s.known.any(chance)}
		var err error
		switch pick := chance.IntN(12); {
		case pick < 4 || ref.Reservation == "":
			s.request(ctx, chance)
		case pick < 6:
			_, err = s.client.Extend(ctx, manage.Extension{Ref: ref, Length: "2s"})
		case pick == 6:
			_, err = s.client.Close(ctx, ref)
		case pick < 9:
			_, err = s.client.Modify(ctx, manage.Modification{Ref: ref, Subcommand: "restart"})
		default:
			s.look(ctx)
		}
		cancel()
		if err == nil {
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	}
}

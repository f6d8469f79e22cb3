package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
)

const cycle = 100 * time.Millisecond

var (
	kills     = flag.Int("kills", 50, "how often TestKill kills a server with a file")
	killsElse = flag.Int("kills-remote", 15, "how often TestKill kills a server with a store elsewhere")
)

// TestKill kills the real server with SIGKILL at random moments, with each kind of
// durable store, while leases are requested, extended and closed. Whatever the
// server had accepted must be known after every restart, no host may ever have two
// units, and when the killing ends every lease must come to its end and the
// directory be as it was.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("bbolt", func(t *testing.T) {
		t.Parallel()
		killing(t, config.Store{}, "", *kills)
	})
	t.Run("ldap", func(t *testing.T) {
		t.Parallel()
		s := setup.StartSlapd(t)
		killing(t, config.Store{Kind: config.StoreLDAP, URL: s.URL, Bind: s.BindDN, Base: s.Base.Parent().Child("ou", "records")}, s.Password, *killsElse)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url, password := setup.StartPostgres(t).Address(t)
		// The server before was killed and gave nothing up: the lease is short.
		killing(t, config.Store{Kind: config.StorePostgres, URL: url, Lease: 100 * time.Millisecond}, password, *killsElse)
	})
}

// killing is TestKill with one store.
func killing(t *testing.T, place config.Store, password string, kills int) {
	s := &victim{t: t, accepted: map[string]bool{}, over: map[string]bool{}, active: map[string]bool{}}
	s.config = s.prepare(place, password)
	s.client = manage.NewClient(s.config.Admin)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))

	s.start()
	s.waitServing()
	before := s.entries()
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { s.work(stop, rand.New(rand.NewPCG(seed, 2))) })
	for range kills {
		// Where a start takes longer, most of them are to hit a server at work.
		if place.Kind != "" && chance.IntN(4) > 0 {
			s.waitServing()
		}
		time.Sleep(time.Duration(50+chance.IntN(350)) * time.Millisecond)
		s.kill()
		s.start()
	}
	close(stop)
	work.Wait()
	s.waitServing()
	s.settle()
	if after := s.entries(); after != before {
		t.Errorf("the directory had\n%s\nand in the end has\n%s", before, after)
	}
	s.term()
	t.Logf("%d kills; %d reservations accepted, %d seen active", kills, len(s.accepted), len(s.active))
	if len(s.accepted) < kills/5 || len(s.active) < kills/10 {
		t.Errorf("too little was going on: %d accepted, %d active", len(s.accepted), len(s.active))
	}
}

// victim is the server process and what is known about it from outside.
type victim struct {
	t       *testing.T
	config  config.Config
	path    string // of the configuration; empty for leasehold.yaml beside the state folder
	client  *manage.Client
	process *os.Process
	wait    func() error
	log     lockedBuffer

	mu       sync.Mutex
	accepted map[string]bool // reservations whose request was answered
	over     map[string]bool // of these, seen Closed or Failed at the manager: it may forget them one day
	active   map[string]bool // of these, seen Active at the manager
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write keeps the last part of what the servers log.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		l.b.Reset()
	}
	return l.b.Write(p)
}

// reset forgets it.
func (l *lockedBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// String is what was written last.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (s *victim) prepare(place config.Store, password string) config.Config {
	dir, err := os.MkdirTemp("", "leasehold-kill-") // t.TempDir's path is too long for a socket
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.process != nil {
			_ = s.process.Kill() // a test that failed leaves no server behind
		}
		_ = os.RemoveAll(dir)
	})
	free := func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	c, err := starter.Make(starter.Plan{Dir: dir, Nodes: 16, Listen: free(), LDAP: free(), Cycle: cycle,
		Driver: config.Handler{Driver: "noop", SetupDelay: 30 * time.Millisecond, TeardownDelay: 30 * time.Millisecond}})
	if err != nil {
		s.t.Fatal(err)
	}
	if place.Kind != "" {
		c.Store = place
		c.Store.PasswordFile = dir + "/store.password"
		if err := os.WriteFile(c.Store.PasswordFile, []byte(password+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	c.Log.Level = "warn"
	if err := os.WriteFile(dir+"/leasehold.yaml", c.YAML(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *victim) start() {
	path := s.path
	if path == "" {
		path = strings.TrimSuffix(s.config.State, "/state") + "/leasehold.yaml"
	}
	cmd := program(context.Background(), "serve", "--config", path)
	cmd.Stderr = &s.log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process, s.wait = cmd.Process, cmd.Wait
}

func (s *victim) kill() {
	if err := s.process.Kill(); err != nil {
		s.t.Fatalf("the server had stopped by itself: %v\n%s", err, s.log.String())
	}
	if err := s.wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		s.t.Fatalf("the server had stopped by itself: %v\n%s", err, s.log.String())
	}
}

func (s *victim) term() {
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.wait(); err != nil {
		s.t.Errorf("after SIGTERM the server ended with %v\n%s", err, s.log.String())
	}
}

func (s *victim) waitServing() {
	deadline := time.Now().Add(20 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		list, err := s.client.Actors(ctx)
		cancel()
		if err == nil && len(list) == 3 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not serve: %v\n%s", err, s.log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// work requests, extends and closes leases as fast as the server answers, and
// looks at everything in between.
func (s *victim) work(stop chan struct{}, chance *rand.Rand) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(chance.IntN(120)) * time.Millisecond):
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		switch chance.IntN(6) {
		case 0, 1:
			s.request(ctx, chance)
		case 2:
			if id := s.any(chance); id != "" {
				_, _ = s.client.Extend(ctx, manage.Extension{Ref: manage.Ref{Actor: "manager", Reservation: id}, Length: "2s"})
			}
		case 3:
			if id := s.any(chance); id != "" && chance.IntN(3) == 0 {
				_, _ = s.client.Close(ctx, manage.Ref{Actor: "manager", Reservation: id})
			}
		default:
			s.look(ctx)
		}
		cancel()
	}
}

func (s *victim) request(ctx context.Context, chance *rand.Rand) {
	id := uuid.NewString()
	_, err := s.client.Request(ctx, manage.Order{Reservation: id, Slice: fmt.Sprintf("s%d", chance.IntN(3)), Type: string(starter.Type),
		Units: 1 + chance.IntN(2), Start: "+300ms", Length: fmt.Sprintf("%dms", 1500+chance.IntN(3000)),
		Request: map[string]string{"elastic": "true"}})
	if err == nil {
		s.mu.Lock()
		s.accepted[id] = true
		s.mu.Unlock()
	}
}

func (s *victim) any(chance *rand.Rand) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	pick := ""
	for id := range s.accepted {
		if n++; chance.IntN(n) == 0 {
			pick = id
		}
	}
	return pick
}

// look checks what must hold at any moment, if the server is there to be asked.
func (s *victim) look(ctx context.Context) []manage.Reservation {
	s.mu.Lock()
	known := len(s.accepted)
	want := make([]string, 0, known)
	for id := range s.accepted {
		if !s.over[id] {
			want = append(want, id)
		}
	}
	s.mu.Unlock()
	list, err := s.client.List(ctx, manage.Filter{})
	if err != nil {
		return nil
	}
	at := map[string]bool{}
	holder := map[string]string{}
	for _, r := range list {
		if r.Role == actors.RoleManager.String() {
			at[r.Reservation] = true
			s.mu.Lock()
			switch r.State {
			case actors.Active.String():
				s.active[r.Reservation] = true
			case actors.Closed.String(), actors.Failed.String():
				s.over[r.Reservation] = true
			}
			s.mu.Unlock()
		}
		if r.Role == actors.RoleAuthority.String() {
			for _, u := range r.Held {
				if other, twice := holder[u.Host]; twice {
					s.t.Errorf("host %s has units of %s and %s", u.Host, other, r.Reservation)
				}
				holder[u.Host] = r.Reservation
			}
		}
	}
	for _, id := range want {
		if !at[id] {
			s.t.Errorf("reservation %s was accepted and is lost", id)
		}
	}
	return list
}

// settle waits until every lease is over everywhere.
func (s *victim) settle() {
	deadline := time.Now().Add(60 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		list := s.look(ctx)
		cancel()
		open := ""
		for _, r := range list {
			if final := r.State == actors.Closed.String() || r.State == actors.Failed.String(); !final {
				open += fmt.Sprintf("\n%s at %s: %s,%s waits for %q, error %q", r.Reservation, r.Actor.Name, r.State, r.Pending, r.Waiting, r.Error)
			}
		}
		if list != nil && open == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not over after a minute:%s\n%s", open, s.log.String())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// entries lists the names in the directory.
func (s *victim) entries() string {
	d, err := ldapdir.Open(ldapdir.Config{URL: "ldap://" + s.config.Directory.Listen})
	if err != nil {
		s.t.Fatal(err)
	}
	defer d.Close()
	// The base is laid when the server starts, and the last entries go a moment
	// after the last lease: wait until nothing has changed for a while.
	last, same := "", 0
	for deadline := time.Now().Add(30 * time.Second); same < 8 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var out strings.Builder
		list, err := d.List(context.Background(), s.config.Directory.Base)
		for _, e := range list {
			fmt.Fprintln(&out, e.DN)
		}
		if same++; err != nil || out.String() != last || !strings.Contains(last, "ou=slices") {
			last, same = out.String(), 0
		}
	}
	return last
}

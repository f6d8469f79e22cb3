package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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

// cycle is how long the cycles of servers under test are.
const cycle = 100 * time.Millisecond

// server is the program as people install it, built once: without the race detector
// it starts ten times as fast.
var server = sync.OnceValues(func() (string, error) {
	path := filepath.Join(serverDir, "leasehold")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// victim is a server process that a test kills, and what is known about it.
type victim struct {
	t       *testing.T
	config  config.Config
	path    string // of the configuration; empty for leasehold.yaml beside the state folder
	client  *manage.Client
	process *os.Process
	wait    func() error
	log     lockedBuffer
	known   *known
	others  []*victim // servers of the same federation
}

func newVictim(t *testing.T) *victim { return &victim{t: t, known: newKnown()} }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write keeps the last part of what the servers log.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 8<<20 {
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

// prepare makes the folder of a server with that store; edit changes the plan.
func (s *victim) prepare(place config.Store, password string, edit ...func(*starter.Plan)) config.Config {
	s.t.Helper()
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
	plan := starter.Plan{Dir: dir, Nodes: 16, Listen: setup.Address(s.t), LDAP: setup.Address(s.t), Cycle: cycle,
		Driver: config.Handler{Driver: "noop", SetupDelay: 30 * time.Millisecond, TeardownDelay: 30 * time.Millisecond}}
	for _, e := range edit {
		e(&plan)
	}
	c, err := starter.Make(plan)
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
	s.config = c
	s.write()
	return c
}

// yaml is the server's configuration file.
func (s *victim) yaml() string {
	if s.path != "" {
		return s.path
	}
	return filepath.Join(filepath.Dir(s.config.State), starter.File)
}

// write writes the configuration down.
func (s *victim) write() {
	s.t.Helper()
	if err := os.WriteFile(s.yaml(), s.config.YAML(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.client = manage.NewClient(s.config.Admin)
}

func (s *victim) start() {
	s.t.Helper()
	path, err := server()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--config", s.yaml())
	cmd.Env = append(os.Environ(), "LEASEHOLD_CONFIG=", "LEASEHOLD_SOCKET=")
	cmd.Stderr = &s.log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process, s.wait = cmd.Process, cmd.Wait
}

func (s *victim) kill() {
	s.t.Helper()
	if err := s.process.Kill(); err != nil {
		s.t.Fatalf("the server had stopped by itself: %v\n%s", err, s.log.String())
	}
	if err := s.wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		s.t.Fatalf("the server had stopped by itself: %v\n%s", err, s.log.String())
	}
}

func (s *victim) term() {
	s.t.Helper()
	if err := s.process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.wait(); err != nil {
		s.t.Errorf("after SIGTERM the server ended with %v\n%s", err, s.log.String())
	}
}

// waitServing returns when the server knows its actors, and has read every record.
func (s *victim) waitServing() {
	s.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		list, err := s.client.Actors(ctx)
		cancel()
		if err == nil && len(list) == len(s.config.Actors) {
			for _, a := range list {
				if a.Quarantined > 0 {
					s.t.Errorf("actor %s cannot read %d records", a.Name, a.Quarantined)
				}
			}
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the server does not serve: %v\n%s", err, s.log.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// request asks for a lease.
func (s *victim) request(ctx context.Context, chance *rand.Rand) {
	id := uuid.NewString()
	_, err := s.client.Request(ctx, manage.Order{Reservation: id, Slice: fmt.Sprintf("s%d", chance.IntN(3)), Type: string(starter.Type),
		Units: 1 + chance.IntN(2), Start: "+300ms", Length: fmt.Sprintf("%dms", 1500+chance.IntN(4500)),
		Request: map[string]string{"elastic": "true"}})
	if err == nil {
		s.known.accept(id)
	}
}

// look checks what must hold at any moment, if the servers are there to be asked.
func (s *victim) look(ctx context.Context) []manage.Reservation {
	// One look at a time: an older answer must not be judged after a newer one.
	s.known.looking.Lock()
	defer s.known.looking.Unlock()
	want := s.known.open()
	var all []manage.Reservation
	complete := true
	for _, v := range append([]*victim{s}, s.others...) {
		list, err := v.client.List(ctx, manage.Filter{})
		if err != nil {
			complete = false
			continue
		}
		for _, p := range s.known.judge(list, time.Now()) {
			s.t.Error(p)
		}
		if v == s {
			for _, p := range missing(list, want) {
				s.t.Error(p)
			}
		}
		all = append(all, list...)
	}
	if !complete {
		return nil
	}
	return all
}

// settle waits until every lease is over everywhere.
func (s *victim) settle() {
	s.t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		list := s.look(ctx)
		cancel()
		open := ""
		for _, r := range list {
			if !final(r) {
				open += fmt.Sprintf("\n%s at %s: %s,%s waits for %q, error %q", r.Reservation, r.Actor.Name, r.State, r.Pending, r.Waiting, r.Error)
			}
		}
		if list != nil && open == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not over after five minutes:%s\n%s", open, s.log.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func final(r manage.Reservation) bool {
	return r.State == actors.Closed.String() || r.State == actors.Failed.String()
}

// entries lists the names in the directory. Those of the base are there when the site
// has laid it out, and those of leases are gone some time after these are over: if it is
// told what there should be in the end, it waits for that, and else until nothing has
// changed for seconds.
func (s *victim) entries(wanted ...string) string {
	s.t.Helper()
	d, err := ldapdir.Open(s.directory())
	if err != nil {
		s.t.Fatal(err)
	}
	defer d.Close()
	last, same := "", 0
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if len(wanted) > 0 && last == wanted[0] || len(wanted) == 0 && same >= 40 {
			break
		}
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

// directory is how to reach the server's directory.
func (s *victim) directory() ldapdir.Config {
	s.t.Helper()
	c := s.config.Directory
	if c.Embedded() {
		return ldapdir.Config{URL: "ldap://" + c.Listen}
	}
	secret, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		s.t.Fatal(err)
	}
	return ldapdir.Config{URL: c.URL, BindDN: c.Bind, Password: strings.TrimSpace(string(secret))}
}

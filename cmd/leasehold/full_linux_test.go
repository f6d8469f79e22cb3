package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/conformance/setup"
)

// inNamespace marks a test that has a mount namespace of its own.
const inNamespace = "LEASEHOLD_TEST_NAMESPACE"

// TestFullDisk takes away, from a server with a lease, the room for one record more:
// a file system without a free octet, a data base that only reads, a directory
// server that refuses writes or has no room. Nothing more is acknowledged then, and
// whoever looks is told why. With room again the server goes on by itself, and
// everything that was acknowledged is there; so it is for a server that was killed
// and started while there was none.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 && os.Getenv(inNamespace) == "" {
		mountable(t)
		return
	}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		s := newVictim(t)
		s.prepare(config.Store{}, "")
		if err := os.MkdirAll(s.config.State, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", s.config.State, "tmpfs", 0, "size=2m"); err != nil {
			t.Fatalf("a small file system: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(s.config.State, syscall.MNT_DETACH) })
		ballast := filepath.Join(s.config.State, "ballast")
		outage(t, s, "no space left on device", func() {
			f, err := os.Create(ballast)
			for block := make([]byte, 4096); err == nil; {
				_, err = f.Write(block)
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			f.Close()
		}, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	})
	if os.Getenv(inNamespace) != "" {
		return // the servers below are somebody else's business, see mountable
	}
	servers(t)
}

// servers is the part of TestFullDisk that needs no file system.
func servers(t *testing.T) {
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		p := setup.StartPostgres(t)
		url, password := p.Address(t)
		s := newVictim(t)
		s.prepare(config.Store{Kind: config.StorePostgres, URL: url, Lease: time.Second}, password)
		set := func(what string) func() {
			return func() {
				for _, sql := range []string{"ALTER SYSTEM SET default_transaction_read_only = " + what, "SELECT pg_reload_conf()"} {
					if err := p.Exec("postgres", sql); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		outage(t, s, "read-only transaction", set("on"), set("off"))
	})
	for name, how := range map[string]struct {
		says string
		conf string
	}{
		"slapd that only reads": {"operation restricted", "readonly on"},
		"slapd without room":    {"Result Code 80", "maxsize 40960"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := setup.StartSlapd(t)
			s := newVictim(t)
			s.prepare(config.Store{Kind: config.StoreLDAP, URL: d.URL, Bind: d.BindDN, Base: d.Base.Parent().Child("ou", "records")}, d.Password)
			outage(t, s, how.says, func() { d.Configure(how.conf) }, func() { d.Configure() })
		})
	}
}

// mountable runs the part of TestFullDisk that mounts in a namespace of its own,
// where whoever runs the tests is root.
func mountable(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	servers(t)
}

// outage is TestFullDisk with one place of records. fill makes it refuse, with an
// error that says so; free ends that.
func outage(t *testing.T, s *victim, says string, fill, free func()) {
	s.config.Log.Level = "info"
	s.write()
	s.start()
	s.waitServing()
	before := s.entries()
	first := s.lease(t, "+300ms", "1h")
	s.waitActive(t, first)

	for _, again := range []bool{false, true} {
		fill()
		if again { // the server dies, and starts where there is no room
			s.kill()
			s.log.reset()
			_ = os.Remove(s.config.Admin)
			s.start()
			for s.alive() && s.idle() {
				time.Sleep(20 * time.Millisecond)
			}
		}
		s.unanswered(t, says)
		if again && !s.alive() && !strings.Contains(s.log.String(), says) {
			t.Errorf("a server that starts without room does not say %q:\n%s", says, s.log.String())
		}
		if !again && (!s.alive() || !strings.Contains(s.log.String(), "the store refuses records")) {
			t.Errorf("nobody is told that the store refuses:\n%s", s.log.String())
		}
		free()
		if again && !s.alive() { // it said so and ended: its supervisor starts it again
			s.start()
		}
		s.waitServing()
		s.waitActive(t, s.lease(t, "+300ms", "1h"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		if s.look(ctx) == nil {
			t.Error("it lists nothing")
		}
		cancel()
		for deadline := time.Now().Add(2 * time.Minute); s.stalled(t, ""); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("it still says that the store refuses")
			}
		}
	}
	for _, id := range s.known.open() {
		if _, err := s.client.Close(t.Context(), manage.Ref{Actor: "manager", Reservation: id}); err != nil && manage.ExitCode(err) != 5 {
			t.Errorf("closing %s: %v", id, err)
		}
	}
	s.settle()
	if after := s.entries(before); after != before {
		t.Errorf("the directory had\n%s\nand in the end has\n%s", before, after)
	}
	s.term()
}

// lease asks for one and expects to get it, though perhaps after a while.
func (s *victim) lease(t *testing.T, start, length string) (id string) {
	t.Helper()
	id = uuid.NewString()
	// What was taken while there was room may hold every host for some seconds.
	order := manage.Order{Reservation: id, Slice: "kept", Type: string(starter.Type), Units: 1, Start: start, Length: length,
		Request: map[string]string{"deferrable": "true"}}
	var err error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		_, err = s.client.Request(ctx, order)
		cancel()
		if err == nil {
			s.known.accept(id)
			return id
		}
	}
	t.Fatalf("a lease was not taken: %v\n%s", err, s.log.String())
	return ""
}

func (s *victim) waitActive(t *testing.T, id string) {
	t.Helper()
	goal := manage.Goal{Ref: manage.Ref{Actor: "manager", Reservation: id}, States: []string{"Active"}, Timeout: 3 * time.Minute}
	if _, err := s.client.Wait(t.Context(), goal); err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}
}

// unanswered asks for leases until one is not taken because the store refuses, or the
// server has ended. What is in the file already may have room for some.
func (s *victim) unanswered(t *testing.T, says string) {
	t.Helper()
	chance := rand.New(rand.NewPCG(1, 1))
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		n := len(s.known.open())
		s.request(ctx, chance)
		cancel()
		if len(s.known.open()) == n && (!s.alive() || s.stalled(t, says)) {
			return
		}
	}
	t.Fatalf("the server takes leases where there is no room for any, or says nothing of it:\n%s", s.log.String())
}

// stalled says whether actor list tells that a store refuses, for that reason.
func (s *victim) stalled(t *testing.T, says string) bool {
	t.Helper()
	code, out, _ := call(t, "actor", "list", "--config", s.yaml())
	if code != 0 || !strings.Contains(out, "store refuses since") {
		return false
	}
	if !strings.Contains(out, says) {
		t.Errorf("actor list does not say %q:\n%s", says, out)
	}
	return true
}

// idle says whether the server does not serve yet.
func (s *victim) idle() bool {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Second)
	defer cancel()
	_, err := s.client.Actors(ctx)
	return err != nil
}

// alive says whether the server runs.
func (s *victim) alive() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

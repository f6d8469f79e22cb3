package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wssec"
)

// registryServer is a registry process of a test.
type registryServer struct {
	t              *testing.T
	file, url, pin string
	cmd            *exec.Cmd
	log            lockedBuffer
}

// newRegistryServer makes and starts a registry; edit changes its configuration.
func newRegistryServer(t *testing.T, edit ...string) *registryServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-reg-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := setup.Address(t)
	code, out, errs := call(t, "registry", "init", dir, "--listen", address, "--json")
	var made struct{ File, Fingerprint string }
	if err := json.Unmarshal([]byte(out), &made); code != 0 || err != nil {
		t.Fatalf("%d %s %s %v", code, out, errs, err)
	}
	text, err := os.ReadFile(made.File)
	if err == nil {
		err = os.WriteFile(made.File, []byte(strings.NewReplacer(edit...).Replace(string(text))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &registryServer{t: t, file: made.File, url: "https://" + address + "/registry/", pin: made.Fingerprint}
	r.start()
	t.Cleanup(func() {
		if r.cmd != nil {
			_ = r.cmd.Process.Kill()
			_ = r.cmd.Wait()
		}
	})
	return r
}

func (r *registryServer) start() {
	r.t.Helper()
	path, err := server()
	if err != nil {
		r.t.Fatal(err)
	}
	r.cmd = exec.Command(path, "registry", "serve", "--config", r.file)
	r.cmd.Env = append(os.Environ(), "LEASEHOLD_CONFIG=", "LEASEHOLD_SOCKET=")
	r.cmd.Stderr = &r.log
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if code, _, _ := call(r.t, "registry", "list", "--config", r.file); code == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the registry does not serve\n%s", r.log.String())
		}
	}
}

func (r *registryServer) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("the registry ended with %v\n%s", err, r.log.String())
	}
	r.cmd = nil
}

// say runs a command against the registry that has to succeed.
func (r *registryServer) say(args ...string) string {
	r.t.Helper()
	code, out, errs := call(r.t, append(append([]string{"registry"}, args...), "--config", r.file)...)
	if code != 0 {
		r.t.Fatalf("registry %v: exit %d\n%s%s\n%s", args, code, out, errs, r.log.String())
	}
	return out
}

// TestRegistry brings three servers together that have never heard of one another: each
// registers, an operator verifies them, and what they learn is enough for a lease. When
// the registry is gone and they have started anew, they still know.
func TestRegistry(t *testing.T) {
	t.Parallel()
	// Each server has a loopback address of its own, and calls from another.
	r := newRegistryServer(t, "loopback_actors: hidden", "loopback_actors: listed", "client_addresses: own", "client_addresses: any")
	roles := []actors.Role{actors.RoleAuthority, actors.RoleBroker, actors.RoleManager}
	begin := time.Now().Truncate(time.Minute)
	var all []*victim
	for _, role := range roles {
		s := newVictim(t)
		s.prepare(config.Store{}, "", func(p *starter.Plan) { p.Roles, p.Begin = []actors.Role{role}, begin })
		s.config.Registries = []config.Membership{{URL: r.url, Fingerprint: r.pin, Profile: wssec.Strict, Every: time.Second}}
		s.config.Actors[0].DefaultBroker = ""
		all = append(all, s)
	}
	site, broker, manager := all[0], all[1], all[2]
	broker.config.Clock, manager.config.Clock = site.config.Clock, site.config.Clock
	for _, s := range all {
		s.write()
		s.start()
	}
	for _, s := range all {
		s.waitServing()
	}
	eventually := func(what string, try func() error) {
		t.Helper()
		for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			err := try()
			if err == nil {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %v\nregistry:\n%s\nmanager:\n%s\nbroker:\n%s\nsite:\n%s", what, err, r.log.String(), tail(manager), tail(broker), tail(site))
			}
		}
	}
	for _, s := range all {
		name := s.config.Actors[0].Name
		eventually("register "+name, func() error {
			_, err := registeredIn(t, r, name)
			return err
		})
	}
	// Nobody knows anybody before an operator has said so.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	export := manage.Export{To: "broker", Type: string(starter.Type), Units: 3, Length: "1d"}
	if d, err := site.client.Export(ctx, export); err == nil {
		t.Errorf("exported to a stranger: %+v", d)
	}
	for _, s := range all {
		if out := r.say("verify", s.config.Actors[0].Name); !strings.Contains(out, "verified") {
			t.Error(out)
		}
	}
	var d manage.Delegation
	eventually("export", func() (err error) { d, err = site.client.Export(ctx, export); return err })
	eventually("claim", func() error { return broker.client.Claim(ctx, manage.Claim{From: "site", Reservation: d.ID}) })
	lease := func() {
		t.Helper()
		eventually("lease", func() error {
			order := manage.Order{Slice: "demo", Type: string(starter.Type), Units: 1, Length: "1h", Broker: "broker"}
			got, err := manager.client.Request(ctx, order)
			if err != nil {
				return err
			}
			ref := manage.Ref{Reservation: got.Reservation}
			if _, err = manager.client.Wait(ctx, manage.Goal{Ref: ref, States: []string{"Active"}, Timeout: 2 * time.Minute}); err != nil {
				return err // the broker may not have what it claimed
			}
			if _, err := manager.client.Close(ctx, ref); err != nil {
				return err
			}
			_, err = manager.client.Wait(ctx, manage.Goal{Ref: ref, States: []string{"Closed"}, Timeout: 2 * time.Minute})
			return err
		})
	}
	lease()
	// A backup takes along what was learned.
	saved := filepath.Join(shortDir(t), "b.tar.gz")
	backup(t, "create", saved, "--config", manager.yaml())
	home := filepath.Join(filepath.Dir(saved), "new")
	backup(t, "restore", saved, home)
	want, err := os.ReadFile(filepath.Join(manager.config.State, wiring.LearnedFile))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(home, "state", wiring.LearnedFile)); err != nil || string(got) != string(want) {
		t.Errorf("the backup has %q, %v", got, err)
	}
	r.stop()
	for _, s := range all {
		s.term()
		s.start()
		s.waitServing()
	}
	lease()
	for _, s := range all {
		s.term()
	}
}

// registeredIn is what registry show says of an actor.
func registeredIn(t *testing.T, r *registryServer, name string) (e registryEntry, err error) {
	t.Helper()
	code, out, errs := call(t, "registry", "show", name, "--config", r.file, "--json")
	if code != 0 {
		return e, &actors.Error{Kind: actors.NotFound, Op: errs}
	}
	return e, json.Unmarshal([]byte(out), &e)
}

// Another server than the pinned one: the actors say so, run, and know nobody.
func TestRegistryPin(t *testing.T) {
	t.Parallel()
	r := newRegistryServer(t, "verify: operator", "verify: nobody")
	s := newVictim(t)
	s.prepare(config.Store{}, "", func(p *starter.Plan) { p.Roles = []actors.Role{actors.RoleManager} })
	s.config.Actors[0].DefaultBroker = ""
	s.config.Registries = []config.Membership{{URL: r.url, Fingerprint: strings.Repeat("AB:", 31) + "AB", Profile: wssec.Strict, Every: time.Second}}
	s.write()
	s.start()
	s.waitServing()
	for deadline := time.Now().Add(2 * time.Minute); !strings.Contains(s.log.String(), "another certificate than the one pinned"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never says so\n%s", s.log.String())
		}
	}
	if out := r.say("list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("registered: %s", out)
	}
	s.term()
}

func TestRegistryCommands(t *testing.T) {
	t.Parallel()
	r := newRegistryServer(t)
	for _, args := range [][]string{{"show", "nobody"}, {"verify", "nobody"}, {"revoke", "nobody"}, {"remove", "nobody"}} {
		if code, _, errs := call(t, append(append([]string{"registry"}, args...), "--config", r.file)...); code != 3 {
			t.Errorf("%v: exit %d, %s", args, code, errs)
		}
	}
	if code, _, errs := call(t, "registry", "init", filepath.Dir(r.file)); code != 5 || !strings.Contains(errs, "exists") {
		t.Errorf("init again: exit %d, %s", code, errs)
	}
	if out := r.log.String(); !strings.Contains(out, r.pin) || !strings.Contains(out, "md5=") {
		t.Errorf("no fingerprints:\n%s", out)
	}
	r.stop()
	if code, _, errs := call(t, "registry", "list", "--config", r.file); code != 7 {
		t.Errorf("list of nobody: exit %d, %s", code, errs)
	}
	bad := filepath.Join(t.TempDir(), "registry.yaml")
	if err := os.WriteFile(bad, []byte("version: 1\nkey: k\nclient_certificates: never\nimages: [{version: 1}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := call(t, "registry", "serve", "--config", bad)
	if code != 2 || !strings.Contains(errs, "certificate: is missing") || !strings.Contains(errs, `unknown value "never"`) || !strings.Contains(errs, "images[0].name: is missing") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

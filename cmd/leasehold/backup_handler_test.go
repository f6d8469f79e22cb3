package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/wssec/keys"
)

// TestBackupHandler loses a site whose handler is a script, with the script, the keys of
// machines and what the script has done. Restored in an empty folder it takes down what it
// had set up before.
func TestBackupHandler(t *testing.T) {
	t.Parallel()
	s := newVictim(t)
	s.prepare(config.Store{}, "")
	home, marks := filepath.Dir(s.config.State), t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(home, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(home, name)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	host, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	id, err := keys.Generate(rand.Reader, uuid.NewString(), "site", keys.RSA2048, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	identity := filepath.Join(home, "agents")
	if err := id.Save(identity); err != nil {
		t.Fatal(err)
	}
	text := `version: 1
actions:
  setup:
    - {run: [touch, "MARKS/${unit.id}"]}
  teardown:
    - {run: [rm, "MARKS/${unit.id}"]}
`
	h := &config.Handler{Driver: "script", Here: true, Script: write("web.yaml", []byte(strings.ReplaceAll(text, "MARKS", marks)))}
	h.Settings = map[string]string{config.SettingPassword: write("ldap", []byte("secret\n"))}
	for _, name := range []string{"spare1", "spare2"} {
		h.Machines = append(h.Machines, config.Machine{Name: name, Address: "127.0.0.1:22", User: "root", Key: write("key", pem.EncodeToMemory(block)), HostKeys: write("hosts", ssh.MarshalAuthorizedKey(host)),
			Agent: "http://127.0.0.1:6/xmlrpc", Certificate: write("agent.pem", keys.CertificatePEM(id.Cert)), Identity: identity})
	}
	for i, a := range s.config.Actors {
		if a.Role == actors.RoleAuthority {
			s.config.Actors[i].Handler = h
		}
	}
	s.write()
	s.start()
	s.waitServing()
	lease := uuid.NewString()
	if _, err := s.client.Request(t.Context(), manage.Order{Reservation: lease, Slice: "kept", Type: string(starter.Type), Units: 2, Start: "+300ms", Length: "1h"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Wait(t.Context(), manage.Goal{Ref: manage.Ref{Actor: "manager", Reservation: lease}, States: []string{"Active"}, Timeout: time.Minute}); err != nil {
		t.Fatalf("%v\n%s", err, s.log.String())
	}
	count := func(dir string) int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Error(err)
		}
		return len(list)
	}
	if n := count(marks); n != 2 {
		t.Fatalf("%d units are set up", n)
	}
	var site string
	for _, a := range s.config.Actors {
		if a.Handler == h {
			site = a.Name
		}
	}
	results := count(wiring.ResultsFolder(s.config, site))
	dir := shortDir(t)
	file := filepath.Join(dir, "b.tar.gz")
	backup(t, "create", file, "--config", s.yaml())
	backup(t, "verify", file)
	s.kill()
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "new")
	backup(t, "restore", file, to)
	c, err := config.Load(filepath.Join(to, "leasehold.yaml"))
	if err != nil {
		t.Fatal(err) // it looks at every file that is named
	}
	for _, a := range c.Actors {
		if a.Name == site && (len(a.Handler.Machines) != 2 || a.Handler.Machines[0].Key != a.Handler.Machines[1].Key) {
			t.Errorf("the handler is %+v", a.Handler)
		}
	}
	if n := count(wiring.ResultsFolder(c, site)); n != results || n == 0 {
		t.Errorf("%d results of %d", n, results)
	}
	s.config, s.client = c, manage.NewClient(c.Admin)
	s.start()
	s.waitServing()
	if _, err := s.client.Close(t.Context(), manage.Ref{Actor: "manager", Reservation: lease}); err != nil {
		t.Fatal(err)
	}
	s.settle()
	if n := count(marks); n != 0 {
		t.Errorf("%d units are left", n)
	}
	s.term()
}

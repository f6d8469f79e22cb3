package wiring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/run"
)

// TestMachines: a unit's commands run on the machine its host is on, which is known by
// its key; the driver xen is told what the machines take.
func TestMachines(t *testing.T) {
	t.Parallel()
	s := setup.StartSSHD(t, "")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	m := config.Machine{Name: "dom0a", Address: s.Addr, User: s.User, Key: write("key", s.PrivateKey), Migrate: "192.0.2.1",
		HostKeys: write("pins", ssh.MarshalAuthorizedKey(s.HostKey))}
	on, err := openMachines([]config.Machine{m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { on.Close() })
	for _, u := range []actors.Unit{{Host: "dom0a"}, {Host: "h1", Properties: actors.Properties{handlers.ParamMachine: "dom0a"}}} {
		if o, err := on.of(u).Run(t.Context(), run.Cmd{Args: []string{"echo", "here"}}); err != nil || o.Stdout != "here\n" {
			t.Errorf("%+v: %+v, %v", u, o, err)
		}
	}
	if _, err := on.of(actors.Unit{Host: "h2"}).Run(t.Context(), run.Cmd{Args: []string{"true"}}); err == nil || !strings.Contains(err.Error(), "no machine \"h2\"") {
		t.Errorf("a machine that nobody configured: %v", err)
	}
	p := &Process{}
	d, of, err := p.driver(&config.Handler{Driver: "xen", Machines: []config.Machine{m}})
	if err != nil || d == nil || of == nil || len(p.closers) != 1 {
		t.Errorf("%v, %v, %d", d, err, len(p.closers))
	}
	other := m
	other.Forced = true
	if _, _, err := p.driver(&config.Handler{Driver: "xen", Machines: []config.Machine{m, other}}); err == nil {
		t.Error("some machines forced and some not")
	}
	for _, broken := range []func(*config.Machine){
		func(m *config.Machine) { m.Key = filepath.Join(dir, "none") },
		func(m *config.Machine) { m.Key = m.HostKeys },
		func(m *config.Machine) { m.HostKeys = m.Key },
	} {
		b := m
		broken(&b)
		if _, err := openMachines([]config.Machine{m, b}); err == nil || !strings.Contains(err.Error(), "machine dom0a") {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

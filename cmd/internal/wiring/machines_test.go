package wiring

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/scripted"
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
	with := func(h config.Handler) *Actor {
		return &Actor{Config: config.Actor{Name: "a", Handler: &h}, log: logrus.New()}
	}
	d, of, err := p.driver(with(config.Handler{Driver: "xen", Machines: []config.Machine{m}}))
	if err != nil || d == nil || of == nil || len(p.closers) != 1 {
		t.Errorf("%v, %v, %d", d, err, len(p.closers))
	}
	other := m
	other.Forced = true
	if _, _, err := p.driver(with(config.Handler{Driver: "xen", Machines: []config.Machine{m, other}})); err == nil {
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

// TestScript: an actor's script runs on the unit's machine and on this one, and what it
// did is known after a restart.
func TestScript(t *testing.T) {
	t.Parallel()
	s := setup.StartSSHD(t, "")
	dir := t.TempDir()
	file := func(name, data string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	h := config.Handler{Driver: "script", Here: true, Script: file("s.yaml", `
version: 1
actions:
  setup:
    - {run: [sh, -c, 'echo "$${SSH_CONNECTION:+far}"'], save: unit.where}
    - {run: [sh, -c, 'echo "$${SSH_CONNECTION:-near}"'], on: local, save: unit.local}
    - {run: ["true"], on: ssh, when: unit.id == 'u1'}
    - {driver: noop}
    - {shell: 'echo x >> "$F"', on: local, env: {F: "${config.file}"}}
    - {run: [date, +%s.%N], save: unit.time}
`), Machines: []config.Machine{{Name: "far", Address: s.Addr, User: s.User, Key: file("key", string(s.PrivateKey)),
		HostKeys: file("pins", string(ssh.MarshalAuthorizedKey(s.HostKey)))}}}
	times := map[string]string{}
	for _, c := range []struct {
		unit       actors.UnitID
		host, want string
		n          int
	}{{"u1", "far", "far", 1}, {"u1", "far", "far", 1}, {"u2", "other", "", 2}} {
		p := &Process{config: config.Config{State: dir}}
		d, on, err := p.driver(&Actor{Config: config.Actor{Name: "a", Handler: &h}, log: logrus.New()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Setup(t.Context(), on(actors.Unit{ID: c.unit, Host: c.host}), handlers.Params{handlers.ParamUnit: string(c.unit),
			handlers.ParamSequence: "1", "config.file": filepath.Join(dir, "count")})
		if err != nil || r.Properties["unit.where"] != c.want || r.Properties["unit.local"] != "near" {
			t.Fatalf("%+v, %v", r, err)
		}
		if before := times[string(c.unit)]; before != "" && before != r.Properties["unit.time"] {
			t.Error("it ran again")
		}
		times[string(c.unit)] = r.Properties["unit.time"]
		if data, _ := os.ReadFile(filepath.Join(dir, "count")); strings.Count(string(data), "x") != c.n {
			t.Errorf("ran %q times", data)
		}
		for _, c := range p.closers {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestDrivers: every driver that configurations name is there, and only those; none takes
// from a lessee what the site alone may say.
func TestDrivers(t *testing.T) {
	t.Parallel()
	all, err := Catalogue(scripted.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range all.All() {
		names = append(names, i.Name)
		if i.Doc == "" || !strings.HasSuffix(i.Doc, ".") {
			t.Errorf("%s says %q of itself", i.Name, i.Doc)
		}
	}
	slices.Sort(names)
	if want := slices.Sorted(slices.Values(append([]string{"noop"}, config.Drivers...))); !slices.Equal(names, want) {
		t.Errorf("the program has %v, configurations name %v", names, want)
	}
	dir := t.TempDir()
	h := config.Handler{Driver: "exec", Here: true, Settings: map[string]string{"exec.check": "test -e " + dir + "/x", "exec.setup": "touch " + dir + "/x"}}
	d, on, err := (&Process{}).driver(&Actor{Config: config.Actor{Name: "a", Handler: &h}, log: logrus.New()})
	if err != nil {
		t.Fatal(err)
	}
	odd := config.Handler{Driver: "exec", Here: true, Settings: map[string]string{"exec.setpu": "x"}}
	if _, _, err := (&Process{}).driver(&Actor{Config: config.Actor{Name: "a", Handler: &odd}, log: logrus.New()}); err == nil || !strings.Contains(err.Error(), `did you mean "exec.setup"?`) {
		t.Error(err)
	}
	p := handlers.Params{handlers.ParamUnit: "u1", "exec.setup": "touch " + dir + "/evil", "exec.teardown": "touch " + dir + "/evil"}
	for _, call := range []func(context.Context, run.Runner, handlers.Params) (handlers.Result, error){d.Setup, d.Teardown} {
		if r, err := call(t.Context(), on(actors.Unit{ID: "u1"}), p); err != nil || !r.Done {
			t.Error(r, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "x" {
		t.Error("a lessee chose a command: ", left)
	}
	if _, err := handlers.Modify(t.Context(), d, on(actors.Unit{}), p); handlers.CodeOf(err) != handlers.ExitUnknown {
		t.Error(err)
	}
}

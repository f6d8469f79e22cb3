package systemd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/systemd"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

const service = "[Unit]\nDescription=web\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"

func params(root string) handlers.Params {
	return handlers.Params{handlers.ParamUnit: "u1", systemd.Name: "web.service", systemd.Content: service, systemd.Root: root}
}

func folder(t *testing.T) (root, units string) {
	t.Helper()
	root = t.TempDir()
	units = root + "/etc/systemd/system"
	if err := os.MkdirAll(units, 0o755); err != nil {
		t.Fatal(err)
	}
	return root, units
}

// Real systemctl on the files of a system that does not run.
func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		root, units := folder(t)
		return drivertest.World{Driver: systemd.Driver{}, Params: params(root), On: localrun.Runner{},
			Up: func() bool {
				text, err := os.ReadFile(units + "/web.service")
				_, wanted := os.Lstat(units + "/multi-user.target.wants/web.service")
				return err == nil && wanted == nil && string(text) == service
			},
			Clean: func() bool {
				left, _ := filepath.Glob(units + "/*web*")
				wants, _ := filepath.Glob(units + "/*/web*")
				return len(left)+len(wants) == 0
			}}
	})
}

// manager is a systemd that runs: it knows the unit files of its last reload.
type manager struct {
	localrun.Runner
	dir              string
	loaded, running  string // the unit file as loaded; what it said when the service was started
	enabled, started bool
}

func (m *manager) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if err := ctx.Err(); err != nil || c.Args[0] != "systemctl" {
		for i := range c.Args { // its files are in a folder
			c.Args[i] = strings.ReplaceAll(c.Args[i], "/etc/systemd/system", m.dir)
		}
		return m.Runner.Run(ctx, c)
	}
	switch c.Args[1] {
	case "daemon-reload":
		text, _ := os.ReadFile(m.dir + "/web.service")
		m.loaded = string(text)
	case "enable", "disable":
		if _, err := os.Stat(m.dir + "/web.service"); err != nil {
			return run.Output{Code: 1, Stderr: "no such unit"}, nil
		}
		m.enabled = c.Args[1] == "enable"
	case "start":
		if m.loaded == "" {
			return run.Output{Code: 5, Stderr: "not loaded"}, nil
		}
		if !m.started {
			m.started, m.running = true, m.loaded
		}
	case "stop":
		m.started = false
	case "is-active":
		if !m.started {
			return run.Output{Code: 3}, nil
		}
	default:
		return run.Output{}, fmt.Errorf("what is %s?", c)
	}
	return run.Output{}, nil
}

func TestRunning(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"new": "", "another version": "[Service]\nExecStart=/bin/false\n"} {
		t.Run(name, func(t *testing.T) {
			drivertest.Run(t, func(t *testing.T) drivertest.World {
				m := &manager{dir: t.TempDir()}
				p := params("")
				if before != "" {
					old := params("")
					old[systemd.Content] = before
					if _, err := (systemd.Driver{}).Setup(t.Context(), m, old); err != nil {
						t.Fatal(err)
					}
				}
				return drivertest.World{Driver: systemd.Driver{}, Params: p, On: m,
					Up: func() bool { return m.started && m.enabled && m.running == service },
					Clean: func() bool {
						left, _ := os.ReadDir(m.dir)
						return len(left) == 0 && !m.started && !m.enabled && m.loaded == ""
					}}
			})
		})
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	root, units := folder(t)
	if err := os.WriteFile(units+"/web.service", []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (systemd.Driver{}).Setup(t.Context(), localrun.Runner{}, params(root)); err == nil || !strings.Contains(err.Error(), "belongs to no unit") {
		t.Error(err)
	}
	if _, err := (systemd.Driver{}).Teardown(t.Context(), localrun.Runner{}, params(root)); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(units + "/web.service"); string(text) != "theirs" {
		t.Errorf("%s", text)
	}
	for _, name := range []string{"", "web", "../web.service", "-x.service", "a b.service"} {
		p := params(root)
		p[systemd.Name] = name
		if _, err := (systemd.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	if _, err := handlers.NewCatalogue(systemd.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

package useradd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/useradd"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// world is a system of its own below a folder, for the real useradd.
func world(t *testing.T) (dir string, p handlers.Params) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"etc/passwd": "root:x:0:0:root:/root:/bin/sh\nadam:x:5:5::/:/bin/sh\n", "etc/group": "root:x:0:\nusers:x:100:\n", "home/.keep": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, handlers.Params{handlers.ParamUnit: "u1", useradd.Login: "ada", useradd.Prefix: dir, useradd.UID: "4321", useradd.Groups: "users"}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		dir, p := world(t)
		read := func(name string) string { data, _ := os.ReadFile(filepath.Join(dir, name)); return string(data) }
		home := func() bool { _, err := os.Stat(filepath.Join(dir, "home/ada")); return err == nil }
		return drivertest.World{Driver: useradd.Driver{}, Params: p, On: localrun.Runner{},
			Up: func() bool {
				return strings.Contains(read("etc/passwd"), "\nada:!:4321:100:leasehold u1:/home/ada:/bin/sh\n") && home()
			},
			Clean: func() bool { return !strings.Contains(read("etc/passwd")+read("etc/group"), "ada:") && !home() }}
	})
}

func TestOthers(t *testing.T) {
	t.Parallel()
	dir, p := world(t)
	before, _ := os.ReadFile(dir + "/etc/passwd")
	d := useradd.Driver{}
	for login, says := range map[string]string{"root": "not this unit's", "adam": "not this unit's", "-x": "cannot name", "a:b": "cannot name", "": "missing", "a.*": "cannot name"} {
		p[useradd.Login] = login
		if _, err := d.Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", login, err)
		}
		if r, err := d.Teardown(t.Context(), localrun.Runner{}, p); says == "not this unit's" && (err != nil || !r.Done) {
			t.Error(r, err)
		}
	}
	if after, _ := os.ReadFile(dir + "/etc/passwd"); string(after) != string(before) {
		t.Errorf("%s", after)
	}
	// An account whose home was not made before the machine went down.
	p[useradd.Login] = "ada"
	if err := os.WriteFile(dir+"/etc/passwd", append(before, "ada:!:4321:100:leasehold u1:/home/ada:/bin/sh\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Setup(t.Context(), localrun.Runner{}, p); err != nil || r.Properties["unit.account.home"] != "/home/ada" {
		t.Error(r, err)
	}
	if _, err := os.Stat(dir + "/home/ada"); err != nil {
		t.Error(err)
	}
	if _, err := handlers.NewCatalogue(d.Info()); err != nil {
		t.Error(err)
	}
}

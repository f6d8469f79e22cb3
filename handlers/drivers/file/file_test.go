package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/file"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		driver file.Driver
		text   handlers.Params
		want   string
	}{
		"file":     {file.New(), handlers.Params{file.Content: "a ${unit.id}\n", file.Mode: "600"}, "a ${unit.id}\n"},
		"template": {file.NewTemplate(), handlers.Params{file.Template: "name=${unit.hostname}\nprice=$$5${x.y:- none}\n", file.Mode: "600"}, "name=n'1\"\nprice=$5 none\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drivertest.Run(t, func(t *testing.T) drivertest.World {
				dir := t.TempDir()
				p := handlers.Params{handlers.ParamUnit: "u1", "unit.hostname": "n'1\"", file.Path: dir + "/${unit.hostname}.conf"}
				for k, v := range c.text {
					p[k] = v
				}
				return drivertest.World{Driver: c.driver, Params: p, On: localrun.Runner{},
					Up: func() bool {
						text, err := os.ReadFile(filepath.Join(dir, "n'1\".conf"))
						info, _ := os.Stat(filepath.Join(dir, "n'1\".conf"))
						return err == nil && string(text) == c.want && info.Mode() == 0o600
					},
					Clean: func() bool { left, _ := os.ReadDir(dir); return len(left) == 0 }}
			})
		})
	}
}

// A file that was there, or another unit's, is left alone; no property leads elsewhere.
func TestOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := handlers.Params{handlers.ParamUnit: "u1", file.Path: dir + "/${unit.name}", "unit.name": "f", file.Content: "x"}
	if err := os.WriteFile(dir+"/f", []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := file.New()
	if _, err := d.Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), "belongs to no unit") {
		t.Error(err)
	}
	if r, err := d.Teardown(t.Context(), localrun.Runner{}, p); err != nil || !r.Done {
		t.Error(r, err)
	}
	if text, err := os.ReadFile(dir + "/f"); err != nil || string(text) != "theirs" {
		t.Errorf("%s, %v", text, err)
	}
	p["unit.name"] = "../f"
	if _, err := d.Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), "there is no unit.name") {
		t.Error(err)
	}
	p["unit.name"], p[file.Mode] = "g", "u+s"
	if _, err := d.Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), "is no mode") {
		t.Error(err)
	}
	if _, err := handlers.NewCatalogue(file.New().Info(), file.NewTemplate().Info()); err != nil {
		t.Error(err)
	}
	if g := file.New().Info().Guard(handlers.Params{file.Path: "/etc/passwd", "unit.name": "g"}, map[string]string{file.Content: "y"}); g[file.Path] != "" || g["unit.name"] != "g" || g[file.Content] != "y" {
		t.Error("a lessee chose the path: ", g)
	}
}

package nfsexport_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/nfsexport"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

// exportfs stands for the kernel's server: what it serves is what the files said when it
// was last told to read them.
const exportfs = "#!/bin/sh\ntest \"$*\" = -ra || exit 9\ncat \"$EXPORTS\"/*.exports > \"$EXPORTS/served\" 2>/dev/null || : > \"$EXPORTS/served\"\n"

type kernel struct {
	localrun.Runner
	bin string
}

func (k kernel) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if c.Args[0] == "exportfs" {
		c.Args[0] = k.bin + "/exportfs"
	}
	return k.Runner.Run(ctx, c)
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		dir := t.TempDir()
		exports, data, bin := dir+"/exports.d", dir+"/data", dir+"/bin"
		for _, d := range []string{exports, bin} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(bin+"/exportfs", []byte(exportfs), 0o755); err != nil {
			t.Fatal(err)
		}
		served := func() string { text, _ := os.ReadFile(exports + "/served"); return string(text) }
		return drivertest.World{Driver: nfsexport.Driver{}, On: kernel{localrun.Runner{Env: []string{"EXPORTS=" + exports, "PATH=" + os.Getenv("PATH")}}, bin},
			Params: handlers.Params{handlers.ParamUnit: "u1", nfsexport.Path: data, nfsexport.Clients: "10.0.0.1 fd00::/8", nfsexport.Options: "ro,sync", nfsexport.Folder: exports},
			Up: func() bool {
				_, err := os.Stat(data)
				return err == nil && served() == data+" 10.0.0.1(ro,sync) fd00::/8(ro,sync)\n"
			},
			Clean: func() bool {
				left, _ := filepath.Glob(exports + "/*.exports*")
				return served() == "" && len(left) == 0
			}}
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for says, change := range map[string][2]string{
		"neither an address":     {nfsexport.Clients, "*"},
		"names nobody":           {nfsexport.Clients, " "},
		"no absolute path":       {nfsexport.Path, "/a/../etc"},
		"cannot stand":           {nfsexport.Path, "/a b"},
		"no options":             {nfsexport.Options, "rw)\n/ *(rw"},
		"unit.id is missing":     {handlers.ParamUnit, ""},
		"\"x\" is no absolute p": {nfsexport.Folder, "x"},
	} {
		p := handlers.Params{handlers.ParamUnit: "u1", nfsexport.Path: "/srv/u1", nfsexport.Clients: "10.0.0.1"}
		p[change[0]] = change[1]
		if _, err := (nfsexport.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", change, err)
		}
	}
	if _, err := handlers.NewCatalogue(nfsexport.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

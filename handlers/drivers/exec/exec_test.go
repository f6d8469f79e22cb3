package exec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/exec"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run/localrun"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(t *testing.T) drivertest.World {
		dir := filepath.Join(t.TempDir(), "a b")
		return drivertest.World{Driver: exec.Driver{}, On: localrun.Runner{},
			Params: handlers.Params{"dir": dir, exec.Setup: `["mkdir", "${dir}"]`, exec.Teardown: `["rmdir", "${dir}"]`, exec.Check: "test -d ${dir}"},
			Up:     func() bool { _, err := os.Stat(dir); return err == nil }}
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for says, p := range map[string]handlers.Params{
		"exec.setup is missing":    {},
		"no list of arguments":     {exec.Setup: "[1]"},
		"names no program":         {exec.Setup: "[]"},
		"there is no x.y":          {exec.Setup: "echo ${x.y}"},
		"false ends with 1":        {exec.Setup: "false"},
		"that nothing has changed": {exec.Setup: "true", exec.Check: "false"},
	} {
		if _, err := (exec.Driver{}).Setup(t.Context(), localrun.Runner{}, p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", p, err)
		}
	}
	if r, err := (exec.Driver{}).Setup(t.Context(), localrun.Runner{}, handlers.Params{exec.Setup: "echo all well"}); err != nil || r.Note != "all well" {
		t.Error(r, err)
	}
	if _, err := handlers.NewCatalogue(exec.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

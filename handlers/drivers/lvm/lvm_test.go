package lvm_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/lvm"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/runtest"
)

// group is a volume group: volumes and their tags. It stands for LVM, which needs the
// kernel's device mapper.
type group struct {
	volumes map[string]string
	active  map[string]bool
}

func (g *group) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if err := ctx.Err(); err != nil {
		return run.Output{}, err
	}
	last := c.Args[len(c.Args)-1]
	name, in := strings.CutPrefix(last, "vg/")
	arg := func(flag string) string {
		if i := slices.Index(c.Args, flag); i >= 0 {
			return c.Args[i+1]
		}
		return ""
	}
	bad := func(text string) (run.Output, error) { return run.Output{Code: 5, Stderr: text}, nil }
	switch c.Args[0] {
	case "lvs":
		var b strings.Builder
		for _, n := range slices.Sorted(maps.Keys(g.volumes)) {
			fmt.Fprintf(&b, "  %s|%s\n", n, g.volumes[n])
		}
		return run.Output{Stdout: b.String()}, nil
	case "lvcreate":
		n := arg("--name")
		if _, ok := g.volumes[name]; !in || !ok {
			return bad("Failed to find logical volume")
		}
		if _, ok := g.volumes[n]; ok {
			return bad("already exists")
		}
		g.volumes[n] = arg("--addtag")
	case "lvchange":
		if _, ok := g.volumes[name]; !ok {
			return bad("Failed to find logical volume")
		}
		g.active[name] = true
	case "lvremove":
		if _, ok := g.volumes[name]; !ok {
			return bad("Failed to find logical volume")
		}
		delete(g.volumes, name)
		delete(g.active, name)
	}
	return run.Output{}, nil
}

func params() handlers.Params {
	return handlers.Params{handlers.ParamUnit: "u1", lvm.Group: "vg", lvm.Origin: "image", lvm.Name: "c1", lvm.Size: "4G"}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(*testing.T) drivertest.World {
		g := &group{map[string]string{"image": "", "other": "x,y"}, map[string]bool{}}
		return drivertest.World{Driver: lvm.Driver{}, Params: params(), On: g,
			Up: func() bool { return g.volumes["c1"] != "" && g.active["c1"] }, Clean: func() bool { return len(g.volumes) == 2 },
			Acts: func(c run.Cmd) bool { return c.Args[0] == "lvcreate" || c.Args[0] == "lvremove" }}
	})
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	s := runtest.New(`
		lvs --noheadings --separator | -o lv_name,lv_tags vg => 0: image|
		lvcreate --yes --snapshot --name c1 --addtag leasehold_unit_bb82030dbc2bcaba32a90bf2e207a84a --size 4G vg/image => 0:
		lvchange --yes --activate y vg/c1 => 0:
		lvs --noheadings --separator | -o lv_name,lv_tags vg => 0: c1|a,leasehold_unit_bb82030dbc2bcaba32a90bf2e207a84a
		lvremove --yes vg/c1 => 5: in use`)
	r, err := (lvm.Driver{}).Setup(t.Context(), s, params())
	if err != nil || r.Properties["unit.disk"] != "/dev/vg/c1" {
		t.Error(r, err)
	}
	if _, err := (lvm.Driver{}).Teardown(t.Context(), s, params()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Error(err)
	}
	if err := s.Done(); err != nil {
		t.Error(err)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	g := &group{map[string]string{"image": "", "c1": "somebody"}, map[string]bool{}}
	if _, err := (lvm.Driver{}).Setup(t.Context(), g, params()); err == nil || !strings.Contains(err.Error(), "not this unit's") {
		t.Error(err)
	}
	if _, err := (lvm.Driver{}).Teardown(t.Context(), g, params()); err != nil || g.volumes["c1"] != "somebody" {
		t.Error(err, g)
	}
	for name, text := range map[string]string{lvm.Group: "a/b", lvm.Origin: "-x", lvm.Name: "a b", lvm.Size: "4 ;", handlers.ParamUnit: ""} {
		p := params()
		p[name] = text
		if _, err := (lvm.Driver{}).Setup(t.Context(), g, p); err == nil {
			t.Errorf("%s=%q was taken", name, text)
		}
	}
	if _, err := handlers.NewCatalogue(lvm.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

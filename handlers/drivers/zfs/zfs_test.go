package zfs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/zfs"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/handlers/run/runtest"
)

// pool is datasets and snapshots, with the units of clones. It stands for ZFS, which needs
// a kernel that has it.
type pool map[string]string

func (p pool) Run(ctx context.Context, c run.Cmd) (run.Output, error) {
	if err := ctx.Err(); err != nil {
		return run.Output{}, err
	}
	last := c.Args[len(c.Args)-1]
	unit, there := p[last]
	missing := run.Output{Code: 1, Stderr: "cannot open '" + last + "': dataset does not exist"}
	switch c.Args[1] {
	case "get":
		if !there {
			return missing, nil
		}
		if c.Args[5] == "type" {
			unit = "snapshot"
		}
		return run.Output{Stdout: unit + "\n"}, nil
	case "snapshot", "clone":
		from, _, _ := strings.Cut(last, "@")
		if c.Args[1] == "clone" {
			from = c.Args[len(c.Args)-2]
		}
		if _, ok := p[from]; !ok || there {
			return run.Output{Code: 1, Stderr: "cannot create"}, nil
		}
		p[last] = "-"
		for _, a := range c.Args {
			if u, ok := strings.CutPrefix(a, "leasehold:unit="); ok {
				p[last] = u
			}
		}
	case "destroy":
		if !there {
			return missing, nil
		}
		delete(p, last)
	}
	return run.Output{}, nil
}

func params() handlers.Params {
	return handlers.Params{handlers.ParamUnit: "u1", zfs.Image: "tank/image@v1", zfs.Parent: "tank/units", zfs.Mountpoint: "/srv/u1", zfs.Quota: "20G"}
}

func TestSuite(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, func(*testing.T) drivertest.World {
		p := pool{"tank/image": "-", "tank/units": "-"}
		return drivertest.World{Driver: zfs.Driver{}, Params: params(), On: p,
			Up:    func() bool { return p["tank/units/u1"] == "u1" },
			Clean: func() bool { return p["tank/units/u1"] == "" && p["tank/image"] == "-" },
			Acts:  func(c run.Cmd) bool { return c.Args[1] != "get" }}
	})
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	s := runtest.New(`
		zfs get -H -o value leasehold:unit tank/units/u1 => 1: cannot open 'tank/units/u1': dataset does not exist
		zfs get -H -o value type tank/image@v1 => 0: snapshot
		zfs clone -o leasehold:unit=u1 -o mountpoint=/srv/u1 -o quota=20G tank/image@v1 tank/units/u1 => 0:
		zfs get -H -o value leasehold:unit tank/units/u1 => 0: u1
		zfs get -H -o value leasehold:unit tank/units/u1 => 0: u1
		zfs destroy -r tank/units/u1 => 1: dataset is busy`)
	if r, err := (zfs.Driver{}).Setup(t.Context(), s, params()); err != nil || r.Properties["unit.dataset"] != "tank/units/u1" {
		t.Error(r, err)
	}
	if _, err := (zfs.Driver{}).Teardown(t.Context(), s, params()); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Error(err)
	}
	if err := s.Done(); err != nil {
		t.Error(err)
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	w := pool{"tank/image": "-", "tank/units": "-", "tank/units/u1": "u2"}
	if _, err := (zfs.Driver{}).Setup(t.Context(), w, params()); err == nil || !strings.Contains(err.Error(), "not this unit's") {
		t.Error(err)
	}
	if _, err := (zfs.Driver{}).Teardown(t.Context(), w, params()); err != nil || w["tank/units/u1"] != "u2" {
		t.Error(err, w)
	}
	for name, text := range map[string]string{zfs.Image: "tank/image", zfs.Parent: "", zfs.Name: "../x", zfs.Mountpoint: "x", zfs.Quota: "-1", handlers.ParamUnit: "a\nb"} {
		p := params()
		p[name] = text
		if _, err := (zfs.Driver{}).Setup(t.Context(), w, p); err == nil {
			t.Errorf("%s=%q was taken", name, text)
		}
	}
	if _, err := handlers.NewCatalogue(zfs.Driver{}.Info()); err != nil {
		t.Error(err)
	}
}

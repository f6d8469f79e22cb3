package noop_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/drivertest"
	"github.com/leasehold/leasehold/handlers/run"
)

// moved is a clock that stands still until it is told.
type moved struct{ at time.Time }

func (m *moved) now() time.Time { return m.at }

func params(extra ...string) handlers.Params {
	p := handlers.Params{handlers.ParamUnit: "u1"}
	for i := 0; i < len(extra); i += 2 {
		p[extra[i]] = extra[i+1]
	}
	return p
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cfg  noop.Config
	}{
		{"at once", noop.Config{}},
		{"slow", noop.Config{Setup: 20 * time.Second, Teardown: 5 * time.Second}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			drivertest.Run(t, func(*testing.T) drivertest.World {
				clock := &moved{at: time.Unix(1000, 0)}
				c.cfg.Now = clock.now
				d := noop.New(c.cfg)
				return drivertest.World{
					Driver: d, Params: params(),
					Pass: func(r handlers.Result) { clock.at = clock.at.Add(r.After) },
					Up:   func() bool { return slices.Contains(d.Up(), "u1") },
				}
			})
		})
	}
}

// told plays calls against one driver: a verb, seconds to wait before it, and
// what it should answer.
func TestTold(t *testing.T) {
	t.Parallel()
	type step struct {
		verb string
		wait int
		want string
	}
	draws := []float64{0.1, 0.9, 0.3, 0.6}
	for _, c := range []struct {
		name  string
		p     handlers.Params
		steps []step
	}{
		{"delay", params(noop.SetupDelay, "3000"), []step{
			{"setup", 0, "after 3s"}, {"setup", 2, "after 1s"}, {"setup", 1, "done"}, {"setup", 0, "done"}, {"teardown", 0, "done"}}},
		{"teardown interrupts", params(noop.SetupDelay, "3000", noop.TeardownDelay, "1000"), []step{
			{"setup", 0, "after 3s"}, {"teardown", 2, "after 1s"}, {"setup", 0, "after 3s"}, {"teardown", 0, "after 1s"}, {"teardown", 1, "done"}}},
		{"first two fail", params(noop.FailFirst, "2"), []step{
			{"setup", 0, "setup failed"}, {"setup", 0, "setup failed"}, {"setup", 0, "done"},
			{"teardown", 0, "teardown failed"}, {"teardown", 0, "teardown failed"}, {"teardown", 0, "done"}}},
		{"always", params(noop.FailAlways, "setup"), []step{
			{"setup", 0, "setup failed"}, {"setup", 9, "setup failed"}, {"teardown", 0, "done"}}},
		{"never goes away", params(noop.FailAlways, "teardown"), []step{
			{"setup", 0, "done"}, {"teardown", 0, "teardown failed"}, {"teardown", 0, "teardown failed"}}},
		{"by chance", params(noop.FailProbability, "0.5"), []step{
			{"setup", 0, "setup failed"}, {"setup", 0, "done"}, {"teardown", 0, "teardown failed"}, {"teardown", 0, "done"}}},
		{"nonsense", params(noop.SetupDelay, "soon"), []step{{"setup", 0, "whole number"}}},
		{"no unit", handlers.Params{}, []step{{"setup", 0, "unit.id is missing"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock, n := &moved{at: time.Unix(1000, 0)}, -1
			d := noop.New(noop.Config{Now: clock.now, Chance: func() float64 { n++; return draws[n] }})
			for i, s := range c.steps {
				clock.at = clock.at.Add(time.Duration(s.wait) * time.Second)
				call := d.Setup
				if s.verb == "teardown" {
					call = d.Teardown
				}
				res, err := call(t.Context(), run.Nowhere{}, c.p)
				got := fmt.Sprint("after ", res.After)
				if res.Done {
					got = "done"
				}
				if err != nil {
					got = err.Error()
				}
				if !strings.Contains(got, s.want) {
					t.Fatalf("step %d, %s: %s, want %s", i+1, s.verb, got, s.want)
				}
			}
		})
	}
}

func TestWithoutAClock(t *testing.T) {
	t.Parallel()
	if _, err := noop.New(noop.Config{Setup: time.Second}).Setup(t.Context(), run.Nowhere{}, params()); err == nil {
		t.Error("waited without a clock")
	}
}

func TestManyUnitsAtOnce(t *testing.T) {
	t.Parallel()
	d := noop.New(noop.Config{})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			p := handlers.Params{handlers.ParamUnit: fmt.Sprint("u", n)}
			for range 50 {
				if res, err := d.Setup(t.Context(), run.Nowhere{}, p); err != nil || !res.Done {
					t.Error(res, err)
				}
				if res, err := d.Teardown(t.Context(), run.Nowhere{}, p); err != nil || !res.Done {
					t.Error(res, err)
				}
			}
		})
	}
	all.Wait()
	if up := d.Up(); len(up) != 0 {
		t.Error("still up:", up)
	}
}

func TestManual(t *testing.T) {
	t.Parallel()
	if _, err := handlers.NewCatalogue(noop.New(noop.Config{}).Info()); err != nil {
		t.Error(err)
	}
}

// A modify takes its time once for each action, fails as told, and leaves the unit up.
func TestModify(t *testing.T) {
	t.Parallel()
	clock := &moved{at: time.Unix(1000, 0)}
	d := noop.New(noop.Config{Modify: 3 * time.Second, Now: clock.now})
	call := func(extra ...string) (handlers.Result, error) {
		p := params(append([]string{handlers.ParamSubcommand, "modify.restart", handlers.ParamModify, "1"}, extra...)...)
		return d.Modify(t.Context(), run.Nowhere{}, p)
	}
	if r, err := call(handlers.ParamSequence, "2"); err != nil || r.Done || r.After != 3*time.Second {
		t.Fatalf("%+v, %v", r, err)
	}
	clock.at = clock.at.Add(3 * time.Second)
	for range 2 { // asked again after it was done
		if r, err := call(handlers.ParamSequence, "2"); err != nil || !r.Done || r.Note != "restart done" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if r, err := call(handlers.ParamSequence, "3", noop.FailAlways, "modify"); err == nil || handlers.CodeOf(err) != handlers.ExitBroke {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := call(handlers.ParamSequence, "4", noop.ModifyDelay, "0", "modify.1.exit", "x"); handlers.CodeOf(err) != handlers.ExitInvalid {
		t.Errorf("nonsense: %v", err)
	}
	if _, err := call(handlers.ParamSequence, "5", noop.ModifyDelay, "0", "modify.1.exit", "17"); handlers.CodeOf(err) != 17 {
		t.Errorf("code: %v", err)
	}
	if !slices.Contains(d.Up(), "u1") {
		t.Error("the unit is not up any more")
	}
}

package site_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/memdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/run"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/sirupsen/logrus"
)

const base ldapschema.DN = "dc=site,dc=test"

func config() cod.Config {
	return cod.Config{Owner: "site1", Base: base, Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/16")}
}

func action(unit, slice string, verb actors.Verb, seq int) actors.Action {
	return actors.Action{
		Reservation: actors.ReservationID("r-" + unit), Slice: actors.Slice{ID: actors.SliceID("id-" + slice), Name: slice}, Type: "node",
		Term: actors.NewTerm(1_800_000_000_000, 1_800_003_600_000+actors.Millis(seq)*1000), Verb: verb, Sequence: seq,
		Unit: actors.Unit{ID: actors.UnitID(unit), Host: "h-" + unit},
	}
}

// desk keeps what a site reports.
type desk struct {
	mu   sync.Mutex
	done []actors.ActionDone
}

func (d *desk) report(a actors.ActionDone) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done = append(d.done, a)
}

// last is the last report about a unit.
func (d *desk) last(unit string) (actors.ActionDone, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range slices.Backward(d.done) {
		if string(a.Unit) == unit {
			return a, true
		}
	}
	return actors.ActionDone{}, false
}

func quiet() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

func memory(t *testing.T) *memdir.Dir {
	d, err := memdir.New(base)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// start starts a site that the test closes.
func start(t *testing.T, d directory.Directory, driver handlers.Driver, change ...func(*site.Config)) (*site.Site, *desk) {
	t.Helper()
	seen := &desk{}
	c := site.Config{COD: config(), Directory: d, Driver: driver, Report: seen.report, Log: quiet()}
	for _, f := range change {
		f(&c)
	}
	s, err := site.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, seen
}

func instant() *noop.Driver { return noop.New(noop.Config{}) }

// expect fails unless the unit's last report is this one.
func (d *desk) expect(t *testing.T, unit string, seq, code int) actors.ActionDone {
	t.Helper()
	got, ok := d.last(unit)
	if !ok || got.Sequence != seq || got.Code != code {
		t.Fatalf("%s: %+v, %v; want #%d code %d", unit, got, ok, seq, code)
	}
	return got
}

func ldif(t *testing.T, d directory.Directory) string {
	t.Helper()
	all, err := d.List(context.Background(), base)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range all {
		if !e.DN.Equal(config().ClaimDN()) { // which process wrote is all that differs
			b.WriteString(e.With("codWriter").LDIF() + "\n")
		}
	}
	return b.String()
}

func TestLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := memory(t)
		driver := noop.New(noop.Config{Setup: 20 * time.Second, Now: time.Now})
		s, seen := start(t, dir, driver)
		synctest.Wait()
		empty := ldif(t, dir)
		began := time.Now()
		for n := range 20 {
			s.Run(action(fmt.Sprint("u", n), fmt.Sprint("slice", n%3), actors.Setup, 1))
		}
		time.Sleep(21 * time.Second)
		synctest.Wait()
		for n := range 20 {
			got := seen.expect(t, fmt.Sprint("u", n), 1, 0)
			if !strings.HasPrefix(got.Properties["unit.manage.ip"], "10.99.") {
				t.Errorf("u%d: %v", n, got.Properties)
			}
		}
		snap := s.Snapshot()
		if !snap.Ready || len(snap.View.Clusters) != 3 || len(driver.Up()) != 20 {
			t.Fatalf("%+v, up %v", snap, driver.Up())
		}
		if snap.Counts.Added != 20*4+3*7 || snap.Counts.DriverCalls != 40 || snap.Counts.Reports != 20 {
			t.Errorf("%+v", snap.Counts)
		}
		for n := range 20 {
			s.Run(action(fmt.Sprint("u", n), fmt.Sprint("slice", n%3), actors.Teardown, 2))
		}
		synctest.Wait()
		if got := ldif(t, dir); got != empty {
			t.Errorf("something is left:\n%s", got)
		}
		if len(driver.Up()) != 0 || s.Snapshot().View.Clusters != nil {
			t.Errorf("still up: %v", driver.Up())
		}
		if took := time.Since(began); took != 21*time.Second {
			t.Errorf("took %v: the nodes did not boot side by side", took)
		}
	})
}

// TestDirectoryAway starts without a directory, loses it in the middle, and reports
// nothing but success.
func TestDirectoryAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := memory(t)
		var mu sync.Mutex
		away := true
		dir.Before = func(memdir.Call) error {
			mu.Lock()
			defer mu.Unlock()
			if away {
				return errors.New("connection refused")
			}
			return nil
		}
		set := func(v bool) { mu.Lock(); away = v; mu.Unlock() }
		s, seen := start(t, dir, instant())
		s.Run(action("u1", "web", actors.Setup, 1))
		time.Sleep(time.Minute)
		if snap := s.Snapshot(); snap.Ready || !strings.Contains(snap.Problem, "refused") {
			t.Errorf("%+v", snap)
		}
		set(false)
		time.Sleep(time.Minute)
		seen.expect(t, "u1", 1, 0)
		set(true)
		s.Run(action("u1", "web", actors.Teardown, 2))
		time.Sleep(time.Hour)
		seen.expect(t, "u1", 1, 0)
		set(false)
		time.Sleep(time.Minute)
		seen.expect(t, "u1", 2, 0)
		if c := s.Snapshot().Counts; c.Unavailable == 0 || c.Refused != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// TestCutAtEachWrite stops a site at its n-th directory write, for every n, the
// write sometimes done and sometimes not; the next site on the same directory is
// asked again and ends in the same tree.
func TestCutAtEachWrite(t *testing.T) {
	t.Parallel()
	want, writes := cut(t, -1, false)
	if writes < 30 {
		t.Fatalf("the whole story has %d writes only", writes)
	}
	for n := range writes {
		for _, lost := range []bool{false, true} {
			if got, _ := cut(t, n, lost); got != want {
				t.Fatalf("cut at write %d, answer lost %v: the tree is\n%s\nnot\n%s", n, lost, got, want)
			}
		}
	}
}

// cut plays a story whose n-th write and everything after it fails, then starts
// another site and asks again for what was not answered. It returns the tree at the
// end, and the number of writes of the first site.
func cut(t *testing.T, n int, lost bool) (tree string, writes int) {
	synctest.Test(t, func(t *testing.T) {
		dir := memory(t)
		var mu sync.Mutex
		dead := false
		hit := func(c memdir.Call, when bool) error {
			if c.Op == "read" || c.Op == "list" || c.Op == "watch" {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if dead {
				return errors.New("dead")
			}
			if when == lost {
				writes++
				dead = writes == n+1
			}
			if dead {
				return errors.New("dead")
			}
			return nil
		}
		dir.Before = func(c memdir.Call) error { return hit(c, false) }
		dir.After = func(c memdir.Call) error { return hit(c, true) }
		driver := instant()
		story := []actors.Action{
			action("u1", "web", actors.Setup, 1), action("u2", "web", actors.Setup, 1), action("u3", "db", actors.Setup, 1),
			action("u1", "web", actors.Setup, 2), action("u2", "web", actors.Teardown, 2), action("u3", "db", actors.Teardown, 2),
			action("u4", "web", actors.Setup, 1),
		}
		story[0].Properties = actors.Properties{"config.ssh.user1.login": "ada"}
		s, seen := start(t, dir, driver, func(c *site.Config) { c.Writers = 1 })
		left := story
		for len(left) > 0 {
			s.Run(left[0])
			time.Sleep(time.Second)
			if got, ok := seen.last(string(left[0].Unit.ID)); !ok || got.Sequence != left[0].Sequence {
				break // cut
			}
			left = left[1:]
		}
		s.Close()
		mu.Lock()
		dead, n = false, -2
		mu.Unlock()
		first := writes
		s, seen = start(t, dir, driver, func(c *site.Config) { c.Writers = 1 })
		time.Sleep(time.Second)
		for _, a := range left {
			s.Run(a)
			time.Sleep(time.Second)
			seen.expect(t, string(a.Unit.ID), a.Sequence, 0)
		}
		tree, writes = ldif(t, dir), first
	})
	return tree, writes
}

// stuck is a driver whose calls end when their time does.
type stuck struct{}

func (stuck) Setup(ctx context.Context, _ run.Runner, _ handlers.Params) (handlers.Result, error) {
	<-ctx.Done()
	return handlers.Result{}, ctx.Err()
}

func (stuck) Teardown(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	panic("no such thing")
}

func TestBadDrivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, seen := start(t, memory(t), stuck{})
		s.Run(action("u1", "web", actors.Setup, 1))
		time.Sleep(11 * time.Minute)
		if got := seen.expect(t, "u1", 1, cod.CodeDriver); !strings.Contains(got.Note, "deadline") {
			t.Errorf("note %q", got.Note)
		}
		s.Run(action("u1", "web", actors.Teardown, 2))
		synctest.Wait()
		if got := seen.expect(t, "u1", 2, cod.CodeDriver); got.Note != "the driver panicked" {
			t.Errorf("note %q", got.Note)
		}
		s.Forget("u1")
		synctest.Wait()
		if v := s.Snapshot().View; len(v.Clusters) != 0 || len(v.Waiting) != 0 {
			t.Errorf("%+v", v)
		}
	})
}

// TestDriversAtOnce: never more calls under way than allowed.
func TestDriversAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &counting{}
		s, seen := start(t, memory(t), d, func(c *site.Config) { c.Drivers = 3 })
		for n := range 10 {
			s.Run(action(fmt.Sprint("u", n), "web", actors.Setup, 1))
		}
		time.Sleep(time.Minute)
		for n := range 10 {
			seen.expect(t, fmt.Sprint("u", n), 1, 0)
		}
		if d.most != 3 {
			t.Errorf("%d calls at once", d.most)
		}
	})
}

// counting counts how many of its calls are under way at once.
type counting struct {
	mu        sync.Mutex
	now, most int
}

func (c *counting) Setup(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
	return handlers.Result{Done: true}, nil
}

func (c *counting) Teardown(context.Context, run.Runner, handlers.Params) (handlers.Result, error) {
	return handlers.Result{Done: true}, nil
}

// TestCloseInTheMiddle: Close returns though calls are under way, and nobody is told
// anything after it.
func TestCloseInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, seen := start(t, memory(t), stuck{})
		s.Run(action("u1", "web", actors.Setup, 1))
		synctest.Wait()
		s.Close()
		s.Close()
		s.Run(action("u2", "web", actors.Setup, 1))
		time.Sleep(time.Hour)
		if got, ok := seen.last("u1"); ok {
			t.Errorf("told after the end: %+v", got)
		}
	})
}

func TestConfig(t *testing.T) {
	t.Parallel()
	ok := site.Config{COD: config(), Directory: memory(t), Driver: instant(), Report: func(actors.ActionDone) {}, Log: quiet()}
	for name, change := range map[string]func(*site.Config){
		"no directory": func(c *site.Config) { c.Directory = nil },
		"no driver":    func(c *site.Config) { c.Driver = nil },
		"no report":    func(c *site.Config) { c.Report = nil },
		"negative":     func(c *site.Config) { c.Drivers = -1 },
		"no owner":     func(c *site.Config) { c.COD.Owner = "" },
	} {
		c := ok
		change(&c)
		if s, err := site.New(c); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

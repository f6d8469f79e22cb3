package lane_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/drivers/noop"
	"github.com/leasehold/leasehold/handlers/lane"
	"github.com/leasehold/leasehold/handlers/run"
)

// watched notes which calls overlap on one unit.
type watched struct {
	handlers.Driver
	mu    sync.Mutex
	busy  map[string]bool
	calls []string
	twice bool
}

func (w *watched) note(p handlers.Params, verb string, do func() (handlers.Result, error)) (handlers.Result, error) {
	unit := p[handlers.ParamUnit]
	w.mu.Lock()
	w.twice = w.twice || w.busy[unit]
	w.busy[unit] = true
	w.calls = append(w.calls, verb+" "+unit+" "+p[handlers.ParamSequence])
	w.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	res, err := do()
	w.mu.Lock()
	w.busy[unit] = false
	w.mu.Unlock()
	return res, err
}

func (w *watched) Setup(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return w.note(p, "setup", func() (handlers.Result, error) { return w.Driver.Setup(ctx, on, p) })
}

func (w *watched) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return w.note(p, "teardown", func() (handlers.Result, error) { return w.Driver.Teardown(ctx, on, p) })
}

func action(unit string, verb actors.Verb, seq int) actors.Action {
	return actors.Action{Reservation: "R1", Unit: actors.Unit{ID: actors.UnitID(unit)}, Verb: verb, Sequence: seq}
}

func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var reports []actors.ActionDone
		w := &watched{Driver: noop.New(noop.Config{Setup: time.Minute, Teardown: time.Second, Now: time.Now}), busy: map[string]bool{}}
		l := lane.New(lane.Config{Driver: w, AtOnce: 2, Report: func(d actors.ActionDone) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, d)
		}})
		for _, u := range []string{"a", "b", "c"} {
			l.Run(action(u, actors.Setup, 1))
		}
		l.Run(action("a", actors.Teardown, 2)) // waits for the setup
		l.Run(action("a", actors.Teardown, 3)) // and takes the place of the one before
		l.Run(action("a", actors.Setup, 1))    // asked again while it runs: once is enough
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		mu.Lock()
		var got []string
		for _, r := range reports {
			if r.Code != 0 {
				t.Errorf("%+v", r)
			}
			if r.Unit == "a" {
				got = append(got, r.Verb.String())
			}
		}
		if len(reports) != 4 || !slices.Equal(got, []string{"setup", "teardown"}) || w.twice {
			t.Errorf("reports %+v, overlap %v", reports, w.twice)
		}
		mu.Unlock()
		if slices.Contains(w.calls, "teardown a 2") {
			t.Error("an action that was overtaken ran")
		}
		l.Close()
	})
}

func TestFailureAndPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan actors.ActionDone, 2)
		l := lane.New(lane.Config{Driver: noop.New(noop.Config{FailAlways: "setup", Now: time.Now}),
			Report: func(d actors.ActionDone) { reports <- d }})
		l.Run(action("a", actors.Join, 1))
		if d := <-reports; d.Code == 0 || d.Note == "" || d.Sequence != 1 {
			t.Errorf("a failing driver reported %+v", d)
		}
		l.Close()
		slow := lane.New(lane.Config{Driver: noop.New(noop.Config{Setup: time.Hour, Now: time.Now}), Patience: time.Minute,
			Report: func(d actors.ActionDone) { reports <- d }})
		slow.Run(action("a", actors.Setup, 1))
		if d := <-reports; d.Code == 0 {
			t.Errorf("after a minute's patience it reported %+v", d)
		}
		slow.Close()
	})
}

// Close ends what is under way without a report: the action is asked again after
// a restart.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lane.New(lane.Config{Driver: noop.New(noop.Config{Setup: time.Hour, Now: time.Now}),
			Report: func(d actors.ActionDone) { t.Errorf("reported %+v, %v", d, errors.New("after Close")) }})
		l.Run(action("a", actors.Setup, 1))
		synctest.Wait()
		l.Close()
		l.Run(action("b", actors.Setup, 1))
		synctest.Wait()
	})
}

// A modify reaches a driver that can, with its subcommand and arguments, and its exit
// code comes back; a driver that cannot says so with a code of its own.
func TestModify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := make(chan actors.ActionDone, 1)
		told := func(d actors.ActionDone) { reports <- d }
		a := action("a", actors.ModifyUnit, 2)
		a.Properties = actors.Properties{}.Modified(actors.Modification{Number: 7, Subcommand: "modify.resize", Arguments: actors.Properties{"exit": "17"}})
		l := lane.New(lane.Config{Driver: noop.New(noop.Config{Modify: time.Minute, Now: time.Now}), Report: told})
		l.Run(a)
		if d := <-reports; d.Code != 17 || d.Note != "noop: resize ended with code 17 as told" || d.Sequence != 2 {
			t.Errorf("reported %+v", d)
		}
		l.Close()
		type plain struct{ handlers.Driver }
		l = lane.New(lane.Config{Driver: plain{noop.New(noop.Config{})}, Report: told})
		l.Run(a)
		if d := <-reports; d.Code != handlers.ExitUnknown || d.Note == "" {
			t.Errorf("a driver that modifies nothing reported %+v", d)
		}
		l.Close()
	})
}

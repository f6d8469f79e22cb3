package lane_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/handlers"
	"github.com/leasehold/leasehold/handlers/lane"
	"github.com/leasehold/leasehold/handlers/run"
)

// hanging is a driver whose calls about one unit hang, the first so many of them: until
// they are called off, or, when deaf, until somebody lets them go.
type hanging struct {
	handlers.Driver
	unit  string
	deaf  bool
	letGo chan struct{}

	mu    sync.Mutex
	hangs int
	calls []string
	busy  int
	twice bool
}

func (h *hanging) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return h.Setup(ctx, on, p)
}

func (h *hanging) Setup(ctx context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	unit := p[handlers.ParamUnit]
	h.mu.Lock()
	h.calls = append(h.calls, unit+" "+p[handlers.ParamSequence]+" "+time.Now().UTC().Format("15:04:05"))
	hang := unit == h.unit && h.hangs > 0
	if hang {
		h.hangs--
	}
	if unit == h.unit {
		h.busy++
		h.twice = h.twice || h.busy > 1
	}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if unit == h.unit {
			h.busy--
		}
	}()
	if !hang {
		return handlers.Result{Done: true, Note: "up"}, nil
	}
	if h.deaf {
		<-h.letGo
	} else {
		<-ctx.Done()
	}
	return handlers.Result{}, ctx.Err()
}

// watch makes lanes of one slot with a driver, and gives what they report and call off.
func watch(h *hanging) (*lane.Lanes, chan actors.ActionDone, chan string) {
	reports, slow := make(chan actors.ActionDone, 10), make(chan string, 10)
	l := lane.New(lane.Config{Driver: h, AtOnce: 1, Limit: 5 * time.Minute, Patience: 20 * time.Minute,
		Report: func(d actors.ActionDone) { reports <- d },
		Slow:   func(a actors.Action, after time.Duration) { slow <- string(a.Unit.ID) + " " + after.String() }})
	return l, reports, slow
}

// TestLimit: a call that hangs is called off and tried again, later and later; meanwhile
// another unit has the only slot.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{unit: "a", hangs: 2}
		l, reports, slow := watch(h)
		l.Run(action("a", actors.Setup, 1))
		synctest.Wait()
		l.Run(action("b", actors.Setup, 1))
		for i, want := range []string{"b", "a"} {
			if d := <-reports; string(d.Unit) != want || d.Code != 0 || d.Note != "up" {
				t.Errorf("report %d is %+v", i, d)
			}
		}
		if want := []string{"a 1 00:00:00", "b 1 00:05:00", "a 1 00:05:01", "a 1 00:10:03"}; !slices.Equal(h.calls, want) {
			t.Errorf("the driver was called at %q", h.calls)
		}
		if a, b := <-slow, <-slow; a != "a 5m0s" || b != a {
			t.Errorf("called off: %q, %q", a, b)
		}
		l.Close()
	})
}

// TestDeafDriver: one that does not even end when it is called off keeps its unit and
// nothing else. The action fails when patience ends, the next about that unit waits for
// the call, and two never overlap.
func TestDeafDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{unit: "a", hangs: 1, deaf: true, letGo: make(chan struct{})}
		l, reports, _ := watch(h)
		l.Run(action("a", actors.Setup, 1))
		synctest.Wait()
		l.Run(action("a", actors.Teardown, 2))
		for _, u := range []string{"b", "c"} {
			l.Run(action(u, actors.Setup, 1))
			if d := <-reports; string(d.Unit) != u || d.Code != 0 {
				t.Errorf("unit %s: %+v", u, d)
			}
		}
		if d := <-reports; d.Unit != "a" || d.Sequence != 1 || d.Code == 0 || !strings.Contains(d.Note, "does not come back: a call was called off after 5m0s") {
			t.Errorf("after a driver's silence: %+v", d)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(reports) != 0 || len(h.calls) != 3 {
			t.Errorf("while the call hangs there are %d reports and calls %q", len(reports), h.calls)
		}
		close(h.letGo)
		if d := <-reports; d.Unit != "a" || d.Sequence != 2 || d.Code != 0 || h.twice {
			t.Errorf("when it had come back: %+v; two calls at once: %v", d, h.twice)
		}
		l.Close()
	})
}

// TestCloseHanging: nobody waits long for a driver that does not end.
func TestCloseHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{unit: "a", hangs: 1, deaf: true, letGo: make(chan struct{})}
		l, _, _ := watch(h)
		l.Run(action("a", actors.Setup, 1))
		synctest.Wait()
		began := time.Now()
		l.Close()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it closed after %v", took)
		}
		close(h.letGo)
	})
}

// panicking is a driver that panics about one unit, in every verb.
type panicking struct{ handlers.Driver }

func (panicking) Setup(_ context.Context, _ run.Runner, p handlers.Params) (handlers.Result, error) {
	if p[handlers.ParamUnit] == "a" {
		var none map[string]int
		none["x"]++
	}
	return handlers.Result{Done: true, Note: "up"}, nil
}

func (d panicking) Teardown(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.Setup(ctx, on, p)
}

func (d panicking) Modify(ctx context.Context, on run.Runner, p handlers.Params) (handlers.Result, error) {
	return d.Setup(ctx, on, p)
}

// TestPanic: a driver's panic is one failed action, of whatever verb. Its lane and its slot
// are free for what comes next, and who reads logs is told what happened and where.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports, told := make(chan actors.ActionDone, 1), make(chan string, 1)
		l := lane.New(lane.Config{Driver: panicking{}, AtOnce: 1, Report: func(d actors.ActionDone) { reports <- d },
			Panicked: func(a actors.Action, value any, stack []byte) {
				told <- fmt.Sprint(a.Unit.ID, " ", a.Verb, ": ", value, "\n", string(stack))
			}})
		for n, verb := range []actors.Verb{actors.Setup, actors.ModifyUnit, actors.Teardown, actors.Join, actors.Leave} {
			l.Run(action("a", verb, n+1))
			d := <-reports
			if d.Unit != "a" || d.Sequence != n+1 || d.Code == 0 || d.Note != lane.ErrPanicked.Error() {
				t.Errorf("%v: %+v", verb, d)
			}
			if got := <-told; !strings.HasPrefix(got, "a "+verb.String()+": assignment to entry in nil map\n") || !strings.Contains(got, "panicking.Setup") {
				t.Errorf("%v: told %s", verb, got)
			}
			synctest.Wait() // the lane is empty
		}
		l.Run(action("b", actors.Setup, 1))
		if d := <-reports; d.Unit != "b" || d.Code != 0 || d.Note != "up" {
			t.Errorf("afterwards: %+v", d)
		}
		l.Close()
	})
	synctest.Test(t, func(t *testing.T) { // nobody wants to know
		reports := make(chan actors.ActionDone, 1)
		l := lane.New(lane.Config{Driver: panicking{}, Report: func(d actors.ActionDone) { reports <- d }})
		l.Run(action("a", actors.Setup, 1))
		if d := <-reports; d.Code == 0 {
			t.Errorf("%+v", d)
		}
		l.Close()
	})
}

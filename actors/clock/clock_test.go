package clock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

var start = time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)

func Example() {
	c := clock.NewManual(start)
	c.AfterFunc(2*time.Hour, func() { fmt.Println(c.Now().Format(time.Kitchen), "lunch is over") })
	c.AfterFunc(time.Hour, func() { fmt.Println(c.Now().Format(time.Kitchen), "lunch") })
	c.Advance(8 * time.Hour)
	fmt.Println(c.Now().Format(time.Kitchen))
	// Output:
	// 1:00PM lunch
	// 2:00PM lunch is over
	// 8:00PM
}

// TestOrder: by instant, then by when they were set; a timer that is reset goes
// behind those set for that instant before.
func TestOrder(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, fmt.Sprintf("%s+%v", name, c.Now().Sub(start))) }
	}
	c.AfterFunc(3*time.Second, note("c"))
	first := c.AfterFunc(time.Second, note("reset"))
	c.AfterFunc(2*time.Second, note("a"))
	c.AfterFunc(2*time.Second, note("b"))
	gone := c.AfterFunc(2*time.Second, note("stopped"))
	if !first.Reset(2*time.Second) || !gone.Stop() || gone.Stop() {
		t.Error("Reset and Stop tell whether the timer was pending")
	}
	c.AfterFunc(time.Second, func() { c.AfterFunc(time.Second, note("set on the way")) })
	c.AfterFunc(-time.Second, note("late"))
	if len(fired) != 0 {
		t.Errorf("%q fired before the clock was moved", fired)
	}
	c.Advance(0)
	c.Advance(2500 * time.Millisecond)
	want := []string{"late+0s", "a+2s", "b+2s", "reset+2s", "set on the way+2s"}
	if !slices.Equal(fired, want) {
		t.Errorf("fired %q, want %q", fired, want)
	}
	if at, ok := c.Next(); !ok || !at.Equal(start.Add(3*time.Second)) || c.Pending() != 1 {
		t.Errorf("next %v %v, %d pending", at, ok, c.Pending())
	}
	if first.Reset(time.Second) {
		t.Error("a timer that has fired was pending")
	}
	c.AdvanceTo(start) // not back
	if got := c.Now(); !got.Equal(start.Add(2500 * time.Millisecond)) {
		t.Errorf("the clock went back to %v", got)
	}
	c.Advance(time.Hour)
	if _, ok := c.Next(); ok || len(fired) != 7 {
		t.Errorf("in the end %q", fired)
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	due := c.NewTimer(0)
	if at := <-due.C(); !at.Equal(start) {
		t.Errorf("a timer that is due fired at %v", at)
	}
	timer := c.NewTimer(time.Minute)
	c.Advance(time.Hour)
	if got := c.Now(); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("now %v", got)
	}
	if timer.Stop() {
		t.Error("a timer that has fired was pending")
	}
	select {
	case <-timer.C():
		t.Error("a firing outlived Stop")
	default:
	}
	timer.Reset(time.Minute)
	c.Advance(time.Minute)
	timer.Reset(time.Minute) // nobody has received
	c.Advance(time.Minute)
	if at := <-timer.C(); !at.Equal(start.Add(time.Hour + 2*time.Minute)) {
		t.Errorf("fired at %v", at)
	}
	if c.AfterFunc(time.Second, func() {}).C() != nil {
		t.Error("a function's timer has a channel")
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewManual(start)
		done := make(chan error, 1)
		go func() { done <- c.Await(t.Context(), 2) }()
		c.NewTimer(time.Second)
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("one timer was taken for two")
		default:
		}
		c.NewTimer(time.Second)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := c.Await(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Await(ctx, 3); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestConcurrent is for the race detector: every timer fires exactly once, however
// many move the clock.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	c := clock.NewManual(start)
	var mu sync.Mutex
	fired := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				c.AfterFunc(time.Duration(i)*time.Second, func() { mu.Lock(); fired++; mu.Unlock() })
				c.NewTimer(time.Minute).Stop()
				c.Advance(time.Second)
			}
		})
	}
	wg.Wait()
	c.Advance(time.Hour)
	if fired != 400 || c.Pending() != 0 {
		t.Errorf("%d fired, %d pending; want 400 and none", fired, c.Pending())
	}
}

func TestReal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.Real()
		begin := c.Now()
		if at := <-c.NewTimer(time.Hour).C(); at.Sub(begin) != time.Hour || c.Now().Sub(begin) != time.Hour {
			t.Errorf("fired at %v", at)
		}
		ran := make(chan time.Time, 1)
		f := c.AfterFunc(time.Hour, func() { ran <- c.Now() })
		if !f.Reset(2*time.Hour) || f.C() != nil {
			t.Error("the timer was not pending, or has a channel")
		}
		if at := <-ran; at.Sub(begin) != 3*time.Hour {
			t.Errorf("ran at %v", at)
		}
		if f.Stop() {
			t.Error("still pending")
		}
	})
}

func TestMillis(t *testing.T) {
	t.Parallel()
	m := clock.Millis(start.Add(1999 * time.Microsecond))
	if want := actors.Millis(start.UnixMilli() + 1); m != want {
		t.Errorf("%d, want %d", m, want)
	}
	if got := clock.Time(m); !got.Equal(start.Add(time.Millisecond)) || got.Location() != time.UTC {
		t.Errorf("%v", got)
	}
}

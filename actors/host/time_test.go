package host_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store/memory"
)

// ticks records the cycle of every Tick, and wakes as wake says.
func ticks(b *bench, wake func(now actors.Cycle) actors.Cycle) {
	b.machine.wake = wake
	b.machine.steps = func(now actors.Cycle, ev actors.Event) {
		if _, ok := ev.(actors.Tick); ok {
			b.diary.add("tick %d", now)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		wake func(now actors.Cycle) actors.Cycle
		want []string // within the first ten cycles
	}{
		{"never", func(actors.Cycle) actors.Cycle { return actors.Never }, nil},
		{"every third", func(now actors.Cycle) actors.Cycle { return now + 3 }, []string{"tick 3", "tick 6", "tick 9"}},
		{"a list", func(now actors.Cycle) actors.Cycle {
			for _, c := range []actors.Cycle{2, 7} {
				if c > now {
					return c
				}
			}
			return actors.Never
		}, []string{"tick 2", "tick 7"}},
		{"the present again and again", func(now actors.Cycle) actors.Cycle { return now }, []string{
			"tick 0", "tick 1", "tick 2", "tick 3", "tick 4", "tick 5", "tick 6", "tick 7", "tick 8", "tick 9"}},
		{"the past", func(now actors.Cycle) actors.Cycle { return now - 5 }, []string{
			"tick 0", "tick 1", "tick 2", "tick 3", "tick 4", "tick 5", "tick 6", "tick 7", "tick 8", "tick 9"}},
		{"the end of time", func(actors.Cycle) actors.Cycle { return actors.Never - 1 }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := build(t, memory.New(), func(b *bench, _ *host.Config) { ticks(b, tt.wake) }).serve()
				time.Sleep(9*time.Second + time.Millisecond)
				synctest.Wait()
				b.diary.expect(t, tt.want...)
			})
		})
	}
}

// TestLaterStepMovesTheAlarm: the last step's Wake replaces the one before.
func TestLaterStepMovesTheAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var next atomic.Int64
		next.Store(50)
		b := build(t, memory.New(), func(b *bench, _ *host.Config) {
			ticks(b, func(actors.Cycle) actors.Cycle { return actors.Cycle(next.Load()) })
		}).serve()
		time.Sleep(4500 * time.Millisecond)
		next.Store(6) // no step has said so yet
		b.ask(actors.AddHosts{})
		next.Store(int64(actors.Never))
		time.Sleep(100 * time.Second)
		synctest.Wait()
		b.diary.expect(t, "tick 6")
	})
}

// TestRefusalKeepsTheAlarm: a refused event has no effects, Wake among them.
func TestRefusalKeepsTheAlarm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var next atomic.Int64
		next.Store(5)
		b := build(t, memory.New(), func(b *bench, _ *host.Config) {
			ticks(b, func(actors.Cycle) actors.Cycle { return actors.Cycle(next.Load()) })
		}).serve()
		synctest.Wait()
		next.Store(int64(actors.Never))
		if err := b.host.Ask(t.Context(), actors.Close{Reservation: "unknown"}); err == nil {
			t.Fatal("closing an unknown reservation was accepted")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.diary.expect(t, "tick 5")
	})
}

// TestTickAtItsMoment: not a millisecond early, and after the events that wait.
func TestTickAtItsMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
			cfg.Cycles = actors.Cycles{Begin: second.Begin + 500, Length: 250}
			b.machine.wake = func(now actors.Cycle) actors.Cycle { return 4 }
			b.machine.steps = func(now actors.Cycle, ev actors.Event) {
				b.diary.add("%T %d at +%v", ev, now, time.Since(clock.Time(second.Begin)))
			}
		}).serve()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		b.diary.expect(t, "actors.Tick 4 at +1.5s", "actors.Tick 5 at +1.75s", "actors.Tick 6 at +2s", "actors.Tick 7 at +2.25s",
			"actors.Tick 8 at +2.5s", "actors.Tick 9 at +2.75s", "actors.Tick 10 at +3s", "actors.Tick 11 at +3.25s",
			"actors.Tick 12 at +3.5s", "actors.Tick 13 at +3.75s", "actors.Tick 14 at +4s", "actors.Tick 15 at +4.25s",
			"actors.Tick 16 at +4.5s", "actors.Tick 17 at +4.75s", "actors.Tick 18 at +5s", "actors.Tick 19 at +5.25s",
			"actors.Tick 20 at +5.5s", "actors.Tick 21 at +5.75s", "actors.Tick 22 at +6s", "actors.Tick 23 at +6.25s",
			"actors.Tick 24 at +6.5s", "actors.Tick 25 at +6.75s", "actors.Tick 26 at +7s", "actors.Tick 27 at +7.25s",
			"actors.Tick 28 at +7.5s", "actors.Tick 29 at +7.75s", "actors.Tick 30 at +8s", "actors.Tick 31 at +8.25s",
			"actors.Tick 32 at +8.5s", "actors.Tick 33 at +8.75s", "actors.Tick 34 at +9s", "actors.Tick 35 at +9.25s",
			"actors.Tick 36 at +9.5s", "actors.Tick 37 at +9.75s", "actors.Tick 38 at +10s")
	})
}

// TestMovedByHand: on a hand-moved clock a jump over many cycles gives one Tick,
// at the cycle reached, and going on needs no goroutine to guess.
func TestMovedByHand(t *testing.T) {
	t.Parallel()
	hand := clock.NewManual(clock.Time(second.Begin))
	seen := make(chan actors.Cycle, 16)
	b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
		cfg.Clock = hand
		b.machine.wake = func(now actors.Cycle) actors.Cycle { return now + 10 }
		b.machine.steps = func(now actors.Cycle, _ actors.Event) { seen <- now }
	}).serve()
	for _, step := range []struct {
		by   time.Duration
		want actors.Cycle
	}{{10 * time.Second, 10}, {47 * time.Second, 57}, {24 * time.Hour, 57 + 24*3600}} {
		if err := hand.Await(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		hand.Advance(step.by)
		if got := <-seen; got != step.want {
			t.Fatalf("after %v more: tick %d, want %d", step.by, got, step.want)
		}
	}
	b.kill()
	<-b.served
	if hand.Pending() != 0 {
		t.Error("the host left a timer behind")
	}
}

// backwards is a clock somebody sets back.
type backwards struct {
	clock.Clock
	by chan time.Duration // the present correction
}

func (c backwards) Now() time.Time {
	by := <-c.by
	c.by <- by
	return c.Clock.Now().Add(-by)
}

// TestClockSetBack: cycles never fall, a Tick is not repeated, and when time has
// come round again the actor goes on.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := make(chan time.Duration, 1)
		set <- 0
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
			cfg.Clock = backwards{clock.Real(), set}
			b.machine.wake = func(now actors.Cycle) actors.Cycle { return now + 1 }
			b.machine.steps = func(now actors.Cycle, ev actors.Event) { b.diary.add("%T %d", ev, now) }
		}).serve()
		time.Sleep(3100 * time.Millisecond)
		<-set
		set <- 10 * time.Second
		b.ask(actors.AddHosts{})
		time.Sleep(11 * time.Second)
		synctest.Wait()
		b.diary.expect(t, "actors.Tick 1", "actors.Tick 2", "actors.Tick 3", "actors.AddHosts 3", "actors.Tick 4")
	})
}

// TestClockSetForward: a timer knows nothing of a clock that jumps ahead; the host
// notices within a minute.
func TestClockSetForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		set := make(chan time.Duration, 1)
		set <- 0
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
			cfg.Clock = backwards{clock.Real(), set}
			ticks(b, func(now actors.Cycle) actors.Cycle { return max(3600, now+3600) })
		}).serve()
		time.Sleep(10 * time.Second)
		<-set
		set <- -2 * time.Hour
		time.Sleep(time.Minute)
		synctest.Wait()
		got := b.diary.all()
		if len(got) != 1 || !slices.Contains([]string{fmt.Sprintf("tick %d", 2*3600+60)}, got[0]) {
			t.Fatalf("happened %q, want one tick within a minute of the jump", got)
		}
	})
}

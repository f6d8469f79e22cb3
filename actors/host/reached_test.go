package host_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// ahead is the real clock, set forward or back.
type ahead struct {
	clock.Clock
	by time.Duration
}

func (a ahead) Now() time.Time { return a.Clock.Now().Add(a.by) }

// TestReached restarts an actor under a clock that was set: it never plays again a
// cycle in which something happened, waits where the clock is behind, tells people,
// and goes on by itself.
func TestReached(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		setBack bool
		by      time.Duration
		now     actors.Cycle // at the start
		ticks   int          // within ten seconds
		stands  bool
	}{
		{"as before", false, 0, 5, 10, false},
		{"back by three cycles", false, -3 * time.Second, 5, 7, true},
		{"back by an hour", false, -time.Hour, 5, 0, true},
		{"back by an hour, and it is the one before that was wrong", true, -time.Hour, 0, 0, false},
		{"back by four cycles, likewise", true, -4 * time.Second, 1, 10, false},
		{"forward by an hour", false, time.Hour, 3605, 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				disk := memory.New()
				first := build(t, disk, func(b *bench, _ *host.Config) {
					b.machine.wake = func(now actors.Cycle) actors.Cycle { return now + 1 }
				}).serve()
				time.Sleep(5*time.Second + time.Millisecond)
				first.ask(open("r1")) // the last thing that happens: in cycle 5, after its Tick
				time.Sleep(300 * time.Millisecond)
				first.kill()
				<-first.served
				if got := storetest.All(t, disk)["clock/reached"]; got != "946684805000 946684805000" {
					t.Fatalf("the store says time has come to %q", got)
				}
				var ticked []actors.Cycle
				second := build(t, disk.Reopen(), func(b *bench, cfg *host.Config) {
					cfg.Clock, cfg.Pace, cfg.SetBack = ahead{clock.Real(), tt.by}, clock.Real(), tt.setBack
					b.machine.wake = func(now actors.Cycle) actors.Cycle { return now + 1 }
					b.machine.steps = func(now actors.Cycle, ev actors.Event) {
						if _, tick := ev.(actors.Tick); tick {
							ticked = append(ticked, now)
						} else if now != tt.now {
							t.Errorf("a request at the start is given cycle %d, want %d", now, tt.now)
						}
					}
				})
				if len(second.machine.held) != 1 || len(second.host.Quarantined()) > 0 {
					t.Fatalf("restored %v, set aside %v", second.machine.held, second.host.Quarantined())
				}
				second.serve()
				second.ask(open("r2"))
				if s := second.host.Status(); s.StandsUntil.IsZero() == tt.stands || tt.stands && !s.StandsUntil.Equal(clock.Time(946684805000)) {
					t.Errorf("the actor's time stands until %v", s.StandsUntil)
				}
				if said := second.log.lines("its time stands still"); len(said) > 0 != tt.stands || len(said) > 1 {
					t.Errorf("logged %q", said)
				}
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if len(ticked) != tt.ticks {
					t.Errorf("ticks %v, want %d", ticked, tt.ticks)
				}
				for i, c := range ticked {
					if !tt.setBack && c <= 5 || i > 0 && c <= ticked[i-1] {
						t.Errorf("a cycle was played again: %v", ticked)
					}
				}
				if tt.by == -3*time.Second && len(second.log.lines("msg=the clock has caught up")) != 1 {
					t.Errorf("nobody is told that the clock has caught up: %q", second.log.lines(""))
				}
			})
		})
	}
}

// TestReachedUnreadable: the clock counts where the record is damaged.
func TestReachedUnreadable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := memory.New()
		if err := disk.Save(t.Context(), []actors.Record{storetest.Record("clock/reached", "noon")}); err != nil {
			t.Fatal(err)
		}
		b := build(t, disk).serve()
		b.ask(open("r1"))
		if said := strings.Join(b.log.lines("how far time has come"), ""); !strings.Contains(said, "clock/reached") {
			t.Errorf("logged %q", said)
		}
		if got := storetest.All(t, disk)["clock/reached"]; got != "946684800000 -1" {
			t.Errorf("the store says time has come to %q", got)
		}
	})
}

package host_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// TestOrderOfEffects lets every goroutine come to rest before each entry, so that
// an answer given earlier is in the diary earlier.
func TestOrderOfEffects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
			send, run, watch := cfg.Send, cfg.Run, cfg.Watch
			cfg.Send = func(m actors.Message) { synctest.Wait(); send(m) }
			cfg.Run = func(a actors.Action) { synctest.Wait(); run(a) }
			cfg.Watch = func(m []actors.Transition) { synctest.Wait(); watch(m) }
		})
		b.host.Subscribe(func(m []actors.Transition) { b.diary.add("subscriber %s", moves(m)) })
		for _, id := range []actors.ReservationID{"r1", "r2"} {
			go func() { b.ask(open(id)); b.diary.add("answer %s", id) }()
			synctest.Wait()
		}
		go func() {
			if err := b.host.Inspect(t.Context(), func(v actors.Viewer) { b.diary.add("look %d", len(v.Views())) }); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		b.serve()
		time.Sleep(time.Second) // Wait is for one goroutine at a time
		got := b.diary.all()
		slices.Sort(got[1:min(3, len(got))]) // the two callers wake in any order
		want := []string{
			"save r1=open r2=open", "answer r1", "answer r2", "send r1 open", "send r2 open", "run r1 setup", "run r2 setup",
			"watch r1:>open r2:>open", "subscriber r1:>open r2:>open", "look 2",
		}
		if !slices.Equal(got, want) {
			t.Fatalf("happened:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	})
}

// TestNothingBeforeDurable holds a save open: until it returns nobody outside
// knows anything.
func TestNothingBeforeDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		gate := make(chan struct{})
		b.faulty.Fail(1, storetest.Fault{Block: gate})
		go func() { b.ask(open("r1")); b.diary.add("answer") }()
		synctest.Wait()
		b.diary.expect(t)
		close(gate)
		synctest.Wait()
		got := b.diary.all()
		if len(got) != 5 || got[0] != "save r1=open" {
			t.Fatalf("happened %q; want the save first, then answer, send, run, watch", got)
		}
	})
}

// TestRefusalIsRemembered: what a machine keeps of a refusal is durable before the one
// who asked hears of it, and nothing else of its effects happens.
func TestRefusalIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		err := b.host.Ask(t.Context(), actors.Request{Reservation: "evidence", Units: 1})
		if !errors.Is(err, actors.Oversold) {
			t.Errorf("refused as %v", err)
		}
		b.diary.expect(t, "save evidence/1=kept")
	})
}

// TestBatchSharesOneSave: what waits is stepped together, the last write of a key
// wins, and messages keep the order of the steps.
func TestBatchSharesOneSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(_ *bench, cfg *host.Config) { cfg.Batch = 3 })
		b.host.Deliver(open("r1"))
		b.host.Deliver(open("r2"))
		b.host.Deliver(actors.Close{Reservation: "r1"})
		b.host.Deliver(open("r3")) // beyond the batch
		b.serve()
		synctest.Wait()
		b.diary.expect(t, "save r1=closed r2=open",
			"send r1 open", "send r2 open", "send r1 closed", "run r1 setup", "run r2 setup", "run r1 setup",
			"watch r1:>open r2:>open r1:open>closed",
			"save r3=open", "send r3 open", "run r3 setup", "watch r3:>open")
		if n := b.faulty.Saves(); n != 2 {
			t.Errorf("%d saves, want 2", n)
		}
	})
}

// TestStepWithoutRecords: what changes nothing is not saved but is still sent.
func TestStepWithoutRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.ask(actors.Tick{})
		if n := b.faulty.Saves(); n != 0 {
			t.Errorf("%d saves, want none", n)
		}
	})
}

// TestKilledAtEverySave crashes the process before or after the n-th save, for
// every n, and restarts it on what the disk holds. Whatever the world was told the
// disk knows, and whatever the disk knows the world is told after the restart.
func TestKilledAtEverySave(t *testing.T) {
	t.Parallel()
	script := []actors.Event{
		open("r1"), open("r2"), actors.Close{Reservation: "r1"}, open("r3"), actors.Close{Reservation: "r3"}, actors.Close{Reservation: "r2"},
	}
	for n := 1; n <= len(script); n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("save %d written=%v", n, after), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					disk := memory.New()
					b := build(t, disk).serve()
					b.faulty.Fail(n, storetest.Fault{Panic: true, Written: after})
					told := map[string]bool{}
					for i, ev := range script {
						err := b.host.Ask(t.Context(), ev)
						if (err == nil) != (i < n-1) {
							t.Fatalf("event %d: %v", i+1, err)
						}
						if err != nil && (actors.KindOf(err) != actors.Transient || !errors.Is(err, host.ErrStopped)) {
							t.Fatalf("event %d: %v; want a transient error saying that the actor stopped", i+1, err)
						}
					}
					if err := <-b.served; err == nil || !strings.Contains(err.Error(), "killed") {
						t.Fatalf("served: %v", err)
					}
					for _, e := range b.diary.all() {
						if strings.HasPrefix(e, "send") {
							told[e] = true
						}
					}
					if len(told) != n-1 {
						t.Fatalf("%d things were said before the crash at save %d: %v", len(told), n, told)
					}

					again := build(t, disk.Reopen()).serve()
					synctest.Wait()
					var want []string
					for key, state := range held(t, again.disk) {
						want = append(want, fmt.Sprintf("send %s %s", strings.TrimPrefix(key, "reservation/"), state))
					}
					got := slices.DeleteFunc(again.diary.all(), func(e string) bool { return !strings.HasPrefix(e, "send") })
					slices.Sort(want)
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Fatalf("after the restart the actor said %q; its records ask for %q", got, want)
					}
					durable := n - 1
					if after {
						durable = n
					}
					for i, ev := range script[durable:] { // the callers try again
						if err := again.host.Ask(t.Context(), ev); err != nil {
							t.Fatalf("event %d again: %v", durable+i+1, err)
						}
					}
					if got := held(t, again.disk); len(got) != 3 || got["reservation/r1"] != "closed" || got["reservation/r2"] != "closed" {
						t.Fatalf("in the end the disk holds %v", got)
					}
				})
			})
		}
	}
}

// TestRecoveryIsSavedFirst: what Recover asks for obeys the same order.
func TestRecoveryIsSavedFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) { cfg.Machine = recoverer{b.machine} }).serve()
		synctest.Wait()
		b.diary.expect(t, "save r9=closed", "send r9 closed", "run r9 setup", "watch r9:>closed")
	})
}

// recoverer is a ledger whose recovery changes a record.
type recoverer struct{ *ledger }

func (r recoverer) Recover(actors.Cycle) actors.Effects { return r.move("r9", "closed") }

// TestEncodeErrorStops: a record that cannot be written would be refused for ever.
func TestEncodeErrorStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		err := b.host.Ask(t.Context(), open("unwritable"))
		if !errors.Is(err, host.ErrStopped) {
			t.Errorf("the caller got %v, want ErrStopped", err)
		}
		var enc *store.EncodeError
		if err := <-b.served; !errors.As(err, &enc) || enc.Key != "reservation/unwritable" {
			t.Errorf("Serve returned %v, want the record's EncodeError", err)
		}
		b.diary.expect(t)
	})
}

// TestStopDuringSave: the end of Serve's context ends a blocked save too.
func TestStopDuringSave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.faulty.Fail(1, storetest.Fault{Block: make(chan struct{})})
		answer := make(chan error, 2)
		go func() { answer <- b.host.Ask(t.Context(), open("r1")) }()
		synctest.Wait()
		go func() { answer <- b.host.Ask(t.Context(), open("r2")) }()
		synctest.Wait()
		b.kill()
		if err := <-b.served; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
		first, second := <-answer, <-answer
		if errors.Is(first, host.ErrNotBegun) {
			first, second = second, first
		}
		if !errors.Is(first, host.ErrStopped) || errors.Is(first, host.ErrNotBegun) {
			t.Errorf("the one being saved got %v", first)
		}
		if !errors.Is(second, host.ErrStopped) || !errors.Is(second, host.ErrNotBegun) {
			t.Errorf("the one still waiting got %v", second)
		}
		b.diary.expect(t)
	})
}

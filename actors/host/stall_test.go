package host_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

var errDisk = errors.New("disk on fire")

// attempts notes when saves are tried.
type attempts struct {
	*storetest.Faulty
	mu    sync.Mutex
	start time.Time
	at    []int // seconds since start
}

func (a *attempts) Save(ctx context.Context, batch []actors.Record) error {
	a.mu.Lock()
	a.at = append(a.at, int(time.Since(a.start).Seconds()))
	a.mu.Unlock()
	return a.Faulty.Save(ctx, batch)
}

// TestFailingStore follows one outage from its first error to the recovery.
func TestFailingStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tries *attempts
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) {
			tries = &attempts{Faulty: b.faulty, start: time.Now()}
			cfg.Store = written{tries, b.diary}
		}).serve()
		b.faulty.FailAll(&storetest.Fault{Err: errDisk})

		patient := make(chan error, 1)
		go func() { patient <- b.host.Ask(t.Context(), open("r1")) }()
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := b.host.Ask(hasty, open("r2")) // waits behind the failing batch
		if actors.KindOf(err) != actors.Transient || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, host.ErrNotBegun) {
			t.Errorf("a caller in a hurry got %v; want transient, its deadline, and that nothing was begun", err)
		}
		var seen []actors.View
		if err := b.host.Inspect(t.Context(), func(v actors.Viewer) { seen = v.Views() }); err != nil || len(seen) != 1 {
			t.Errorf("looking during the outage: %v, %v", seen, err)
		}
		if s := b.host.Status(); s.Stalled != errDisk.Error() || s.StalledAt.IsZero() {
			t.Errorf("status %+v does not tell of the outage", s)
		}
		time.Sleep(200 * time.Second)
		synctest.Wait()
		b.diary.expect(t) // nothing has left the actor

		b.faulty.FailAll(nil)
		if err := <-patient; err != nil {
			t.Errorf("the patient caller got %v", err)
		}
		synctest.Wait()
		b.diary.expect(t, "save r1=open", "send r1 open", "run r1 setup", "watch r1:>open") // and r2 never happened
		if want := []int{0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211}; !slices.Equal(tries.at, want) {
			t.Errorf("saves were tried at %v seconds, want %v", tries.at, want)
		}
		if s := b.host.Status(); s.Stalled != "" || !s.StalledAt.IsZero() {
			t.Errorf("status %+v still tells of the outage", s)
		}
		if bad, good := b.log.lines("the store refuses"), b.log.lines("accepts records again"); len(bad) != 1 || len(good) != 1 {
			t.Errorf("logged %d times that it began and %d times that it ended, want once each:\n%s%s", len(bad), len(good),
				strings.Join(bad, ""), strings.Join(good, ""))
		} else if !strings.Contains(bad[0], "disk on fire") || !strings.Contains(good[0], "tries=12") || !strings.Contains(good[0], "after=3m31s") {
			t.Errorf("the log says:\n%s%s", bad[0], good[0])
		}
	})
}

// TestOutcomeUnknown: who gives up while the batch is being saved learns that the
// event may yet happen, by the absence of ErrNotBegun.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.faulty.FailAll(&storetest.Fault{Err: errDisk})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := b.host.Ask(ctx, open("r1"))
		if actors.KindOf(err) != actors.Transient || errors.Is(err, host.ErrNotBegun) {
			t.Errorf("got %v; want transient and nothing about not begun", err)
		}
		b.faulty.FailAll(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		b.diary.expect(t, "save r1=open", "send r1 open", "run r1 setup", "watch r1:>open")
	})
}

// TestStopDuringOutage: nothing is released, and the restart begins from the disk.
func TestStopDuringOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.ask(open("r1"))
		synctest.Wait()
		b.diary.all()
		b.faulty.FailAll(&storetest.Fault{Err: errDisk})
		b.host.Deliver(actors.Close{Reservation: "r1"})
		time.Sleep(10 * time.Second)
		b.kill()
		if err := <-b.served; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
		b.diary.expect(t)
		again := build(t, b.disk.Reopen()).serve()
		synctest.Wait()
		again.diary.expect(t, "send r1 open", "run r1 setup")
	})
}

// TestLostAnswer: the store kept the batch but said it had not. Saving again is
// harmless and everything is released once.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.faulty.Fail(1, storetest.Fault{Err: errDisk, Written: true})
		b.ask(open("r1"))
		synctest.Wait()
		b.diary.expect(t, "save r1=open", "send r1 open", "run r1 setup", "watch r1:>open")
		if n := b.faulty.Saves(); n != 2 {
			t.Errorf("%d saves, want 2", n)
		}
	})
}

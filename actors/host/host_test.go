package host_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/bbolt"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// TestRefusalIsForItsCaller: one event's refusal leaves its neighbours in the
// batch alone, and is logged once, with everything needed to follow it up.
func TestRefusalIsForItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New())
		answers := map[actors.ReservationID]chan error{"r1": make(chan error, 1), "bad": make(chan error, 1), "r2": make(chan error, 1)}
		for id, units := range map[actors.ReservationID]int{"r1": 1, "bad": -1, "r2": 1} {
			go func() { answers[id] <- b.host.Ask(t.Context(), actors.Request{Reservation: id, Units: units}) }()
		}
		synctest.Wait()
		b.serve()
		if err := <-answers["bad"]; !errors.Is(err, actors.Invalid) {
			t.Errorf("bad got %v, want invalid", err)
		}
		for _, id := range []actors.ReservationID{"r1", "r2"} {
			if err := <-answers[id]; err != nil {
				t.Errorf("%s got %v", id, err)
			}
		}
		lines := b.log.lines("negative units")
		if len(lines) != 1 {
			t.Fatalf("logged %d times:\n%s", len(lines), strings.Join(lines, ""))
		}
		for _, part := range []string{"level=warning", "actor=site1", "role=authority", "peer=who asked", "reservation=bad", "kind=invalid request"} {
			if !strings.Contains(lines[0], part) {
				t.Errorf("the log line lacks %q: %s", part, lines[0])
			}
		}
		if n := b.faulty.Saves(); n != 1 {
			t.Errorf("%d saves, want one for the batch", n)
		}
	})
}

// TestRefusedMessageIsTraceable: from the event itself come peer and message id.
func TestRefusedMessageIsTraceable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(b *bench, cfg *host.Config) { cfg.Machine = refuser{b.machine} }).serve()
		b.host.Deliver(actors.Receive{Message: actors.Message{ID: "urn:m1", From: "peer1", Reservation: "r1"}})
		b.host.Deliver(actors.SendFailed{Message: actors.Message{ID: "urn:m2", To: "peer2", Reservation: "r2"}})
		synctest.Wait()
		for _, parts := range [][]string{
			{"peer=peer1", "message=urn:m1", "reservation=r1", "level=error", "kind=internal error"},
			{"peer=peer2", "message=urn:m2", "reservation=r2", "level=error"},
		} {
			lines := b.log.lines(parts[0])
			if len(lines) != 1 {
				t.Fatalf("logged %d times", len(lines))
			}
			for _, p := range parts {
				if !strings.Contains(lines[0], p) {
					t.Errorf("the log line lacks %q: %s", p, lines[0])
				}
			}
		}
	})
}

type refuser struct{ *ledger }

func (refuser) Step(actors.Cycle, actors.Event) (actors.Effects, error) {
	return actors.Effects{}, errors.New("out of order")
}

// TestPanicStops: a machine that panicked is in no known state. Nothing of its
// batch leaves, not even what was stepped before.
func TestPanicStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New())
		good, bad := make(chan error, 1), make(chan error, 1)
		go func() { good <- b.host.Ask(t.Context(), open("r1")) }()
		synctest.Wait()
		go func() { bad <- b.host.Ask(t.Context(), open("panic")) }()
		synctest.Wait()
		b.serve()
		var broken *host.PanicError
		if err := <-b.served; !errors.As(err, &broken) || !strings.Contains(err.Error(), "step actors.Request: a bug") ||
			!strings.Contains(string(broken.Stack), "fake_test.go") {
			t.Errorf("Serve returned %v", err)
		}
		for _, c := range []chan error{good, bad} {
			if err := <-c; !errors.Is(err, host.ErrStopped) || actors.KindOf(err) != actors.Transient {
				t.Errorf("a caller got %v", err)
			}
		}
		b.diary.expect(t)
		if len(b.log.lines("a bug")) != 1 {
			t.Error("the panic is not in the log exactly once")
		}
		if b.host.Status().Running {
			t.Error("the status says it is running")
		}
	})
}

func TestPanicInRecover(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New(), func(b *bench, cfg *host.Config) { cfg.Machine = fragile{b.machine} }).serve()
	var broken *host.PanicError
	if err := <-b.served; !errors.As(err, &broken) {
		t.Errorf("Serve returned %v, want a PanicError", err)
	}
}

type fragile struct{ *ledger }

func (fragile) Recover(actors.Cycle) actors.Effects { panic("cannot recover") }

// TestBackPressure: asked events have Mail places; delivered ones always fit.
func TestBackPressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(_ *bench, cfg *host.Config) { cfg.Mail = 2 })
		for i := range 2 {
			go b.ask(open(actors.ReservationID(fmt.Sprint("asked", i))))
		}
		synctest.Wait()
		for i := range 1000 {
			b.host.Deliver(open(actors.ReservationID(fmt.Sprint("delivered", i))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := b.host.Ask(ctx, open("one too many"))
		if !errors.Is(err, host.ErrNotBegun) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v; want the deadline and not begun", err)
		}
		if n := b.host.Status().Waiting; n != 1002 {
			t.Errorf("%d events wait, want 1002", n)
		}
		b.serve()
		for i := range 5 { // more than there are places
			b.ask(open(actors.ReservationID(fmt.Sprint("later", i))))
		}
		if got := held(t, b.disk); len(got) != 1007 || got["reservation/one too many"] != "" {
			t.Errorf("%d records, want 1007 without the one that gave up", len(got))
		}
	})
}

// TestGivenUpNeverHappens: an event whose caller left before its turn is skipped.
func TestGivenUpNeverHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.host.Ask(ctx, open("r1")); !errors.Is(err, host.ErrNotBegun) {
			t.Errorf("got %v", err)
		}
		b.serve()
		b.ask(open("r2"))
		synctest.Wait()
		b.diary.expect(t, "save r2=open", "send r2 open", "run r2 setup", "watch r2:>open")
	})
}

func TestAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := build(t, memory.New()).serve()
	b.ask(open("r1"))
	b.kill()
	if err := <-b.served; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for _, err := range []error{
		b.host.Ask(t.Context(), open("r2")),
		b.host.Inspect(t.Context(), func(actors.Viewer) { t.Error("looked") }),
	} {
		if !errors.Is(err, host.ErrStopped) || !errors.Is(err, host.ErrNotBegun) || actors.KindOf(err) != actors.Transient {
			t.Errorf("got %v", err)
		}
	}
	b.host.Deliver(open("r3"))
	if err := b.host.Serve(t.Context()); err == nil {
		t.Error("a host served twice")
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New()).serve()
		b.ask(open("r1"))
		err := b.host.Inspect(t.Context(), func(v actors.Viewer) {
			if got, ok := v.View("r1"); !ok || got.State != "open" {
				t.Errorf("saw %v", got)
			}
		})
		if err != nil {
			t.Error(err)
		}
		var broken *host.PanicError
		if err := b.host.Inspect(t.Context(), func(actors.Viewer) { panic("oops") }); !errors.As(err, &broken) {
			t.Errorf("a panic while looking gave %v", err)
		}
		b.ask(open("r2")) // and the actor goes on
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.host.Inspect(ctx, func(actors.Viewer) {}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSubscribe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := build(t, memory.New(), func(_ *bench, cfg *host.Config) { cfg.Watch = nil }).serve()
		stop := b.host.Subscribe(func(m []actors.Transition) { b.diary.add("first %s", moves(m)) })
		b.host.Subscribe(func(m []actors.Transition) { b.diary.add("second %s", moves(m)) })
		b.ask(open("r1"))
		synctest.Wait()
		stop()
		stop()
		b.ask(open("r2"))
		synctest.Wait()
		b.diary.expect(t, "save r1=open", "send r1 open", "run r1 setup", "first r1:>open", "second r1:>open",
			"save r2=open", "send r2 open", "run r2 setup", "second r2:>open")
	})
}

// TestQuarantine: what cannot be read is set aside, listed, copied once, and taken
// back when a better program can read it.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := memory.New()
		if err := disk.Save(t.Context(), []actors.Record{
			storetest.Record("reservation/a", "open"), storetest.Record("reservation/b", "garbage"),
			storetest.Record("reservation/c", "explode"), storetest.Record("weird", ""), storetest.Record("reservation/d", "closed"),
		}); err != nil {
			t.Fatal(err)
		}
		names := func(b *bench) string {
			var all []string
			for _, q := range b.host.Quarantined() {
				all = append(all, fmt.Sprintf("%s=%s %v", q.Key, q.Data, q.Err != nil))
			}
			return strings.Join(all, ", ")
		}
		b := build(t, disk)
		const want = "reservation/b=garbage true, reservation/c=explode true, weird= true"
		if got := names(b); got != want {
			t.Fatalf("set aside: %s\nwant: %s", got, want)
		}
		if n := b.host.Status().Quarantined; n != 3 {
			t.Errorf("status tells of %d", n)
		}
		if n := len(b.log.lines("set aside")); n != 3 {
			t.Errorf("logged %d times, want 3", n)
		}
		b.serve()
		synctest.Wait()
		b.diary.expect(t, "save quarantine/reservation/b=garbage quarantine/reservation/c=explode quarantine/weird=",
			"send a open", "send d closed", "run a setup", "run d setup")

		b.ask(open("b")) // a new b: its record is overwritten, the copy is not
		again := build(t, disk.Reopen())
		if again.faulty.Saves() != 0 {
			t.Error("known copies were made again")
		}
		const left = "reservation/b=garbage false, reservation/c=explode true, weird= true"
		if got := names(again); got != left {
			t.Fatalf("at the next start: %s\nwant: %s", got, left)
		}

		healed := build(t, again.disk.Reopen(), func(b *bench, cfg *host.Config) { cfg.Machine = tolerant{b.machine} })
		if got := names(healed); got != "reservation/b=garbage false" {
			t.Errorf("after the repair: %s", got)
		}
		if got := held(t, healed.disk); len(got) != 6 || got["quarantine/reservation/b"] != "garbage" {
			t.Errorf("the disk holds %v", got)
		}
	})
}

// tolerant reads everything.
type tolerant struct{ *ledger }

func (tolerant) Restore(actors.Stored) error { return nil }

func TestNew(t *testing.T) {
	t.Parallel()
	valid := func() host.Config {
		return host.Config{Self: actors.Location{ID: "a"}, Machine: newLedger(), Store: memory.New(), Cycles: second,
			Send: func(actors.Message) {}, Run: func(actors.Action) {}}
	}
	tests := map[string]func(*host.Config){
		"no ID":          func(c *host.Config) { c.Self.ID = "" },
		"no Machine":     func(c *host.Config) { c.Machine = nil },
		"no Store":       func(c *host.Config) { c.Store = nil },
		"no Send":        func(c *host.Config) { c.Send = nil },
		"no Run":         func(c *host.Config) { c.Run = nil },
		"no Cycles":      func(c *host.Config) { c.Cycles.Length = 0 },
		"negative Begin": func(c *host.Config) { c.Cycles.Begin = -1 },
		"negative Mail":  func(c *host.Config) { c.Mail = -1 },
		"closed store":   func(c *host.Config) { c.Store.Close() },
	}
	for name, spoil := range tests {
		cfg := valid()
		spoil(&cfg)
		if _, err := host.New(t.Context(), cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	h, err := host.New(t.Context(), valid())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := h.Serve(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve returned %v", err)
	}
}

// TestCrowd runs real goroutines against a real file: everyone who was told yes
// finds his record after a restart.
func TestCrowd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	file, err := bbolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	disk, err := file.Actor("site1")
	if err != nil {
		t.Fatal(err)
	}
	sent := map[actors.ReservationID]int{} // the host's goroutine only
	h, err := host.New(t.Context(), host.Config{
		Self: actors.Location{ID: "a"}, Machine: newLedger(), Store: disk, Cycles: second, Mail: 8, Batch: 16,
		Send: func(m actors.Message) { sent[m.Reservation]++ }, Run: func(actors.Action) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx) }()
	const callers, each = 16, 20
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				id := actors.ReservationID(fmt.Sprintf("%d-%d", c, i))
				if err := h.Ask(t.Context(), open(id)); err != nil {
					t.Error(err)
				}
				h.Deliver(actors.Tick{})
				if i%5 == 0 {
					if err := h.Inspect(t.Context(), func(v actors.Viewer) {
						if _, ok := v.View(id); !ok {
							t.Errorf("%s was answered but is not there", id)
						}
					}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
	<-served
	if len(sent) != callers*each {
		t.Errorf("%d reservations were announced, want %d", len(sent), callers*each)
	}
	if err := errors.Join(disk.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	file, err = bbolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	disk, err = file.Actor("site1")
	if err != nil {
		t.Fatal(err)
	}
	if got := held(t, disk); len(got) != callers*each {
		t.Errorf("%d records, want %d", len(got), callers*each)
	}
}

// BenchmarkAsk measures durable requests through one actor, 256 callers at a time.
func BenchmarkAsk(b *testing.B) {
	for name, open := range map[string]func(*testing.B) store.Store{
		"memory": func(*testing.B) store.Store { return memory.New() },
		"bbolt": func(b *testing.B) store.Store {
			f, err := bbolt.Open(filepath.Join(b.TempDir(), "store"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { f.Close() })
			s, err := f.Actor("site1")
			if err != nil {
				b.Fatal(err)
			}
			return s
		},
	} {
		b.Run(name, func(b *testing.B) {
			h, err := host.New(b.Context(), host.Config{
				Self: actors.Location{ID: "a"}, Machine: newLedger(), Store: open(b), Cycles: second,
				Send: func(actors.Message) {}, Run: func(actors.Action) {},
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			served := make(chan error, 1)
			go func() { served <- h.Serve(ctx) }()
			ids := make(chan actors.ReservationID)
			var wg sync.WaitGroup
			for range 256 {
				wg.Go(func() {
					for id := range ids {
						if err := h.Ask(ctx, actors.Request{Reservation: id}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				ids <- actors.ReservationID(fmt.Sprintf("r%09d", i))
			}
			close(ids)
			wg.Wait()
			cancel()
			<-served
		})
	}
}

// TestMend: a record that was set aside is put back into the running actor, mended or
// as it was, or thrown away; each is durable, and what cannot be done changes nothing.
func TestMend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		disk := memory.New()
		if err := disk.Save(t.Context(), []actors.Record{
			storetest.Record("reservation/a", "garbage"), storetest.Record("reservation/b", "garbage"),
			storetest.Record("reservation/c", "garbage"), storetest.Record("reservation/d", "open"),
		}); err != nil {
			t.Fatal(err)
		}
		b := build(t, disk).serve()
		synctest.Wait()
		b.diary.all()
		for name, tt := range map[string]struct {
			err  error
			want error
		}{
			"still garbage": {b.host.Restore(t.Context(), "reservation/a", nil), actors.Invalid},
			"explodes":      {b.host.Restore(t.Context(), "reservation/a", []byte("explode")), actors.Invalid},
			"never aside":   {b.host.Restore(t.Context(), "reservation/d", []byte("open")), actors.NotFound},
			"drop it":       {b.host.Drop(t.Context(), "reservation/x"), actors.NotFound},
		} {
			if !errors.Is(tt.err, tt.want) {
				t.Errorf("%s: %v", name, tt.err)
			}
		}
		b.diary.expect(t)
		if err := b.host.Restore(t.Context(), "reservation/a", []byte("open")); err != nil {
			t.Fatal(err)
		}
		b.diary.expect(t, "save a=open quarantine/reservation/a=gone", "send a open", "send d open", "run a setup", "run d setup")
		if err := b.host.Drop(t.Context(), "reservation/b"); err != nil {
			t.Fatal(err)
		}
		b.diary.expect(t, "save quarantine/reservation/b=gone b=gone")
		b.ask(open("c")) // written anew
		synctest.Wait()
		b.diary.all()
		if err := b.host.Restore(t.Context(), "reservation/c", []byte("closed")); !errors.Is(err, actors.Stale) {
			t.Errorf("restored over what was written since: %v", err)
		}
		if q := b.host.Quarantined(); len(q) != 1 || q[0].Err != nil || b.host.Status().Quarantined != 1 {
			t.Errorf("set aside: %+v", q)
		}
		if err := b.host.Drop(t.Context(), "reservation/c"); err != nil {
			t.Fatal(err)
		}
		b.diary.expect(t, "save quarantine/reservation/c=gone")
		if got := fmt.Sprint(held(t, disk)); got != "map[reservation/a:open reservation/c:open reservation/d:open]" {
			t.Errorf("the disk holds %s", got)
		}
		if n := len(b.log.lines("an operator")); n != 3 {
			t.Errorf("%d operators are in the log", n)
		}
		again := build(t, disk.Reopen())
		if q := again.host.Quarantined(); len(q) != 0 {
			t.Errorf("at the next start: %+v", q)
		}
	})
}

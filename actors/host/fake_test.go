package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/store"
	"github.com/leasehold/leasehold/actors/store/memory"
	"github.com/leasehold/leasehold/actors/store/storetest"
)

// ledger is a small machine that owes the world something after every step: a
// record, a message and an action. What it owes follows from its records.
type ledger struct {
	held  map[actors.ReservationID]string // by reservation: open or closed
	wake  func(now actors.Cycle) actors.Cycle
	steps func(now actors.Cycle, ev actors.Event) // sees every step
}

func newLedger() *ledger { return &ledger{held: map[actors.ReservationID]string{}} }

func (l *ledger) Step(now actors.Cycle, ev actors.Event) (actors.Effects, error) {
	if l.steps != nil {
		l.steps(now, ev)
	}
	fx := actors.Effects{Wake: l.next(now)}
	switch ev := ev.(type) {
	case actors.Request:
		switch {
		case ev.Reservation == "panic":
			panic("a bug")
		case ev.Reservation == "unwritable":
			fx.Save = []actors.Record{{Key: "reservation/unwritable", Value: unwritable{}}}
			return fx, nil
		case ev.Reservation == "evidence": // refused, and remembered
			fx = l.owed(ev.Reservation)
			fx.Save = []actors.Record{storetest.Record("evidence/1", "kept")}
			return fx, &actors.Error{Op: "ledger.request", Kind: actors.Oversold}
		case ev.Units < 0:
			return actors.Effects{}, &actors.Error{Op: "ledger.request", Peer: "who asked", Kind: actors.Invalid, Err: errors.New("negative units")}
		}
		fx.Join(l.move(ev.Reservation, "open"))
	case actors.Close:
		if l.held[ev.Reservation] == "" {
			return actors.Effects{}, actors.NotFound
		}
		fx.Join(l.move(ev.Reservation, "closed"))
	}
	fx.Wake = l.next(now)
	return fx, nil
}

func (l *ledger) next(now actors.Cycle) actors.Cycle {
	if l.wake == nil {
		return actors.Never
	}
	return l.wake(now)
}

func (l *ledger) move(id actors.ReservationID, to string) actors.Effects {
	from := l.held[id]
	l.held[id] = to
	fx := l.owed(id)
	fx.Save = []actors.Record{storetest.Record("reservation/"+string(id), to)}
	fx.Moved = []actors.Transition{{Reservation: id, From: from, To: to}}
	return fx
}

func (l *ledger) owed(id actors.ReservationID) actors.Effects {
	return actors.Effects{
		Send: []actors.Message{{Op: actors.OpUpdateLease, Reservation: id, Note: l.held[id]}},
		Run:  []actors.Task{{Order: &actors.Order{Reservation: id}, Unit: new(actors.Unit), Verb: actors.Setup}},
		Wake: actors.Never,
	}
}

func (l *ledger) Restore(rec actors.Stored) error {
	id, ok := strings.CutPrefix(rec.Key, "reservation/")
	switch {
	case !ok:
		return fmt.Errorf("unknown kind of record %q", rec.Key)
	case string(rec.Data) == "explode":
		panic("while reading")
	case string(rec.Data) != "open" && string(rec.Data) != "closed":
		return fmt.Errorf("bad state %q", rec.Data)
	}
	l.held[actors.ReservationID(id)] = string(rec.Data)
	return nil
}

func (l *ledger) Recover(now actors.Cycle) actors.Effects {
	var fx actors.Effects
	for _, v := range l.Views() {
		fx.Join(l.owed(v.Reservation))
	}
	fx.Wake = l.next(now)
	return fx
}

func (l *ledger) View(id actors.ReservationID) (actors.View, bool) {
	state, ok := l.held[id]
	return actors.View{Reservation: id, State: state}, ok
}

func (l *ledger) Views() (all []actors.View) {
	for id := range l.held {
		v, _ := l.View(id)
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b actors.View) int { return strings.Compare(string(a.Reservation), string(b.Reservation)) })
	return all
}

type unwritable struct{}

func (unwritable) AppendRecord([]byte) ([]byte, error) { return nil, errors.New("no form for this") }

// diary is what happened, in order.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) add(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, fmt.Sprintf(format, args...))
}

// all returns what happened since the last call.
func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.entries
	d.entries = nil
	return out
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait() // an answer comes before what is sent and run
	if got := d.all(); !slices.Equal(got, want) {
		t.Fatalf("happened:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// written is a store that enters its saves in the diary.
type written struct {
	store.Store
	diary *diary
}

func (w written) Save(ctx context.Context, batch []actors.Record) error {
	if err := w.Store.Save(ctx, batch); err != nil {
		return err
	}
	var parts []string
	for _, r := range batch {
		if r.Key == "clock/reached" {
			continue // the host's own, see TestReached
		}
		data := []byte("gone")
		if r.Value != nil {
			data, _ = r.Value.AppendRecord(nil)
		}
		parts = append(parts, fmt.Sprintf("%s=%s", strings.TrimPrefix(r.Key, "reservation/"), data))
	}
	w.diary.add("save %s", strings.Join(parts, " "))
	return nil
}

// journal is a log that tests can read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// lines are the log lines that contain part.
func (j *journal) lines(part string) (found []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for line := range strings.Lines(j.buf.String()) {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// bench is a host under test and everything around it.
type bench struct {
	*testing.T
	host    *host.Host
	machine *ledger
	disk    *memory.Store
	faulty  *storetest.Faulty
	diary   *diary
	log     *journal
	served  chan error
	kill    context.CancelFunc
}

// second makes cycles of one second from the epoch of synctest's clock.
var second = actors.Cycles{Begin: actors.Millis(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()), Length: 1000}

// build makes a host on disk, not serving yet. change adjusts its configuration.
func build(t *testing.T, disk *memory.Store, change ...func(*bench, *host.Config)) *bench {
	t.Helper()
	b := &bench{T: t, machine: newLedger(), disk: disk, diary: &diary{}, log: &journal{}, served: make(chan error, 1)}
	b.faulty = storetest.NewFaulty(disk)
	log := logrus.New()
	log.SetOutput(b.log)
	log.SetFormatter(&logrus.TextFormatter{DisableTimestamp: true, DisableQuote: true})
	cfg := host.Config{
		Self: actors.Location{ID: "7d0c", Name: "site1"}, Role: actors.RoleAuthority,
		Machine: b.machine, Store: written{b.faulty, b.diary}, Cycles: second, Log: log,
		Send:  func(m actors.Message) { b.diary.add("send %s %s", m.Reservation, m.Note) },
		Run:   func(a actors.Action) { b.diary.add("run %s %s", a.Reservation, a.Verb) },
		Watch: func(moved []actors.Transition) { b.diary.add("watch %s", moves(moved)) },
	}
	for _, c := range change {
		c(b, &cfg)
	}
	h, err := host.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.host = h
	return b
}

func moves(moved []actors.Transition) string {
	var parts []string
	for _, m := range moved {
		parts = append(parts, fmt.Sprintf("%s:%s>%s", m.Reservation, m.From, m.To))
	}
	return strings.Join(parts, " ")
}

// serve starts the host; the test's end stops it.
func (b *bench) serve() *bench {
	ctx, cancel := context.WithCancel(b.Context())
	b.kill = cancel
	go func() {
		defer func() {
			switch crash := recover().(type) {
			case nil:
			case storetest.Crash:
				b.served <- fmt.Errorf("killed at save %d", crash.Save)
			default:
				panic(crash)
			}
		}()
		b.served <- b.host.Serve(ctx)
	}()
	b.Cleanup(cancel)
	return b
}

func open(id actors.ReservationID) actors.Event { return actors.Request{Reservation: id} }

func (b *bench) ask(ev actors.Event) {
	b.Helper()
	if err := b.host.Ask(b.Context(), ev); err != nil {
		b.Error(err) // callers may be goroutines
	}
}

// held is what a store has, without the host's own record (see TestReached).
func held(t *testing.T, s store.Store) map[string]string {
	t.Helper()
	all := storetest.All(t, s)
	delete(all, "clock/reached")
	return all
}

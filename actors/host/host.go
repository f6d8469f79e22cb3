package host

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/leasehold/leasehold/actors"
)

// ErrStopped is the cause of what callers get from a host whose Serve has ended.
var ErrStopped = errors.New("the actor has stopped")

// ErrNotBegun is part of Ask's error when its context ended before the event was
// looked at: it has not happened and never will. Without it, the outcome is
// unknown.
var ErrNotBegun = errors.New("not begun")

// PanicError says that a machine panicked. The host that returns it from Serve
// has stopped without saving or sending anything of the batch.
type PanicError struct {
	Doing string // "step actors.Request"
	Value any    // what was panicked with
	Stack []byte // where
}

// Error names the step and the panic, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("machine panicked: %s: %v", e.Doing, e.Value) }

// Status is how a host is doing.
type Status struct {
	Running     bool      // Serve has begun and has not ended
	Waiting     int       // events in the mailbox
	StalledAt   time.Time // since when the store has been refusing; zero when it works
	Stalled     string    // what the store last said; empty when it works
	StandsUntil time.Time // the clock is behind, and the actor's time stands still until then; zero when it is not
	Quarantined int       // records that could not be read at start
}

// Host runs one actor. Make it with New, start it with Serve. The other methods
// may be called from any goroutine, before Serve too: events wait for it.
type Host struct {
	cfg     Config
	mail    *mailbox
	places  chan struct{} // one token for each asked event that waits
	stopped chan struct{} // closed when Serve has ended

	mu        sync.Mutex
	serving   bool
	ended     bool
	stalledAt time.Time
	stalled   string
	stands    time.Time
	watchers  []*watcher
	aside     []Quarantined // by key; the slice is replaced, never changed

	// Used by Serve's goroutine only.
	now    actors.Cycle // the latest cycle any step was given
	ticked actors.Cycle // the latest cycle that had its Tick
	marked reached      // what the store has of these
	wake   actors.Cycle // what the last step asked for
	batch  []mail       // what is being carried out

	// Room that is used again.
	done    []actors.ActionsDone
	effects actors.Effects
}

// watcher is one subscription; its address tells it from others.
type watcher struct{ see func([]actors.Transition) }

// New loads the store into the machine. Records that the machine cannot read are
// quarantined; New fails only when cfg is incomplete or the store cannot be read.
func New(ctx context.Context, cfg Config) (*Host, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	h := &Host{
		cfg: cfg, mail: newMailbox(), places: make(chan struct{}, cfg.Mail), stopped: make(chan struct{}),
		ticked: -1, wake: actors.Never,
	}
	if err := h.load(ctx); err != nil {
		return nil, h.fail("host.load", nil, actors.Transient, err)
	}
	return h, nil
}

// Ask gives the actor an event and waits. It returns nil when the event's effects
// are durable, the machine's error when it refused, and a Transient error when ctx
// ends first or the host stops: the same event may then be asked again.
func (h *Host) Ask(ctx context.Context, ev actors.Event) error {
	select {
	case h.places <- struct{}{}:
	case <-ctx.Done():
		return h.fail("host.ask", ev, actors.Transient, notBegun(ctx.Err()))
	case <-h.stopped:
		return h.fail("host.ask", ev, actors.Transient, notBegun(ErrStopped))
	}
	return h.put(ctx, "host.ask", &item{event: ev, bound: true, answer: make(chan error, 1)})
}

// Deliver gives the actor an event and does not wait, whatever is waiting
// already. It is for what happened elsewhere and must not be lost: completions of
// actions, failed sends. A host that has stopped ignores it; after a restart the
// machine's Recover asks again.
func (h *Host) Deliver(ev actors.Event) { h.mail.put(mail{event: ev}) }

// Inspect calls look between two steps and returns after it. What look sees is
// durable, except while the store is refusing (see Status): then it sees what the
// actor has decided and could not save yet. Nothing of the viewer may be kept or
// changed. A panic in look is returned as an error.
func (h *Host) Inspect(ctx context.Context, look func(actors.Viewer)) error {
	return h.put(ctx, "host.inspect", &item{look: look, answer: make(chan error, 1)})
}

// put queues it and waits for its answer.
func (h *Host) put(ctx context.Context, op string, it *item) error {
	if !h.mail.put(mail{it.event, it}) {
		return h.fail(op, it.event, actors.Transient, notBegun(ErrStopped))
	}
	select {
	case err := <-it.answer:
		return err
	case <-ctx.Done():
	}
	if it.drop() {
		return h.fail(op, it.event, actors.Transient, notBegun(ctx.Err()))
	}
	select {
	case err := <-it.answer: // it was just in time
		return err
	default:
		if it.look != nil {
			return <-it.answer // look is running: it must not outlive Inspect
		}
		return h.fail(op, it.event, actors.Transient, ctx.Err())
	}
}

// Subscribe makes see one more watcher, after those before it and under the same
// restrictions as Config.Watch, until stop is called. A last call may still be
// under way when stop returns.
func (h *Host) Subscribe(see func([]actors.Transition)) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := &watcher{see}
	h.watchers = append(slices.Clone(h.watchers), w) // the loop may be reading the old slice
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.watchers = slices.DeleteFunc(slices.Clone(h.watchers), func(o *watcher) bool { return o == w })
	}
}

// Status is how the host is doing, now.
func (h *Host) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Status{
		Running: h.serving && !h.ended, Waiting: h.mail.waiting(), StalledAt: h.stalledAt, Stalled: h.stalled,
		StandsUntil: h.stands, Quarantined: len(h.aside),
	}
}

// fail is an error of the host's own about ev.
func (h *Host) fail(op string, ev actors.Event, kind actors.Kind, cause error) error {
	about := subjectOf(ev)
	return &actors.Error{
		Op: op, Actor: h.cfg.Self.ID, Peer: about.peer, Reservation: about.reservation, Message: about.message,
		Kind: kind, Err: cause,
	}
}

func notBegun(cause error) error { return fmt.Errorf("%w: %w", ErrNotBegun, cause) }

// guarded calls f and turns a panic into a *PanicError.
func guarded(doing string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Doing: doing, Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// Serve runs the actor until ctx ends, and returns ctx's error; or until a mistake
// that no retry can mend, and returns that. A host serves once. When Serve returns,
// everyone who still waits has been told that the actor has stopped.
func (h *Host) Serve(ctx context.Context) error {
	h.mu.Lock()
	again := h.serving
	h.serving = true
	h.mu.Unlock()
	if again {
		return errors.New("host: Serve was called twice")
	}
	defer h.stop()
	if err := h.recover(ctx); err != nil {
		return h.give(err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(h.batch) // lets go of what is done
		h.batch = h.mail.take(h.batch[:0], h.cfg.Batch)
		tick := h.tickDue()
		if len(h.batch) == 0 && !tick {
			h.sleep(ctx)
			continue
		}
		for _, it := range h.batch {
			if it.item != nil && it.item.bound {
				<-h.places
			}
		}
		if err := h.round(ctx, tick); err != nil {
			return h.give(err)
		}
	}
}

// recover carries out what the restored reservations owe.
func (h *Host) recover(ctx context.Context) error {
	now := h.cycle()
	var fx actors.Effects
	err := guarded("recover", func() error { fx = h.cfg.Machine.Recover(now); return nil })
	if err != nil {
		return err
	}
	h.wake = fx.Wake
	return h.carryOut(ctx, fx, nil)
}

// outcome is what one item's caller will be told.
type outcome struct {
	it  *item
	err error
}

// round steps the machine through the batch, and through Tick if it is time, and
// carries out what follows.
func (h *Host) round(ctx context.Context, tick bool) error {
	now := h.cycle()
	all := &h.effects
	defer func() { // watchers may keep Moved
		*all = actors.Effects{Save: emptied(all.Save), Send: emptied(all.Send), Run: emptied(all.Run)}
	}()
	var answers []outcome
	for i := 0; i < len(h.batch); i++ {
		it := h.batch[i].item
		if it == nil {
			n := h.gather(h.batch[i:])
			if err := h.delivered(now, h.batch[i].event, n, all); err != nil {
				return err
			}
			i += max(n, 1) - 1
			continue
		}
		if it.look != nil || !it.begin() {
			continue
		}
		if it.mend != nil {
			fx, refusal := it.mend(now)
			all.Join(fx)
			if answers = append(answers, outcome{it, refusal}); refusal == nil {
				h.wake = fx.Wake
			}
			continue
		}
		refusal, err := h.step(now, it.event, all)
		if err != nil {
			return err
		}
		answers = append(answers, outcome{it, refusal})
	}
	if tick {
		if _, err := h.step(now, actors.Tick{}, all); err != nil {
			return err
		}
	}
	if err := h.carryOut(ctx, *all, answers); err != nil {
		return err
	}
	for _, m := range h.batch {
		if m.item != nil {
			h.show(m.item)
		}
	}
	return nil
}

// keepRoom is for how many effects of a kind room is kept between two rounds.
const keepRoom = 8192

// emptied lets go of what all refers to, and keeps its room unless it is that of a burst.
func emptied[T any](all []T) []T {
	if cap(all) > keepRoom {
		return nil
	}
	clear(all)
	return all[:0]
}

// delivered steps the machine through an event that nobody waits for, or through the
// n ends of actions that it is the first of.
func (h *Host) delivered(now actors.Cycle, ev actors.Event, n int, all *actors.Effects) error {
	if n == 0 {
		_, err := h.step(now, ev, all)
		return err
	}
	for _, ended := range h.done {
		if _, err := h.step(now, ended, all); err != nil {
			return err
		}
	}
	return nil
}

// gather puts the ends of actions at the head of items together by reservation, into
// h.done, and says how many there were. Nothing orders the ends of different
// reservations' actions but the chance of who was faster; whatever else has come in
// between is not passed.
func (h *Host) gather(items []mail) (n int) {
	for i := range h.done {
		clear(h.done[i].Done)
	}
	h.done = h.done[:0]
	for _, it := range items {
		done, ended := it.event.(actors.ActionDone)
		if !ended || it.item != nil {
			break
		}
		n++
		at := len(h.done) - 1
		if at < 0 || h.done[at].Reservation != done.Reservation {
			at = slices.IndexFunc(h.done, func(e actors.ActionsDone) bool { return e.Reservation == done.Reservation })
		}
		if at < 0 {
			at = len(h.done)
			if at < cap(h.done) {
				h.done = h.done[:at+1] // with the room it had
			} else {
				h.done = append(h.done, actors.ActionsDone{})
			}
			h.done[at] = actors.ActionsDone{Reservation: done.Reservation, Done: h.done[at].Done[:0]}
		}
		h.done[at].Done = append(h.done[at].Done, done)
	}
	return n
}

// step moves the machine by one event and adds its effects to all. A refusal is
// the machine's answer: it is logged here, once, and of its effects only what is to
// be remembered counts. An error is the machine's end.
func (h *Host) step(now actors.Cycle, ev actors.Event, all *actors.Effects) (refusal, err error) {
	if _, tick := ev.(actors.Tick); tick {
		h.ticked = now
	}
	var fx actors.Effects
	err = guarded(fmt.Sprintf("step %T", ev), func() error {
		fx, refusal = h.cfg.Machine.Step(now, ev)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		h.refused(ev, refusal)
		all.Save = append(all.Save, fx.Save...)
		return refusal, nil
	}
	all.Join(fx)
	h.wake = fx.Wake
	return nil, nil
}

// show answers someone who wanted to look, unless the caller has gone.
func (h *Host) show(it *item) {
	if it.look == nil || !it.begin() {
		return
	}
	err := guarded("inspect", func() error { it.look(h.cfg.Machine); return nil })
	if err != nil {
		h.cfg.Log.WithError(err).Error("looking at the actor panicked")
	}
	it.reply(err)
}

// due is the cycle of the next Tick: the one the machine asked for, but never one
// that has had its Tick, so that a machine which asks for the present cycle again
// and again is called once a cycle.
func (h *Host) due() actors.Cycle {
	if h.wake == actors.Never {
		return actors.Never
	}
	return max(h.wake, h.ticked+1)
}

func (h *Host) tickDue() bool { return h.wake != actors.Never && h.cycle() >= h.due() }

// sleep waits for mail, for the next Tick or for the end.
func (h *Host) sleep(ctx context.Context) {
	var alarm <-chan time.Time
	due := h.due()
	if due != actors.Never {
		t := h.cfg.Clock.NewTimer(h.until(due))
		defer t.Stop()
		alarm = t.C()
	}
	h.cfg.Idle(due)
	select {
	case <-h.mail.ready:
	case <-alarm:
	case <-ctx.Done():
	}
}

// until is how long to sleep for the start of cycle c.
func (h *Host) until(c actors.Cycle) time.Duration {
	cycles := h.cfg.Cycles
	if c > actors.Cycle((actors.Forever-cycles.Begin)/cycles.Length) {
		return h.cfg.Look // beyond the end of time
	}
	d := clock.Time(cycles.Start(c)).Sub(h.cfg.Clock.Now())
	return min(d, h.cfg.Look)
}

// give logs what stops the actor before Serve returns it.
func (h *Host) give(err error) error {
	var broken *PanicError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.As(err, &broken):
		h.cfg.Log.WithFields(logrus.Fields{"stack": string(broken.Stack)}).WithError(err).Error("the actor stops")
	default:
		h.cfg.Log.WithError(err).Error("the actor stops")
	}
	return err
}

// stop tells everyone who still waits.
func (h *Host) stop() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	close(h.stopped)
	for _, m := range append(h.batch, h.mail.close()...) {
		it := m.item
		if it == nil {
			continue
		}
		cause := ErrStopped
		if it.begin() {
			cause = notBegun(ErrStopped)
		}
		op := "host.ask"
		if it.look != nil {
			op = "host.inspect"
		}
		it.reply(h.fail(op, it.event, actors.Transient, cause))
	}
}

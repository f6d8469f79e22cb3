package host

import (
	"context"
	"fmt"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/store"
)

// A failing save is tried again after firstRetry, then after twice as long each
// time, up to lastRetry.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// carryOut is the order of effects: nothing is answered, sent, run or shown
// before everything is durable.
func (h *Host) carryOut(ctx context.Context, fx actors.Effects, answers []outcome) error {
	batch := latest(fx.Save)
	if err := h.save(ctx, h.mark(batch)); err != nil {
		return err
	}
	h.overwritten(batch)
	for _, a := range answers {
		a.it.reply(a.err)
	}
	for _, m := range fx.Send {
		h.cfg.Send(m)
	}
	for _, t := range fx.Run {
		h.cfg.Run(t.Action())
	}
	if len(fx.Moved) > 0 {
		h.cfg.Watch(fx.Moved)
		h.mu.Lock()
		watchers := h.watchers
		h.mu.Unlock()
		for _, w := range watchers {
			w.see(fx.Moved)
		}
	}
	return nil
}

// latest keeps the last write of each key, in the order in which the keys first
// appear.
func latest(records []actors.Record) []actors.Record {
	if len(records) < 2 {
		return records
	}
	place := make(map[string]int, len(records))
	out := make([]actors.Record, 0, len(records))
	for _, r := range records {
		if i, seen := place[r.Key]; seen {
			out[i] = r
			continue
		}
		place[r.Key] = len(out)
		out = append(out, r)
	}
	return out
}

// save makes the records durable, however long the store refuses, and returns an
// error only if it never will or ctx ends.
func (h *Host) save(ctx context.Context, records []actors.Record) error {
	if len(records) == 0 {
		return nil
	}
	var began time.Time
	for tries, wait := 1, firstRetry; ; tries, wait = tries+1, min(2*wait, lastRetry) {
		err := h.cfg.Store.Save(ctx, records)
		if err == nil {
			if tries > 1 {
				h.setStall(time.Time{}, "")
				h.cfg.Log.WithFields(map[string]any{"tries": tries, "after": h.cfg.Pace.Now().Sub(began)}).
					Info("the store accepts records again")
			}
			return nil
		}
		if ctx.Err() != nil {
			h.cfg.Log.WithError(err).WithField("records", len(records)).
				Warn("stopping with records that may not be saved; nothing that depends on them was sent")
			return ctx.Err()
		}
		if store.Permanent(err) {
			return fmt.Errorf("host: actor %s: %w", h.cfg.Self.ID, err)
		}
		if tries == 1 {
			began = h.cfg.Pace.Now()
			h.cfg.Log.WithError(err).WithField("records", len(records)).
				Error("the store refuses records; the actor waits for it")
		}
		h.setStall(began, err.Error())
		h.pause(ctx, wait)
	}
}

// pause waits between two tries. Those who only want to look are served.
func (h *Host) pause(ctx context.Context, wait time.Duration) {
	t := h.cfg.Pace.NewTimer(wait)
	defer t.Stop()
	for {
		for _, it := range h.mail.takeLooks() {
			h.show(it)
		}
		select {
		case <-h.mail.ready:
		case <-t.C():
			return
		case <-ctx.Done():
			return
		}
	}
}

func (h *Host) setStall(since time.Time, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stalledAt, h.stalled = since, why
}

package host

import (
	"fmt"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// reachedKey is the record in which the host keeps how far time has come for its
// actor. Machines never see it and must not use it.
const reachedKey = "clock/reached"

// reached is how far time has come: the start of the cycle that steps were given last,
// and of the one that had its Tick last; negative for none. Instants keep their sense
// when an administrator divides time otherwise.
type reached struct{ now, ticked actors.Millis }

// AppendRecord writes it down (actors.Value).
func (r reached) AppendRecord(dst []byte) ([]byte, error) {
	return fmt.Appendf(dst, "%d %d", r.now, r.ticked), nil
}

func (h *Host) reached() reached {
	r := reached{h.cfg.Cycles.Start(h.now), -1}
	if h.ticked >= 0 {
		r.ticked = h.cfg.Cycles.Start(h.ticked)
	}
	return r
}

// mark adds to a batch how far time has come, if that has changed: so a cycle in
// which anything happened is not played again by the next process, whatever its
// clock says. A cycle in which nothing did costs no write, and may be.
func (h *Host) mark(batch []actors.Record) []actors.Record {
	if r := h.reached(); len(batch) > 0 && r != h.marked {
		h.marked = r
		return append(batch, actors.Record{Key: reachedKey, Value: r})
	}
	return batch
}

// resume takes up time where the process before left it.
func (h *Host) resume(text []byte) {
	var r reached
	if _, err := fmt.Sscanf(string(text), "%d %d", &r.now, &r.ticked); err != nil || r.now < 0 {
		h.cfg.Log.WithField("record", reachedKey).Error("how far time has come cannot be read; the clock alone counts")
		return
	}
	behind := clock.Time(r.now).Sub(h.cfg.Clock.Now())
	if behind > 0 && h.cfg.SetBack {
		h.cfg.Log.WithField("by", behind.Round(time.Millisecond)).Warn("the clock is behind what the actor has done already, and counts all the same, as was asked")
		return
	}
	h.marked = r
	h.now = h.cfg.Cycles.Of(r.now)
	if r.ticked >= 0 {
		h.ticked = h.cfg.Cycles.Of(r.ticked)
	}
}

// cycle is the present cycle. It never falls: a clock that is set back, or was while
// the actor was down, holds it at the cycle it had reached.
func (h *Host) cycle() actors.Cycle {
	present := h.cfg.Cycles.Of(clock.Millis(h.cfg.Clock.Now()))
	if present >= h.now {
		h.stand(time.Time{})
	} else {
		h.stand(clock.Time(h.cfg.Cycles.Start(h.now)))
	}
	h.now = max(h.now, present)
	return h.now
}

// stand notes that the actor stands still until an instant, or no longer; it is
// logged once.
func (h *Host) stand(until time.Time) {
	h.mu.Lock()
	before := h.stands
	h.stands = until
	h.mu.Unlock()
	switch {
	case before.IsZero() && !until.IsZero():
		h.cfg.Log.WithField("until", until.Format(time.RFC3339)).
			Warn("the clock is behind what the actor has done already: it takes requests, and its time stands still until the clock has caught up")
	case !before.IsZero() && until.IsZero():
		h.cfg.Log.Info("the clock has caught up")
	}
}

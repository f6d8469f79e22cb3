package manage

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/clock"
)

// maxTicks bounds how many cycles one request moves a clock.
const maxTicks = 1_000_000

// Ticker is a clock that operators move.
type Ticker interface {
	Now() time.Time
	// Tick moves it to the start of the next cycle and returns when the actors have
	// done what they had to do in it, as far as they can by themselves. An error
	// means that it has not moved.
	Tick(ctx context.Context) error
}

// Instant is what the actors' clock shows.
type Instant struct {
	Now         time.Time `json:"now"`
	Cycle       int64     `json:"cycle"`
	CycleMillis int64     `json:"cycleMillis"` // milliseconds in a cycle
	External    bool      `json:"external"`    // operators move it; otherwise it goes by itself
}

// Clock is what the actors' clock shows. All actors of a process have one.
func (l *Local) Clock(context.Context) (Instant, error) {
	out := Instant{Now: l.cfg.Clock.Now().UTC(), External: l.cfg.Ticker != nil}
	for _, a := range l.cfg.Actors {
		out.Cycle, out.CycleMillis = int64(a.Cycles.Of(clock.Millis(out.Now))), int64(a.Cycles.Length)
	}
	return out, nil
}

// Tick moves the clock by some cycles, one after the other, where operators move it.
// It returns where the clock stands in the end, with an error too.
func (l *Local) Tick(ctx context.Context, cycles int64) (Instant, error) {
	if l.cfg.Ticker == nil {
		return Instant{}, invalid("manage.tick", "the clock of this server goes by itself; with ticks: external under clock: in its configuration, operators move it")
	}
	if cycles < 1 || cycles > maxTicks {
		return Instant{}, invalid("manage.tick", fmt.Sprintf("a clock is moved by 1 to %d cycles at once, not by %d", maxTicks, cycles))
	}
	l.ticking.Lock()
	defer l.ticking.Unlock()
	for range cycles {
		if err := l.cfg.Ticker.Tick(ctx); err != nil {
			at, _ := l.Clock(ctx)
			return at, &actors.Error{Op: "manage.tick", Kind: actors.Transient, Err: err}
		}
	}
	return l.Clock(ctx)
}

// move is the body of POST /v1/clock/tick.
type move struct {
	Cycles int64 `json:"cycles"`
}

func (h *handler) clock(r *http.Request) (any, error) {
	if _, err := query(r); err != nil {
		return nil, invalid("manage.clock", err.Error())
	}
	return h.service.Clock(r.Context())
}

func (h *handler) tick(r *http.Request) (any, error) {
	var body move
	if err := read(r, "manage.tick", &body); err != nil {
		return nil, err
	}
	return h.service.Tick(r.Context(), body.Cycles)
}

// Clock is what the actors' clock shows.
func (c *Client) Clock(ctx context.Context) (out Instant, err error) {
	err = c.get(ctx, "/v1/clock", nil, &out)
	return out, err
}

// Tick moves the clock by some cycles, where operators move it.
func (c *Client) Tick(ctx context.Context, cycles int64) (out Instant, err error) {
	err = c.post(ctx, "/v1/clock/tick", nil, move{cycles}, &out)
	return out, err
}

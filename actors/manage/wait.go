package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
)

var errTooMany = errors.New("too many watch and wait at the same time")

// Wait looks, then looks again whenever the reservation has moved.
func (l *Local) Wait(ctx context.Context, g Goal) (Reservation, error) {
	const op = "manage.wait"
	wanted, err := states(g.States)
	switch {
	case err != nil:
		return Reservation{}, invalid(op, err.Error())
	case len(wanted) == 0:
		return Reservation{}, invalid(op, "no state was named to wait for")
	case g.Timeout < 0:
		return Reservation{}, invalid(op, fmt.Sprintf("timeout %v is negative", g.Timeout))
	}
	if err := l.admit(op); err != nil {
		return Reservation{}, err
	}
	defer l.leave()
	a, r, err := l.find(ctx, op, g.Ref)
	if err != nil {
		return Reservation{}, err
	}
	id := actors.ReservationID(r.Reservation)
	moved := make(chan struct{}, 1)
	defer a.Host.Subscribe(func(ts []actors.Transition) {
		if slices.ContainsFunc(ts, func(t actors.Transition) bool { return t.Reservation == id }) {
			select {
			case moved <- struct{}{}:
			default:
			}
		}
	})()
	var alarm <-chan time.Time
	if g.Timeout > 0 {
		t := l.cfg.Waits.NewTimer(g.Timeout)
		defer t.Stop()
		alarm = t.C()
	}
	for {
		gone := true
		err := l.inspect(ctx, a, func(v actors.Viewer) {
			if view, ok := v.View(id); ok {
				r, gone = render(l.names(), a, view), false
			}
		})
		if err != nil {
			return r, err
		}
		if gone { // forgotten, as what is closed is after a while
			r.State = actors.Closed.String()
		}
		if slices.Contains(wanted, r.State) && (!g.Settled || r.Pending == actors.None.String()) {
			return r, nil
		}
		if over(r.State, wanted) {
			return r, fmt.Errorf("%s: reservation %s: %w: not %s: %s", op, id, ErrEnded, strings.Join(wanted, " or "), story(r))
		}
		select {
		case <-moved:
		case <-alarm:
			return r, pending(op, r, fmt.Sprintf("after %v", g.Timeout))
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return r, pending(op, r, "when the time was over")
			}
			return r, ctx.Err()
		}
	}
}

// over reports that none of the wanted states can follow: nothing follows Closed,
// and only Closed may follow Failed.
func over(state string, wanted []string) bool {
	switch state {
	case actors.Closed.String():
		return true
	case actors.Failed.String():
		return !slices.Contains(wanted, actors.Closed.String())
	}
	return false
}

func pending(op string, r Reservation, when string) error {
	return &actors.Error{Op: op, Reservation: actors.ReservationID(r.Reservation), Kind: actors.Transient,
		Err: fmt.Errorf("%w %s: %s", ErrPending, when, story(r))}
}

// story is where a reservation stands, in one line.
func story(r Reservation) string {
	text := "it is " + r.State
	if r.Pending != "" && r.Pending != actors.None.String() {
		text += ", " + r.Pending
	}
	if r.Waiting != "" {
		text += ", waiting for " + r.Waiting
	}
	if !r.Deadline.IsZero() {
		text += " until " + stamp(r.Deadline)
	}
	if r.Error != "" {
		text += "; last error: " + r.Error
	}
	return text
}

package manage_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/host"
	"github.com/leasehold/leasehold/actors/manage"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	kind := func(k actors.Kind, cause error) error { return &actors.Error{Op: "x", Kind: k, Err: cause} }
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything"), 1},
		{kind(actors.Other, nil), 1},
		{manage.ErrEnded, 1},
		{context.Canceled, 1},
		{kind(actors.Invalid, nil), 2},
		{&manage.AmbiguousError{}, 2},
		{actors.NotFound, 3},
		{kind(actors.Denied, errors.New("no")), 4},
		{kind(actors.Exhausted, nil), 5},
		{kind(actors.Stale, nil), 5},
		{kind(actors.Transient, context.DeadlineExceeded), 6},
		{kind(actors.Transient, fmt.Errorf("%w: x", manage.ErrPending)), 6},
		{kind(actors.Transient, host.ErrStopped), 7},
		{fmt.Errorf("%w: no socket", manage.ErrUnreachable), 7},
		{fmt.Errorf("peer x: %w", manage.ErrTrust), 8},
		{fmt.Errorf("%w: %w", manage.ErrPartial, actors.NotFound), 9},
	} {
		if got := manage.ExitCode(tt.err); got != tt.want {
			t.Errorf("%v: exit %d, want %d", tt.err, got, tt.want)
		}
	}
}

// times are read at a Wednesday noon in Vienna, summer time.
func vienna(t testing.TB) time.Time {
	t.Helper()
	return time.Date(2030, 5, 1, 12, 0, 0, 123_456_789, time.FixedZone("CEST", 2*3600))
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"now":                       "2030-05-01T12:00:00.123+02:00",
		" now ":                     "2030-05-01T12:00:00.123+02:00",
		"+2h":                       "2030-05-01T14:00:00.123+02:00",
		"+1w2d3h":                   "2030-05-10T15:00:00.123+02:00",
		"2030-05-01T09:00:00Z":      "2030-05-01T11:00:00+02:00",
		"2030-05-01T09:00:00.5Z":    "2030-05-01T11:00:00.5+02:00",
		"2030-05-01T09:00:00-05:00": "2030-05-01T16:00:00+02:00",
		"2030-06-01 09:30":          "2030-06-01T09:30:00+02:00",
		"2030-06-01 09:30:15":       "2030-06-01T09:30:15+02:00",
		"2030-06-01T09:30":          "2030-06-01T09:30:00+02:00",
		"2030-06-01":                "2030-06-01T00:00:00+02:00",
		"13:30":                     "2030-05-01T13:30:00+02:00",
		"12:00":                     "2030-05-02T12:00:00+02:00",
		"09:00":                     "2030-05-02T09:00:00+02:00",
		"today 09:00":               "2030-05-01T09:00:00+02:00",
		"today":                     "2030-05-01T00:00:00+02:00",
		"tomorrow":                  "2030-05-02T00:00:00+02:00",
		"tomorrow 09:00":            "2030-05-02T09:00:00+02:00",
		"tomorrow  9:00":            "2030-05-02T09:00:00+02:00",
	} {
		got, err := manage.ParseTime(text, vienna(t))
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%q: %s, %v; want %s", text, got.Format(time.RFC3339Nano), err, want)
		}
	}
	for _, text := range []string{"", "soon", "+", "+-2h", "-2h", "2h", "25:00", "tomorrow morning", "2030-02-30", "1969-12-31", "+0s",
		"0000-01-01T00:00:00Z", "yesterday", "2030-05-01T09:00:00"[:15] + "x"} {
		if got, err := manage.ParseTime(text, vienna(t)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestParseLength(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "2d": 48 * time.Hour,
		"1w2d12h": (9*24 + 12) * time.Hour, " 1w ": 168 * time.Hour, "0d1s": time.Second, "1ms": time.Millisecond, "36600d": 36600 * 24 * time.Hour,
	} {
		if got, err := manage.ParseLength(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "0s", "0d", "-1h", "+1h", "1d-1h", "d", "1x", "1d2w", "36601d", "65535w", "99999w", "1000000h", "2562047h",
		"36600d1ms", "1us", "1h 30m", "１d"} {
		if got, err := manage.ParseLength(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

// FuzzParseTime: what is read is in range and reads the same when written out.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"now", "+2h", "+1w2d3h", "2030-05-01T09:00:00+02:00", "2030-06-01 09:30:15", "tomorrow 9:00", "13:30", "9999-12-31T23:59:59Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := manage.ParseTime(text, vienna(t))
		if err != nil {
			return
		}
		again, err := manage.ParseTime(got.Format(time.RFC3339Nano), vienna(t))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q is %v, which reads as %v, %v", text, got, again, err)
		}
	})
}

// FuzzParseLength: what is read is positive and bounded.
func FuzzParseLength(f *testing.F) {
	for _, s := range []string{"30s", "1h30m", "1w2d12h", "36600d", "5217w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := manage.ParseLength(text); err == nil && (d < time.Millisecond || d > 100*366*24*time.Hour) {
			t.Fatalf("%q is %v", text, d)
		}
	})
}

// counting is a host that takes everything and remembers it.
type counting struct {
	mu    sync.Mutex
	asked int
	ev    actors.Request
}

func (c *counting) Ask(_ context.Context, ev actors.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	c.ev, _ = ev.(actors.Request)
	return nil
}

func (c *counting) Inspect(_ context.Context, look func(actors.Viewer)) error {
	look(&desk{})
	return nil
}

func (c *counting) Subscribe(func([]actors.Transition)) (stop func()) { return func() {} }
func (c *counting) Status() host.Status                               { return host.Status{Running: true} }

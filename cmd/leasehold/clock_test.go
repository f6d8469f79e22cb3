package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/leasehold/leasehold/actors/manage"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
)

// tick moves a server's clock and is where it stands.
func (s *victim) tick(t *testing.T, cycles int) (at manage.Instant) {
	t.Helper()
	code, out, errs := call(t, "clock", "tick", fmt.Sprint(cycles), "--json", "--config", s.yaml())
	if code != 0 {
		t.Fatalf("clock tick %d: exit %d: %s\n%s", cycles, code, errs, s.log.String())
	}
	if err := json.Unmarshal([]byte(out), &at); err != nil {
		t.Fatal(err)
	}
	return at
}

// state is a reservation's state at the manager.
func (s *victim) state(t *testing.T, id string) string {
	t.Helper()
	r, err := s.client.Show(t.Context(), manage.Ref{Actor: "manager", Reservation: id})
	if err != nil {
		t.Fatal(err)
	}
	return r.State
}

// TestClockTick lives through a lease of a week, in cycles of an hour, on a server
// whose clock operators move: nothing happens while they do not, a lease is kept to
// its cycles, and a server that was killed goes on where the clock stood.
func TestClockTick(t *testing.T) {
	t.Parallel()
	s := newVictim(t)
	begin := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	s.prepare(config.Store{}, "", func(p *starter.Plan) { p.Cycle, p.Begin, p.Driver = time.Hour, begin, config.Handler{Driver: "noop"} })
	s.config.Ticks = config.TicksExternal
	s.write()
	s.start()
	s.waitServing()
	order := manage.Order{Reservation: uuid.NewString(), Slice: "week", Type: string(starter.Type), Units: 2, Start: "+10h", Length: "168h"}
	r, err := s.client.Request(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if want := begin.Add(10 * time.Hour); !r.Start.Equal(want) {
		t.Errorf("ten hours from now is %v, want %v", r.Start, want)
	}
	time.Sleep(300 * time.Millisecond) // as long as it likes
	if got := s.state(t, order.Reservation); got != "Nascent" {
		t.Errorf("without ticks it is %s", got)
	}
	if at := s.tick(t, 9); at.Cycle != 9 || !at.Now.Equal(begin.Add(9*time.Hour)) || !at.External {
		t.Errorf("after nine ticks: %+v", at)
	}
	if got := s.state(t, order.Reservation); got != "Ticketed" {
		t.Errorf("an hour before its start it is %s", got)
	}
	s.tick(t, 6)
	if got := s.state(t, order.Reservation); got != "Active" {
		t.Errorf("five hours after its start it is %s\n%s", got, s.log.String())
	}
	s.kill()
	_ = os.Remove(s.config.Admin)
	s.start()
	s.waitServing()
	if at, err := s.client.Clock(t.Context()); err != nil || at.Cycle != 15 {
		t.Errorf("after a restart: %+v, %v", at, err)
	}
	s.tick(t, 168-5-3) // the manager closes a cycle before the last one
	if got := s.state(t, order.Reservation); got != "Active" {
		t.Errorf("before its end it is %s", got)
	}
	s.tick(t, 5)
	if got := s.state(t, order.Reservation); got != "Closed" {
		t.Errorf("after its end it is %s", got)
	}
	for _, n := range []string{"0", "-1", "soon", "1 2"} {
		args := append([]string{"clock", "tick", "--config", s.yaml(), "--"}, strings.Fields(n)...)
		if code, _, _ := call(t, args...); code == 0 {
			t.Errorf("clock tick %s was taken", n)
		}
	}
	s.term()
	if text, err := os.ReadFile(filepath.Join(s.config.State, "clock")); err != nil || strings.TrimSpace(string(text)) != fmt.Sprint(begin.Add(180*time.Hour).UnixMilli()) {
		t.Errorf("the clock's file says %q, %v", text, err)
	}
	if err := os.WriteFile(filepath.Join(s.config.State, "clock"), []byte("noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := call(t, "serve", "--config", s.yaml()); code == 0 || !strings.Contains(errs, "does not say where the clock stands") {
		t.Errorf("serve with a damaged clock: %d, %s", code, errs)
	}
}

// TestPeersClock: the site, whose peer's clock stands still, ends a lease by its own;
// both sides see how far their clocks are apart, and a clock that goes by itself is
// moved by nobody.
func TestPeersClock(t *testing.T) {
	t.Parallel()
	manager, site := federation(t, config.Store{}, "", nil)
	// The manager's actors think that it is always now; the wire keeps the real time.
	manager.config.Ticks = config.TicksExternal
	manager.config.Clock.Begin -= manager.config.Clock.Begin % manager.config.Clock.Length
	manager.write()
	if err := os.MkdirAll(manager.config.State, 0o700); err != nil {
		t.Fatal(err)
	}
	site.start()
	site.waitServing()
	now := fmt.Sprintln(time.Now().UnixMilli())
	if err := os.WriteFile(filepath.Join(manager.config.State, "clock"), []byte(now), 0o600); err != nil {
		t.Fatal(err)
	}
	manager.start()
	manager.waitServing()
	length := 16 * time.Second
	var order manage.Order
	var r manage.Reservation
	at := func() manage.Reservation {
		r, err := site.client.Show(t.Context(), manage.Ref{Actor: "site", Reservation: order.Reservation})
		if err != nil {
			return manage.Reservation{State: "unknown"}
		}
		return r
	}
	// The manager's clock is moved until the site has the lease, and then no more. A broker
	// that has not heard from its site yet refuses; then it is asked again. On a machine so
	// slow that the term ends before all that, a longer one is asked for, from now.
	for deadline := time.Now().Add(10 * time.Minute); at().State != "Active"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the site has the lease as %+v\n%s\n%s", at(), site.log.String(), manager.log.String())
		}
		c, err := manager.client.Clock(t.Context())
		if err != nil {
			continue
		}
		late := time.Now().After(r.End)
		if order.Reservation == "" || late || manager.state(t, order.Reservation) == "Failed" {
			if behind := time.Since(c.Now) / (time.Duration(manager.config.Clock.Length) * time.Millisecond); behind > 0 {
				manager.tick(t, int(behind))
			}
			if late && order.Reservation != "" {
				length *= 2
			}
			order = manage.Order{Reservation: uuid.NewString(), Slice: "s", Type: string(starter.Type), Units: 1, Start: "+4s", Length: length.String()}
			if r, err = manager.client.Request(t.Context(), order); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if c.Now.Before(r.Start.Add(500 * time.Millisecond)) {
			manager.tick(t, 1)
		}
	}
	var closed time.Time
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		if s := at().State; s == "Closed" || s == "unknown" {
			closed = time.Now()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the lease does not end: %+v", at())
		}
	}
	if early := r.End.Sub(closed); early > 100*time.Millisecond {
		t.Errorf("the lease ended %v before its term", early)
	}
	c, err := manager.client.Clock(t.Context())
	if err != nil || !c.Now.Before(r.End) {
		t.Errorf("the manager's clock shows %+v, %v: the test shows nothing", c, err)
	}
	for _, v := range []*victim{site, manager} {
		list, err := v.client.Clocks(t.Context())
		if err != nil || len(list) == 0 {
			t.Errorf("no clock was measured: %v, %v", list, err)
		}
		for _, i := range list {
			if i.AheadMillis < -60_000 || i.AheadMillis > 60_000 || i.Samples == 0 || time.Since(i.Measured) > 10*time.Minute {
				t.Errorf("on one machine a clock is measured as %+v", i)
			}
		}
	}
	for _, args := range []string{"peer list", "peer show site", "clock peers"} {
		code, out, errs := call(t, append(strings.Fields(args), "--config", manager.yaml())...)
		if code != 0 || !strings.Contains(out, "give or take") {
			t.Errorf("%s: exit %d, %s%s", args, code, out, errs)
		}
	}
	if code, _, errs := call(t, "peer", "show", "nobody", "--config", manager.yaml()); code != 3 {
		t.Errorf("peer show nobody: exit %d, %s", code, errs)
	}
	if code, _, errs := call(t, "clock", "tick", "--config", site.yaml()); code != 2 || !strings.Contains(errs, "goes by itself") {
		t.Errorf("clock tick on a clock that goes by itself: exit %d, %s", code, errs)
	}
	manager.term()
	site.term()
}

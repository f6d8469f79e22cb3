package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/manager"
)

// peaceful takes everything out of a world that could make a ticket come to nothing.
func peaceful(cfg *Config) {
	cfg.Faults, cfg.Skew = Faults{Delay: 20, Work: 100, Lookup: 5}, Skew{}
	cfg.Groups, cfg.Lead, cfg.Shortest = 0, 4, 6
	cfg.Cycle, cfg.Exports, cfg.Later = 1000, []int{cfg.Hosts}, false
	cfg.Margins, cfg.Late, cfg.Wait = manager.LegacyMargins(), 1, 8
}

// In a world without faults every ticket becomes a lease that ends in order, and
// nobody is refused anything but by a broker, who has no more to give.
func TestPeace(t *testing.T) {
	t.Parallel()
	leases := 0
	for seed := range uint64(60) {
		cfg := Swarm(seed)
		peaceful(&cfg)
		on, err := newStage()
		if err != nil {
			t.Fatal(err)
		}
		var tickets, redeemed int
		cfg.script.each = func(line string) {
			switch {
			case strings.Contains(line, "Nascent,Ticketing,NoJoin > Ticketed,None"):
				tickets++
			case strings.Contains(line, "Ticketed,Redeeming,NoJoin > Active"):
				redeemed++
			case strings.Contains(line, "Ticketed,None,NoJoin > Closed") && strings.Contains(line, "asked to close"):
				tickets-- // the calm ends what would be renewed for ever
			case strings.Contains(line, "hosts assigned"):
				var have, want int
				if _, err := fmt.Sscanf(line[strings.LastIndex(line, ": ")+2:], "%d of %d hosts", &have, &want); err != nil || have != want {
					t.Errorf("seed %d: %s", seed, line)
				}
			case strings.Contains(line, " > Failed") && !strings.Contains(line, "insufficient resources") && !strings.Contains(line, "no units of type") && !strings.Contains(line, "is not sold"):
				t.Errorf("seed %d: %s", seed, line)
			}
		}
		report, err := run(seed, cfg, on)
		if err != nil {
			t.Fatal(err)
		}
		if tickets != redeemed || report.Counts.GivenUp > 0 {
			t.Errorf("seed %d: %d tickets, %d leases, %d messages given up", seed, tickets, redeemed, report.Counts.GivenUp)
		}
		leases += redeemed
	}
	if leases < 100 {
		t.Errorf("only %d leases", leases)
	}
}

// Where a cycle is longer than a courier's patience with an answer, the loss of any
// one message costs a lease nothing: it begins in its first cycle, is renewed and
// ends in order.
func TestOneLost(t *testing.T) {
	t.Parallel()
	for n := 0; ; n++ {
		cfg := Plain()
		cfg.Cycle, cfg.Chaos = 10_000, 600_000
		lost := &scriptedDrop{after: n, times: 1}
		cfg.script.drops = []*scriptedDrop{lost}
		c := actors.Cycles{Begin: begin, Length: cfg.Cycle}
		cfg.script.plan = func(w *world) {
			w.latest = c.End(40)
			w.ask(w.procs[0], actors.Request{Reservation: "R1", Slice: actors.Slice{ID: "s", Name: "s"}, Type: w.sites[0].kind(),
				Units: 2, Term: actors.NewTerm(c.Start(10), c.End(19)), Renewable: true}, nil)
			w.after(c.Start(25)-begin, func() { w.ask(w.procs[0], actors.Close{Reservation: "R1"}, nil) })
		}
		active := ""
		cfg.script.each = func(line string) {
			if active == "" && strings.Contains(line, "sm1   R1 Ticketed,Redeeming,NoJoin > Active") {
				active = line
			}
		}
		report, err := Run(1, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if lost.times > 0 { // there is no n-th message any more
			if n < 8 {
				t.Errorf("only %d messages", n)
			}
			return
		}
		var second float64
		if _, err := fmt.Sscan(active, &second); err != nil || second > 110 || report.Counts.Extended != 1 {
			t.Errorf("without attempt %d: extended %d times, active %q", n, report.Counts.Extended, active)
		}
	}
}

// prompt takes out of a world whatever could lose a message, but not what delays it.
func prompt(seed uint64, cfg *Config) {
	cfg.Faults = Faults{Delay: 2_500, Repeat: 100, Work: 300, Lookup: 5, Setup: 300, Join: 400, Unready: 100, Close: 700}
	cfg.Skew = Skew{}
	cfg.Cycle, cfg.Chaos, cfg.Shortest, cfg.Hasty, cfg.Last = 1000, 80_000, 60, seed%2 == 0, false
}

// Where nothing is lost and nobody dies, what a manager gives back is free soon and
// not only when its term ends, however late and in whatever order messages come; and
// what a manager is asked to close is over soon, whatever it waited for then.
func TestPrompt(t *testing.T) {
	t.Parallel()
	over, asked := 0, 0
	for seed := range uint64(60) {
		cfg := Swarm(seed)
		prompt(seed, &cfg)
		on, err := newStage()
		if err != nil {
			t.Fatal(err)
		}
		var w *world
		cfg.script.each = func(line string) {
			var second float64
			var who string
			var id actors.ReservationID
			n, _ := fmt.Sscan(line, &second, &who, &id)
			if _, wish, ok := strings.Cut(line, " is asked to close "); ok && w != nil && strings.HasPrefix(who, "sm") {
				asked++
				w.after(60_000, func() {
					if v, known := w.procs[who[2]-'1'].machine.View(actors.ReservationID(wish)); known && v.State != "Closed" && v.State != "Failed" {
						t.Errorf("seed %d: a minute after %q it is %s,%s,%s", seed, line, v.State, v.Pending, v.Join)
					}
				})
			}
			if n < 3 || w == nil || !strings.HasPrefix(who, "sm") ||
				!strings.Contains(line, " > Closed") && !strings.Contains(line, " > Failed") {
				return
			}
			over++
			w.after(60_000, func() {
				for _, p := range w.procs {
					v, known := p.machine.View(id)
					if known && p.role != actors.RoleManager && v.State != "Closed" && v.State != "Failed" || len(v.Held) > 0 {
						t.Errorf("seed %d: a minute after %q %s still has it as %s,%s with %d units", seed, line, p.Name, v.State, v.Pending, len(v.Held))
					}
				}
			})
		}
		if w, err = newWorld(seed, cfg, on); err != nil {
			t.Fatal(err)
		}
		w.play()
		if w.failure != nil {
			t.Fatal(w.failure)
		}
	}
	if over < 100 {
		t.Errorf("only %d reservations were given back", over)
	}
	if asked < 50 {
		t.Errorf("only %d reservations were asked to be closed", asked)
	}
}

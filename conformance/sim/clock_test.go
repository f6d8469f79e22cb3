package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// skewed plays a lease that is renewed once, with one actor's clock off.
func skewed(t *testing.T, who string, off actors.Millis) (began float64, extended int, ended string) {
	t.Helper()
	cfg := Plain()
	cfg.Chaos, cfg.Skew.Most = 50_000, max(off, -off)
	cfg.script.plan = func(w *world) {
		w.latest = w.cycles().End(40)
		for _, p := range w.procs {
			if p.Name == who {
				p.clock.offset = off
			}
		}
		w.after(2_000, func() {
			w.ask(w.procs[0], actors.Request{Reservation: "R1", Slice: actors.Slice{ID: "s", Name: "s"}, Type: w.sites[0].kind(),
				Units: 2, Term: actors.NewTerm(begin+10_000, begin+19_999), Renewable: true}, nil)
		})
		w.after(25_000, func() { w.ask(w.procs[0], actors.Close{Reservation: "R1"}, nil) })
	}
	cfg.script.each = func(line string) {
		switch {
		case began == 0 && strings.Contains(line, "sm1   R1 Ticketed,Redeeming,NoJoin > Active"):
			_, _ = fmt.Sscan(line, &began)
		case ended == "" && (strings.Contains(line, "sm1   R1") && strings.Contains(line, "> Active,Closing") || strings.Contains(line, "> Failed")):
			ended = line[strings.LastIndex(line, ": ")+2:]
		}
	}
	r, err := Run(1, cfg)
	report(t, err)
	return began, r.Counts.Extended, ended
}

// What a clock that is off costs (leasing 2.8). Within a cycle, the legacy tolerance, it
// costs nothing but a cycle at the beginning: the lease begins, is renewed and ends as
// its owner wants. Beyond, the table says what. No judge may complain in any case.
func TestSkew(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, who := range []string{"sm1", "broker", "site1"} {
		for _, off := range []actors.Millis{-5_000, -3_000, -2_000, -1_500, -950, 0, 950, 1_500, 2_000, 3_000, 5_000} {
			began, extended, ended := skewed(t, who, off)
			fmt.Fprintf(&got, "%-6s %+6.2f  begins %6.3f  extended %d  ends: %s\n", who, float64(off)/1000, began, extended, ended)
			if max(off, -off) < 1_000 && (began < 9 || began > 12 || extended != 1 || ended != "asked to close") {
				t.Errorf("%s %+d: begins %.3f, extended %d, ends: %s", who, off, began, extended, ended)
			}
		}
	}
	const golden = "testdata/skew/table.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got.String() != string(want) {
		t.Errorf("%v\ngot\n%s\nwant\n%s", err, got.String(), want)
	}
}

// Every save of a small world fails once, one after the other, and then three times in
// a row: the lease begins, is renewed and ends in order all the same.
func TestEveryWrite(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		for _, times := range []int{1, 3} {
			cfg := Plain()
			cfg.Cycle, cfg.Chaos, cfg.Last = 10_000, 600_000, false
			refusal := &scriptedRefusal{n: n, times: times}
			cfg.script.writes = refusal
			c := actors.Cycles{Begin: begin, Length: cfg.Cycle}
			cfg.script.plan = func(w *world) {
				w.latest = c.End(40)
				w.after(25_000, func() {
					w.ask(w.procs[0], actors.Request{Reservation: "R1", Slice: actors.Slice{ID: "s", Name: "s"}, Type: w.sites[0].kind(),
						Units: 2, Term: actors.NewTerm(c.Start(10), c.End(19)), Renewable: true}, nil)
				})
				w.after(c.Start(25)-begin, func() { w.ask(w.procs[0], actors.Close{Reservation: "R1"}, nil) })
			}
			r, err := Run(1, cfg)
			report(t, err)
			if refusal.seen < n {
				if n < 20 {
					t.Errorf("only %d saves", refusal.seen)
				}
				return
			}
			if r.Counts.Unsaved == 0 || r.Counts.Leases != 1 || r.Counts.Extended != 1 {
				t.Errorf("save %d fails %d times: %+v", n, times, r.Counts)
			}
		}
	}
}

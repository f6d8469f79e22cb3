package supply_test

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/supply"
	"pgregory.net/rapid"
)

// TestNoGap plays a guest with a broker that grants everything at once: from the
// first start on it has what it wants at every instant, and never more.
func TestNoGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := policy.GuestSettings{Term: actors.Millis(rapid.IntRange(6, 40).Draw(t, "term")) * 1000, Chunk: rapid.IntRange(0, 4).Draw(t, "chunk"),
			Renew: rapid.Bool().Draw(t, "renew"), Lead: actors.Millis(rapid.IntRange(0, 5).Draw(t, "lead")) * 1000}
		want, every := rapid.IntRange(1, 9).Draw(t, "want"), actors.Cycle(rapid.IntRange(1, 100).Draw(t, "every"))
		o := policy.Outlook{Cycles: actors.Cycles{Begin: 1000, Length: 1000}}
		var all []policy.Lease
		first := actors.Millis(0)
		for next := actors.Cycle(0); o.Now < 300; o.Now++ {
			if o.Now == next {
				o.Leases = nil
				for _, l := range all {
					if l.Term.End >= o.Cycles.Start(o.Now) {
						o.Leases = append(o.Leases, l)
					}
				}
				b := supply.Cover(o, s, want)
				for _, w := range b.Ask {
					all = append(all, policy.Lease{Reservation: "x", Units: w.Units, Term: w.Term, Granted: true})
					if first == 0 {
						first = w.Term.Start
					}
				}
				for _, e := range b.Extend {
					for i := range all {
						if all[i].Term.End+s.Term == e.End && all[i].Term.End >= o.Cycles.Start(o.Now) {
							all[i].Term = all[i].Term.Extended(e.End)
						}
					}
				}
				if next = o.Now + every; b.Again > 0 {
					next = min(next, b.Again)
				}
			}
		}
		for at := first; at < 290_000; at += 1000 {
			have := 0
			for _, l := range all {
				if l.Covers(at) {
					have += l.Units
				}
			}
			if have != want {
				t.Fatalf("%d units at %d, want %d; every %d, %+v", have, at, want, every, s)
			}
		}
	})
}

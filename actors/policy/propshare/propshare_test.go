package propshare_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/propshare"
	"pgregory.net/rapid"
)

func TestBroker(t *testing.T) {
	policytest.Broker(t, propshare.Policy{})
	policytest.Broker(t, propshare.Policy{Weights: map[string]int{"sm1": 3}, ByClient: true})
}

// TestShares: of two flows that always want more, neither gets ahead of the other,
// by weight, by more than their largest asks (the bound of start-time fair
// queuing).
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := map[string]int{"a": rapid.IntRange(1, 4).Draw(t, "a"), "b": rapid.IntRange(1, 4).Draw(t, "b")}
		p := propshare.Policy{Weights: weights}
		c := calendar.New(rapid.IntRange(1, 3).Draw(t, "units"), actors.NewTerm(1, actors.Forever))
		var waiting []policy.Ask
		var grants []policy.Grant
		served, largest := map[string]float64{}, map[string]float64{}
		made := 0
		for now := actors.Cycle(0); now < 60; now++ {
			for _, f := range []string{"a", "b"} {
				queued := 0
				for _, a := range waiting {
					if string(a.Slice) == f {
						queued++
					}
				}
				for ; queued < 4; queued++ { // more than can be served in one round
					made++
					length := actors.Millis(rapid.IntRange(1, 5).Draw(t, "cycles")) * 1000
					start := actors.Millis(now+1) * 1000
					waiting = append(waiting, policy.Ask{Reservation: actors.ReservationID(fmt.Sprintf("%04d", made)), Slice: actors.SliceID(f),
						Type: "node", Units: 1, Term: actors.NewTerm(start, start+length-1), Properties: actors.Properties{"deferrable": "true"}})
				}
			}
			decided := map[actors.ReservationID]policy.Decision{}
			for _, d := range p.Allocate(policy.Round{Now: now, Cycles: actors.Cycles{Length: 1000}, Asks: waiting, Grants: slices.Values(grants),
				Sources: []policy.Source{{ID: "T", Type: "node", Calendar: c.Sketch()}}}) {
				decided[d.Reservation] = d
			}
			var rest []policy.Ask
			for _, a := range waiting {
				d := decided[a.Reservation]
				a.Memory = d.Memory
				if !d.Granted {
					rest = append(rest, a)
					continue
				}
				if err := c.Take(a.Reservation, calendar.Hold{From: d.Term.Start, To: d.Term.End, Units: 1}); err != nil {
					t.Fatal(err)
				}
				f := string(a.Slice)
				cost := float64(d.Term.Length()) / 1000 / float64(weights[f])
				served[f] += cost
				largest[f] = max(largest[f], cost)
				grants = append(grants, policy.Grant{Reservation: a.Reservation, Slice: a.Slice, Type: "node", Units: 1, Term: d.Term, Memory: d.Memory})
			}
			slices.SortFunc(grants, func(x, y policy.Grant) int { return cmp.Compare(x.Reservation, y.Reservation) })
			waiting = rest
			longest := 5/float64(weights["a"]) + 5/float64(weights["b"])
			if gap := max(served["a"]-served["b"], served["b"]-served["a"]); gap > longest+0.1 {
				t.Fatalf("at %d: by weight, a was served %.2f and b %.2f; more than %.2f apart", now, served["a"], served["b"], longest)
			}
		}
	})
}

// A wide ask whose turn it is keeps its place on the calendar: what is served
// behind it may not be in its way.
func TestBackfill(t *testing.T) {
	c := calendar.New(4, actors.NewTerm(1, actors.Forever))
	if err := c.Take("held", calendar.Hold{From: 1000, To: 9999, Units: 2}); err != nil {
		t.Fatal(err)
	}
	ask := func(id string, units int, cycles actors.Millis) policy.Ask {
		return policy.Ask{Reservation: actors.ReservationID(id), Slice: actors.SliceID(id), Type: "node", Units: units,
			Term: actors.NewTerm(1000, 1000+cycles*1000-1), Properties: actors.Properties{"deferrable": "true"}}
	}
	got := ""
	for _, d := range (propshare.Policy{}).Allocate(policy.Round{Cycles: actors.Cycles{Length: 1000},
		Sources: []policy.Source{{ID: "T", Type: "node", Calendar: c}},
		Asks:    []policy.Ask{ask("a wide", 4, 5), ask("b long", 1, 20), ask("c short", 1, 9)}}) {
		got += fmt.Sprintf("%s granted=%v at %d; ", d.Reservation, d.Granted, max(d.Term.Start, d.Reason.Earliest))
	}
	if want := "a wide granted=false at 10000; b long granted=false at 15000; c short granted=true at 1000; "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

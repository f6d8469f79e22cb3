package edf_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"pgregory.net/rapid"
)

func TestBroker(t *testing.T) {
	policytest.Broker(t, edf.Policy{})
	policytest.Broker(t, edf.Policy{Horizon: 20})
}

// job is one unit for one cycle, not before a start and not after a deadline.
type job struct{ start, deadline int }

// TestFeasible: jobs of one unit and one cycle that can all be done are all done.
// Whether they can is decided the slow way, by giving each job a place of its own
// and making room by moving others (a bipartite matching).
func TestFeasible(t *testing.T) {
	const last = 12
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.IntRange(1, 2).Draw(t, "units")
		jobs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) job {
			s := rapid.IntRange(1, last).Draw(t, "start")
			return job{s, rapid.IntRange(s, last).Draw(t, "deadline")}
		}), 1, 10).Draw(t, "jobs")
		places := make([][]int, last+1) // who is done in a cycle
		var place func(i int, tried map[int]bool) bool
		place = func(i int, tried map[int]bool) bool {
			for c := jobs[i].start; c <= jobs[i].deadline; c++ {
				if tried[c] {
					continue
				}
				tried[c] = true
				if len(places[c]) < units {
					places[c] = append(places[c], i)
					return true
				}
				for k, other := range places[c] {
					if place(other, tried) {
						places[c][k] = i
						return true
					}
				}
			}
			return false
		}
		for i := range jobs {
			if !place(i, map[int]bool{}) {
				t.Skip("they cannot all be done")
			}
		}
		c := calendar.New(units, actors.NewTerm(1, 1000*(last+2)))
		waits := map[int]bool{}
		for now := range last {
			r := policy.Round{Now: actors.Cycle(now), Cycles: actors.Cycles{Begin: 0, Length: 1000},
				Sources: []policy.Source{{ID: "T", Type: "node", Calendar: c}}}
			for i, j := range jobs {
				if j.start == now+1 {
					waits[i] = true
				}
				if waits[i] {
					start := actors.Millis(j.start * 1000)
					r.Asks = append(r.Asks, policy.Ask{Reservation: actors.ReservationID(fmt.Sprint(i)), Type: "node", Units: 1,
						Term: actors.NewTerm(start, start+999), Properties: actors.Properties{"deferrable": "true",
							"deadline": fmt.Sprint(j.deadline*1000 + 999)}})
				}
			}
			for _, d := range (edf.Policy{}).Allocate(r) {
				var i int
				fmt.Sscan(string(d.Reservation), &i)
				if d.Granted {
					delete(waits, i)
				} else if !d.Waits {
					t.Fatalf("job %d %+v could be done and was refused at %d: %s", i, jobs[i], now, d.Why)
				}
			}
		}
		if len(waits) > 0 {
			t.Fatalf("%d jobs still wait at the end", len(waits))
		}
	})
}

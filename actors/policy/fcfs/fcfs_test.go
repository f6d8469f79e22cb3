package fcfs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/policytest"
)

func TestBroker(t *testing.T) { policytest.Broker(t, fcfs.Policy{}) }

func ExamplePolicy() {
	ask := func(id string, units int, start, end actors.Millis, props actors.Properties) policy.Ask {
		return policy.Ask{Reservation: actors.ReservationID(id), Type: "node", Units: units,
			Term: actors.NewTerm(start, end), Properties: props}
	}
	elastic := actors.Properties{"elastic": "true"}
	deferrable := actors.Properties{"request.elasticTime": "true"}
	round := policy.Round{
		Cycles:  actors.Cycles{Begin: 1, Length: 1},
		Sources: []policy.Source{{ID: "T", Type: "node", Calendar: calendar.New(4, actors.NewTerm(1, 1000))}},
		Asks: []policy.Ask{
			ask("first", 3, 100, 199, nil),
			ask("second", 2, 150, 249, nil),
			ask("bends", 2, 150, 249, elastic),
			ask("waits", 4, 150, 249, deferrable),
			ask("never", 5, 100, 199, deferrable),
		},
	}
	for _, d := range (fcfs.Policy{}).Allocate(round) {
		fmt.Printf("%s granted=%v units=%d %d..%d %q\n", d.Reservation, d.Granted, d.Units, d.Term.Start, d.Term.End, d.Why)
	}
	// Output:
	// first granted=true units=3 100..199 ""
	// second granted=false units=0 0..0 "insufficient resources: 2 units are not free over the whole term"
	// bends granted=true units=1 150..249 ""
	// waits granted=true units=4 250..349 ""
	// never granted=false units=0 0..0 "insufficient resources: 5 units asked, only 4 exist"
}

func TestExtension(t *testing.T) {
	for _, tt := range []struct {
		name    string
		others  int // units somebody else holds behind the old end
		units   int
		granted bool
	}{
		{"same units", 1, 3, true},
		{"same units, taken by another", 2, 3, false},
		{"grows into what is free", 0, 4, true},
		{"shrinks", 2, 2, true},
		{"grows before its old end", 0, 4, true},
		{"grows before its old end, behind which another is", 1, 4, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := calendar.New(4, actors.NewTerm(1, 1000))
			if err := c.Take("me", calendar.Hold{From: 100, To: 199, Units: 3}); err != nil {
				t.Fatal(err)
			}
			if tt.others > 0 {
				if err := c.Take("other", calendar.Hold{From: 200, To: 299, Units: tt.others}); err != nil {
					t.Fatal(err)
				}
			}
			old := actors.NewTerm(100, 199)
			longer := old.Extended(299)
			if strings.Contains(tt.name, "before") {
				longer.NewStart = 150
			}
			ds := fcfs.Policy{}.Allocate(policy.Round{
				Cycles:  actors.Cycles{Begin: 1, Length: 1},
				Sources: []policy.Source{{ID: "T", Type: "node", Calendar: c}},
				Asks: []policy.Ask{{Reservation: "me", Type: "node", Units: tt.units, Term: longer,
					Held: &policy.Held{Source: "T", Units: 3, Term: old}}},
			})
			if len(ds) != 1 || ds[0].Granted != tt.granted {
				t.Fatalf("decisions %+v, want granted=%v", ds, tt.granted)
			}
		})
	}
}

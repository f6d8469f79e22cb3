/*
Package policytest holds the properties every policy must have, whomever it
favours: it never gives more than is free, never the same thing twice, and gives
the same answer when asked the same again.

A policy's own test calls Broker or Authority and adds what is particular to it.
*/
package policytest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"pgregory.net/rapid"
)

// Broker checks p on random rounds.
func Broker(t *testing.T, p policy.Broker) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		build := world(t)
		round, truth := build(), build()
		got := p.Allocate(round)
		if again := p.Allocate(build()); !reflect.DeepEqual(got, again) {
			t.Fatalf("two answers to one round:\n%+v\n%+v", got, again)
		}
		decided := map[actors.ReservationID]bool{}
		for _, d := range got {
			i := slices.IndexFunc(truth.Asks, func(a policy.Ask) bool { return a.Reservation == d.Reservation })
			if i < 0 || decided[d.Reservation] {
				t.Fatalf("decision about %q, which did not ask or was decided before", d.Reservation)
			}
			decided[d.Reservation] = true
			if !d.Granted {
				if d.Why == "" {
					t.Fatalf("%q refused without a reason", d.Reservation)
				}
				continue
			}
			check(t, truth, truth.Asks[i], d)
		}
	})
}

// check carries the decision out on untouched calendars, which refuse too much.
func check(t *rapid.T, truth policy.Round, a policy.Ask, d policy.Decision) {
	if d.Units < 1 || d.Units > a.Units {
		t.Fatalf("%q asked for %d units and was granted %d", a.Reservation, a.Units, d.Units)
	}
	if least, _ := a.Elastic(); d.Units < least {
		t.Fatalf("%q accepts no fewer than %d units and was granted %d", a.Reservation, least, d.Units)
	}
	if err := d.Term.Validate(); err != nil {
		t.Fatalf("%q: %v", a.Reservation, err)
	}
	if deadline, ok := a.Deferrable(); !ok && d.Term != a.Term || ok && d.Term.End > deadline {
		t.Fatalf("%q asked for %+v and was granted %+v", a.Reservation, a.Term, d.Term)
	}
	j := slices.IndexFunc(truth.Sources, func(s policy.Source) bool { return s.ID == d.Source })
	if j < 0 || truth.Sources[j].Type != a.Type {
		t.Fatalf("%q granted from %q, which is no source of type %q", a.Reservation, d.Source, a.Type)
	}
	for _, need := range a.Needs(d.Units, d.Term) {
		if err := truth.Sources[j].Calendar.Take(a.Reservation, need); err != nil {
			t.Fatalf("%q: granted more than is free: %v", a.Reservation, err)
		}
	}
}

// world draws a round and returns a function that makes it afresh each time.
func world(t *rapid.T) func() policy.Round {
	types := []actors.ResourceType{"node", "disk"}
	kind := rapid.SampledFrom(types)
	type source struct {
		typ      actors.ResourceType
		capacity int
		taken    []calendar.Hold
	}
	when := rapid.IntRange(1, 200)
	sources := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) source {
		s := source{typ: kind.Draw(t, "type"), capacity: rapid.IntRange(1, 8).Draw(t, "capacity")}
		for range rapid.IntRange(0, 4).Draw(t, "taken") {
			from := when.Draw(t, "from")
			s.taken = append(s.taken, calendar.Hold{From: actors.Millis(from),
				To: actors.Millis(from + rapid.IntRange(0, 60).Draw(t, "for")), Units: rapid.IntRange(1, 3).Draw(t, "units")})
		}
		return s
	}), 0, 3).Draw(t, "sources")
	asks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) policy.Ask {
		start := when.Draw(t, "start")
		a := policy.Ask{Type: kind.Draw(t, "type"), Units: rapid.IntRange(1, 9).Draw(t, "units"),
			Term:       actors.NewTerm(actors.Millis(start), actors.Millis(start+rapid.IntRange(1, 80).Draw(t, "length"))),
			Properties: actors.Properties{}}
		for _, name := range []string{"elastic", "deferrable"} {
			if rapid.Bool().Draw(t, name) {
				a.Properties[name] = "true"
			}
		}
		return a
	}), 0, 8).Draw(t, "asks")
	return func() policy.Round {
		r := policy.Round{Now: 10, Cycles: actors.Cycles{Begin: 1, Length: 1}, Asks: slices.Clone(asks)}
		for i := range r.Asks {
			r.Asks[i].Reservation = actors.ReservationID(fmt.Sprintf("R%d", i))
		}
		for i, s := range sources {
			c := calendar.New(s.capacity, actors.NewTerm(1, 300))
			for _, h := range s.taken {
				_ = c.Take("taken", h) // what does not fit was not taken
			}
			r.Sources = append(r.Sources, policy.Source{ID: actors.TicketID(fmt.Sprintf("T%d", i)), Type: s.typ, Calendar: c})
		}
		return r
	}
}

// Authority checks p on random inventories.
func Authority(t *testing.T, p policy.Authority) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		free := make([]actors.Host, rapid.IntRange(0, 12).Draw(t, "free"))
		for i := range free {
			free[i] = actors.Host{Name: fmt.Sprintf("h%02d", i), Type: "node"}
		}
		need := policy.Need{Reservation: "R", Type: "node", Units: rapid.IntRange(0, 14).Draw(t, "units"), Free: slices.Values(free)}
		got := p.Assign(need)
		if again := p.Assign(need); !slices.Equal(got, again) {
			t.Fatalf("two answers to one need: %v, %v", got, again)
		}
		if len(got) > need.Units {
			t.Fatalf("%d units asked, %v given", need.Units, got)
		}
		seen := map[string]bool{}
		for _, name := range got {
			if seen[name] || !slices.ContainsFunc(free, func(h actors.Host) bool { return h.Name == name }) {
				t.Fatalf("%q is not free, or was named twice: %v", name, got)
			}
			seen[name] = true
		}
	})
}

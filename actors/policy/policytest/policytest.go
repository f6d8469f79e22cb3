/*
Package policytest holds the properties every policy must have, whomever it
favours: it never gives more than is free or a quota allows, never the same thing twice, and gives
the same answer when asked the same again. A broker's policy also fills a group
whole or not at all, keeps slivers within what was asked and what their hosts have,
tells why it decided as it did, and turns nobody away who is alone and fits.

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
		decided := map[actors.ReservationID]policy.Decision{}
		for _, d := range got {
			i := slices.IndexFunc(truth.Asks, func(a policy.Ask) bool { return a.Reservation == d.Reservation })
			if _, twice := decided[d.Reservation]; i < 0 || twice {
				t.Fatalf("decision about %q, which did not ask or was decided before", d.Reservation)
			}
			decided[d.Reservation] = d
			a := truth.Asks[i]
			explained(t, a, d)
			if d.Granted {
				check(t, truth, a, d)
			}
		}
		groups(t, truth, decided)
	})
	rapid.Check(t, func(t *rapid.T) { alone(t, p) })
}

// explained wants a reason that people can read.
func explained(t *rapid.T, a policy.Ask, d policy.Decision) {
	if d.Granted && d.Waits {
		t.Fatalf("%q both granted and left waiting", d.Reservation)
	}
	if !d.Granted && d.Why == "" {
		t.Fatalf("%q not granted, without a word", d.Reservation)
	}
	if d.Reason == nil || d.Reason.Rule == "" || d.Reason.Turn < 1 {
		t.Fatalf("%q decided without a reason: %+v", d.Reservation, d.Reason)
	}
	v := policy.Explain(a, d)
	granted := v.Outcome == policy.Granted || v.Outcome == policy.Queued
	if v.Text == "" || d.Granted && !granted || d.Waits && v.Outcome != policy.Queued || !d.Granted && !d.Waits && granted {
		t.Fatalf("%+v is explained as %+v", d, v)
	}
	chosen := 0
	for _, tried := range d.Reason.Tried {
		if tried.Chosen {
			chosen++
			if !d.Granted || tried.Source != d.Source {
				t.Fatalf("%q: %q is said to be chosen, %q was", d.Reservation, tried.Source, d.Source)
			}
		}
	}
	if d.Granted && chosen != 1 {
		t.Fatalf("%q: %d sources are said to be chosen", d.Reservation, chosen)
	}
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
	deadline, ok := a.Deferrable()
	if !ok && d.Term != a.Term || ok && (d.Term.End > deadline || d.Term.Start < a.Term.Start || d.Term.Length() != a.Term.Length()) {
		t.Fatalf("%q asked for %+v and was granted %+v", a.Reservation, a.Term, d.Term)
	}
	j := slices.IndexFunc(truth.Sources, func(s policy.Source) bool { return s.ID == d.Source })
	if j < 0 || truth.Sources[j].Type != a.Type {
		t.Fatalf("%q granted from %q, which is no source of type %q", a.Reservation, d.Source, a.Type)
	}
	if a.Held != nil && a.Held.Source != d.Source {
		t.Fatalf("%q moved from %q to %q", a.Reservation, a.Held.Source, d.Source)
	}
	least, most := a.Sliver()
	if least != (calendar.Vector{}) && (len(d.Slivers) == 0 || !least.Fits(d.Size) || !d.Size.Fits(most)) {
		t.Fatalf("%q wants units of %v to %v and was granted %v on %v", a.Reservation, least, most, d.Size, d.Slivers)
	}
	holds, err := a.Holds(d)
	if err != nil {
		t.Fatalf("%q: %v", a.Reservation, err)
	}
	for _, h := range holds {
		if err := truth.Sources[j].Calendar.Take(a.Reservation, h); err != nil {
			t.Fatalf("%q: granted more than is free: %v", a.Reservation, err)
		}
		for _, i := range a.Quotas {
			q := truth.Quotas[i]
			if left := q.Free(h.From, h.To); left < h.Units {
				t.Fatalf("%q: granted %d units, %d are left of the quota of %s", a.Reservation, h.Units, left, q.Name)
			}
			if err := q.Calendar.Take(a.Reservation, calendar.Hold{From: h.From, To: h.To, Units: h.Units}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// groups wants all members of a group granted with one start, or none.
func groups(t *rapid.T, truth policy.Round, decided map[actors.ReservationID]policy.Decision) {
	type filled struct{ members, granted, count int }
	all := map[string]*filled{}
	start := map[string]actors.Millis{}
	for _, a := range truth.Asks {
		name := a.Group()
		if name == "" {
			continue
		}
		if all[name] == nil {
			all[name] = &filled{}
		}
		all[name].members++
		all[name].count = max(all[name].count, a.LeaseCount())
		if d := decided[a.Reservation]; d.Granted {
			all[name].granted++
			if s, ok := start[name]; ok && s != d.Term.Start {
				t.Fatalf("members of group %q start at %d and %d", name, s, d.Term.Start)
			}
			start[name] = d.Term.Start
		}
	}
	for name, g := range all {
		if g.granted != 0 && (g.granted < g.count || g.count == 0) {
			t.Fatalf("group %q of %d, %d of whom asked, was granted %d", name, g.count, g.members, g.granted)
		}
	}
}

// alone puts one plain ask before the policy when nothing is taken: it must be
// granted exactly when it fits.
func alone(t *rapid.T, p policy.Broker) {
	capacity, units := rapid.IntRange(1, 5).Draw(t, "capacity"), rapid.IntRange(1, 6).Draw(t, "units")
	start := actors.Millis(rapid.IntRange(12, 50).Draw(t, "start"))
	a := policy.Ask{Reservation: "R", Client: "sm", Slice: "s", Type: "node", Units: units,
		Term: actors.NewTerm(start, start+9), Approval: policy.Approval{Given: true, Granted: true}}
	got := p.Allocate(policy.Round{Now: 10, Cycles: actors.Cycles{Begin: 1, Length: 1}, Asks: []policy.Ask{a},
		Sources: []policy.Source{{ID: "T", Type: "node", Calendar: calendar.New(capacity, actors.NewTerm(1, 300))}}})
	if granted := len(got) == 1 && got[0].Granted; granted != (units <= capacity) {
		t.Fatalf("alone, %d units of %d: %+v", units, capacity, got)
	}
}

// Authority checks p on random inventories.
func Authority(t *testing.T, p policy.Authority) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		free := make([]actors.Host, rapid.IntRange(0, 12).Draw(t, "free"))
		trouble := map[string]policy.Trouble{}
		number := rapid.Map(rapid.IntRange(0, 9), func(n int) string { return fmt.Sprint(n) })
		for i := range free {
			free[i] = actors.Host{Name: fmt.Sprintf("h%02d", i), Type: "node"}
			if rapid.Bool().Draw(t, "sized") {
				free[i].Properties = actors.Properties{"memory": number.Draw(t, "memory"), "rack": number.Draw(t, "rack")}
			}
			if rapid.Bool().Draw(t, "troubled") {
				trouble[free[i].Name] = policy.Trouble{Failures: rapid.IntRange(1, 5).Draw(t, "failures"),
					Last: actors.Cycle(rapid.IntRange(0, 100).Draw(t, "last"))}
			}
		}
		need := policy.Need{Now: 100, Reservation: "R", Type: "node", Units: rapid.IntRange(0, 14).Draw(t, "units"),
			Properties: actors.Properties{}, Free: slices.Values(free)}
		if rapid.Bool().Draw(t, "told") {
			need.Trouble = func(host string) policy.Trouble { return trouble[host] }
		}
		for _, name := range []string{"memory", "memory.min", "host.require.rack", "host.prefer.rack"} {
			if rapid.Bool().Draw(t, name) {
				need.Properties[name] = number.Draw(t, "value")
			}
		}
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

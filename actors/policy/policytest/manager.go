package policytest

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"pgregory.net/rapid"
)

// Manager checks p on random outlooks: it says the same when asked the same, bids
// only for what can be, touches only leases it was shown and each of them once, and
// asks for nothing twice: once its bids are under way, a second look wants nothing
// more.
func Manager(t *testing.T, p policy.Manager) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		o := outlook(t)
		got := p.Bid(clone(o))
		if again := p.Bid(clone(o)); !reflect.DeepEqual(got, again) {
			t.Fatalf("two answers to one outlook:\n%+v\n%+v", got, again)
		}
		if got.Why == "" {
			t.Fatalf("bids without a word: %+v", got)
		}
		if got.Again != 0 && got.Again <= o.Now {
			t.Fatalf("wants to look again at %d, it is %d", got.Again, o.Now)
		}
		for _, x := range got.Memory {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("a memory that no record can hold: %v", got.Memory)
			}
		}
		o.Leases = apply(t, o, got)
		o.Signal, o.Memory = nil, got.Memory
		if more := p.Bid(clone(o)); len(more.Ask)+len(more.Extend)+len(more.Close) > 0 {
			t.Fatalf("%+v\nand when that is under way: %+v", got, more)
		}
	})
}

// outlook draws a guest's leases, contiguous or not, and a signal.
func outlook(t *rapid.T) policy.Outlook {
	o := policy.Outlook{Now: 100, Cycles: actors.Cycles{Begin: 1000, Length: 1000}}
	for range rapid.IntRange(0, 3).Draw(t, "observations") {
		o.Signal = append(o.Signal, rapid.IntRange(0, 40).Draw(t, "signal"))
	}
	for range rapid.IntRange(0, 4).Draw(t, "remembered") {
		o.Memory = append(o.Memory, float64(rapid.IntRange(0, 40).Draw(t, "memory")))
	}
	for i := range rapid.IntRange(0, 6).Draw(t, "leases") {
		start := rapid.IntRange(60, 115).Draw(t, "start")
		l := policy.Lease{Reservation: actors.ReservationID(fmt.Sprint("L", i)), Units: rapid.IntRange(1, 9).Draw(t, "units"),
			Term: actors.NewTerm(actors.Millis(start+1)*1000, actors.Millis(start+1+rapid.IntRange(1, 40).Draw(t, "length"))*1000-1)}
		l.Granted = rapid.IntRange(0, 3).Draw(t, "asked") > 0
		l.Extending = l.Granted && rapid.IntRange(0, 3).Draw(t, "extending") == 0
		l.Refused = l.Granted && !l.Extending && rapid.IntRange(0, 3).Draw(t, "refused") == 0
		if l.Term.End >= o.Cycles.Start(o.Now) { // what is over is not shown
			o.Leases = append(o.Leases, l)
		}
	}
	return o
}

func clone(o policy.Outlook) policy.Outlook {
	o.Signal, o.Memory, o.Leases = slices.Clone(o.Signal), slices.Clone(o.Memory), slices.Clone(o.Leases)
	return o
}

// apply checks bids and gives the leases as they are while brokers think.
func apply(t *rapid.T, o policy.Outlook, b policy.Bids) []policy.Lease {
	out := slices.Clone(o.Leases)
	touched := map[actors.ReservationID]bool{}
	find := func(id actors.ReservationID) int {
		i := slices.IndexFunc(out, func(l policy.Lease) bool { return l.Reservation == id })
		if i < 0 || touched[id] {
			t.Fatalf("%q is no lease of the guest's, or was touched before", id)
		}
		touched[id] = true
		return i
	}
	for _, e := range b.Extend {
		i := find(e.Reservation)
		if l := out[i]; !l.Granted || l.Extending || l.Refused || e.End <= l.Term.End || e.Units < 0 {
			t.Fatalf("%+v cannot be extended by %+v", l, e)
		}
		out[i].Extending = true
	}
	for _, id := range b.Close {
		i := find(id)
		out = slices.Delete(out, i, i+1)
	}
	for i, w := range b.Ask {
		if w.Units < 1 || w.Term.Validate() != nil || w.Term.Start <= o.Cycles.End(o.Now) {
			t.Fatalf("asks in cycle %d for %+v", o.Now, w)
		}
		out = append(out, policy.Lease{Reservation: actors.ReservationID(fmt.Sprint("new", i)), Units: w.Units, Term: w.Term})
	}
	return out
}

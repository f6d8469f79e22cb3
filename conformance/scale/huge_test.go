package scale_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy/firstfit"
	memstore "github.com/leasehold/leasehold/actors/store/memory"
)

// huge is how much more processor time a unit of a lease of 100,000 takes than one of
// 10,000: the least of three, and of thirty, in turns.
func huge(b *testing.B) float64 {
	b.Helper()
	best := [2]time.Duration{math.MaxInt64, math.MaxInt64}
	for range 3 {
		for range 10 {
			best[0] = min(best[0], oneOf(b, 10_000))
		}
		best[1] = min(best[1], oneOf(b, 100_000))
	}
	return float64(best[1]) / float64(best[0])
}

// oneOf is the processor time in which a lease of n units is set up at its site and joins
// its guest, for one unit. Every action ends by itself, in a step of its own whose
// records are saved before the next, and they end in any order.
func oneOf(b *testing.B, n int) time.Duration {
	runtime.GC()
	begin := processor(b)
	joined(b, setUp(b, n))
	return (processor(b) - begin) / time.Duration(n)
}

// stepper steps a machine and saves what it asks for.
func stepper(b *testing.B, m actors.Machine) func(actors.Cycle, actors.Event) actors.Effects {
	s := memstore.New()
	return func(now actors.Cycle, ev actors.Event) actors.Effects {
		fx, err := m.Step(now, ev)
		if err == nil {
			err = s.Save(b.Context(), fx.Save)
		}
		if err != nil {
			b.Fatal(err)
		}
		return fx
	}
}

const site, vendor, client = actors.ActorID("11111111-1111-4111-8111-111111111111"), actors.ActorID("22222222-2222-4222-8222-222222222222"),
	actors.ActorID("33333333-3333-4333-8333-333333333333")

var hugeSlice = actors.Slice{ID: "44444444-4444-4444-8444-444444444444", Name: "slice"}

// setUp lets a site set a lease of n units up, and gives its answer.
func setUp(b *testing.B, n int) actors.Message {
	a := authority.New(authority.Config{Self: actors.Location{ID: site, Name: "site"}, Cycles: actors.Cycles{Begin: 1, Length: 1000}, Policy: firstfit.Policy{}})
	step := stepper(b, a)
	hosts := make([]actors.Host, n)
	for i := range hosts {
		hosts[i] = actors.Host{Name: fmt.Sprintf("node%07d", i), Type: "site.node"}
	}
	step(0, actors.AddHosts{Hosts: hosts})
	export := actors.Export{Holder: vendor, Type: "site.node", Units: n, Term: actors.NewTerm(1, 1<<40)}
	step(0, export)
	t := hugeTicket(n)
	t.Ancestors = []actors.Delegation{authority.Delegate(site, export)}
	step(0, actors.Receive{Message: actors.Message{Op: actors.OpRedeem, From: client, To: site, Reservation: "lease", Slice: hugeSlice,
		Sequence: 1, Type: t.Type, Units: n, Term: t.Term, Ticket: t}})
	return end(b, step, step(2, actors.Tick{}).Run).Send[0]
}

func hugeTicket(n int) *actors.Ticket {
	return &actors.Ticket{Delegation: actors.Delegation{ID: "ticket", Issuer: vendor, Holder: client, Type: "site.node", Units: n, Term: actors.NewTerm(1000, 1<<39)},
		Authority: actors.Location{ID: site, Name: "site"}}
}

// joined lets a service manager take a lease over that was set up.
func joined(b *testing.B, up actors.Message) {
	a := manager.New(manager.Config{Broker: vendor,
		Rules: manager.Rules{Self: client, Cycles: actors.Cycles{Begin: 1, Length: 1000}, Margins: manager.LegacyMargins()}})
	step := stepper(b, a)
	t := hugeTicket(up.Units)
	t.Ancestors = []actors.Delegation{{ID: "root", Issuer: site, Holder: vendor, Type: t.Type, Units: t.Units, Term: actors.NewTerm(1, 1<<40)}}
	step(0, actors.Request{Reservation: "lease", Slice: hugeSlice, Type: t.Type, Units: t.Units, Term: t.Term})
	step(0, actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: vendor, To: client, Reservation: "lease",
		Sequence: 1, Type: t.Type, Units: t.Units, Term: t.Term, Ticket: t}})
	step(1, actors.Tick{})
	end(b, step, step(2, actors.Receive{Message: up}).Run)
	if v, _ := a.View("lease"); v.State != "Active" || v.Pending != "None" || len(v.Held) != up.Units {
		b.Fatalf("the manager has %d units in %s, %s", len(v.Held), v.State, v.Pending)
	}
}

// end ends actions one by one, in an order of chance, and gives what the last one led to.
func end(b *testing.B, step func(actors.Cycle, actors.Event) actors.Effects, runs []actors.Task) (last actors.Effects) {
	b.Helper()
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(runs)) {
		act := runs[i]
		last = step(2, actors.ActionDone{Reservation: act.Reservation, Unit: act.Unit.ID, Verb: act.Verb, Sequence: act.Sequence})
	}
	return last
}

package static_test

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/policytest"
	"github.com/leasehold/leasehold/actors/policy/static"
)

func TestManager(t *testing.T) {
	for _, s := range []policy.GuestSettings{
		{Units: 7, Term: 20_000}, {Units: 7, Term: 20_000, Renew: true}, {Units: 3, Term: 9_000, Chunk: 2, Return: true},
		{Units: 12, Term: 30_000, Lead: 15_000, Renew: true, Return: true}, {Term: 5000},
	} {
		policytest.Manager(t, static.Policy{GuestSettings: s})
	}
}

// A lease is prolonged so that its next term can be granted before the last one
// ends; one that may not be prolonged is followed by another without a gap.
func ExamplePolicy() {
	p := static.Policy{GuestSettings: policy.GuestSettings{Units: 4, Term: 60_000, Renew: true}}
	o := policy.Outlook{Now: 10, Cycles: actors.Cycles{Begin: 1000, Length: 1000}}
	first := p.Bid(o)
	fmt.Println(first.Ask, first.Why)
	held := policy.Lease{Reservation: "L", Units: 4, Term: first.Ask[0].Term, Granted: true}
	o.Leases = []policy.Lease{held}
	fmt.Println(p.Bid(o).Again)
	o.Now = p.Bid(o).Again
	fmt.Println(p.Bid(o).Extend)
	o.Leases[0].Refused = true
	fmt.Println(p.Bid(o).Ask[0].Term.Start-held.Term.End, "ms behind the end")
	// Output:
	// [{4 {16000 16000 75999}}] a fixed demand of 4
	// 70
	// [{L 135999 0}]
	// 1 ms behind the end
}

// What is too much now but needed when a lease asked for now would begin is kept.
func TestSurplusThatIsNeededLater(t *testing.T) {
	p := static.Policy{GuestSettings: policy.GuestSettings{Units: 3, Term: 9_000, Return: true}}
	o := policy.Outlook{Now: 100, Cycles: actors.Cycles{Begin: 1000, Length: 1000}, Leases: []policy.Lease{
		{Reservation: "ending", Units: 3, Term: actors.NewTerm(90_000, 103_999), Granted: true},
		{Reservation: "staying", Units: 3, Term: actors.NewTerm(95_000, 150_999), Granted: true},
	}}
	if b := p.Bid(o); fmt.Sprint(b.Close) != "[ending]" || len(b.Ask) != 0 {
		t.Errorf("closes %v and asks for %v", b.Close, b.Ask)
	}
}

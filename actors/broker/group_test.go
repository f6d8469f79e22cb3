package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"pgregory.net/rapid"
)

// part asks for a member of group g; the leader says how many there are.
func part(id string, units, count int) actors.Event {
	props := actors.Properties{"groupID": "g"}
	if count > 0 {
		props["leaseCount"] = fmt.Sprint(count)
	}
	return asks(id, units, props)
}

func relinquish(id string) actors.Event {
	return actors.Receive{Message: actors.Message{Op: actors.OpRelinquish, From: "sm", Reservation: actors.ReservationID(id), Slice: slice, Sequence: 2}}
}

// answers lists the clients' answers in effects: id+ for a grant, id- for a refusal.
func answers(fx actors.Effects) string {
	var out []string
	for _, m := range fx.Send {
		out = append(out, string(m.Reservation)+map[bool]string{true: "-", false: "+"}[m.Failed])
	}
	return strings.Join(out, " ")
}

// A group is granted in one step, whose records are saved together.
func TestGroupIsGrantedAtOnce(t *testing.T) {
	a := under(t, fcfs.Policy{}, nil)
	do(t, a, 5, part("a", 2, 2))
	if fx := do(t, a, 6, actors.Tick{}); len(fx.Send) != 0 {
		t.Fatalf("a member alone was answered: %s", answers(fx))
	}
	a = restarted(t, a, fcfs.Policy{})
	do(t, a, 7, part("b", 2, 0))
	fx := do(t, a, 8, actors.Tick{})
	if answers(fx) != "a+ b+" || len(fx.Save) != 2 || fx.Send[0].Term.Start != fx.Send[1].Term.Start {
		t.Errorf("%s, %d records", answers(fx), len(fx.Save))
	}
}

// A member that goes before the grant takes the others with it, also those that
// have not come yet, and also after a restart.
func TestGroupLosesAMember(t *testing.T) {
	a := under(t, fcfs.Policy{}, nil)
	do(t, a, 5, part("a", 1, 3))
	do(t, a, 5, part("b", 1, 0))
	if got := answers(do(t, a, 6, relinquish("a"))); got != "a- b-" {
		t.Errorf("after a member was withdrawn: %s", got)
	}
	a = restarted(t, a, fcfs.Policy{})
	fx := do(t, a, 7, part("c", 1, 0))
	if answers(fx) != "c-" || !strings.Contains(fx.Send[0].Note, "another groupID") {
		t.Errorf("a member that came late: %s %+v", answers(fx), fx.Send)
	}
}

// A member refused at the edge never arrives; the others give up with their term,
// or when the client withdraws them.
func TestGroupThatNeverCompletes(t *testing.T) {
	a := under(t, fcfs.Policy{}, nil)
	do(t, a, 5, part("a", 1, 2))
	if _, err := a.Step(5, part("b", 0, 0)); actors.KindOf(err) != actors.Invalid {
		t.Fatalf("no units: %v", err)
	}
	do(t, a, 5, part("x", 1, 0))
	do(t, a, 5, relinquish("x")) // the third of two; gone before the round
	if got := len(a.asks); got != 0 {
		t.Errorf("%d still wait", got)
	}
	b := under(t, fcfs.Policy{}, nil)
	do(t, b, 5, part("a", 1, 2))
	if got := answers(do(t, b, 19, actors.Tick{})); got != "a-" {
		t.Errorf("at the end of its term: %q", got)
	}
}

// What comes when a group has been granted is not of it.
func TestGroupIsFull(t *testing.T) {
	a := under(t, fcfs.Policy{}, nil)
	do(t, a, 5, part("a", 1, 1))
	do(t, a, 6, actors.Tick{})
	if got := answers(do(t, a, 7, part("b", 1, 0))); got != "b-" {
		t.Errorf("%s", got)
	}
}

// half is a policy that grants every second ask, whatever it is a member of.
type half struct{}

func (half) Allocate(r policy.Round) (out []policy.Decision) {
	for i, a := range r.Asks {
		d := policy.Decision{Reservation: a.Reservation, Why: "not this one"}
		if i%2 == 0 {
			d = policy.Decision{Reservation: a.Reservation, Granted: true, Source: r.Sources[0].ID, Units: a.Units, Term: a.Term}
		}
		out = append(out, d)
	}
	return out
}

// greedy is a policy that grants everything from the first source.
type greedy struct{}

func (greedy) Allocate(r policy.Round) (out []policy.Decision) {
	for _, a := range r.Asks {
		out = append(out, policy.Decision{Reservation: a.Reservation, Granted: true, Source: r.Sources[0].ID, Units: a.Units, Term: a.Term})
	}
	return out
}

// A mistaken policy can break neither a group nor a quota nor the calendar.
func TestMistakenPolicies(t *testing.T) {
	a := under(t, half{}, nil)
	do(t, a, 5, part("a", 1, 2))
	do(t, a, 5, part("b", 1, 0))
	do(t, a, 5, asks("c", 1, nil))
	if got := answers(do(t, a, 6, actors.Tick{})); got != "a- b- c+" {
		t.Errorf("half a group: %s", got)
	}
	a = under(t, greedy{}, nil)
	do(t, a, 5, part("a", 3, 2))
	do(t, a, 5, part("b", 3, 0))
	do(t, a, 5, asks("c", 3, nil))
	do(t, a, 5, asks("d", 3, nil))
	if got := answers(do(t, a, 6, actors.Tick{})); got != "a- b- c+ d-" {
		t.Errorf("more than there is: %s", got)
	}
	a = New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: greedy{}, Quotas: []policy.Limit{{Client: "sm", Units: 3}}})
	do(t, a, 0, actors.Donate{Ticket: source1})
	do(t, a, 5, asks("a", 2, nil))
	do(t, a, 5, asks("b", 2, nil))
	if got := answers(do(t, a, 6, actors.Tick{})); got != "a+ b-" {
		t.Errorf("more than the quota: %s", got)
	}
}

// TestGroupsAllOrNone is check 19 of leasing 11: over types, with members that
// come, go and repeat themselves in any order, all of a group are granted with one
// start, or none is.
func TestGroupsAllOrNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]policy.Broker{fcfs.Policy{}, edf.Policy{}, half{}, greedy{}}).Draw(t, "policy")
		a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: p})
		for i, typ := range []actors.ResourceType{"node", "disk"} {
			source := source1
			source.ID, source.Type, source.Units = actors.TicketID(fmt.Sprint("T", i)), typ, rapid.IntRange(1, 4).Draw(t, "stock")
			if _, err := a.Step(0, actors.Donate{Ticket: source}); err != nil {
				t.Fatal(err)
			}
		}
		count := rapid.IntRange(1, 4).Draw(t, "members")
		starts := map[actors.ReservationID]actors.Millis{}
		see := func(fx actors.Effects) {
			for _, m := range fx.Send {
				if !m.Failed {
					starts[m.Reservation] = m.Term.Start
				}
			}
		}
		now := actors.Cycle(5)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			i := rapid.IntRange(0, count-1).Draw(t, "member")
			id := fmt.Sprint("m", i)
			props := actors.Properties{"groupID": "g"}
			if i == 0 {
				props["leaseCount"] = fmt.Sprint(count)
			}
			var ev actors.Event = actors.Tick{}
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1, 2:
				ev = actors.Receive{Message: actors.Message{Op: actors.OpTicket, From: "sm", Reservation: actors.ReservationID(id), Slice: slice, Sequence: 1,
					Type: []actors.ResourceType{"node", "disk"}[i%2], Units: 1 + i/2, Term: term, Properties: props}}
			case 3:
				if _, granted := starts[actors.ReservationID(id)]; !granted {
					ev = relinquish(id)
				}
			}
			if _, ok := ev.(actors.Tick); ok {
				now++
			}
			if fx, err := a.Step(now, ev); err == nil {
				see(fx)
			}
			switch len(starts) {
			case 0, count:
			default:
				t.Fatalf("%d of %d members granted: %v", len(starts), count, starts)
			}
			for id, s := range starts {
				if s != starts["m0"] {
					t.Fatalf("%s starts at %d, the leader at %d", id, s, starts["m0"])
				}
			}
		}
	})
}

// Members whose term ends while they wait end in one tick: the first takes the others
// with it, and each is remembered as long as any other request that is over.
func TestGroupExpiresTogether(t *testing.T) {
	a := under(t, fcfs.Policy{}, nil)
	do(t, a, 5, part("a", 1, 3))
	do(t, a, 5, part("b", 1, 0))
	if got := answers(do(t, a, 19, actors.Tick{})); got != "a- b-" || len(a.book) != 2 {
		t.Fatalf("%s, %d remembered", got, len(a.book))
	}
	for _, now := range []actors.Cycle{20, 618, 620} {
		for _, m := range do(t, a, now, actors.Tick{}).Moved {
			t.Errorf("at %d: %+v", now, m)
		}
	}
	if len(a.book) != 0 {
		t.Errorf("%d are never forgotten", len(a.book))
	}
}

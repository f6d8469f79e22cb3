package desk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
)

// story is a round told in few words: a source "east node 4" has four units of
// node; an ask is "name type units start-end property=value ...".
func story(sources, asks []string) policy.Round {
	r := policy.Round{Now: 9, Cycles: actors.Cycles{Begin: 1, Length: 1}}
	for i, s := range sources {
		var site, typ string
		var units int
		fmt.Sscan(s, &site, &typ, &units)
		r.Sources = append(r.Sources, policy.Source{ID: actors.TicketID(fmt.Sprint("T", i)), Type: actors.ResourceType(typ),
			Site: actors.Location{ID: actors.ActorID(site), Name: site}, Calendar: calendar.New(units, actors.NewTerm(1, 1000))})
	}
	for _, s := range asks {
		a := policy.Ask{Client: "sm", Properties: actors.Properties{}}
		var typ string
		f := strings.Fields(s)
		fmt.Sscan(strings.Join(f[:3], " "), &a.Reservation, &typ, &a.Units)
		a.Type = actors.ResourceType(typ)
		var start, end actors.Millis
		fmt.Sscanf(f[3], "%d-%d", &start, &end)
		a.Term = actors.NewTerm(start, end)
		for _, p := range f[4:] {
			k, v, _ := strings.Cut(p, "=")
			a.Properties[k] = v
		}
		r.Asks = append(r.Asks, a)
	}
	return r
}

func tell(r policy.Round, ds []policy.Decision) string {
	var b strings.Builder
	for _, d := range ds {
		switch {
		case d.Granted:
			fmt.Fprintf(&b, "%s: %d of %s %d-%d\n", d.Reservation, d.Units, d.Source, d.Term.Start, d.Term.End)
		case d.Waits:
			fmt.Fprintf(&b, "%s waits: %s\n", d.Reservation, d.Why)
		default:
			fmt.Fprintf(&b, "%s refused: %s\n", d.Reservation, d.Why)
		}
	}
	return b.String()
}

// TestGroups: members start together over types and sources, each for its own
// length, as early as all of them fit; or wait for each other; or all fail.
func TestGroups(t *testing.T) {
	both := []string{"east node 4", "west disk 2"}
	for _, tt := range []struct{ name, asks, want string }{
		{"together", "busy disk 2 20-49; a node 3 20-39 groupID=g leaseCount=2; b disk 1 30-59 groupID=g",
			"a: 3 of T0 30-49\nb: 1 of T1 30-59\nbusy refused: insufficient resources: 2 units are not free over the whole term\n"},
		{"too many together", "a node 3 20-39 groupID=g leaseCount=2; b node 3 20-29 groupID=g; x node 1 20-29 groupID=h leaseCount=1",
			"a refused: its group does not fit at any one time\nb refused: its group does not fit at any one time\nx: 1 of T0 20-29\n"},
		{"not yet complete", "a node 1 20-39 groupID=g leaseCount=3; b disk 1 20-39 groupID=g",
			"a waits: its group has 2 of 3 members\nb waits: its group has 2 of 3 members\n"},
		{"without a leader", "a node 1 20-39 groupID=g",
			"a waits: the leader of its group has not said how many belong to it\n"},
		{"out of patience", "a node 1 3-39 groupID=g leaseCount=2 queueThreshold=5",
			"a refused: its group was not complete in time\n"},
		{"too much of one", "a node 1 20-39 groupID=g leaseCount=2; b disk 3 20-39 groupID=g",
			"a refused: b, of its group: insufficient resources: 3 units asked, only 2 exist\nb refused: b, of its group: insufficient resources: 3 units asked, only 2 exist\n"},
		{"past a member's deadline", "a node 4 20-39 groupID=g leaseCount=2 deadline=45; b node 1 20-29 groupID=g",
			"a refused: its group does not fit at any one time\nb refused: its group does not fit at any one time\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := story(both, strings.Split(tt.asks, "; "))
			if got := tell(r, fcfs.Policy{}.Allocate(r)); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

// Another client cannot join a group, and so neither delay nor learn of it.
func TestGroupOfOneClient(t *testing.T) {
	r := story([]string{"east node 4"}, []string{"a node 1 20-39 groupID=g leaseCount=2", "b node 1 20-39 groupID=g"})
	r.Asks[1].Client = "stranger"
	for _, d := range (fcfs.Policy{}).Allocate(r) {
		if !d.Waits {
			t.Errorf("%+v", d)
		}
	}
}

// A granted group waits until what is already held has ended.
func TestGroupStartsWhenHeldUnitsEnd(t *testing.T) {
	r := story([]string{"east node 4", "west disk 2"}, []string{"a node 3 20-39 groupID=g leaseCount=2", "b disk 1 20-29 groupID=g"})
	for i, h := range []calendar.Hold{{From: 15, To: 44, Units: 2}, {From: 40, To: 59, Units: 2}} {
		if err := r.Sources[i].Calendar.Take("held", h); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := tell(r, fcfs.Policy{}.Allocate(r)), "a: 3 of T0 60-79\nb: 1 of T1 60-69\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Extensions on hosts keep their hosts, drop the first ones when they shrink and
// take others when they grow.
func TestExtensionOnHosts(t *testing.T) {
	for _, tt := range []struct {
		units int
		want  string
	}{{3, "[{1 2} {2 1}]"}, {2, "[{1 1} {2 1}]"}, {1, "[{2 1}]"}, {5, "[{1 2} {2 2} {3 1}]"}, {7, "[]"}} {
		c := calendar.New(9, actors.NewTerm(1, 1000), calendar.Vector{4, 4}, calendar.Vector{4, 4}, calendar.Vector{2, 8})
		size := calendar.Vector{2, 1}
		held := []policy.Sliver{{Host: 1, Units: 2}, {Host: 2, Units: 1}}
		for _, s := range held {
			if err := c.Take("a", calendar.Hold{From: 10, To: 19, Units: s.Units, Host: s.Host, Size: size}); err != nil {
				t.Fatal(err)
			}
		}
		old := actors.NewTerm(10, 19)
		d := desk.New(policy.Round{Now: 12, Cycles: actors.Cycles{Begin: 1, Length: 1},
			Sources: []policy.Source{{ID: "T", Type: "node", Calendar: c}},
			Asks: []policy.Ask{{Reservation: "a", Type: "node", Units: tt.units, Term: old.Extended(29),
				Held: &policy.Held{Source: "T", Units: 3, Term: old, Slivers: held, Size: size}}}}, desk.Rules{Name: "any"})
		d.Open()
		if got := fmt.Sprint(d.Decisions()[0].Slivers); got != tt.want {
			t.Errorf("%d units: %s, want %s", tt.units, got, tt.want)
		}
	}
}

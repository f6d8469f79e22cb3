package authority

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestEveryStateExplained: whatever is not over says since when, what it does next and
// when, until when, and has a way out; whatever is pending says what it waits for.
func TestEveryStateExplained(t *testing.T) {
	for _, row := range Moves.Rows() {
		if row.State == accepted || row.State == modifying { // passed through within a step
			continue
		}
		r := sample(row.State)
		r.Error = "it hurt"
		a := world(t, r)
		a.Recover(12)
		v, ok := a.View("R1")
		if !ok || v.Since != r.Since || v.Error != "it hurt" {
			t.Errorf("%v: %+v", row.State, v)
		}
		if row.State == closed {
			continue
		}
		if v.Next == "" || v.NextAt <= 0 || v.NextAt == actors.Never || v.Deadline <= 0 || v.Deadline == actors.Never || len(row.To) == 0 {
			t.Errorf("%v: next %q at %d, deadline %d, exits %v", row.State, v.Next, v.NextAt, v.Deadline, row.To)
		}
		if row.State.Pending != actors.None && v.Waiting == "" {
			t.Errorf("%v waits for nobody knows what", row.State)
		}
		// And it ends by itself: nobody answers any more, only time passes.
		for range 500 {
			if a.book["R1"].Status == closed {
				break
			}
			wake := a.agenda.Next()
			if wake == actors.Never {
				t.Fatalf("%v: in %v it waits for ever", row.State, a.book["R1"].Status)
			}
			play(t, a, wake, actors.Tick{})
		}
		if got := a.book["R1"]; got.Status != closed {
			t.Errorf("%v never ends: %+v", row.State, got)
		}
	}
}

// A handler that never answers is not waited for: a setup counts as failed, a modify
// as failed without harm, a teardown is tried again and its host put aside in the end.
func TestHungHandler(t *testing.T) {
	site := world(t).config
	a := New(Config{Self: site.Self, Cycles: site.Cycles, Policy: site.Policy, ActionTime: 5})
	for _, ev := range []actors.Event{sale, actors.AddHosts{Hosts: []actors.Host{{Name: "h1", Type: "node"}, {Name: "h2", Type: "node"}}}} {
		play(t, a, 0, ev)
	}
	play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 1, actors.NewTerm(10_000, 99_999))))
	play(t, a, 10, actors.Tick{})
	fx := play(t, a, 15, actors.Tick{})
	r := a.book["R1"]
	if r.Status != failed || len(fx.Run) != 1 || fx.Run[0].Verb != actors.Teardown || len(fx.Send) != 1 || !fx.Send[0].Failed ||
		!strings.Contains(r.Error, "has not answered") {
		t.Fatalf("a hung setup: %v %q, ran %+v, said %+v", r.Status, r.Error, fx.Run, fx.Send)
	}
	for now := actors.Cycle(16); now < 90; now++ {
		play(t, a, now, actors.Tick{})
	}
	if !a.hosts.hosts["h1"].Quarantined || a.book["R1"].Units.Len() != 0 {
		t.Errorf("a hung teardown: %+v", a.book["R1"])
	}
}

package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestEveryStateExplained: whatever is not over says since when, what it does next and
// when, until when, and has a way out; whatever is pending or blocked says what it
// waits for. And it ends by itself when nobody answers any more.
func TestEveryStateExplained(t *testing.T) {
	for _, row := range Moves.Rows() {
		if row.State == asked { // passed through within a step
			continue
		}
		d := newDesk(t, nil)
		p := sample(ticketed)
		p.ID, p.Term, p.Ticket = "P", term.Extended(99_999), ticket("TP", actors.NewTerm(90_000, 99_999))
		d.put(p)
		r := sample(row.State)
		r.Error, r.Renewable = "it hurt", false
		for i := range r.After {
			r.After[i].Required = false
		}
		d.put(r)
		v, ok := d.View("R1")
		if !ok || v.Since != r.Since || v.Error != "it hurt" {
			t.Errorf("%v: %+v", row.State, v)
		}
		if row.State == closed {
			continue
		}
		if v.Next == "" || v.NextAt <= 0 || v.NextAt == actors.Never || len(row.To) == 0 {
			t.Errorf("%v: next %q at %d, exits %v", row.State, v.Next, v.NextAt, row.To)
		}
		if row.State == failed {
			continue
		}
		if v.Deadline <= 0 || v.Deadline == actors.Never {
			t.Errorf("%v has no deadline", row.State)
		}
		blocked := row.State.Join == actors.BlockedRedeem || row.State.Join == actors.BlockedJoin
		if (row.State.Pending != actors.None || blocked || row.State.Join == actors.Joining || row.State == closeWait) && v.Waiting == "" {
			t.Errorf("%v waits for nobody knows what", row.State)
		}
		for range 500 {
			if d.book["R1"].Status.State.Final() {
				break
			}
			wake := d.book["R1"].next(d.config.Rules).at
			if wake == actors.Never {
				t.Fatalf("%v: in %v it waits for ever", row.State, d.book["R1"].Status)
			}
			d.now = max(d.now+1, wake)
			d.step(actors.Tick{})
		}
		if got := d.book["R1"]; !got.Status.State.Final() {
			t.Errorf("%v never ends: %v", row.State, got.Status)
		}
	}
}

package broker

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// TestEveryStateExplained: whatever is not over says since when, what it does next and
// when, until when, and has a way out; whatever is pending says what it waits for. And
// it ends by itself.
func TestEveryStateExplained(t *testing.T) {
	for _, row := range Moves.Rows() {
		if row.State == asked || row.State == priming { // passed through within a step
			continue
		}
		r := sample(row.State)
		r.Error = "it hurt"
		a := world(t, r)
		v, ok := a.View("R1")
		if !ok || v.Since != r.Since || v.Error != "it hurt" {
			t.Errorf("%v: %+v", row.State, v)
		}
		if row.State == closed {
			continue
		}
		if v.Next == "" || v.NextAt <= 0 || v.NextAt == actors.Never || len(row.To) == 0 {
			t.Errorf("%v: next %q at %d, exits %v", row.State, v.Next, v.NextAt, row.To)
		}
		if !row.State.State.Final() && (v.Deadline <= 0 || v.Deadline == actors.Never) {
			t.Errorf("%v has no deadline", row.State)
		}
		if row.State.Pending != actors.None && v.Waiting == "" {
			t.Errorf("%v waits for nobody knows what", row.State)
		}
		for now := actors.Cycle(9); ; {
			left, ok := a.book["R1"]
			if !ok || left.Status.State.Final() {
				break
			}
			if now = max(now, a.wake(now-1)); now == actors.Never {
				t.Fatalf("%v: in %v it waits for ever", row.State, left.Status)
			}
			if _, err := a.Step(now, actors.Tick{}); err != nil {
				t.Fatal(err)
			}
			now++
		}
	}
}

// The same for what a broker buys.
func TestEveryHoldingExplained(t *testing.T) {
	for _, row := range HoldingMoves.Rows() {
		if row.State == asked {
			continue
		}
		h := Holding{Name: "H", Broker: "b2", Slice: slice, Type: "node", Units: 2, Length: 10_000, Standing: true, Status: row.State,
			Term: term, Asking: 2, Sequence: 1, Since: 5, Sent: 5, Error: "it hurt"}
		if row.State == ticketed || row.State == extending {
			bought := source1
			h.Ticket = &bought
		}
		a := world(t)
		a.keepHolding(h)
		v, ok := a.View("H")
		if !ok || v.Since != 5 || v.Error != "it hurt" || v.Next == "" || v.NextAt <= 0 || v.NextAt == actors.Never || len(row.To) == 0 {
			t.Errorf("%v: %+v", row.State, v)
		}
		if row.State.Pending != actors.None && (v.Waiting == "" || v.Deadline <= 0 || v.Deadline == actors.Never) {
			t.Errorf("%v waits for %q until %d", row.State, v.Waiting, v.Deadline)
		}
	}
}

// A broker that wants its tickets used says until when, in the first one only.
func TestRedeemWithin(t *testing.T) {
	a := world(t)
	a.config.RedeemWithin = 5_000
	step := func(now actors.Cycle, ev actors.Event) actors.Effects {
		fx, err := a.Step(now, ev)
		if err != nil {
			t.Fatal(err)
		}
		return fx
	}
	step(5, ask(actors.OpTicket, "sm", 1, term))
	fx := step(6, actors.Tick{})
	if len(fx.Send) != 1 || fx.Send[0].Ticket.RedeemBy() != 15_000 {
		t.Fatalf("it said %+v", fx.Send)
	}
	step(7, ask(actors.OpExtendTicket, "sm", 2, longer))
	fx = step(8, actors.Tick{})
	if len(fx.Send) != 1 || fx.Send[0].Ticket.RedeemBy() != actors.Forever {
		t.Errorf("the extension says %+v", fx.Send)
	}
}

package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// A broker that bought on has its ticket prolonged long before the old end, and sells
// from the longer one for a time before its NewStart. Its seller's books do not show
// that; the site gives out no more than it delegated all the same. What was refused
// leaves nothing behind, and what is given back can be redeemed for.
func TestShareOfSoldOn(t *testing.T) {
	soldOn := func(id string, units int, at actors.Term) *actors.Ticket {
		tk := ticket(id, units, at)
		tk.Issuer = "b2"
		bought := actors.Delegation{ID: "H", Issuer: "br", Holder: "b2", Type: "node", Units: 3, Term: actors.Term{Start: 1_000, NewStart: 40_000, End: 60_000}}
		tk.Ancestors = append([]actors.Delegation{bought}, tk.Ancestors...)
		return tk
	}
	redeem := func(a *Actor, id string, tk *actors.Ticket) error {
		_, err := a.Step(8, actors.Receive{Message: actors.Message{Op: actors.OpRedeem, From: "sm", Reservation: actors.ReservationID(id), Slice: slice,
			Sequence: 1, Type: "node", Units: tk.Units, Term: tk.Term, Ticket: tk}})
		return err
	}
	a := world(t)
	if err := redeem(a, "A", soldOn("A", 2, term)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := redeem(a, "B", ticket("B", 2, term)); actors.KindOf(err) != actors.Oversold {
			t.Fatalf("%v", err)
		}
		if a.book["B"].ID != "" || a.ledger.Len() != 3 {
			t.Fatalf("%d claims, %+v", a.ledger.Len(), a.book["B"])
		}
		a = restart(t, a)
	}
	if err := redeem(a, "C", ticket("C", 1, term)); err != nil {
		t.Errorf("what is left: %v", err)
	}
	if _, err := a.Step(9, actors.Receive{Message: actors.Message{Op: actors.OpClose, From: "sm", Reservation: "A", Slice: slice, Sequence: 2, Type: "node",
		Units: 2, Term: term, Ticket: soldOn("A", 2, term)}}); err != nil {
		t.Fatal(err)
	}
	if err := redeem(a, "B", ticket("B", 2, term)); err != nil {
		t.Errorf("what was given back: %v", err)
	}
}

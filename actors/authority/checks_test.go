package authority

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// The acceptance checks of leasing 11 that concern a site alone.

// TestCheck09StaleCompletion: the end of an action that was overtaken changes nothing.
func TestCheck09StaleCompletion(t *testing.T) {
	for _, row := range Moves.Rows() {
		if row.State == accepted || row.State == modifying { // passed through within a step
			continue
		}
		r := sample(row.State)
		for u := range r.Units.All() {
			for _, seq := range []int{u.Sequence - 1, u.Sequence + 1} {
				a := world(t, r)
				fx := play(t, a, 9, done(string(u.ID), seq, 1))
				if len(fx.Save)+len(fx.Send)+len(fx.Run) > 0 || a.book["R1"].Status != row.State {
					t.Errorf("%v: %+v", row.State, fx)
				}
			}
		}
	}
}

// TestCheck11PartialPriming: units that cannot be set up make the lease smaller, with
// their story in the update; when none can be, there is one failed update.
func TestCheck11PartialPriming(t *testing.T) {
	begin := func() (*Actor, []actors.Task) {
		a := world(t)
		play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)))
		return a, play(t, a, 10, actors.Tick{}).Run
	}
	a, runs := begin()
	play(t, a, 11, actors.ActionDone{Reservation: "R1", Unit: runs[0].Unit.ID, Sequence: 1, Code: 7, Note: "no disk"})
	fx := play(t, a, 11, actors.ActionDone{Reservation: "R1", Unit: runs[1].Unit.ID, Sequence: 1})
	if a.book["R1"].Status != active || len(fx.Send) != 1 || fx.Send[0].Failed || fx.Send[0].Units != 1 || !strings.Contains(fx.Send[0].Note, "no disk") {
		t.Errorf("one of two: %v, said %+v", a.book["R1"].Status, fx.Send)
	}
	a, runs = begin()
	updates := 0
	for _, r := range runs {
		fx = play(t, a, 11, actors.ActionDone{Reservation: "R1", Unit: r.Unit.ID, Sequence: 1, Code: 7, Note: "no disk"})
		updates += len(fx.Send)
	}
	if a.book["R1"].Status != failed || updates != 1 || !fx.Send[0].Failed || !strings.Contains(fx.Send[0].Note, "no disk") {
		t.Errorf("none of two: %v, %d updates, the last %+v", a.book["R1"].Status, updates, fx.Send)
	}
}

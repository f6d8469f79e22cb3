package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// Times that were measured are estimated by type, survive a restart and are saved when
// they are news; what failed is not counted.
func TestPaces(t *testing.T) {
	a := world(t)
	play(t, a, 9, from("sm", actors.OpRedeem, 1, ticket("T1", 2, term)))
	runs := play(t, a, 10, actors.Tick{}).Run
	if len(runs) != 2 || len(a.Paces()) != 0 {
		t.Fatalf("it runs %+v and knows %+v", runs, a.Paces())
	}
	saved := func(fx actors.Effects) (n int) {
		for _, r := range fx.Save {
			if r.Key == "pace/node" {
				n++
			}
		}
		return n
	}
	if fx := play(t, a, 11, actors.ActionDone{Reservation: "R1", Unit: runs[0].Unit.ID, Sequence: 1, Code: 7, Took: 90_000}); saved(fx) != 0 {
		t.Error("a failure is counted")
	}
	done := actors.ActionDone{Reservation: "R1", Unit: runs[1].Unit.ID, Sequence: 1, Took: 60_000}
	if fx := play(t, a, 11, done); saved(fx) != 1 {
		t.Errorf("it saves %+v", fx.Save)
	}
	if fx := play(t, a, 11, done); saved(fx) != 0 {
		t.Error("said twice, counted twice")
	}
	a = restart(t, a)
	got := a.Paces()
	if len(got) != 1 || got[0].Type != "node" || got[0].Setups != 1 || got[0].Teardowns != 0 || got[0].Setup < 60_000 || got[0].Setup > 72_000 || got[0].SetupSlow != got[0].Setup {
		t.Fatalf("%+v", got)
	}
	play(t, a, 12, actors.ActionDone{Reservation: "R1", Unit: runs[0].Unit.ID, Sequence: 2, Took: 5_000})
	if got = a.Paces(); got[0].Teardowns != 1 || got[0].Teardown < 5_000 || got[0].Teardown > 6_000 {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"{", `{"setup":{"sum":3}}`} {
		if err := a.Restore(actors.Stored{Key: "pace/node", Data: []byte(bad)}); err == nil {
			t.Errorf("%s was restored", bad)
		}
	}
}

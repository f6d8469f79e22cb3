package authority

import (
	"maps"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// changed is an operator's word about a unit of R1.
func changed(unit string, properties ...string) actors.UnitChanged {
	p := actors.Properties{}
	for i := 0; i < len(properties); i += 2 {
		p[properties[i]] = properties[i+1]
	}
	return actors.UnitChanged{Reservation: "R1", Unit: actors.UnitID(unit), Properties: p}
}

// What becomes of units by themselves is kept at once, over a restart too, and told once,
// in the next cycle, with the lease's own sequence and term. Saying it again says nothing.
func TestUnitChanged(t *testing.T) {
	a := world(t, sample(active))
	fx := play(t, a, 12, changed("u1", "address", "10.0.0.9", "public", "192.0.2.9", "held", ""))
	if len(fx.Save) != 1 || len(fx.Send)+len(fx.Run)+len(fx.Moved) != 0 || fx.Wake != 13 {
		t.Fatalf("it asked for %+v", fx)
	}
	fx = play(t, a, 12, changed("u2", "address", "10.0.0.8"))
	if len(fx.Save) != 1 || fx.Wake != 13 {
		t.Fatalf("of another unit it asked for %+v", fx)
	}
	if fx = play(t, a, 12, changed("u1", "address", "10.0.0.9")); len(fx.Save)+len(fx.Send)+len(fx.Run) != 0 {
		t.Errorf("said twice: %+v", fx)
	}
	a = restart(t, a)
	fx = play(t, a, 13, actors.Tick{})
	if len(fx.Save) != 1 || len(fx.Send) != 1 || len(fx.Run) != 0 || len(fx.Moved) != 0 {
		t.Fatalf("in the next cycle it asked for %+v", fx)
	}
	m := fx.Send[0]
	if m.Op != actors.OpUpdateLease || m.To != "sm" || m.Sequence != 1 || m.Term != term || m.Failed || m.Note != "" || len(m.Lease.Units) != 2 ||
		!maps.Equal(m.Lease.Units[0].Properties, actors.Properties{"address": "10.0.0.9", "public": "192.0.2.9"}) ||
		!maps.Equal(m.Lease.Units[1].Properties, actors.Properties{"address": "10.0.0.8"}) {
		t.Errorf("it said %+v", m)
	}
	if fx = play(t, a, 14, actors.Tick{}); len(fx.Save)+len(fx.Send) != 0 || fx.Wake == 15 {
		t.Errorf("told again: %+v", fx)
	}
	play(t, a, 14, changed("u1", "public", ""))
	if fx = play(t, a, 15, actors.Tick{}); len(fx.Send) != 1 || !maps.Equal(fx.Send[0].Lease.Units[0].Properties, actors.Properties{"address": "10.0.0.9"}) {
		t.Errorf("without the property it said %+v", fx.Send)
	}
	for _, ev := range []actors.UnitChanged{changed("u9", "address", "10.0.0.7"), {Reservation: "R9", Unit: "u1", Properties: actors.Properties{"a": "b"}}} {
		if fx = play(t, a, 16, ev); len(fx.Save)+len(fx.Send) != 0 {
			t.Errorf("about nothing it holds: %+v", fx)
		}
	}
}

// A client that waits for an answer hears of it there: an update before the answer could
// be taken for it.
func TestUnitChangedMeanwhile(t *testing.T) {
	a := world(t, sample(repriming))
	play(t, a, 21, changed("u1", "address", "10.0.0.9"))
	if fx := play(t, a, 22, actors.Tick{}); len(fx.Send) != 0 {
		t.Errorf("while an extension is under way it said %+v", fx.Send)
	}
	fx := play(t, a, 22, done("u2", 1, 0))
	if len(fx.Send) != 1 || fx.Send[0].Lease.Units[0].Properties["address"] != "10.0.0.9" {
		t.Fatalf("its answer is %+v", fx.Send)
	}
	if fx = play(t, a, 23, actors.Tick{}); len(fx.Send) != 0 {
		t.Errorf("told again: %+v", fx.Send)
	}
	// A unit on its way out changes for nobody.
	a = world(t, sample(closingLease))
	if fx := play(t, a, 21, changed("u2", "address", "10.0.0.9")); len(fx.Save)+len(fx.Send) != 0 {
		t.Errorf("of a unit that is torn down: %+v", fx)
	}
}

package broker

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// A claim is repeated until the site answers, also after a restart; its ticket goes
// into stock once; nobody but the site it was claimed from can answer it.
func TestClaim(t *testing.T) {
	a := world(t)
	ev := actors.Claim{Reservation: "X1", Authority: "am2"}
	fx, err := a.Step(5, ev)
	if err != nil || len(fx.Send) != 1 || fx.Send[0].Op != actors.OpClaim || len(fx.Save) != 1 || fx.Wake != 7 {
		t.Fatalf("%+v, %v", fx, err)
	}
	if fx, err := a.Step(5, ev); err != nil || len(fx.Send) != 0 {
		t.Fatalf("claimed twice: %+v, %v", fx, err)
	}
	data, err := fx.Save[0].Value.AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	a = world(t)
	if err := a.Restore(actors.Stored{Key: fx.Save[0].Key, Data: data}); err != nil {
		t.Fatal(err)
	}
	if wake := a.Recover(6).Wake; wake != 7 {
		t.Fatalf("after a restart it wakes at %d", wake)
	}
	for _, at := range []actors.Cycle{7, 11, 19} {
		if fx, err = a.Step(at, actors.Tick{}); err != nil || len(fx.Send) != 1 {
			t.Fatalf("at %d: %+v, %v", at, fx, err)
		}
	}

	got := source1
	got.ID, got.Issuer, got.Type = "T7", "am2", "disk"
	answer := func(from actors.ActorID, tk *actors.Ticket) actors.Event {
		return actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: from, Reservation: "X1", Ticket: tk, Failed: tk == nil, Note: "no"}}
	}
	foreign := got
	foreign.Issuer = "am"
	for name, ev := range map[string]actors.Event{
		"a stranger":           answer("xx", &got),
		"another site's":       answer("am2", &foreign),
		"nothing of that name": actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: "am2", Reservation: "X9", Ticket: &got}},
	} {
		if fx, err := a.Step(20, ev); err == nil || len(fx.Save) != 0 || len(a.sources) != 1 {
			t.Errorf("%s: %+v, %v", name, fx, err)
		}
	}
	if _, err = a.Step(20, answer("am2", nil)); err != nil || a.claims["X1"].Error == "" {
		t.Errorf("refused: %v, %+v", err, a.claims["X1"])
	}
	if fx, err = a.Step(21, answer("am2", &got)); err != nil || len(fx.Save) != 2 || a.sources["T7"] == nil || fx.Wake != actors.Never {
		t.Fatalf("answered: %+v, %v", fx, err)
	}
	if fx, err = a.Step(22, answer("am2", &got)); err != nil || len(fx.Save) != 0 {
		t.Errorf("answered twice: %+v, %v", fx, err)
	}
}

package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// A modify runs on every unit. One that fails stays in service, its properties say
// what happened, and the client hears of both in one update that is no failure.
func TestModify(t *testing.T) {
	a := world(t, sample(active))
	fx := play(t, a, 12, modify(2, 1, "modify.restart", 2, term))
	if len(fx.Run) != 2 || fx.Run[0].Verb != actors.ModifyUnit || fx.Run[1].Sequence != 2 {
		t.Fatalf("it ran %+v", fx.Run)
	}
	if m := actors.NewestModify(fx.Run[0].Properties); m.Subcommand != "modify.restart" {
		t.Errorf("the handler is told %+v", m)
	}
	// A restart asks for the same again.
	b := restart(t, a)
	if again := b.Recover(12).Run; len(again) != 2 || again[0].Verb != actors.ModifyUnit || again[0].Sequence != 2 {
		t.Fatalf("after a restart it ran %+v", again)
	}
	play(t, b, 12, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 2, Note: "ok", Properties: actors.Properties{"memory": "2048"}})
	fx = play(t, b, 13, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 2, Code: -10, Note: "never heard of it", Properties: actors.Properties{"log": "x"}})
	if len(fx.Send) != 1 || fx.Send[0].Failed || fx.Send[0].Sequence != 2 || fx.Send[0].Term != term || len(fx.Send[0].Lease.Units) != 2 {
		t.Fatalf("it said %+v", fx.Send)
	}
	for i, want := range []struct {
		code          int
		message, prop string
	}{{0, "ok", "memory"}, {-10, "never heard of it", "log"}} {
		u := fx.Send[0].Lease.Units[i]
		code, message, ok := u.Properties.ModifyOutcome(1)
		if !ok || code != want.code || message != want.message || u.Properties[want.prop] == "" || u.State != actors.UnitActive {
			t.Errorf("unit %s is reported as %+v", u.ID, u)
		}
	}
	if b.book["R1"].Status != active {
		t.Errorf("the lease is %v", b.book["R1"].Status)
	}
}

// An extension does not wait for a modify that takes long; what it brought so far is
// reported with the extension.
func TestExtendDuringModify(t *testing.T) {
	a := world(t, sample(active))
	play(t, a, 12, modify(2, 1, "modify.restart", 2, term))
	play(t, a, 13, from("sm", actors.OpExtendLease, 3, ticket("T2", 2, longer)))
	play(t, a, 14, actors.ActionDone{Reservation: "R1", Unit: "u1", Sequence: 2, Note: "ok"})
	fx := play(t, a, 20, actors.Tick{})
	if len(fx.Run) != 2 || fx.Run[0].Verb != actors.Setup || fx.Run[1].Verb != actors.Setup {
		t.Fatalf("at the boundary it ran %+v", fx.Run)
	}
	play(t, a, 20, actors.ActionDone{Reservation: "R1", Unit: "u2", Sequence: 2, Code: 1, Note: "late"}) // overtaken
	for _, r := range fx.Run {
		fx = play(t, a, 21, actors.ActionDone{Reservation: "R1", Unit: r.Unit.ID, Sequence: r.Sequence})
	}
	if len(fx.Send) != 1 || fx.Send[0].Term != longer || fx.Send[0].Sequence != 3 {
		t.Fatalf("it said %+v", fx.Send)
	}
	if code, _, ok := fx.Send[0].Lease.Units[0].Properties.ModifyOutcome(1); !ok || code != 0 {
		t.Errorf("the result of u1 is lost: %+v", fx.Send[0].Lease.Units[0])
	}
	if _, _, ok := fx.Send[0].Lease.Units[1].Properties.ModifyOutcome(1); ok {
		t.Errorf("a result that came too late counts: %+v", fx.Send[0].Lease.Units[1])
	}
}

// A modify brings the ticket that the lease rests on, and no other, however alike.
func TestModifyWithAnotherTicket(t *testing.T) {
	a := world(t, sample(active))
	ev := modify(2, 1, "modify.restart", 2, term).(actors.Receive)
	ev.Message.Ticket.ID = "T9"
	if fx, err := a.Step(12, ev); actors.KindOf(err) != actors.Invalid || len(fx.Save)+len(fx.Run) != 0 {
		t.Errorf("%+v, %v", fx, err)
	}
}

package authority

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// A host that is withdrawn takes its unit with it: the client is told at once, the unit
// is torn down, and the host is leased to nobody until it is put back.
func TestWithdraw(t *testing.T) {
	a := world(t, sample(active))
	fx := play(t, a, 12, actors.Withdraw{Host: "h2", Note: "it smokes"})
	if len(fx.Run) != 1 || fx.Run[0].Verb != actors.Teardown || fx.Run[0].Unit.ID != "u2" {
		t.Fatalf("it ran %+v", fx.Run)
	}
	if len(fx.Send) != 1 || fx.Send[0].Failed || fx.Send[0].Sequence != 1 || len(fx.Send[0].Lease.Units) != 1 ||
		fx.Send[0].Lease.Units[0].ID != "u1" || fx.Send[0].Note != "host h2 was lost: it smokes" {
		t.Fatalf("it said %+v", fx.Send)
	}
	if again := play(t, a, 12, actors.Withdraw{Host: "h2"}); len(again.Save)+len(again.Send)+len(again.Run) != 0 {
		t.Errorf("said twice: %+v", again)
	}
	a = restart(t, a)
	play(t, a, 13, done("u2", 2, 0))
	if got := free(a); got != "3  " {
		t.Errorf("free hosts %q", got)
	}
	// What is missing is made up for when the lease is extended.
	play(t, a, 14, from("sm", actors.OpExtendLease, 2, ticket("T2", 2, longer)))
	fx = play(t, a, 20, actors.Tick{})
	if len(fx.Run) != 2 || fx.Run[1].Unit.Host != "h3" {
		t.Errorf("the extension ran %+v", fx.Run)
	}
	play(t, a, 21, actors.Reinstate{Host: "h2"})
	if got := free(a); got != "2  " {
		t.Errorf("free hosts %q after it was put back", got)
	}
	for _, ev := range []actors.Event{actors.Withdraw{Host: "h9"}, actors.Reinstate{Host: "h9"}} {
		if _, err := a.Step(21, ev); actors.KindOf(err) != actors.NotFound {
			t.Errorf("%T of no host: %v", ev, err)
		}
	}
}

// The last unit takes the lease with it; one that is lost while another request is
// under way is reported with that request's answer.
func TestWithdrawLast(t *testing.T) {
	a := world(t, sample(active))
	play(t, a, 12, actors.Withdraw{Host: "h1"})
	play(t, a, 12, actors.Withdraw{Host: "h2"})
	if a.book["R1"].Status != closingLease {
		t.Fatalf("without units it is %v", a.book["R1"].Status)
	}
	play(t, a, 13, done("u1", 2, 0))
	fx := play(t, a, 13, done("u2", 2, 0))
	if len(fx.Send) != 1 || fx.Send[0].Lease == nil || len(fx.Send[0].Lease.Units) != 0 || fx.Send[0].Failed {
		t.Errorf("it said %+v", fx.Send)
	}
	a = world(t, sample(active))
	play(t, a, 12, modify(2, 1, "modify.restart", 2, term))
	if fx := play(t, a, 12, actors.Withdraw{Host: "h2"}); len(fx.Send) != 0 {
		t.Errorf("in the middle of a modify it said %+v", fx.Send)
	}
	fx = play(t, a, 13, done("u1", 2, 0))
	if len(fx.Send) != 1 || len(fx.Send[0].Lease.Units) != 1 || fx.Send[0].Sequence != 2 {
		t.Errorf("the modify's answer is %+v", fx.Send)
	}
	a = world(t, sample(priming))
	play(t, a, 12, actors.Withdraw{Host: "h2"})
	if r := a.book["R1"]; r.Status != active || len(r.inUse()) != 1 {
		t.Errorf("while it is set up: %v %+v", r.Status, r.Units)
	}
}

// A ticket that was to be redeemed earlier is refused; one that was redeemed in time
// can be extended later.
func TestRedeemBy(t *testing.T) {
	a := world(t)
	tk := ticket("T1", 2, term)
	tk.Properties = actors.Properties{actors.PropRedeemBy: "12999"}
	if _, err := a.Step(13, from("sm", actors.OpRedeem, 1, tk)); actors.KindOf(err) != actors.Invalid {
		t.Errorf("redeemed too late: %v", err)
	}
	play(t, a, 12, from("sm", actors.OpRedeem, 1, tk))
	fx := play(t, a, 13, actors.Tick{})
	for _, r := range fx.Run {
		play(t, a, 13, actors.ActionDone{Reservation: "R1", Unit: r.Unit.ID, Sequence: r.Sequence})
	}
	later := ticket("T2", 2, longer)
	later.Properties = tk.Properties
	play(t, a, 15, from("sm", actors.OpExtendLease, 2, later))
}

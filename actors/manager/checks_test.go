package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// The acceptance checks of leasing 11 that concern a manager alone.

// TestCheck07CloseWait: an update in CloseWait closes, whatever it says, and the broker
// is told once. (One that answers an older request of ours does not: L4.)
func TestCheck07CloseWait(t *testing.T) {
	for name, ev := range map[string]actors.Event{
		"empty": lease(term, 2), "legacy, empty": lease(term, 0), "legacy, with units": lease(term, 0, "u1", "u2"),
		"with units": lease(term, 2, "u1", "u9"), "failed": refused(actors.OpUpdateLease, "am", 0), "failed, late": refused(actors.OpUpdateLease, "am", 1),
	} {
		r, sent := play(t, sample(closeWait), ev, ev, lease(term, 2), actors.Close{Reservation: "R1"})
		if r.Status != closed || r.Held.Len() != 0 || len(sent) != 1 || sent[0].Op != actors.OpRelinquish {
			t.Errorf("%s: %v holding %v, sent %+v", name, r.Status, r.Held, sent)
		}
	}
}

// TestCheck09StaleCompletion: the end of an action that was overtaken changes nothing.
func TestCheck09StaleCompletion(t *testing.T) {
	for _, row := range Moves.Rows() {
		r := sample(row.State)
		for u := range r.Held.All() {
			for _, seq := range []int{u.Sequence - 1, u.Sequence + 1} {
				ev := actors.ActionDone{Reservation: "R1", Unit: u.ID, Sequence: seq, Code: 1, Note: "stale"}
				next, fx, err := happen(r, 8, ev)
				if err != nil || len(fx.Save)+len(fx.Send)+len(fx.Run) > 0 || next.Status != r.Status {
					t.Errorf("%v: %+v, %v", row.State, fx, err)
				}
			}
		}
	}
}

// TestCheck14CloseWhileRedeeming: the close waits for the lease, and gives it straight
// back; when the ticket has expired, by this actor's clock, it waits for nothing but the site's
// word that it has no units.
func TestCheck14CloseWhileRedeeming(t *testing.T) {
	r, sent := play(t, sample(redeeming), actors.Close{Reservation: "R1"})
	if r.Status != redeeming || !r.CloseAsked || len(sent) != 0 {
		t.Fatalf("%v, sent %+v", r.Status, sent)
	}
	r, sent = play(t, r, lease(term, 1, "u1", "u2"))
	if r.Status != closeWait || len(sent) != 1 || sent[0].Op != actors.OpClose {
		t.Fatalf("when the lease came: %v, sent %+v", r.Status, sent)
	}
	r, fx, err := Step(sample(redeeming), rules, 20, actors.Close{Reservation: "R1"})
	if err != nil || r.Status != closed || len(fx.Send) != 1 || fx.Send[0].Op != actors.OpClose || !r.Unclosed {
		t.Errorf("of an expired ticket: %v, sent %+v, %v", r.Status, fx.Send, err)
	}
}

// TestFailedRPC: what a peer could not process counts as refused, for each kind of
// request, when it is the one under way and the peer is the one that was asked.
func TestFailedRPC(t *testing.T) {
	for _, row := range Moves.Rows() {
		r := sample(row.State)
		op, _, _ := r.request()
		if op == 0 {
			continue
		}
		peer, stranger := actors.ActorID("am"), actors.ActorID("br")
		if op == actors.OpTicket || op == actors.OpExtendTicket {
			peer, stranger = stranger, peer
		}
		next, _, err := happen(r, 8, failedRPC(op, peer))
		if err != nil || next.Status == row.State || next.Error == "" {
			t.Errorf("%v: %v came to nothing: %v, %q, %v", row.State, op, next.Status, next.Error, err)
		}
		if back := next.Status; !back.State.Final() && back != closeWait && back != closing {
			if op != actors.OpExtendTicket && op != actors.OpModifyLease {
				t.Errorf("%v: after a failed %v it is %v", row.State, op, back)
			}
		}
		if next, fx, err := happen(r, 8, failedRPC(op, stranger)); actors.KindOf(err) != actors.Denied || next.Status != row.State || len(fx.Save) > 0 {
			t.Errorf("%v: a stranger's word: %v, %v", row.State, next.Status, err)
		}
		for _, other := range []actors.Op{actors.OpTicket, actors.OpExtendTicket, actors.OpRedeem, actors.OpExtendLease, actors.OpModifyLease,
			actors.OpClose, actors.OpRelinquish, actors.OpQuery, 0} {
			if other == op {
				continue
			}
			if next, _, _ := happen(r, 8, failedRPC(other, peer)); next.Status != row.State {
				t.Errorf("%v, waiting for %v: a failed %v moved it to %v", row.State, op, other, next.Status)
			}
		}
	}
}

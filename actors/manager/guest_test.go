package manager

import (
	"reflect"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/adaptive"
	"github.com/leasehold/leasehold/actors/policy/static"
)

func hosting(p policy.Manager) Config {
	return Config{Rules: rules, Broker: "br", Guests: []Guest{{Name: "web", Slice: slice, Type: "node", Policy: p, Every: 10,
		Request: actors.Properties{"elastic": "true"}}}}
}

// again is a manager after a restart from what it saved, in key order.
func again(t *testing.T, c Config, saved map[string][]byte) *Actor {
	t.Helper()
	a := New(c)
	for _, k := range []string{"guest/", actors.PartPrefix, "reservation/"} {
		for key, data := range saved {
			if strings.HasPrefix(key, k) {
				if err := a.Restore(actors.Stored{Key: key, Data: data}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return a
}

// keeping steps an actor and keeps what it saves.
func keeping(t *testing.T, a *Actor, saved map[string][]byte, now actors.Cycle, ev actors.Event) actors.Effects {
	t.Helper()
	fx, err := a.Step(now, ev)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range fx.Save {
		if r.Value == nil {
			delete(saved, r.Key)
			continue
		}
		if saved[r.Key], err = r.Value.AppendRecord(nil); err != nil {
			t.Fatal(err)
		}
	}
	return fx
}

// A fixed demand is asked for at the first tick, once, whatever restarts come.
func TestGuestWithFixedDemand(t *testing.T) {
	c := hosting(static.Policy{GuestSettings: policy.GuestSettings{Units: 3, Term: 30_000, Chunk: 2, Renew: true}})
	a, saved := New(c), map[string][]byte{}
	if fx := a.Recover(0); fx.Wake != 0 {
		t.Fatalf("it wants to be woken at %d", fx.Wake)
	}
	fx := keeping(t, a, saved, 1, actors.Tick{})
	if len(fx.Send) != 2 || fx.Send[0].Units != 2 || fx.Send[1].Units != 1 || fx.Send[0].Properties["elastic"] != "true" || len(fx.Save) != 3 {
		t.Fatalf("%+v", fx)
	}
	b := again(t, c, saved)
	if !reflect.DeepEqual(a.Guests(), b.Guests()) || !reflect.DeepEqual(a.Views(), b.Views()) {
		t.Fatalf("a restart changed\n%+v\n%+v", a.Guests(), b.Guests())
	}
	for now := actors.Cycle(2); now < 12; now++ {
		if fx := keeping(t, b, saved, now, actors.Tick{}); len(fx.Send) > 0 && fx.Send[0].Sequence > 1 {
			t.Fatalf("at %d it asks once more: %+v", now, fx.Send)
		}
	}
	if g := b.Guests()[0]; g.Leases != 2 || g.Units != 0 || g.Why != "a fixed demand of 3" {
		t.Errorf("%+v", g)
	}
}

// A signal is followed at once; what is over is given back; a refusal is asked for
// anew at the next look.
func TestGuestThatFollowsASignal(t *testing.T) {
	c := hosting(adaptive.Policy{GuestSettings: policy.GuestSettings{Term: 30_000, Return: true}})
	a, saved := New(c), map[string][]byte{}
	if fx := keeping(t, a, saved, 1, actors.Tick{}); len(fx.Send) != 0 {
		t.Fatalf("asked without a signal: %+v", fx.Send)
	}
	fx := keeping(t, a, saved, 2, actors.Observe{Guest: "web", Value: 2})
	if len(fx.Send) != 1 || fx.Send[0].Units != 2 {
		t.Fatalf("%+v", fx.Send)
	}
	id := fx.Send[0].Reservation
	a = again(t, c, saved)
	keeping(t, a, saved, 3, actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: "br", Reservation: id, Slice: slice, Sequence: 1,
		Type: "node", Failed: true, Note: "no"}})
	if fx = keeping(t, a, saved, 12, actors.Tick{}); len(fx.Send) != 1 || fx.Send[0].Reservation == id || fx.Send[0].Units != 2 {
		t.Fatalf("after a refusal: %+v", fx.Send)
	}
	id = fx.Send[0].Reservation
	tk := ticket("T1", fx.Send[0].Term)
	tk.Units = 2
	keeping(t, a, saved, 13, actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: "br", Reservation: id, Slice: slice, Sequence: 1,
		Type: "node", Units: 2, Term: tk.Term, Ticket: tk}})
	fx = keeping(t, a, saved, 20, actors.Observe{Guest: "web", Value: 0})
	if g := a.Guests()[0]; g.Leases != 0 || *g.Signal != 0 {
		t.Errorf("a lease nobody needs is kept: %+v", g)
	}
	for _, ev := range []actors.Observe{{Guest: "who", Value: 1}, {Guest: "web", Value: -1}} {
		if _, err := a.Step(21, ev); err == nil {
			t.Errorf("%+v was taken", ev)
		}
	}
}

// rogue bids for what is not its guest's, and for nonsense.
type rogue struct{}

func (rogue) Bid(policy.Outlook) policy.Bids {
	return policy.Bids{Extend: []policy.Extension{{Reservation: "R1", End: 99_000}}, Close: []actors.ReservationID{"R1"},
		Ask: []policy.Wanted{{Units: 0, Term: term}}}
}

// A mistaken policy harms nobody else's leases, and its mistakes are shown.
func TestRoguePolicy(t *testing.T) {
	a, saved := New(hosting(rogue{})), map[string][]byte{}
	keeping(t, a, saved, 1, actors.Request{Reservation: "R1", Slice: slice, Type: "node", Units: 1, Term: term})
	keeping(t, a, saved, 2, actors.Tick{})
	if r := a.book["R1"]; r.Status != ticketing || len(a.book) != 1 {
		t.Errorf("%v, %d reservations", r.Status, len(a.book))
	}
	if g := a.Guests()[0]; strings.Count(g.Trouble, "not this guest's") != 2 || !strings.Contains(g.Trouble, "units is 0") {
		t.Errorf("%+v", g)
	}
}

package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// play steps a reservation through events at their cycles and returns what it
// became, with everything it sent on the way.
func play(t *testing.T, r Reservation, evs ...actors.Event) (Reservation, []actors.Message) {
	t.Helper()
	var sent []actors.Message
	for _, ev := range evs {
		next, fx, err := Step(r, rules, 12, ev)
		if err != nil {
			t.Fatalf("%T in %v: %v", ev, r.Status, err)
		}
		r, sent = next, append(sent, fx.Send...)
	}
	return r, sent
}

// A close that comes while the site works on the redeem waits for the lease and
// then gives it straight back: nothing has joined, so nothing has to leave.
func TestCloseWhileRedeeming(t *testing.T) {
	r, sent := play(t, sample(redeeming), actors.Close{Reservation: "R1"})
	if r.Status != redeeming || len(sent) != 0 {
		t.Fatalf("after close: %v, sent %v", r.Status, sent)
	}
	r, sent = play(t, r, lease(term, 1, "u1", "u2"))
	if r.Status != closeWait || len(sent) != 1 || sent[0].Op != actors.OpClose || sent[0].Sequence != 2 {
		t.Fatalf("after the lease: %v, sent %+v", r.Status, sent)
	}
	r, sent = play(t, r, lease(term, 2))
	if r.Status != closed || len(sent) != 1 || sent[0].Op != actors.OpRelinquish {
		t.Fatalf("after the site confirmed: %v, sent %+v", r.Status, sent)
	}
}

// A repetition of an old lease report does not end the wait for a close.
func TestStaleLeaseInCloseWait(t *testing.T) {
	r, _ := play(t, sample(closeWait), lease(term, 1, "u1", "u2"))
	if r.Status != closeWait {
		t.Fatalf("an old report closed it: %v", r.Status)
	}
	if r, _ = play(t, r, lease(term, 0, "u1", "u2")); r.Status != closed {
		t.Fatalf("a legacy report, which carries no sequence, must close it: %v", r.Status)
	}
}

// A manager that restarts asks again for what it waited for, with the same
// number, and runs again what had not reported.
func TestRecover(t *testing.T) {
	for _, row := range Moves.Rows() {
		a := New(Config{Rules: rules})
		r := sample(row.State)
		data, err := r.AppendRecord(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Restore(actors.Stored{Key: key(r.ID), Data: data}); err != nil {
			t.Fatalf("%v: %v", row.State, err)
		}
		fx := a.Recover(8)
		op, seq, _ := r.request()
		switch {
		case op == 0 && len(fx.Send) != 0:
			t.Errorf("%v owes nothing and sent %v", row.State, fx.Send)
		case op != 0 && (len(fx.Send) != 1 || fx.Send[0].Op != op || fx.Send[0].Sequence != seq):
			t.Errorf("%v owes %v#%d and sent %+v", row.State, op, seq, fx.Send)
		}
		pending := 0
		for u := range r.Held.All() {
			if u.State.Pending() {
				pending++
			}
		}
		if len(fx.Run) != pending {
			t.Errorf("%v: %d units wait, %d actions run", row.State, pending, len(fx.Run))
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for name, rec := range map[string]actors.Stored{
		"no kind":       {Key: "what/R1", Data: []byte("{}")},
		"no JSON":       {Key: "reservation/R1", Data: []byte("{")},
		"another":       {Key: "reservation/R1", Data: []byte(`{"id":"R2"}`)},
		"unknown state": {Key: "reservation/R1", Data: []byte(`{"id":"R1","status":{"state":99,"pending":1,"join":1}}`)},
	} {
		a := New(Config{Rules: rules})
		if err := a.Restore(rec); err == nil || len(a.Views()) != 0 {
			t.Errorf("%s: restored, err %v", name, err)
		}
	}
}

func TestRequest(t *testing.T) {
	good := actors.Request{Reservation: "R1", Slice: slice, Type: "node", Units: 2, Term: term}
	for name, change := range map[string]func(*actors.Request){
		"no name":        func(r *actors.Request) { r.Reservation = "" },
		"no slice":       func(r *actors.Request) { r.Slice = actors.Slice{} },
		"no type":        func(r *actors.Request) { r.Type = "" },
		"no units":       func(r *actors.Request) { r.Units = 0 },
		"negative units": func(r *actors.Request) { r.Units = -3 },
		"end at start":   func(r *actors.Request) { r.Term.End = r.Term.Start },
		"over":           func(r *actors.Request) { r.Term = actors.NewTerm(1_000, 4_000) },
	} {
		a := New(Config{Rules: rules, Broker: "br"})
		ev := good
		change(&ev)
		if fx, err := a.Step(5, ev); actors.KindOf(err) != actors.Invalid || len(fx.Save) != 0 || len(a.Views()) != 0 {
			t.Errorf("%s: %v, effects %+v", name, err, fx)
		}
	}
	a := New(Config{Rules: rules, Broker: "br"})
	fx, err := a.Step(5, good)
	if err != nil || len(fx.Save) != 1 || len(fx.Send) != 1 || fx.Wake != 7 {
		t.Fatalf("effects %+v, err %v", fx, err)
	}
	if fx, err = a.Step(5, good); err != nil || len(fx.Save)+len(fx.Send) != 0 {
		t.Errorf("asked twice: %+v, %v", fx, err)
	}
	good.Type = "disk"
	if _, err = a.Step(5, good); err == nil {
		t.Error("another reservation took the same name")
	}
}

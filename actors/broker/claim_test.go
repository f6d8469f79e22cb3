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

// A seller in between who gives this broker more than it holds: what does not fit is
// refused, the holding asks for nothing else, and the evidence is kept over a restart.
func TestOversoldToUs(t *testing.T) {
	middle := actors.Delegation{ID: "M", Issuer: "am", Holder: "b0", Type: "node", Units: 3, Term: actors.NewTerm(1, 99_999)}
	root := actors.Delegation{ID: "M0", Issuer: "am", Holder: "am", Type: "node", Units: 3, Term: middle.Term}
	give := func(id actors.TicketID, seller actors.ActorID, parents ...actors.Delegation) *actors.Ticket {
		return &actors.Ticket{Delegation: actors.Delegation{ID: id, Issuer: seller, Holder: "br", Type: "node", Units: 2, Term: term},
			Ancestors: parents, Authority: actors.Location{ID: "am"}, Text: "signed " + string(id)}
	}
	a := world(t)
	for i, name := range []actors.ReservationID{"H1", "H2"} {
		ev := actors.Request{Reservation: name, Slice: slice, Broker: "b0", Type: "node", Units: 2, Term: term}
		if _, err := a.Step(5, ev); err != nil {
			t.Fatal(err)
		}
		tk := give(actors.TicketID("T"+name), "b0", middle, root)
		fx, err := a.Step(6, actors.Receive{Message: actors.Message{Op: actors.OpUpdateTicket, From: "b0", To: "br", Reservation: name,
			Sequence: 1, Type: "node", Units: 2, Term: term, Ticket: tk}})
		if err != nil {
			t.Fatal(err)
		}
		h := a.holdings[name]
		if want := []actors.State{actors.Ticketed, actors.Failed}[i]; h.Status.State != want {
			t.Errorf("%s is %v: %s", name, h.Status, h.Error)
		}
		if i == 1 && (len(fx.Send) != 1 || fx.Send[0].Op != actors.OpRelinquish || len(fx.Save) != 2) {
			t.Errorf("refused with %+v", fx)
		}
	}
	kept := a.Evidence()
	if len(kept) != 1 || kept[0].Parent.ID != "M" || kept[0].Units != 4 || kept[0].Peer != "b0" || kept[0].Claims[0].ID != "TH2" || kept[0].Claims[1].ID != "TH1" {
		t.Fatalf("evidence %+v", kept)
	}
	data, err := kept[0].AppendRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := world(t)
	if err := b.Restore(actors.Stored{Key: actors.EvidencePrefix + kept[0].ID, Data: data}); err != nil || len(b.Evidence()) != 1 {
		t.Errorf("after a restart: %v, %+v", err, b.Evidence())
	}
	// A ticket that an operator gives it is no better.
	if fx, err := a.Step(7, actors.Donate{Ticket: *give("T9", "b0", middle, root)}); actors.KindOf(err) != actors.Oversold || len(fx.Save) != 1 || a.sources["T9"] != nil {
		t.Errorf("donated: %+v, %v", fx, err)
	}
	// What a site promises is its own affair.
	for _, id := range []actors.TicketID{"T10", "T11"} {
		if _, err := a.Step(7, actors.Donate{Ticket: *give(id, "am", root)}); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

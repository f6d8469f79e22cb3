package manager

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

func trio(change func(*actors.RequestGroup)) actors.RequestGroup {
	g := actors.RequestGroup{Together: "g"}
	for i := range 3 {
		g.Requests = append(g.Requests, actors.Request{Reservation: actors.ReservationID(fmt.Sprint("R", i)), Slice: slice, Type: "node", Units: i + 1, Term: term})
	}
	if change != nil {
		change(&g)
	}
	return g
}

func answer(id string, units int, failed bool) actors.Event {
	m := actors.Message{Op: actors.OpUpdateTicket, From: "br", Reservation: actors.ReservationID(id), Slice: slice, Sequence: 1, Type: "node", Failed: failed, Note: "no"}
	if !failed {
		m.Ticket = ticket("T"+id, term)
		m.Ticket.Units, m.Units, m.Term = units, units, term
	}
	return actors.Receive{Message: m}
}

// All members are asked for and saved in one step; the leader says how many.
func TestGroupIsAskedForAtOnce(t *testing.T) {
	a, saved := New(Config{Rules: rules, Broker: "br"}), map[string][]byte{}
	fx := keeping(t, a, saved, 1, trio(nil))
	if len(fx.Send) != 3 || len(fx.Save) != 3 || fx.Send[0].Properties["leaseCount"] != "3" || fx.Send[2].Properties["groupID"] != "g" ||
		fx.Send[2].Properties["leaseCount"] != "" {
		t.Fatalf("%+v", fx)
	}
	if fx = keeping(t, a, saved, 2, trio(nil)); len(fx.Send)+len(fx.Save) != 0 {
		t.Errorf("asked twice: %+v", fx)
	}
	for name, change := range map[string]func(*actors.RequestGroup){
		"nobody":         func(g *actors.RequestGroup) { g.Requests = nil },
		"elastic":        func(g *actors.RequestGroup) { g.Requests[1].Request = actors.Properties{"elastic": "true"} },
		"no units":       func(g *actors.RequestGroup) { g.Requests[2].Units = 0 },
		"another broker": func(g *actors.RequestGroup) { g.Requests[2].Broker = "br2" },
		"twice":          func(g *actors.RequestGroup) { g.Requests[2].Reservation = "X0" },
		"not a number":   func(g *actors.RequestGroup) { g.Requests[2].Request = actors.Properties{"priority": "high"} },
	} {
		bad := trio(func(g *actors.RequestGroup) {
			g.Together = "other"
			for i := range g.Requests {
				g.Requests[i].Reservation = actors.ReservationID(fmt.Sprint("X", i))
			}
			change(g)
		})
		if _, err := a.Step(3, bad); actors.KindOf(err) != actors.Invalid || len(a.book) != 3 {
			t.Errorf("%s: %v, %d reservations", name, err, len(a.book))
		}
	}
	if _, err := a.Step(3, trio(func(g *actors.RequestGroup) { g.Requests[2].Reservation = "R3" })); err == nil {
		t.Error("a group changed its members")
	}
}

// No member is redeemed before each has its ticket, also after a restart.
func TestGroupRedeemsTogether(t *testing.T) {
	c := Config{Rules: rules, Broker: "br"}
	a, saved := New(c), map[string][]byte{}
	keeping(t, a, saved, 1, trio(nil))
	keeping(t, a, saved, 2, answer("R0", 1, false))
	keeping(t, a, saved, 2, answer("R1", 2, false))
	a = again(t, c, saved)
	for now := actors.Cycle(3); now < 11; now++ {
		for _, m := range keeping(t, a, saved, now, actors.Tick{}).Send {
			if m.Op == actors.OpRedeem {
				t.Fatalf("redeemed at %d, before all tickets were there", now)
			}
		}
	}
	if v, _ := a.View("R0"); v.Waiting != "the tickets of its group" {
		t.Errorf("it waits for %q", v.Waiting)
	}
	keeping(t, a, saved, 11, answer("R2", 3, false))
	redeemed := 0
	for _, m := range keeping(t, a, saved, 12, actors.Tick{}).Send {
		if m.Op == actors.OpRedeem {
			redeemed++
		}
	}
	if redeemed != 3 {
		t.Errorf("%d redeemed when all were there", redeemed)
	}
}

// When one member is refused, withdrawn or undeliverable, the others are given back.
func TestGroupFailsTogether(t *testing.T) {
	for name, ev := range map[string]actors.Event{
		"refused":       answer("R1", 0, true),
		"withdrawn":     actors.Close{Reservation: "R1"},
		"undeliverable": actors.SendFailed{Message: actors.Message{Op: actors.OpTicket, Reservation: "R1", Sequence: 1}, Kind: actors.Invalid, Note: "no"},
	} {
		a, saved := New(Config{Rules: rules, Broker: "br"}), map[string][]byte{}
		keeping(t, a, saved, 1, trio(nil))
		keeping(t, a, saved, 2, answer("R0", 1, false))
		fx := keeping(t, a, saved, 3, ev)
		var said []string
		for _, m := range fx.Send {
			said = append(said, m.Op.String()+" "+string(m.Reservation))
		}
		if a.book["R0"].Status != closed || a.book["R2"].Status != closed || !strings.Contains(strings.Join(said, ","), "relinquish R0") {
			t.Errorf("%s: %v, %v; said %v", name, a.book["R0"].Status, a.book["R2"].Status, said)
		}
	}
}

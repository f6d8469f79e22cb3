package manager

import (
	"testing"

	"github.com/leasehold/leasehold/actors"
)

// An extension to fewer units lets those it is without leave before the old term ends,
// and names them to the site; the others stay, and nothing named twice comes back.
func TestShrink(t *testing.T) {
	longer := term.Extended(29_999)
	smaller := ticket("T2", longer)
	smaller.Units = 1
	for name, c := range map[string]struct {
		victims []actors.UnitID
		want    actors.UnitID
	}{"named": {[]actors.UnitID{"u1"}, "u1"}, "not named": {nil, "u2"}} {
		d := newDesk(t, nil)
		d.put(sample(active))
		d.now = 12
		d.step(actors.Extend{Reservation: "R1", End: 29_999, Units: 1, Victims: c.victims})
		if m := d.sent[0]; m.Op != actors.OpExtendTicket || m.Units != 1 {
			t.Fatalf("%s: sent %+v", name, m)
		}
		d.step(granted(2, smaller))
		for d.now = 13; d.now < 18; d.now++ {
			d.step(actors.Tick{})
			d.is("R1", activeTicketed)
		}
		if v, _ := d.View("R1"); v.Next != "give units back" || v.NextAt != 18 {
			t.Errorf("%s: next %q at %d", name, v.Next, v.NextAt)
		}
		d.step(actors.Tick{})
		d.is("R1", activeTicketedJ)
		if len(d.runs) != 1 || d.runs[0].Verb != actors.Leave || d.runs[0].Unit.ID != c.want {
			t.Fatalf("%s: ran %+v", name, d.runs)
		}
		d.restart()
		d.step(lease(term, 1, "u1", "u2")) // the site does not know yet
		d.now = 19
		d.step(actors.Tick{})
		d.is("R1", extendingLeaseJ)
		d.step(actors.ActionDone{Reservation: "R1", Unit: c.want, Sequence: 2})
		d.is("R1", extendingLease)
		m := d.sent[len(d.sent)-1]
		if m.Op != actors.OpExtendLease || m.Properties[actors.PropVictims] != string(c.want) || m.Units != 1 || m.Ticket.ID != "T2" {
			t.Fatalf("%s: sent %+v", name, m)
		}
		d.step(lease(term, 2, "u1", "u2"))
		if r := d.book["R1"]; r.Held.Len() != 1 || r.Status != extendingLease {
			t.Fatalf("%s: a unit that was given back is held again: %+v", name, r.Held)
		}
		stays := map[actors.UnitID]string{"u1": "u2", "u2": "u1"}[c.want]
		d.step(lease(longer, 2, stays))
		d.is("R1", active)
		if r := d.book["R1"]; r.Held.Len() != 1 || string(r.Held.List()[0].ID) != stays || r.Held.List()[0].Sequence != 1 || r.Shed != nil || r.Victims != nil {
			t.Errorf("%s: it holds %+v, %v", name, r.Held, r.Shed)
		}
		if _, kept := d.book["R1"].Config[actors.PropVictims]; kept {
			t.Errorf("%s: the victims stay in the configuration", name)
		}
	}
	for name, ev := range map[string]actors.Extend{
		"not held":     {Reservation: "R1", End: 29_999, Units: 1, Victims: []actors.UnitID{"u9"}},
		"too many":     {Reservation: "R1", End: 29_999, Units: 1, Victims: []actors.UnitID{"u1", "u2"}},
		"no shrinking": {Reservation: "R1", End: 29_999, Victims: []actors.UnitID{"u1"}},
	} {
		if _, _, err := Step(sample(active), rules, 12, ev); actors.KindOf(err) != actors.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A ticket that comes late lets the units go at once, and before the site is asked.
func TestShrinkLate(t *testing.T) {
	d := newDesk(t, nil)
	d.put(sample(extending))
	smaller := ticket("T2", term.Extended(29_999))
	smaller.Units = 1
	d.now = 19
	d.step(granted(2, smaller))
	d.step(actors.Tick{})
	d.is("R1", extendingLeaseJ)
	if len(d.runs) != 1 || d.sent[len(d.sent)-1].Properties[actors.PropVictims] != "u2" {
		t.Errorf("ran %+v, sent %+v", d.runs, d.sent)
	}
}

package broker

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"pgregory.net/rapid"
)

// chain is two brokers: br has a source of four units, b2 buys from it. Messages
// between them wait until deliver is called; those to clients are kept.
type chain struct {
	t     rapid.TB
	a     map[actors.ActorID]*Actor
	disk  map[actors.ActorID]map[string][]byte
	mail  []actors.Message
	heard []actors.Message
}

func newChain(t rapid.TB) *chain {
	c := &chain{t: t, a: map[actors.ActorID]*Actor{}, disk: map[actors.ActorID]map[string][]byte{"br": {}, "b2": {}}}
	for _, id := range []actors.ActorID{"br", "b2"} {
		c.a[id] = New(Config{Self: id, Cycles: actors.Cycles{Length: 1000}, Policy: fcfs.Policy{}, Keep: 20})
	}
	c.step("br", 0, actors.Donate{Ticket: source1})
	return c
}

// step gives one broker an event and takes its effects up.
func (c *chain) step(who actors.ActorID, now actors.Cycle, ev actors.Event) error {
	fx, err := c.a[who].Step(now, ev)
	if err != nil {
		return err
	}
	for _, m := range fx.Moved {
		if strings.HasPrefix(m.Why, "defect") {
			c.t.Fatalf("%s: %+v", who, m)
		}
	}
	for _, rec := range fx.Save {
		delete(c.disk[who], rec.Key)
		if rec.Value != nil {
			if c.disk[who][rec.Key], err = rec.Value.AppendRecord(nil); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	c.send(fx.Send)
	return nil
}

// send signs tickets, in its way, and hands messages over.
func (c *chain) send(ms []actors.Message) {
	for _, m := range ms {
		if m.Ticket != nil {
			t := *m.Ticket
			t.Text = fmt.Sprintf("%s[%s]", t.ID, t.Base)
			t.Base = ""
			m.Ticket = &t
		}
		if c.a[m.To] != nil {
			c.mail = append(c.mail, m)
		} else {
			c.heard = append(c.heard, m)
		}
	}
}

// restart replaces a broker by one that knows what is on its disk.
func (c *chain) restart(who actors.ActorID, now actors.Cycle) {
	old := c.a[who]
	c.a[who] = New(old.config)
	for _, k := range sorted(c.disk[who]) {
		if err := c.a[who].Restore(actors.Stored{Key: k, Data: c.disk[who][k]}); err != nil {
			c.t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(old.Views(), c.a[who].Views()) {
		c.t.Fatalf("a restart of %s changed the views:\n%+v\n%+v", who, old.Views(), c.a[who].Views())
	}
	if !reflect.DeepEqual(old.Stocks(term), c.a[who].Stocks(term)) {
		c.t.Fatalf("a restart of %s changed its stock:\n%+v\n%+v", who, old.Stocks(term), c.a[who].Stocks(term))
	}
	c.send(c.a[who].Recover(now).Send)
}

// deliver hands over the n-th message that waits. Refusals come back to the sender.
func (c *chain) deliver(now actors.Cycle, n int) {
	m := c.mail[n]
	c.mail = slices.Delete(c.mail, n, n+1)
	if err := c.step(m.To, now, actors.Receive{Message: m}); err != nil {
		_ = c.step(m.From, now, actors.SendFailed{Message: m, Kind: actors.KindOf(err)})
	}
}

// run lets both brokers go on, undisturbed, to the end of a cycle.
func (c *chain) run(from, to actors.Cycle) {
	for now := from; now <= to; now++ {
		for _, id := range []actors.ActorID{"br", "b2"} {
			if err := c.step(id, now, actors.Tick{}); err != nil {
				c.t.Fatal(err)
			}
		}
		for len(c.mail) > 0 {
			c.deliver(now, 0)
		}
	}
}

func (c *chain) ask(op actors.Op, id string, seq, units int, t actors.Term, now actors.Cycle) error {
	return c.step("b2", now, actors.Receive{Message: actors.Message{Op: op, From: "sm", To: "b2", Reservation: actors.ReservationID(id), Slice: slice,
		Sequence: seq, Type: "node", Units: units, Term: t}})
}

func order(units int, t actors.Term, standing bool) actors.Request {
	return actors.Request{Reservation: "H", Slice: slice, Broker: "br", Type: "node", Units: units, Term: t, Renewable: standing}
}

// A broker sells on what it bought. A grant is carved from the ticket the broker
// had then, also when it is said again after that ticket was prolonged.
func TestSellsOn(t *testing.T) {
	c := newChain(t)
	if err := c.step("b2", 1, order(3, actors.NewTerm(5_000, 24_999), true)); err != nil {
		t.Fatal(err)
	}
	c.run(2, 4)
	h := c.a["b2"].holdings["H"]
	if h.Status != ticketed || h.Ticket.Units != 3 || h.Ticket.Authority.ID != "am" {
		t.Fatalf("%+v", h)
	}
	if err := c.ask(actors.OpTicket, "R1", 1, 2, actors.NewTerm(10_000, 19_999), 5); err != nil {
		t.Fatal(err)
	}
	if err := c.ask(actors.OpTicket, "R2", 1, 2, actors.NewTerm(10_000, 19_999), 5); err != nil {
		t.Fatal(err)
	}
	c.run(6, 6)
	first := c.heard[0]
	if len(c.heard) != 2 || first.Failed || first.Ticket.Text != string(first.Ticket.ID)+"["+h.Ticket.Text+"]" || !c.heard[1].Failed {
		t.Fatalf("%+v", c.heard)
	}
	if len(first.Ticket.Ancestors) != 2 || first.Ticket.Root().Issuer != "am" || first.Ticket.Authority.ID != "am" {
		t.Fatalf("ancestors %+v", first.Ticket.Ancestors)
	}
	c.run(7, 16) // half of the term has passed: it was prolonged
	if longer := c.a["b2"].holdings["H"].Ticket; longer.ID == h.Ticket.ID || longer.Term != h.Ticket.Term.Extended(44_999) {
		t.Fatalf("%+v", longer)
	}
	c.restart("b2", 16)
	c.heard = nil
	if err := c.ask(actors.OpTicket, "R1", 1, 2, actors.NewTerm(10_000, 19_999), 17); err != nil {
		t.Fatal(err)
	}
	if got := c.heard[0].Ticket; got.Text != first.Ticket.Text {
		t.Errorf("said again as %q, was %q", got.Text, first.Ticket.Text)
	}
	// An extension needs the longer ticket.
	if err := c.ask(actors.OpExtendTicket, "R1", 2, 2, first.Ticket.Term.Extended(39_999), 17); err != nil {
		t.Fatal(err)
	}
	c.run(18, 18)
	if got := c.heard[1]; got.Failed || !strings.HasSuffix(got.Ticket.Text, "["+c.a["b2"].holdings["H"].Ticket.Text+"]") {
		t.Errorf("%+v", got)
	}
}

// What operators give back is sold no more, stays held as long as a client has any
// of it, and is the seller's again after that.
func TestGivesBackLast(t *testing.T) {
	c := newChain(t)
	_ = c.step("b2", 1, order(3, actors.NewTerm(5_000, 60_000), true))
	c.run(2, 4)
	_ = c.ask(actors.OpTicket, "R1", 1, 2, actors.NewTerm(10_000, 19_999), 5)
	c.run(6, 6)
	if err := c.step("b2", 7, actors.Close{Reservation: "H"}); err != nil {
		t.Fatal(err)
	}
	_ = c.ask(actors.OpTicket, "R2", 1, 1, actors.NewTerm(10_000, 19_999), 7)
	c.run(8, 12)
	if r := c.a["b2"].book["R2"]; r.Status != failed {
		t.Errorf("sold on: %+v", r)
	}
	free := func() int { return c.a["br"].sources["T0"].calendar.Free(13_000, 60_000) }
	v, _ := c.a["b2"].View("H")
	if free() != 1 || v.State != "Ticketed" || v.Waiting != "those who hold some of it" {
		t.Fatalf("%d free, %+v", free(), v)
	}
	c.restart("b2", 12)
	_ = c.ask(actors.OpRelinquish, "R1", 2, 2, actors.NewTerm(10_000, 19_999), 13)
	c.run(13, 13)
	if free() != 4 || c.a["b2"].holdings["H"].Status != closed || len(c.a["b2"].sources) != 0 {
		t.Errorf("%d free, %+v", free(), c.a["b2"].holdings["H"])
	}
	c.run(14, 90)
	for _, k := range sorted(c.disk["b2"]) {
		t.Errorf("still has %s", k)
	}
}

// A standing order is tried again when it was refused, and when its term has ended
// because it could not be prolonged, each time as another reservation.
func TestStandingOrder(t *testing.T) {
	c := newChain(t)
	other := actors.Message{Op: actors.OpTicket, From: "sm", To: "br", Reservation: "X", Slice: slice, Sequence: 1, Type: "node", Units: 4,
		Term: actors.NewTerm(2_000, 30_000)}
	_ = c.step("br", 1, actors.Receive{Message: other})
	c.run(2, 2)
	_ = c.step("b2", 3, order(3, actors.NewTerm(7_000, 16_999), true))
	c.run(3, 6)
	if h := c.a["b2"].holdings["H"]; h.Status != failed || h.Refused != 1 || h.Turn != 0 {
		t.Fatalf("%+v", h)
	}
	other.Op, other.Sequence = actors.OpRelinquish, 2
	_ = c.step("br", 7, actors.Receive{Message: other})
	c.run(7, 20)
	h := c.a["b2"].holdings["H"]
	if h.Status != ticketed || h.Turn != 1 || h.ID() == "H" || h.Refused != 0 {
		t.Fatalf("%+v", h)
	}
	// Somebody books all that is free from the end of its term on.
	from := h.Ticket.Term.End + 1
	other.Op, other.Reservation, other.Sequence, other.Units, other.Term = actors.OpTicket, "Y", 1, 4, actors.NewTerm(from, from+9_999)
	_ = c.step("br", 20, actors.Receive{Message: other})
	end := c.a["br"].config.Cycles.Of(h.Ticket.Term.End)
	c.run(21, end-1)
	if h = c.a["b2"].holdings["H"]; h.Status != ticketed || !h.Unrenewed || !strings.Contains(h.Error, "refused") {
		t.Fatalf("%+v", h)
	}
	c.run(end, end+30)
	if h = c.a["b2"].holdings["H"]; h.Status != ticketed || h.Turn < 2 || h.Unrenewed {
		t.Fatalf("%+v", h)
	}
	if len(c.a["b2"].sources) != 1 {
		t.Errorf("sources %v", sorted(c.a["b2"].sources))
	}
}

// A ticket with fewer units from its new start on leaves what is there until then.
func TestShrunkHolding(t *testing.T) {
	first := actors.Ticket{Delegation: actors.Delegation{ID: "a", Units: 4, Term: actors.NewTerm(1_000, 9_999)}}
	second := actors.Ticket{Delegation: actors.Delegation{ID: "b", Units: 1, Term: first.Term.Extended(19_999)}}
	third := actors.Ticket{Delegation: actors.Delegation{ID: "c", Units: 3, Term: second.Term.Extended(29_999)}}
	s := newSource(first, second, third)
	for at, want := range map[actors.Millis]int{1_000: 4, 9_999: 4, 10_000: 1, 19_999: 1, 20_000: 3, 29_999: 3, 30_000: 0} {
		if got := s.calendar.Free(at, at); got != want {
			t.Errorf("%d units at %d, want %d", got, at, want)
		}
	}
	for _, tt := range []struct {
		units int
		term  actors.Term
		want  actors.TicketID
	}{{4, actors.NewTerm(1_000, 9_999), "a"}, {1, actors.NewTerm(5_000, 15_000), "c"}, {3, actors.NewTerm(1_000, 29_999), "c"}, {4, actors.NewTerm(5_000, 15_000), ""}} {
		if got, ok := s.parent(tt.units, tt.term); got.ID != tt.want || ok != (tt.want != "") {
			t.Errorf("%d units over %v: from %q", tt.units, tt.term, got.ID)
		}
	}
}

// Nonsense is refused and changes nothing.
func TestBuyRefuses(t *testing.T) {
	ok := order(1, actors.NewTerm(5_000, 60_000), false)
	for name, spoil := range map[string]func(*actors.Request){
		"no name":     func(r *actors.Request) { r.Reservation = "" },
		"taken name":  func(r *actors.Request) { r.Reservation = "R1" },
		"a source":    func(r *actors.Request) { r.Reservation = "T0" },
		"no slice":    func(r *actors.Request) { r.Slice.ID = "" },
		"no broker":   func(r *actors.Request) { r.Broker = "" },
		"itself":      func(r *actors.Request) { r.Broker = "br" },
		"no type":     func(r *actors.Request) { r.Type = "" },
		"no units":    func(r *actors.Request) { r.Units = 0 },
		"over":        func(r *actors.Request) { r.Term = actors.NewTerm(1, 7_000) },
		"no term":     func(r *actors.Request) { r.Term = actors.Term{} },
		"second time": func(r *actors.Request) { r.Reservation = "H2" },
	} {
		a := world(t, sample(ticketed))
		ev := ok
		ev.Broker = "b0"
		spoil(&ev)
		if name == "second time" {
			_, _ = a.Step(8, ev)
			ev.Units++
		}
		before := len(a.holdings)
		if fx, err := a.Step(8, ev); actors.KindOf(err) != actors.Invalid || len(fx.Save)+len(fx.Send) > 0 || len(a.holdings) != before {
			t.Errorf("%s: %+v, %v", name, fx, err)
		}
	}
}

// No client takes the name of something of the broker's own.
func TestNameOfHolding(t *testing.T) {
	c := newChain(t)
	_ = c.step("b2", 1, order(3, actors.NewTerm(5_000, 60_000), false))
	if err := c.ask(actors.OpTicket, "H", 1, 1, term, 2); actors.KindOf(err) != actors.Denied {
		t.Errorf("%v", err)
	}
}

// TestHoldingMatrix shows every status of a holding against every event.
func TestHoldingMatrix(t *testing.T) {
	bought := actors.Ticket{Delegation: actors.Delegation{ID: "T1", Issuer: "b0", Holder: "br", Type: "node", Units: 2, Term: term},
		Ancestors: []actors.Delegation{{ID: "X0", Issuer: "am", Holder: "b0", Type: "node", Units: 2, Term: actors.NewTerm(1, 99_999)}}, Authority: actors.Location{ID: "am"}, Text: "signed"}
	prolonged := bought
	prolonged.ID, prolonged.Term = "T2", longer
	said := func(from actors.ActorID, seq int, tk actors.Ticket, spoil func(*actors.Message)) actors.Event {
		m := actors.Message{Op: actors.OpUpdateTicket, From: from, To: "br", Reservation: "H", Sequence: seq, Type: "node", Units: tk.Units, Term: tk.Term, Ticket: &tk}
		if spoil != nil {
			spoil(&m)
		}
		return actors.Receive{Message: m}
	}
	failedTo := func(op actors.Op, kind actors.Kind) actors.Event {
		return actors.SendFailed{Message: actors.Message{Op: op, To: "b0", Reservation: "H", Sequence: 1}, Kind: kind}
	}
	spoilt := func(change func(*actors.Ticket)) actors.Ticket { tk := bought; change(&tk); return tk }
	events := []struct {
		name string
		ev   actors.Event
	}{
		{"grant", said("b0", 1, bought, nil)},
		{"longer grant", said("b0", 1, prolonged, nil)},
		{"grant to a legacy number", said("b0", 0, bought, nil)},
		{"grant of before", said("b0", 7, bought, nil)},
		{"grant from a stranger", said("xx", 1, bought, nil)},
		{"grant to another", said("b0", 1, spoilt(func(tk *actors.Ticket) { tk.Holder = "xx" }), nil)},
		{"grant of another type", said("b0", 1, spoilt(func(tk *actors.Ticket) { tk.Type = "disk" }), nil)},
		{"grant of too much", said("b0", 1, spoilt(func(tk *actors.Ticket) { tk.Units = 3 }), nil)},
		{"grant of another site", said("b0", 1, spoilt(func(tk *actors.Ticket) { tk.Authority.ID = "am2" }), nil)},
		{"extension of another root", said("b0", 1, spoilt(func(tk *actors.Ticket) {
			tk.Term, tk.Ancestors = longer, []actors.Delegation{{ID: "X1", Issuer: "am", Holder: "b0", Type: "node", Units: 2, Term: actors.NewTerm(1, 99_999)}}
		}), nil)},
		{"grant without ticket", said("b0", 1, bought, func(m *actors.Message) { m.Ticket = nil })},
		{"refusal", said("b0", 1, bought, func(m *actors.Message) { m.Failed, m.Ticket, m.Note = true, nil, "no" })},
		{"failedRPC ticket", said("b0", 0, bought, func(m *actors.Message) { m.Op, m.RequestOp = actors.OpFailedRPC, actors.OpTicket })},
		{"failedRPC extend", said("b0", 0, bought, func(m *actors.Message) { m.Op, m.RequestOp = actors.OpFailedRPC, actors.OpExtendTicket })},
		{"ticket denied", failedTo(actors.OpTicket, actors.Denied)},
		{"ticket lost", failedTo(actors.OpTicket, actors.Transient)},
		{"extension denied", failedTo(actors.OpExtendTicket, actors.Denied)},
		{"extend", actors.Extend{Reservation: "H", End: 40_000}},
		{"extend shorter", actors.Extend{Reservation: "H", End: 15_000}},
		{"close", actors.Close{Reservation: "H"}},
		{"tick", actors.Tick{}},
	}
	var got bytes.Buffer
	taken := map[[2]string]bool{}
	for _, row := range HoldingMoves.Rows() {
		for _, standing := range []bool{false, true} {
			h := Holding{Name: "H", Broker: "b0", Slice: slice, Type: "node", Units: 2, Asking: 2, Length: term.Length(), Standing: standing,
				Status: row.State, Term: term, Sequence: 1, Since: 5, Sent: 5}
			if row.State == ticketed || row.State == extending {
				tk := bought
				h.Ticket = &tk
			}
			if row.State == extending {
				h.Term = longer
			}
			if row.State == asked { // passed through within a step
				continue
			}
			for _, e := range events {
				nows := []actors.Cycle{8}
				if e.name == "tick" {
					nows = []actors.Cycle{6, 8, 14, 19, 700}
				}
				for _, now := range nows {
					a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: fcfs.Policy{}})
					if h.Ticket != nil {
						data, _ := newSource(*h.Ticket).lot().AppendRecord(nil)
						if err := a.Restore(actors.Stored{Key: lotKey("H"), Data: data}); err != nil {
							t.Fatal(err)
						}
					}
					data, _ := h.AppendRecord(nil)
					if err := a.Restore(actors.Stored{Key: holdingKey("H"), Data: data}); err != nil {
						t.Fatal(err)
					}
					fx, err := a.Step(now, e.ev)
					for _, m := range fx.Moved {
						taken[[2]string{m.From, m.To}] = true
						if strings.HasPrefix(m.Why, "defect") {
							t.Errorf("%v: %+v", e.name, m)
						}
					}
					after, label := "absent", row.State.String()
					if now, ok := a.holdings["H"]; ok {
						after = now.Status.String()
					}
					if standing {
						label += " standing"
					}
					fmt.Fprintf(&got, "%-33s @%-3d %-25s -> %-24s stock=%d %s\n", label, now, e.name, after, len(a.sources), effects(fx, err))
				}
			}
		}
	}
	for _, row := range HoldingMoves.Rows() {
		for _, to := range row.To {
			if !taken[[2]string{row.State.String(), to.String()}] && row.State != asked && to != asked {
				t.Errorf("HoldingMoves allows %v to %v, which nothing does", row.State, to)
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/holdings.txt", got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/holdings.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("testdata/holdings.txt changed; run with -update and read the diff. Got:\n%s", got.Bytes())
	}
}

// TestChainNeverTwice plays random clients, losses, reorderings and restarts in a
// chain of two brokers. At every instant clients of the second hold no more than it
// holds, and clients of the first, the second broker among them, no more than it was
// given; and what is granted lies within what it was carved from.
func TestChainNeverTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newChain(rt)
		now := actors.Cycle(1)
		_ = c.step("b2", now, order(rapid.IntRange(1, 4).Draw(rt, "bought"), actors.NewTerm(5_000, actors.Millis(rapid.IntRange(12, 40).Draw(rt, "end"))*1000-1), true))
		seq := map[string]int{}
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			id := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "id")
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1:
				seq[id]++
				start := actors.Millis(now+2) * 1000
				_ = c.ask(actors.OpTicket, id, seq[id], rapid.IntRange(1, 3).Draw(rt, "units"), actors.NewTerm(start, start+actors.Millis(rapid.IntRange(1, 20).Draw(rt, "length"))*1000-1), now)
			case 2:
				if r := c.a["b2"].book[actors.ReservationID(id)]; r.Granted != nil {
					seq[id]++
					_ = c.ask(actors.OpExtendTicket, id, seq[id], rapid.IntRange(1, 3).Draw(rt, "units"), r.Granted.Term.Extended(r.Granted.Term.End+7000), now)
				}
			case 3:
				seq[id]++
				_ = c.ask(actors.OpRelinquish, id, seq[id], 1, term, now)
			case 4:
				c.restart(rapid.SampledFrom([]actors.ActorID{"br", "b2"}).Draw(rt, "who"), now)
			case 5:
				if n := len(c.mail); n > 0 && rapid.Bool().Draw(rt, "lost") {
					c.mail = slices.Delete(c.mail, n-1, n)
				}
			case 6:
				if h, ok := c.a["b2"].holdings["H"]; ok && h.Ticket != nil {
					_ = c.step("b2", now, actors.Extend{Reservation: "H", End: h.Ticket.Term.End + 5000, Units: rapid.IntRange(0, 4).Draw(rt, "units")})
				}
			default:
				if n := len(c.mail); n > 0 {
					c.deliver(now, rapid.IntRange(0, n-1).Draw(rt, "which"))
				} else {
					now++
					_ = c.step("br", now, actors.Tick{})
					_ = c.step("b2", now, actors.Tick{})
				}
			}
			audited(rt, c.a["br"])
			c.check(rt, now)
		}
	})
}

func (c *chain) check(t *rapid.T, now actors.Cycle) {
	for at := actors.Millis(now)*1000 + 500; at < 80_000; at += 1000 {
		held := map[actors.TicketID]int{}
		for _, id := range sorted(c.a["b2"].book) {
			r := c.a["b2"].book[id]
			if !r.holding() {
				continue
			}
			if base := c.a["b2"].base(r); !base.Term.Covers(r.Granted.Term) || base.Units < r.Granted.Units {
				t.Fatalf("%s: %+v from %+v", id, r.Granted, base.Delegation)
			}
			for _, h := range r.Holds {
				if h.From <= at && at <= h.To {
					held[r.Source] += h.Units
				}
			}
		}
		for source, n := range held {
			has := 0
			if g := c.a["br"].book[actors.ReservationID(source)]; g.Granted != nil {
				for _, h := range g.Holds {
					if h.From <= at && at <= h.To {
						has += h.Units
					}
				}
			}
			if n > has {
				t.Fatalf("at %d clients of b2 hold %d units of %s, of which br has given it %d", at, n, source, has)
			}
		}
	}
}

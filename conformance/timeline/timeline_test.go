package timeline

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
)

var update = flag.Bool("update", false, "write golden files anew")

// line is a message in the log: the cycle, who to whom, what.
func line(at actors.Cycle, from, to actors.ActorID, op actors.Op, seq, units int, end actors.Cycle) string {
	return fmt.Sprintf("%3d %s>%s %s#%d units=%d end=%d", at, from, to, op, seq, units, end)
}

// TestCheck02Timeline: with equal clocks and actions of one cycle, each message is sent
// in the cycle that leasing 2.6 gives, whatever the lead (four cycles at least) and the
// length, over two renewals and the close.
func TestCheck02Timeline(t *testing.T) {
	for _, lead := range []actors.Cycle{4, 5, 9, 30} {
		for _, length := range []actors.Cycle{6, 7, 12, 40} {
			r := actors.Cycle(10)
			s := r + lead
			e := s + length - 1
			w := newWorld(t, 4)
			w.until(r - 1)
			w.now = r
			ask := request("R", 2, s, e)
			ask.Renewable = true
			w.give(sm, ask)
			e1, e2 := e+length, e+2*length
			w.until(e2 - 4)
			w.now++
			w.delay = func(m actors.Message) (actors.Cycle, bool) { return 0, m.Op == actors.OpExtendTicket } // no third one
			w.until(e2 + 3)
			lease := func(seq int, at, end actors.Cycle) []string { // 2.6, the renewal
				return []string{
					line(at-3, sm, br, actors.OpExtendTicket, seq, 2, end), line(at-2, br, sm, actors.OpUpdateTicket, seq, 2, end),
					line(at, sm, am, actors.OpExtendLease, seq, 2, end), line(at+2, am, sm, actors.OpUpdateLease, seq, 2, end),
				}
			}
			want := []string{
				line(r, sm, br, actors.OpTicket, 1, 2, e), line(s-3, br, sm, actors.OpUpdateTicket, 1, 2, e),
				line(s-1, sm, am, actors.OpRedeem, 1, 2, e), line(s+1, am, sm, actors.OpUpdateLease, 1, 2, e),
			}
			want = append(append(want, lease(2, e, e1)...), lease(3, e1, e2)...)
			want = append(want, line(e2-3, sm, br, actors.OpExtendTicket, 4, 2, e2+length)) // lost
			got, seen := []string{}, map[string]bool{}
			for _, l := range strings.Split(strings.TrimRight(w.log.String(), "\n"), "\n") {
				if what := l[4:]; !seen[what] { // who gets no answer asks again: once is enough here
					got, seen[what] = append(got, l), true
				}
			}
			want = append(want,
				line(e2, sm, am, actors.OpClose, 4, 2, e2), // units leave from e-1 on
				line(e2+1, am, sm, actors.OpUpdateLease, 4, 0, e2), line(e2+1, sm, br, actors.OpRelinquish, 5, 2, e2+length))
			if g, x := strings.Join(got, "\n"), strings.Join(want, "\n"); g != x {
				t.Fatalf("lead %d, length %d: request at %d for %d..%d\n%s\nwant\n%s", lead, length, r, s, e, g, x)
			}
			if lead == 4 && length == 12 {
				golden(t, "testdata/lease.txt", w.log.String()+"\n"+w.moves.String())
			}
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s changed; run with -update and read the diff. Got:\n%s", path, got)
	}
}

// TestCheck03Delays: a renewal survives one cycle of delay of any one message, and is
// lost with two of those that have a margin of one: the lease then closes.
func TestCheck03Delays(t *testing.T) {
	for _, op := range []actors.Op{actors.OpExtendTicket, actors.OpUpdateTicket, actors.OpExtendLease, actors.OpUpdateLease} {
		for by := actors.Cycle(0); by <= 2; by++ {
			w := newWorld(t, 4)
			ask := request("R", 2, 10, 19)
			w.give(sm, ask)
			w.until(15)
			w.now++
			w.delay = func(m actors.Message) (actors.Cycle, bool) {
				if m.Op == op {
					return by, false
				}
				return 0, false
			}
			w.give(sm, actors.Extend{Reservation: "R", End: cycles.End(29)})
			w.until(26)
			got := w.is(sm, "R")
			if lives := got == "Active,None" && w.is(am, "R") == "Active,None"; lives != (by < 2 || op == actors.OpUpdateLease) {
				t.Errorf("%v late by %d cycles: the manager is %s, the site %s\n%s", op, by, got, w.is(am, "R"), w.log.String())
			}
			if strings.Contains(w.moves.String(), "Failed") && op != actors.OpExtendLease {
				t.Errorf("%v late by %d cycles failed something:\n%s", op, by, w.moves.String())
			}
		}
	}
}

// TestCheck12Expiry: without a word between them the manager lets go one cycle before
// the last one, the broker in the last one, the site one after it.
func TestCheck12Expiry(t *testing.T) {
	w := newWorld(t, 4)
	w.give(sm, request("R", 2, 10, 19))
	w.until(14)
	w.now++
	w.delay = func(actors.Message) (actors.Cycle, bool) { return 0, true }
	w.until(25)
	for _, want := range []string{"\n18 sm Active,None,NoJoin > Active,Closing,NoJoin\n", "\n19 br Ticketed,None > Closed,None\n",
		"\n20 am Active,None > Active,Closing\n"} {
		if !strings.Contains(w.moves.String(), want) {
			t.Errorf("no %q in\n%s", want, w.moves.String())
		}
	}
}

// TestContiguousTerms: lease after lease takes all that a site has, each from the very
// cycle after the last one's end, for as long as one likes; the same ticket units are
// sold without a gap.
func TestContiguousTerms(t *testing.T) {
	const hosts, length, n = 4, 10, 12
	w := newWorld(t, hosts)
	for k := range actors.Cycle(n) {
		s := 10 + k*length
		w.until(s - 5)
		w.now++
		w.give(sm, request(fmt.Sprintf("R%02d", k), hosts, s, s+length-1))
		if k > 0 {
			w.until(s + 3)
			w.now++
			id := actors.ReservationID(fmt.Sprintf("R%02d", k-1))
			if got := w.is(sm, id); got != "Closed,None" {
				t.Fatalf("%s is %s in the term after its own", id, got)
			}
		}
	}
	w.until(10 + n*length + 5)
	active := strings.Count(w.moves.String(), " am Ticketed,Priming > Active,None")
	if active != n || strings.Contains(w.moves.String(), "Failed") {
		t.Fatalf("%d of %d leases were served\n%s", active, n, w.moves.String())
	}
	for k := range actors.Cycle(n) { // set up in the first cycle of the term: teardown of the last one is over by then
		if want := fmt.Sprintf("\n%d am Ticketed,Redeeming > Ticketed,Priming", 10+k*length); !strings.Contains(w.moves.String(), want) {
			t.Errorf("no %q in\n%s", want, w.moves.String())
		}
	}
}

// TestEarlyClose: what is given back before its time is sold again at once, and the
// host serves its next lessee in the same term.
func TestEarlyClose(t *testing.T) {
	w := newWorld(t, 2)
	w.give(sm, request("R", 2, 10, 59))
	w.until(20)
	w.now++
	w.give(sm, request("late", 2, 30, 59))
	w.until(28)
	w.now++
	if got := w.is(sm, "late"); got != "Failed,None" {
		t.Fatalf("it was sold twice: %s", got)
	}
	w.give(sm, actors.Close{Reservation: "R"})
	w.until(32)
	w.now++
	if got := w.is(br, "R") + " " + w.is(am, "R"); got != "Closed,None Closed,None" {
		t.Fatalf("given back: %s", got)
	}
	w.give(sm, request("next", 2, 36, 59))
	w.until(39)
	if got := w.is(sm, "next"); got != "Active,None" {
		t.Errorf("the next lessee is %s\n%s", got, w.log.String())
	}
}

// TestFlexAtBoundary: one lease shrinks and another grows at the same boundary, on a
// site without a host to spare. The units that stay are the same ones; those that go
// have left before they are torn down, and serve the other one.
func TestFlexAtBoundary(t *testing.T) {
	w := newWorld(t, 4)
	w.give(sm, request("less", 3, 10, 19))
	w.give(sm, request("more", 1, 10, 19))
	w.until(15)
	held := func(id actors.ReservationID) (out []string) {
		v, _ := w.cast[sm].View(id)
		for _, u := range v.Held {
			out = append(out, string(u.ID))
		}
		return out
	}
	before, one := held("less"), held("more")
	left := actors.Cycle(0)
	w.done = func(a actors.Action) actors.ActionDone {
		if a.Verb == actors.Leave && string(a.Unit.ID) == before[0] {
			left = w.now
		}
		if a.Verb == actors.Teardown && string(a.Unit.ID) == before[0] && (left == 0 || left >= w.now) {
			t.Errorf("cycle %d: torn down before it left", w.now)
		}
		return actors.ActionDone{Reservation: a.Reservation, Unit: a.Unit.ID, Verb: a.Verb, Sequence: a.Sequence}
	}
	w.now++
	w.give(sm, actors.Extend{Reservation: "less", End: cycles.End(29), Units: 2, Victims: []actors.UnitID{actors.UnitID(before[0])}})
	w.give(sm, actors.Extend{Reservation: "more", End: cycles.End(29), Units: 2})
	w.until(25)
	if after := held("less"); fmt.Sprint(after) != fmt.Sprint(before[1:]) || left != 18 {
		t.Errorf("less: %v of %v, the first left at %d", after, before, left)
	}
	if after := held("more"); len(after) != 2 || after[0] != one[0] || w.is(sm, "more") != "Active,None" {
		t.Errorf("more: %v of %v, %s", after, one, w.is(sm, "more"))
	}
}

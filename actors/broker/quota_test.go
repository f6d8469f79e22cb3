package broker

import (
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"pgregory.net/rapid"
)

// limited is a broker with quotas, restarted from what another one saved.
func limited(t *testing.T, p policy.Broker, was *Actor, limits ...policy.Limit) *Actor {
	t.Helper()
	a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: p, Quotas: limits})
	do(t, a, 0, actors.Donate{Ticket: source1})
	if was == nil {
		return a
	}
	for id, r := range was.book {
		data, err := r.AppendRecord(nil)
		if err == nil {
			err = a.Restore(actors.Stored{Key: key(id), Data: data})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// A quota bounds what is held at one instant, not what is asked for in all; it
// survives a restart, may be lowered, and says so in words.
func TestQuota(t *testing.T) {
	three := policy.Limit{Client: "sm", Units: 3}
	a := limited(t, fcfs.Policy{}, nil, three)
	do(t, a, 5, asks("a", 2, nil))
	do(t, a, 5, asks("b", 2, nil))
	do(t, a, 5, asks("wide", 4, nil))
	if got := answers(do(t, a, 6, actors.Tick{})); got != "a+ b- wide-" {
		t.Errorf("%s", got)
	}
	v, _ := a.Explain("b")
	if v.Outcome != policy.Smaller || v.Units != 1 || !strings.Contains(v.Details[1], "1 units left of the quota of client sm, 3") {
		t.Errorf("%+v", v)
	}
	if v, _ := a.Explain("wide"); v.Outcome != policy.Impossible || v.Text != "impossible: the quota of client sm is 3 units" {
		t.Errorf("%+v", v)
	}
	a = limited(t, fcfs.Policy{}, a, policy.Limit{Client: "sm", Units: 1}) // less than is held
	do(t, a, 7, asks("c", 1, nil))
	if got := answers(do(t, a, 8, actors.Tick{})); got != "c-" {
		t.Errorf("beyond a lowered quota: %s", got)
	}
	do(t, a, 9, relinquish("a"))
	do(t, a, 9, asks("d", 1, nil))
	if got := answers(do(t, a, 10, actors.Tick{})); got != "d+" {
		t.Errorf("after units came back: %s", got)
	}
}

// An ask that may wait starts when the quota lets it, though units are free before.
func TestQuotaAndDeferral(t *testing.T) {
	a := limited(t, fcfs.Policy{}, nil, policy.Limit{Each: "client", Units: 2})
	do(t, a, 5, asks("a", 2, nil))
	do(t, a, 5, asks("b", 1, actors.Properties{"deferrable": "true"}))
	fx := do(t, a, 6, actors.Tick{})
	if answers(fx) != "a+ b+" || fx.Send[1].Term != actors.NewTerm(20_000, 29_999) {
		t.Errorf("%s %+v", answers(fx), fx.Send)
	}
}

// TestNeverAboveQuota: whatever clients ask for, keep, prolong and give back, at no
// instant does anybody hold more than a quota or a source allows.
func TestNeverAboveQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]policy.Broker{fcfs.Policy{}, edf.Policy{}, greedy{}}).Draw(t, "policy")
		byClient, bySlice := rapid.IntRange(0, 4).Draw(t, "client's"), rapid.IntRange(0, 4).Draw(t, "slice's")
		a := New(Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: p,
			Quotas: []policy.Limit{{Client: "sm", Units: byClient}, {Each: "slice", Units: bySlice}}})
		if _, err := a.Step(0, actors.Donate{Ticket: source1}); err != nil {
			t.Fatal(err)
		}
		now := actors.Cycle(1)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			id := rapid.SampledFrom([]actors.ReservationID{"a", "b", "c", "d", "e"}).Draw(t, "id")
			r := a.book[id]
			m := actors.Message{Op: actors.OpTicket, From: []actors.ActorID{"sm", "sm2"}[len(id)%2], Reservation: id, Type: "node",
				Slice: actors.Slice{ID: actors.SliceID(id[:1]), Name: "s"}, Sequence: r.Sequence + 1, Units: rapid.IntRange(1, 4).Draw(t, "units")}
			if id > "b" {
				m.From, m.Slice.ID = "sm", "shared"
			}
			start := actors.Millis(now+actors.Cycle(rapid.IntRange(1, 8).Draw(t, "ahead"))) * 1000
			m.Term = actors.NewTerm(start, start+actors.Millis(rapid.IntRange(1, 9).Draw(t, "length"))*1000-1)
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				m.Op = actors.OpRelinquish
			case 1:
				if r.Granted != nil {
					m.Op, m.Term = actors.OpExtendTicket, r.Granted.Term.Extended(r.Granted.Term.End+3000)
				}
			}
			_, _ = a.Step(now, actors.Receive{Message: m}) // what is out of place is refused
			if rapid.Bool().Draw(t, "tick") {
				now++
				if _, err := a.Step(now, actors.Tick{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for at := actors.Millis(now) * 1000; at < 80_000; at += 1000 {
			total, client, slices := 0, 0, map[string]int{}
			for _, r := range a.book {
				for _, h := range r.Holds {
					if h.From > at || at > h.To {
						continue
					}
					total += h.Units
					if r.Client == "sm" {
						client += h.Units
					}
					slices[string(r.Client)+"/"+string(r.Slice.ID)] += h.Units
				}
			}
			if total > source1.Units || client > byClient {
				t.Fatalf("at %d %d units are held of %d, %d by the client whose quota is %d", at, total, source1.Units, client, byClient)
			}
			for s, n := range slices {
				if n > bySlice {
					t.Fatalf("at %d slice %s holds %d units, its quota is %d", at, s, n, bySlice)
				}
			}
		}
	})
}

package broker

import (
	"fmt"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/bestfit"
	"github.com/leasehold/leasehold/actors/policy/edf"
	"github.com/leasehold/leasehold/actors/policy/evenload"
	"github.com/leasehold/leasehold/actors/policy/fcfs"
	"github.com/leasehold/leasehold/actors/policy/manual"
	"github.com/leasehold/leasehold/actors/policy/priority"
	"github.com/leasehold/leasehold/actors/policy/propshare"
	"github.com/leasehold/leasehold/actors/policy/worstfit"
	"pgregory.net/rapid"
)

var allPolicies = map[string]policy.Broker{
	"bestfit": bestfit.Policy{}, "edf": edf.Policy{}, "edf ahead": edf.Policy{Horizon: 9}, "evenload": evenload.Policy{}, "fcfs": fcfs.Policy{},
	"manual": manual.Policy{}, "priority": priority.Policy{}, "by class": priority.Policy{ByClass: true}, "propshare": propshare.Policy{},
	"worstfit": worstfit.Policy{},
}

// wishes draws requests of two managers, each in few words of everything that can
// be said in one.
func wishes(t *rapid.T, label string, most int) []actors.Message {
	var out []actors.Message
	for i := range rapid.IntRange(1, most).Draw(t, label) {
		props := actors.Properties{}
		rare := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
		for _, name := range []string{"elastic", "request.elasticTime"} {
			if rapid.Bool().Draw(t, name) {
				props[name] = "true"
			}
		}
		for _, n := range []struct {
			name        string
			least, most int
		}{{"units.min", 1, 3}, {"deadline", 20_000, 90_000}, {"queueThreshold", 1, 20}, {"priority", 0, 2}, {"cpu", 1, 3}} {
			if rare(n.name) {
				props[n.name] = fmt.Sprint(rapid.IntRange(n.least, n.most).Draw(t, n.name))
			}
		}
		if rare("group") {
			props["groupID"] = rapid.SampledFrom([]string{"g", "h"}).Draw(t, "groupID")
			if rapid.Bool().Draw(t, "leader") {
				props["leaseCount"] = fmt.Sprint(rapid.IntRange(1, 2).Draw(t, "leaseCount"))
			}
		}
		start := actors.Millis(rapid.IntRange(6, 40).Draw(t, "start")) * 1000
		m := actors.Message{Op: actors.OpTicket, From: rapid.SampledFrom([]actors.ActorID{"sm", "sm2"}).Draw(t, "client"), To: "br",
			Reservation: actors.ReservationID(fmt.Sprint(label, i)), Slice: slice, Sequence: 1,
			Type: rapid.SampledFrom([]actors.ResourceType{"node", "disk"}).Draw(t, "type"), Units: rapid.IntRange(1, 6).Draw(t, "units"),
			Term: actors.NewTerm(start, start+actors.Millis(rapid.IntRange(1, 20).Draw(t, "length"))*1000-1), Properties: props}
		out = append(out, m)
	}
	return out
}

// shop draws a broker with some stock, some quotas, and some who came before.
func shop(t *rapid.T) (*Actor, actors.Cycle) {
	p := allPolicies[rapid.SampledFrom([]string{"bestfit", "edf", "edf ahead", "evenload", "fcfs", "manual", "priority", "by class", "propshare", "worstfit"}).Draw(t, "policy")]
	c := Config{Self: "br", Cycles: actors.Cycles{Length: 1000}, Policy: p}
	if rapid.IntRange(0, 3).Draw(t, "advance") == 0 {
		c.Advance = 3
	}
	if rapid.Bool().Draw(t, "quotas") {
		c.Quotas = []policy.Limit{{Client: "sm", Units: rapid.IntRange(0, 5).Draw(t, "quota")}, {Each: "slice", Type: "node", Units: 4}}
	}
	a := New(c)
	for i := range rapid.IntRange(1, 3).Draw(t, "sources") {
		source := source1
		source.ID, source.Units = actors.TicketID(fmt.Sprint("T", i)), rapid.IntRange(1, 5).Draw(t, "stock")
		source.Type = rapid.SampledFrom([]actors.ResourceType{"node", "disk"}).Draw(t, "stock type")
		if rapid.Bool().Draw(t, "hosts") {
			source.Properties = actors.Properties{"cpu": "4"}
		}
		if _, err := a.Step(0, actors.Donate{Ticket: source}); err != nil {
			t.Fatal(err)
		}
	}
	now := actors.Cycle(1)
	for _, m := range wishes(t, "before", 4) {
		_, _ = a.Step(now, actors.Receive{Message: m}) // what is refused is not there
		now++
		if rapid.Bool().Draw(t, "round") {
			_, _ = a.Step(now, actors.Tick{})
		}
	}
	return a, now
}

// TestPlanComesTrue: in random worlds, what a plan says of requests is what the
// broker does when they come, round after round.
func TestPlanComesTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, now := shop(t)
		requests := wishes(t, "wish", 3)
		words := a.Plan(now, requests)
		refused := map[actors.ReservationID]bool{}
		for _, m := range requests {
			_, err := a.Step(now, actors.Receive{Message: m})
			refused[m.Reservation] = err != nil
		}
		const horizon = 400 // all is over
		for c := now + 1; c < horizon; c++ {
			if _, err := a.Step(c, actors.Tick{}); err != nil {
				t.Fatal(err)
			}
		}
		for i, m := range requests {
			r, v := a.book[m.Reservation], words[i]
			said := fmt.Sprintf("%s: planned %+v; became %v %+v (%s)", m.Reservation, v, r.Status, r.Granted, r.Why)
			switch v.Outcome {
			case policy.Granted, policy.Queued:
				waited := v.Outcome == policy.Queued && v.Term == (actors.Term{})
				if waited && r.Granted != nil || !waited && (r.Granted == nil || r.Granted.Units != v.Units || r.Granted.Term != v.Term) {
					t.Fatal(said)
				}
			default:
				if r.Granted != nil {
					t.Fatal(said)
				}
				if refused[m.Reservation] != (v.Outcome == policy.Refused && v.Details == nil && r.ID == "") {
					t.Fatal(said)
				}
			}
		}
	})
}

// TestSmallerFits: when a plan says that fewer units would fit, so many are granted, at
// once or later.
func TestSmallerFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, now := shop(t)
		m := wishes(t, "wish", 1)[0]
		delete(m.Properties, "groupID")
		delete(m.Properties, "leaseCount")
		v := a.Plan(now, []actors.Message{m})[0]
		switch v.Outcome {
		case policy.Smaller:
			m.Units = v.Units
		case policy.Later:
			length := m.Term.Length()
			m.Term = actors.NewTerm(v.Earliest, v.Earliest+length-1)
		default:
			return
		}
		delete(m.Properties, "units.min")
		if again := a.Plan(now, []actors.Message{m})[0]; again.Outcome != policy.Granted && again.Term == (actors.Term{}) {
			t.Fatalf("%+v, and then %+v", v, again)
		}
	})
}

// TestPlanLooksWhereThePolicyDoes: a plan holds the rounds in which a policy with a
// horizon looks at an ask more closely, and the one in which an ask gives up.
func TestPlanLooksWhereThePolicyDoes(t *testing.T) {
	a := under(t, edf.Policy{Horizon: 9}, nil)
	wish := func(id string, start, length actors.Millis, units int, props actors.Properties) actors.Message {
		m := asks(id, units, props).(actors.Receive).Message
		m.Term = actors.NewTerm(start*1000, (start+length)*1000-1)
		return m
	}
	may := actors.Properties{"deferrable": "true"}
	// The one for cycle 40 is looked at in cycle 30, before the other one's turn in 31.
	v := a.Plan(6, []actors.Message{wish("later", 41, 5, 4, may), wish("sooner", 40, 5, 4, may)})
	if v[1].Outcome != policy.Granted || v[0].Outcome == policy.Granted {
		t.Errorf("%+v", v)
	}
	// Nothing is ever free for it: it waits in vain until its term is over.
	a = under(t, propshare.Policy{}, nil)
	do(t, a, 5, asks("all", 4, nil))
	do(t, a, 6, actors.Tick{})
	v = a.Plan(7, []actors.Message{wish("vain", 10, 8, 4, actors.Properties{"deferrable": "true", "deadline": "19000"})})
	if v[0].Outcome == policy.Queued {
		t.Errorf("it is said to be queued, and is given up in its last cycle: %+v", v)
	}
}

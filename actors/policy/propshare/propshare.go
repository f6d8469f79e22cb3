/*
Package propshare shares what there is in proportion to weights: over time, each
flow of asks gets units and time as its weight says, whenever it wants that much.

It is start-time fair queuing with wide requests and backfill (leasing 4.8.2). A
flow is the asks of one slice, or of one client. Every ask has a start tag and a
finish tag in virtual time: it starts where the flow's last one finished, or at
the present virtual time if the flow had nothing to ask for, and finishes as much
later as it costs, units times cycles, divided by the flow's weight. The smallest
start tag goes first. So a flow that asks for much moves its own next tag far
ahead and nobody else's, and one that was away can neither save its share up nor
lose it.

When the ask whose turn it is does not fit, its earliest place on the calendar is
reserved for this round, and those behind it may still be granted what is not in
its way.

An ask for a later start has its turn in the round before it, so that nobody gets
ahead by asking early. One that cannot be deferred is granted as it comes if its
flow stays within its share of all there is at any instant of the term, or if no
other flow wants any of that time; otherwise it competes when its start has come.

Tags outlive a round in the decisions' memory: a grant remembers its two tags, and
an ask that waits remembers the virtual time of its arrival.
*/
package propshare

import (
	"cmp"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/actors/policy/desk"
)

// Policy is shares in proportion to weights.
type Policy struct {
	Weights  map[string]int // of a flow, by the slice's identity or the client's; others weigh 1
	ByClient bool           // a flow is a client, not a slice
}

// New is shares as an operator sets them: a flow for each client when weights are
// given, for each slice otherwise.
func New(s policy.Settings) Policy {
	return Policy{Weights: s.Weights, ByClient: len(s.Weights) > 0}
}

// waiting marks the memory of an ask that waits; its other number is the virtual
// time at which it came.
const waiting = -1

// scale is what one unit for one cycle costs at weight 1. Tags are whole numbers.
const scale = 1000

// flow is the asks of one slice or client.
type flow struct {
	name   string
	weight int64
	finish int64 // finish tag of its last ask served
	chain  []policy.Ask
	held   []policy.Grant
}

// Allocate decides whose turn it is as far as there are units (policy.Broker).
func (p Policy) Allocate(r policy.Round) []policy.Decision {
	d := desk.New(r, desk.Rules{Name: "in proportion to weights"})
	flows := map[string]*flow{}
	of := func(slice actors.SliceID, client actors.ActorID) *flow {
		name := string(slice)
		if p.ByClient {
			name = string(client)
		}
		f := flows[name]
		if f == nil {
			f = &flow{name: name, weight: int64(max(p.Weights[name], 1))}
			flows[name] = f
		}
		return f
	}
	idle, begun, busy := int64(0), int64(0), false // the largest finish tag; the largest start tag of what is held
	if r.Grants != nil {
		for g := range r.Grants {
			f := of(g.Slice, g.Client)
			f.finish = max(f.finish, g.Memory[1])
			idle = max(idle, g.Memory[1])
			if !g.Over {
				f.held = append(f.held, g)
				busy, begun = true, max(begun, g.Memory[0])
			}
		}
	}
	var queues []*flow
	rest := d.Open()
	charge(r, d, of)
	for _, a := range rest {
		f := of(a.Slice, a.Client)
		if f.chain == nil {
			queues = append(queues, f)
		}
		f.chain = append(f.chain, a)
	}
	// Virtual time is where the least served of those who have been waiting stands; or
	// where the last one served began, while it holds what it got; and only when
	// nobody holds anything does it catch up with all that was ever granted.
	now, backlog := idle, false
	if busy {
		now = begun
	}
	for _, f := range queues {
		if a := f.chain[0]; a.Memory[1] == waiting {
			if start := max(a.Memory[0], f.finish); !backlog || start < now {
				now, backlog = start, true
			}
		}
	}
	blocked := false
	for {
		f, start := next(queues, now)
		if f == nil {
			return d.Decisions()
		}
		a := f.chain[0]
		f.chain = f.chain[1:]
		if serve(d, a, start, f.tag(start, a, r.Cycles), now, &blocked, func() bool { return within(d, f, flows, of, a) }) {
			if dec := d.Last(); dec.Granted {
				f.held = append(f.held, policy.Grant{Type: a.Type, Units: dec.Units, Term: dec.Term})
				a.Units = dec.Units
				dec.Memory = policy.Memory{start, f.tag(start, a, r.Cycles)}
			}
			f.finish = f.tag(start, a, r.Cycles)
		}
	}
}

// charge makes flows pay for extensions and groups, which have no turn.
func charge(r policy.Round, d *desk.Desk, of func(actors.SliceID, actors.ActorID) *flow) {
	asks := map[actors.ReservationID]policy.Ask{}
	for _, a := range r.Asks {
		asks[a.Reservation] = a
	}
	for i, dec := range d.Decisions() {
		if a := asks[dec.Reservation]; dec.Granted {
			f := of(a.Slice, a.Client)
			a.Units = dec.Units
			start := f.finish
			f.finish = f.tag(start, a, r.Cycles)
			d.Decisions()[i].Memory = policy.Memory{start, f.finish}
		}
	}
}

// next is the flow whose first ask has the smallest start tag, and that tag.
func next(queues []*flow, now int64) (*flow, int64) {
	tag := func(f *flow) int64 {
		arrived := now
		if a := f.chain[0]; a.Memory[1] == waiting {
			arrived = a.Memory[0]
		}
		return max(arrived, f.finish)
	}
	live := slices.DeleteFunc(slices.Clone(queues), func(f *flow) bool { return len(f.chain) == 0 })
	if len(live) == 0 {
		return nil, 0
	}
	best := slices.MinFunc(live, func(x, y *flow) int {
		return cmp.Or(cmp.Compare(tag(x), tag(y)), cmp.Compare(x.name, y.name))
	})
	return best, tag(best)
}

// tag is the finish tag of an ask that starts at start.
func (f *flow) tag(start int64, a policy.Ask, c actors.Cycles) int64 {
	cycles := int64((a.Term.Length() + c.Length - 1) / c.Length)
	return start + min(int64(a.Units), 1<<20)*min(cycles, 1<<30)*scale/f.weight
}

// serve gives an ask its turn; false if it takes nothing, now or later.
func serve(d *desk.Desk, a policy.Ask, start, finish, now int64, blocked *bool, within func() bool) bool {
	t := d.Turn(a)
	t.Memory = policy.Memory{start, finish}
	term := a.Term
	deadline, mayWait := a.Deferrable()
	if mayWait {
		term = desk.Shifted(term, max(term.Start, d.Slot()))
	}
	least, _ := a.Elastic()
	arrived := now
	if a.Memory[1] == waiting {
		arrived = a.Memory[0]
	}
	switch {
	case t.Never(least):
		t.Memory = policy.Memory{}
		t.Refuse("")
		return false
	case term.End > deadline, mayWait && a.Impatient(d.Round):
		t.Memory = policy.Memory{}
		t.Refuse("it has waited too long: its term would be over too late")
		return false
	case term.Start > d.Slot() && (mayWait || !within()):
		t.Memory, t.Look = policy.Memory{arrived, waiting}, d.Cycles.Of(term.Start)-1
		t.Wait("its start is not near enough", term.Start)
		return false
	case t.Try(least, term):
		return true
	case !mayWait && d.Slot() >= term.Start:
		t.Memory = policy.Memory{}
		t.Refuse("")
		return false
	}
	t.Memory = policy.Memory{arrived, waiting}
	earliest, ok := t.Earliest(least, term.Start, deadline)
	if !mayWait {
		earliest, ok = term.Start, false
	}
	if ok && !*blocked {
		*blocked = true
		t.Block(least, earliest)
	}
	t.Wait("others are owed more, or have the units", earliest)
	return true
}

// within reports whether an ask may be granted long before its start: its flow stays
// within its share of what there is, or no other flow wants any of the time.
func within(d *desk.Desk, f *flow, flows map[string]*flow, of func(actors.SliceID, actors.ActorID) *flow, a policy.Ask) bool {
	total, weights := 0, int64(0)
	for _, s := range d.Sources {
		if s.Type == a.Type {
			total += s.Calendar.Capacity()
		}
	}
	active := map[*flow]bool{f: true}
	contended := false
	for _, o := range d.Asks {
		if of(o.Slice, o.Client) != f && o.Type == a.Type {
			active[of(o.Slice, o.Client)] = true
			contended = contended || o.Term.Start <= a.Term.End && a.Term.Start <= o.Term.End
		}
	}
	booked := a.Units
	for name := range flows {
		o := flows[name]
		for _, g := range o.held {
			if g.Type != a.Type {
				continue
			}
			active[o] = true
			if o == f && g.Term.Start <= a.Term.End && a.Term.Start <= g.Term.End {
				booked += g.Units
			}
		}
	}
	for o := range active {
		weights += o.weight
	}
	return !contended || int64(booked)*weights <= int64(total)*f.weight
}

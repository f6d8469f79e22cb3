package policytest

import (
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
	"pgregory.net/rapid"
)

// source is a source of a random world before anything is taken from it.
type source struct {
	typ      actors.ResourceType
	site     string
	capacity int
	hosts    []calendar.Vector
	taken    []calendar.Hold
}

func (s source) calendar() *calendar.Calendar {
	c := calendar.New(s.capacity, actors.NewTerm(1, 300), s.hosts...)
	for _, h := range s.taken {
		_ = c.Take("taken", h) // what does not fit was not taken
	}
	return c
}

var (
	kinds  = rapid.SampledFrom([]actors.ResourceType{"node", "disk"})
	when   = rapid.IntRange(1, 200)
	vector = rapid.Custom(func(t *rapid.T) calendar.Vector {
		return calendar.Vector{rapid.IntRange(0, 8).Draw(t, "cpu"), rapid.IntRange(0, 8).Draw(t, "memory")}
	})
	someSources = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) source {
		s := source{typ: kinds.Draw(t, "type"), site: rapid.SampledFrom([]string{"east", "west"}).Draw(t, "site"),
			capacity: rapid.IntRange(1, 8).Draw(t, "capacity")}
		if rapid.Bool().Draw(t, "hosts") {
			s.hosts = rapid.SliceOfN(vector, 1, 3).Draw(t, "sizes")
		}
		for range rapid.IntRange(0, 4).Draw(t, "taken") {
			h := calendar.Hold{From: actors.Millis(when.Draw(t, "from")), Units: rapid.IntRange(1, 3).Draw(t, "units")}
			h.To = h.From + actors.Millis(rapid.IntRange(0, 60).Draw(t, "for"))
			if s.hosts != nil && rapid.Bool().Draw(t, "on a host") {
				h.Host, h.Size = rapid.IntRange(1, len(s.hosts)).Draw(t, "host"), vector.Draw(t, "size")
			}
			s.taken = append(s.taken, h)
		}
		return s
	}), 0, 3)
	oneAsk = rapid.Custom(func(t *rapid.T) policy.Ask {
		start := when.Draw(t, "start")
		a := policy.Ask{Client: actors.ActorID(rapid.SampledFrom([]string{"sm1", "sm2"}).Draw(t, "client")),
			Slice: actors.SliceID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "slice")),
			Type:  kinds.Draw(t, "type"), Units: rapid.IntRange(1, 9).Draw(t, "units"),
			Term:       actors.NewTerm(actors.Millis(start), actors.Millis(start+rapid.IntRange(1, 80).Draw(t, "length"))),
			Properties: actors.Properties{}, Since: actors.Cycle(rapid.IntRange(0, 10).Draw(t, "since"))}
		rare := func(name string) bool { return rapid.IntRange(0, 3).Draw(t, name) == 0 }
		number := func(name string, most int) {
			a.Properties[name] = fmt.Sprint(rapid.IntRange(0, most).Draw(t, name))
		}
		for _, name := range []string{"elastic", "deferrable"} {
			if rapid.Bool().Draw(t, name) {
				a.Properties[name] = "true"
			}
		}
		for _, n := range []struct {
			name string
			most int
		}{{"units.min", 9}, {"deadline", 300}, {"queueThreshold", 5}, {"priority", 3}, {"cpu", 4}, {"memory.min", 4}, {"memory.max", 8}} {
			if rare(n.name) {
				number(n.name, n.most)
			}
		}
		if rare("class") {
			a.Properties["requestType"] = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "requestType")
		}
		if rare("group") {
			a.Properties["groupID"] = rapid.SampledFrom([]string{"g", "h"}).Draw(t, "groupID")
			if rapid.Bool().Draw(t, "leader") {
				number("leaseCount", 3)
			}
		}
		if !rare("undecided") {
			a.Approval = policy.Approval{Given: true, Granted: !rare("denied")}
		}
		if rare("remembers") {
			a.Memory = policy.Memory{int64(rapid.IntRange(0, 1000).Draw(t, "memory 0")), int64(rapid.IntRange(-1, 1000).Draw(t, "memory 1"))}
		}
		return a
	})
)

// prolong turns an ask into an extension of something that its source can have
// granted, and notes what that holds.
func prolong(t *rapid.T, id actors.ReservationID, a policy.Ask, sources []source) (policy.Ask, []calendar.Hold) {
	i := rapid.IntRange(0, len(sources)-1).Draw(t, "prolongs from")
	s := sources[i]
	old := policy.Decision{Units: rapid.IntRange(1, 4).Draw(t, "held"), Term: a.Term}
	if s.hosts != nil && rapid.Bool().Draw(t, "held on a host") {
		old.Slivers = []policy.Sliver{{Host: rapid.IntRange(1, len(s.hosts)).Draw(t, "host"), Units: old.Units}}
		old.Size, _ = a.Sliver()
	}
	holds, err := policy.Ask{}.Holds(old)
	c := s.calendar()
	if err == nil {
		for _, h := range holds {
			err = c.Take(id, h)
		}
	}
	if least, _ := a.Sliver(); err != nil || old.Slivers == nil && least != (calendar.Vector{}) {
		return a, nil // it did not fit, or not in the same way: then it is a new ask
	}
	a.Held = &policy.Held{Source: actors.TicketID(fmt.Sprintf("T%d", i)), Units: old.Units, Term: old.Term, Slivers: old.Slivers, Size: old.Size}
	a.Type = s.typ
	end := old.Term.End + actors.Millis(rapid.IntRange(1, 50).Draw(t, "longer"))
	a.Term = old.Term.Extended(end)
	if rapid.IntRange(0, 3).Draw(t, "early") == 0 {
		a.Term.NewStart = old.Term.Start + 1
	}
	return a, holds
}

// world draws a round and returns a function that makes it afresh each time.
func world(t *rapid.T) func() policy.Round {
	sources := someSources.Draw(t, "sources")
	asks := rapid.SliceOfN(oneAsk, 0, 8).Draw(t, "asks")
	held := map[actors.ReservationID][]calendar.Hold{}
	for i := range asks {
		id := actors.ReservationID(fmt.Sprintf("R%d", i))
		asks[i].Reservation = id
		if len(sources) > 0 && rapid.IntRange(0, 4).Draw(t, "prolongs") == 0 {
			asks[i], held[id] = prolong(t, id, asks[i], sources)
		}
	}
	limits := map[actors.ActorID]int{} // quotas of some clients
	for _, c := range []actors.ActorID{"sm1", "sm2"} {
		if rapid.IntRange(0, 2).Draw(t, "limited") == 0 {
			limits[c] = rapid.IntRange(0, 8).Draw(t, "limit")
		}
	}
	grants := []policy.Grant{}
	for i := range rapid.IntRange(0, 3).Draw(t, "grants") {
		grants = append(grants, policy.Grant{Reservation: actors.ReservationID(fmt.Sprintf("G%d", i)), Client: "sm1",
			Slice: actors.SliceID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "slice")), Source: "T0", Type: "node", Units: 1,
			Term: actors.NewTerm(1, 50), Memory: policy.Memory{0, int64(rapid.IntRange(0, 100_000).Draw(t, "finish"))}})
	}
	slices.SortStableFunc(asks, func(x, y policy.Ask) int { // extensions first
		switch {
		case (x.Held == nil) == (y.Held == nil):
			return 0
		case x.Held != nil:
			return -1
		}
		return 1
	})
	return func() policy.Round {
		r := policy.Round{Now: 10, Cycles: actors.Cycles{Begin: 1, Length: 1}, Grants: slices.Values(grants)}
		for i, s := range sources {
			r.Sources = append(r.Sources, policy.Source{ID: actors.TicketID(fmt.Sprintf("T%d", i)), Type: s.typ,
				Site: actors.Location{ID: actors.ActorID(s.site), Name: s.site}, Calendar: s.calendar()})
		}
		quota := map[actors.ActorID]int{}
		for _, c := range []actors.ActorID{"sm1", "sm2"} {
			if n, ok := limits[c]; ok {
				quota[c] = len(r.Quotas)
				q := policy.Quota{Name: "client " + string(c), Units: n, Calendar: policy.NewQuota()}
				_ = q.Calendar.Take("taken", calendar.Hold{From: 50, To: 99, Units: 2}) // perhaps more than it allows
				r.Quotas = append(r.Quotas, q)
			}
		}
		for _, a := range asks {
			if i, ok := quota[a.Client]; ok {
				a.Quotas = []int{i}
			}
			real := true
			for _, s := range r.Sources {
				for _, h := range held[a.Reservation] {
					if real && s.ID == a.Held.Source && s.Calendar.Take(a.Reservation, h) != nil {
						real = false // two of them hold the same: only the first is there
					}
				}
			}
			if !real {
				continue
			}
			for _, h := range held[a.Reservation] {
				for _, i := range a.Quotas {
					_ = r.Quotas[i].Calendar.Take(a.Reservation, calendar.Hold{From: h.From, To: h.To, Units: h.Units})
				}
			}
			r.Asks = append(r.Asks, a)
		}
		return r
	}
}

package broker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/leasehold/leasehold/actors"
)

// answer is what a broker says to a query: its pools, one for each resource type,
// with the units that are free now (wire contract 7.2), or the older list of types
// (7.4).
func (a *Actor) answer(now actors.Cycle, q actors.Message) actors.Message {
	found := actors.Properties{}
	switch {
	case q.Properties[actors.QueryAction] == "discover.pools":
		a.pools(now, found)
	case q.Properties["query.discovertypes"] != "":
		types := a.types()
		found["type.count"] = strconv.Itoa(len(types))
		for i, t := range types {
			found[fmt.Sprintf("type.name.%d", i)] = string(t)
			found[fmt.Sprintf("type.units.%d", i)] = strconv.Itoa(a.freeNow(now, t))
		}
	}
	return actors.Answer(q, a.config.Self, found)
}

// pools describes what there is. A reader refuses two pools of one type, so sources
// of a type are one pool; what the site said about it comes first, and what a reader
// cannot do without is always there.
func (a *Actor) pools(now actors.Cycle, found actors.Properties) {
	types := a.types()
	found[actors.QueryResponse] = "discover.pools"
	found["pools.count"] = strconv.Itoa(len(types))
	for i, t := range types {
		pool := fmt.Sprintf("pool.%d.", i)
		props := a.described(t)
		n, _ := strconv.Atoi(props["attributescount"])
		for _, k := range props.Keys() {
			found[pool+k] = props[k]
		}
		const free = "resource.units.now"
		found[fmt.Sprintf("%sattribute.%d.key", pool, n)] = free
		found[pool+free+".type"] = "1" // an integer
		found[pool+free+".label"] = "Units free now"
		found[pool+free+".value"] = strconv.Itoa(a.freeNow(now, t))
		found[pool+"attributescount"] = strconv.Itoa(n + 1)
	}
}

// types lists the resource types in stock, in order.
func (a *Actor) types() []actors.ResourceType {
	seen := map[actors.ResourceType]bool{}
	for _, s := range a.sources {
		if !s.shut {
			seen[s.ticket.Type] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// described is what the first source of a type says about it, as readers of pools
// want it.
func (a *Actor) described(t actors.ResourceType) actors.Properties {
	for _, id := range slices.Sorted(maps.Keys(a.sources)) {
		if s := a.sources[id]; s.ticket.Type == t {
			return actors.Descriptor(t, s.ticket.Described.Merged(s.ticket.Properties))
		}
	}
	return nil
}

// freeNow is how many units of a type could be granted for this very cycle.
func (a *Actor) freeNow(now actors.Cycle, t actors.ResourceType) int {
	n := 0
	for _, s := range a.sources {
		if s.ticket.Type == t && !s.shut {
			n += s.calendar.Free(a.config.Cycles.Start(now), a.config.Cycles.End(now))
		}
	}
	return n
}

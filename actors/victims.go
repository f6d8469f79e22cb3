package actors

import (
	"slices"
	"strings"
)

// PropVictims is the configuration property in which an extendLease names the units
// to take away, with blanks between them (leasing 3.4).
const PropVictims = "config.victims"

// Victims reads the units that p names; names given twice count once.
func Victims(p Properties) []UnitID {
	var out []UnitID
	for _, id := range strings.Fields(p[PropVictims]) {
		if u := UnitID(id); !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// VictimList is what Victims reads.
func VictimList(ids []UnitID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, " ")
}

// Surplus chooses the units to give up so that no more than keep of them stay: those
// named first, in the order in which they are named, then the last ones.
func Surplus(units []UnitID, keep int, named []UnitID) []UnitID {
	n := len(units) - max(keep, 0)
	if n <= 0 {
		return nil
	}
	here := make(map[UnitID]bool, len(units)) // and not chosen yet
	for _, id := range units {
		here[id] = true
	}
	out := make([]UnitID, 0, n)
	choose := func(id UnitID) {
		if here[id] && len(out) < n {
			delete(here, id)
			out = append(out, id)
		}
	}
	for _, id := range named {
		choose(id)
	}
	for i := len(units) - 1; i >= 0 && len(out) < n; i-- {
		choose(units[i])
	}
	return out
}

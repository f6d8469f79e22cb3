package plist

import (
	"fmt"
	"strconv"

	"github.com/leasehold/leasehold/wire"
)

// UnitSet is the concrete set of updateLease: all units of the lease, each time,
// because one that is left out counts as released (wire contract 4.4). Without
// units it says that the lease has ended.
type UnitSet []Unit

// Nodes are the nodes of the set; never empty, also for a set without units.
func (s UnitSet) Nodes() ([]wire.Property, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	nodes := make([]wire.Property, 0, len(s)+2)
	nodes = append(nodes,
		wire.Property{Name: ClassKey, Value: UnitSetClass},
		wire.Property{Name: unitsKey, Value: strconv.Itoa(len(s))})
	for i, u := range s {
		text, err := u.Text()
		if err != nil {
			return nil, within(unitKey(i), err)
		}
		nodes = append(nodes, wire.Property{Name: unitKey(i), Value: text})
	}
	return nodes, nil
}

// ParseUnitSet reads the nodes of a set. A count left out is 0; a unit that the
// count promises and that is not there is an error, and so are two units with
// one id. Other names are ignored. The set is never nil.
func ParseUnitSet(nodes []wire.Property) (UnitSet, error) {
	m, err := open(nodes, UnitSetClass)
	if err != nil {
		return nil, err
	}
	var count int64
	if _, ok := m[unitsKey]; ok {
		if count, err = number(m, unitsKey, 32); err != nil {
			return nil, err
		}
	}
	if count < 0 || count > int64(len(nodes)) {
		return nil, &wire.Error{Path: unitsKey, What: fmt.Sprintf("%d units in a set of %d nodes", count, len(nodes))}
	}
	s := make(UnitSet, count)
	for i := range s {
		text, ok := m[unitKey(i)]
		if !ok {
			return nil, &wire.Error{Path: unitKey(i), What: "missing"}
		}
		if s[i], err = ParseUnit(text); err != nil {
			return nil, within(unitKey(i), err)
		}
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// check looks at what no single unit can tell.
func (s UnitSet) check() error {
	if most := wire.MaxNodes - 2; len(s) > most {
		return &wire.Error{Path: "concrete", What: fmt.Sprintf("more than the limit of %d units", most)}
	}
	seen := make(map[string]bool, len(s))
	for i, u := range s {
		if seen[u.ID] {
			return &wire.Error{Path: unitKey(i), What: fmt.Sprintf("second unit with id %q", wire.Clip(u.ID))}
		}
		seen[u.ID] = true
	}
	return nil
}

func unitKey(i int) string { return "unit." + strconv.Itoa(i) }

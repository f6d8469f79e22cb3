/*
Package firstfit gives a lease the first free hosts in order of their names.

It favours nobody and keeps the busy hosts together at the front of the
inventory, which leaves whole racks free when names follow racks.
*/
package firstfit

import "github.com/leasehold/leasehold/actors/policy"

// Policy is first fit. It needs no settings.
type Policy struct{}

// Assign takes free hosts in order until there are enough (policy.Authority).
func (Policy) Assign(n policy.Need) []string {
	if n.Units <= 0 {
		return nil
	}
	names := make([]string, 0, min(n.Units, 1024))
	for h := range n.Free {
		names = append(names, h.Name)
		if len(names) == n.Units {
			break
		}
	}
	return names
}

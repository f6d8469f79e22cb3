/*
Package match gives a lease hosts that have what it asks for.

The properties of a lease, its ticket's and its request's configuration, say what
that is:

	host.require.NAME   a host must have the property NAME with this value
	host.prefer.NAME    one that has it goes before one that has not
	cpu, memory,        a host must have at least this much of it, by its property
	bandwidth, storage  of the same name; <dimension>.min means the same

Among hosts that will do, those with more of the preferred properties go first,
then the smallest, so that the large ones stay free for those who need them, then
those whose names come first. It looks at every free host; firstfit does not.
*/
package match

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
	"github.com/leasehold/leasehold/actors/policy"
)

// Policy is assignment by attributes and sizes. It needs no settings.
type Policy struct{}

// candidate is a host that will do.
type candidate struct {
	name  string
	likes int // how many preferences it meets
	size  calendar.Vector
}

// Assign names the hosts that suit best (policy.Authority).
func (Policy) Assign(n policy.Need) []string {
	if n.Units <= 0 {
		return nil
	}
	least, _ := policy.SizeOf(n.Properties)
	wants := n.Properties.Keys()
	var fit []candidate
	for h := range n.Free {
		c := candidate{name: h.Name}
		c.size, _ = policy.SizeOf(h.Properties)
		if likes, ok := suits(n.Properties, wants, h); ok && least.Fits(c.size) {
			c.likes = likes
			fit = append(fit, c)
		}
	}
	slices.SortFunc(fit, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.likes, x.likes), x.size.Compare(y.size), cmp.Compare(x.name, y.name))
	})
	names := make([]string, 0, min(len(fit), n.Units))
	for _, c := range fit[:min(len(fit), n.Units)] {
		names = append(names, c.name)
	}
	return names
}

// suits reports whether a host has all that is required, and how many of the
// preferred properties.
func suits(p actors.Properties, keys []string, h actors.Host) (likes int, ok bool) {
	for _, k := range keys {
		if name, found := strings.CutPrefix(k, "host.require."); found && h.Properties[name] != p[k] {
			return 0, false
		}
		if name, found := strings.CutPrefix(k, "host.prefer."); found && h.Properties[name] == p[k] {
			likes++
		}
	}
	return likes, true
}

package authority

import (
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// addHosts takes hosts into the inventory, or replaces what is known about them.
func (a *Actor) addHosts(now actors.Cycle, hosts []actors.Host) (actors.Effects, error) {
	for _, h := range hosts {
		if h.Name == "" || h.Type == "" {
			return actors.Effects{}, a.refuse("addHosts", "", actors.Invalid, "a host needs a name and a type")
		}
	}
	var fx actors.Effects
	for _, h := range hosts {
		added := host{Host: h}
		if old, ok := a.hosts.hosts[h.Name]; ok {
			added.Quarantined, added.Trouble = old.Quarantined, old.Trouble
			if !old.Leaving && old.Host.Type == h.Type && old.Held == h.Held && maps.Equal(old.Properties, h.Properties) {
				continue
			}
		}
		a.hosts.add(added)
		fx.Save = append(fx.Save, actors.Record{Key: hostKey(h.Name), Value: added})
	}
	a.feed(now)
	return fx, nil
}

// stock makes the inventory what it is said to be. A host that is gone from it goes
// at once if nobody has a unit on it; else it is leased to nobody any more, and goes
// with the unit.
func (a *Actor) stock(now actors.Cycle, hosts []actors.Host) (actors.Effects, error) {
	fx, err := a.addHosts(now, hosts)
	if err != nil {
		return fx, err
	}
	stays := map[string]bool{}
	for _, h := range hosts {
		stays[h.Name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(a.hosts.hosts)) {
		if stays[name] {
			continue
		}
		h := a.hosts.hosts[name]
		news := !h.Leaving
		h.Leaving = true
		a.hosts.mark(h)
		if gone, ok := a.hosts.leave(name); ok {
			fx.Save = append(fx.Save, gone)
		} else if news {
			fx.Save = append(fx.Save, actors.Record{Key: hostKey(name), Value: *h})
		}
	}
	return fx, nil
}

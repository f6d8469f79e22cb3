package authority

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// withdraw takes a host out of service. Whoever has a unit on it loses it: the unit is
// torn down as far as that goes, and its client hears in an update it did not ask for
// (leasing 1.3.2 S27). Saying it twice changes nothing.
func (a *Actor) withdraw(now actors.Cycle, ev actors.Withdraw) (actors.Effects, error) {
	h, ok := a.hosts.hosts[ev.Host]
	if !ok {
		return actors.Effects{}, a.refuse("withdraw", "", actors.NotFound, fmt.Sprintf("there is no host %q", ev.Host))
	}
	var fx actors.Effects
	if !h.Quarantined {
		h.Quarantined = true
		a.hosts.mark(h)
		fx.Save = []actors.Record{{Key: hostKey(ev.Host), Value: *h}}
	}
	if r, held := a.book[h.holder]; held {
		fx.Join(a.must(now, r, func(s *step) { s.lose(ev.Host, cmp.Or(ev.Note, "withdrawn by the operator")) }))
	}
	return fx, nil
}

// reinstate puts a host back into service; it is free unless a unit is on it.
func (a *Actor) reinstate(now actors.Cycle, ev actors.Reinstate) (actors.Effects, error) {
	h, ok := a.hosts.hosts[ev.Host]
	if !ok {
		return actors.Effects{}, a.refuse("reinstate", "", actors.NotFound, fmt.Sprintf("there is no host %q", ev.Host))
	}
	if !h.Quarantined {
		return actors.Effects{}, nil
	}
	h.Quarantined = false
	a.hosts.mark(h)
	a.feed(now)
	return actors.Effects{Save: []actors.Record{{Key: hostKey(ev.Host), Value: *h}}}, nil
}

// Places lists the hosts by name (actors.Stead).
func (a *Actor) Places() []actors.Place {
	out := make([]actors.Place, 0, len(a.hosts.hosts))
	for _, name := range slices.Sorted(maps.Keys(a.hosts.hosts)) {
		h := a.hosts.hosts[name]
		p := actors.Place{Host: name, Type: h.Type, Out: h.Quarantined, Held: h.Held, Leaving: h.Leaving, Failures: h.Trouble.Failures}
		for u := range a.book[h.holder].Units.All() {
			if u.Host == name {
				p.Reservation, p.Unit = h.holder, u.ID
			}
		}
		out = append(out, p)
	}
	return out
}

// lose takes away the unit on a host. The client of a lease that is in service is told
// at once; one that waits for an answer hears of it there. A lease without units is
// over.
func (s *step) lose(host, why string) {
	lost := false
	s.Units.Change(func(u *actors.Unit) bool { return u.Host == host && stays(u) }, func(u *actors.Unit) {
		teardown(u)
		lost = true
	})
	if !lost {
		return
	}
	s.changed = true
	s.Error = fmt.Sprintf("host %s was lost: %s", host, why)
	switch {
	case len(s.inUse()) == 0 && (s.Status == active || s.Status == extending):
		s.close("its last unit was lost")
	case s.Status == active:
		s.answer = true
	}
}

package sim

import (
	"encoding/json"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/authority"
	"github.com/leasehold/leasehold/actors/manager"
	"github.com/leasehold/leasehold/actors/policy"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
)

// judgeUnits checks the units of one lease as its site saved them: against the
// other leases, the directory and the hardware.
func (s *site) judgeUnits(v authority.Reservation) {
	w := s.p.w
	before := s.leases[v.ID]
	now := map[actors.UnitID]actors.Unit{}
	for u := range v.Units.All() {
		now[u.ID] = *u
	}
	s.leases[v.ID] = now
	for _, id := range sortedKeys(before) {
		if _, still := now[id]; !still {
			s.judgeGone(before[id], v.Slice.ID)
		}
	}
	inUse := 0
	for at := range v.Units.All() {
		u := *at
		if u.State == actors.UnitPriming || u.State == actors.UnitActive || u.State == actors.UnitModifying {
			inUse++
		}
		if other, taken := s.onHost[u.Host]; taken && other != u.ID {
			w.fail(saysOneUnit, "%s: %s has %s and %s", s.p.Name, u.Host, short(other), short(u.ID))
		}
		if was, known := before[u.ID]; u.State == actors.UnitActive && (!known || was.State == actors.UnitPriming) {
			s.checkUp(u)
		}
		s.onHost[u.Host] = u.ID
		s.units[u.ID] = u
		s.checkUnit(u.ID)
	}
	// An extension that waits for its start still has the units of the ticket before.
	if inUse > v.Ticket.Units && v.Status.Pending != actors.ExtendingLease {
		w.fail(saysTicketed, "%s: %s has %d units in use, its ticket gives it %d", s.p.Name, v.ID, inUse, v.Ticket.Units)
	}
}

// judgeGone checks a unit that its site has dropped: nothing of it is left, or its
// host is in quarantine.
func (s *site) judgeGone(u actors.Unit, of actors.SliceID) {
	delete(s.units, u.ID)
	delete(s.onHost, u.Host)
	if s.quarantined(u.Host) {
		s.lame[u.ID] = of
		return
	}
	if n, ok := s.book.nodes[u.ID]; ok {
		s.p.w.fail(saysKnown, "%s dropped %s, but %s stands", s.p.Name, short(u.ID), n.dn)
	}
	if h := s.rack.hosts[u.Host]; h != nil && h.unit == u.ID {
		s.p.w.fail(saysBare, "%s dropped %s, which is still on %s", s.p.Name, short(u.ID), u.Host)
	}
}

// checkUp wants a unit that was just set up to be in service in the directory.
func (s *site) checkUp(u actors.Unit) {
	if n := s.book.nodes[u.ID]; n.state != "up" && !s.book.gone[u.ID] {
		s.p.w.fail(saysUp, "%s: %s on %s was set up, but has %s", s.p.Name, short(u.ID), u.Host, s.book.nodeText(u.ID))
	}
}

// judgeJoin wants a unit that joins a guest to have been set up by its site.
func (w *world) judgeJoin(p *process, a actors.Action) {
	for _, s := range w.sites {
		if s.served[a.Unit.ID] {
			return
		}
	}
	w.fail(saysJoined, "%s joins %s of %s", p.Name, short(a.Unit.ID), a.Reservation)
}

// judgeTaken wants a unit that is torn down not to be in use by its guest, unless
// the term is over, or was by the site's clock when it ended the lease, the site's
// operator closed it, or an extension was granted fewer units than before. A clock that
// is set back later takes back nothing of what was decided by it.
func (s *site) judgeTaken(d cod.Drive) {
	w := s.p.w
	rec := s.p.disk["reservation/"+d.Params[handlers.ParamReservation]]
	lease, ok := rec.value.(authority.Reservation)
	at := max(s.p.cycle(), s.ended[lease.ID])
	if !ok || !s.served[d.Unit.ID] || w.cycles().End(at) > lease.Term.End || w.closed[string(s.p.ID)+" "+string(lease.ID)] ||
		lease.Status.Pending != actors.Closing {
		return
	}
	client := w.byID[lease.Client]
	if client == nil {
		return
	}
	r, _ := client.disk["reservation/"+string(lease.ID)].value.(manager.Reservation)
	for u := range r.Held.All() {
		if u.ID == d.Unit.ID && u.State == actors.UnitActive {
			w.fail(saysTaken, "%s takes %s of %s, which %s uses in %v", s.p.Name, short(u.ID), lease.ID, client.Name, r.Status)
		}
	}
}

// checkUnit wants a unit that is in use to have its entry, in whatever state: a
// driver that is asked about it once more after a restart may make it suspect, and
// it is in use all the same.
func (s *site) checkUnit(id actors.UnitID) {
	u, ok := s.units[id]
	if !ok || u.State != actors.UnitActive && u.State != actors.UnitModifying || s.book.gone[id] {
		return
	}
	if _, ok := s.book.nodes[id]; !ok {
		s.p.w.fail(saysUp, "%s: %s on %s is %v, but has no entry", s.p.Name, short(id), u.Host, u.State)
	}
}

// checkKnown wants an entry to belong to a unit on the site's disk.
func (s *site) checkKnown(id actors.UnitID) {
	if _, ok := s.units[id]; !ok && s.lame[id] == "" {
		s.p.w.fail(saysKnown, "%s: %s was written for %s", s.p.Name, s.book.nodes[id].dn, short(id))
	}
}

// quarantined reports whether the site has put a host aside.
func (s *site) quarantined(host string) bool {
	var h struct {
		Quarantined bool `json:"quarantined"`
	}
	rec, ok := s.p.disk["host/"+host]
	if !ok {
		return false
	}
	if err := json.Unmarshal(rec.data, &h); err != nil {
		s.p.w.fail(saysReadable, "%s: host %s: %v", s.p.Name, host, err)
	}
	return h.Quarantined
}

// watcher is a site's policy as the judges see it: what the site believes to be
// free must be bare. In a liar's world it also names hosts it must not.
type watcher struct {
	policy.Authority
	s *site
}

// Assign checks the free hosts and asks the policy (policy.Authority).
func (w watcher) Assign(n policy.Need) []string {
	var free []actors.Host
	for h := range n.Free {
		free = append(free, h)
		iron := w.s.rack.hosts[h.Name]
		if iron == nil || iron.unit != "" {
			w.s.p.w.fail(saysBare, "%s believes %s to be free, which has %s", w.s.p.Name, h.Name, short(iron.unit))
		}
	}
	n.Free = func(yield func(actors.Host) bool) {
		for _, h := range free {
			if !yield(h) {
				return
			}
		}
	}
	return w.lie(w.Authority.Assign(n))
}

// lie adds names that the machine must not use.
func (w watcher) lie(names []string) []string {
	if !w.s.p.w.cfg.Liar {
		return names
	}
	out := []string{"nowhere"}
	for _, name := range names {
		out = append(out, name, name)
	}
	return append(out, sortedKeys(w.s.rack.hosts)...)
}

// takenHost is a host that another unit is on, for a mutant.
func (w *world) takenHost(s *site, instead string) string {
	for _, name := range sortedKeys(s.rack.hosts) {
		if h := s.rack.hosts[name]; h.unit != "" && name != instead {
			return name
		}
	}
	return instead
}

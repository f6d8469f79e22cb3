package sim

import (
	"context"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// judgeRest checks a world in which everything should be over.
func (w *world) judgeRest() {
	for _, p := range w.procs {
		if !p.up {
			w.fail(saysQuiet, "%s is still down", p.Name)
			return
		}
		w.judgeOver(p)
		for _, id := range sortedKeys(p.lanes) {
			if l := p.lanes[id]; len(l.waiting) > 0 {
				w.fail(saysQuiet, "%s still sends %s to %s", p.Name, about(l.waiting[0].msg), l.to.Name)
			}
		}
		if len(p.mail) > 0 {
			w.fail(saysQuiet, "%s has not looked at %s", p.Name, describe(p.mail[0].event))
		}
	}
	for _, s := range w.sites {
		w.judgeHosts(s)
		w.judgeDirectory(s)
	}
}

// judgeOver checks that the reservations of an actor are over.
func (w *world) judgeOver(p *process) {
	for _, v := range p.machine.Views() {
		over := v.State == actors.Closed.String() || v.State == actors.Failed.String() && p.role != actors.RoleAuthority
		switch {
		case !over || len(v.Held) > 0:
			w.fail(saysOver, "%s: %s is %s,%s,%s with %d units, waiting for %q, next %q at cycle %d, now %d",
				p.Name, v.Reservation, v.State, v.Pending, v.Join, len(v.Held), v.Waiting, v.Next, v.NextAt, p.cycle())
		case v.Pending != actors.None.String():
			w.fail(saysQuiet, "%s: %s is %s,%s", p.Name, v.Reservation, v.State, v.Pending)
		}
	}
}

// judgeHosts checks that a site's hosts are bare, or in quarantine.
func (w *world) judgeHosts(s *site) {
	for _, name := range sortedKeys(s.rack.hosts) {
		if h := s.rack.hosts[name]; h.unit != "" && !s.quarantined(name) {
			w.fail(saysFree, "%s: %s is on %s", s.p.Name, short(h.unit), name)
		}
	}
	if n := len(s.rack.calls) + len(s.writing) + len(s.waiting); n > 0 {
		w.fail(saysQuiet, "%s: %d calls, writes or actions are under way", s.p.Name, n)
	}
}

// judgeDirectory checks that nothing but the base, strangers' entries and what
// belongs to hosts in quarantine is left, and that strangers' entries are whole.
func (w *world) judgeDirectory(s *site) {
	entries, err := s.dir.List(context.Background(), s.cfg.Base)
	if err != nil {
		w.fail(saysLoadable, "%s: %v", s.p.Name, err)
		return
	}
	found := map[ldapschema.DN]string{}
	// Slices with a host in quarantine: what they have stays for it, even if the entry of
	// its node never came to be written.
	lame := map[string]bool{}
	for _, slice := range s.lame {
		lame[string(slice)] = true
	}
	vacant := ldapschema.DN("no entry")
	for _, e := range entries {
		key := s.book.normal(e.DN)
		found[key] = e.LDIF()
		if e.Get("codState") == "vacant" { // kept with all below it, should its slice come back
			vacant = e.DN
		}
		if e.Get("codOwner") != s.cfg.Owner {
			continue
		}
		slice := e.Get("codSlice")
		if !lame[slice] && !s.book.robbed[slice] && !e.DN.Under(vacant) && !s.book.inhabited(key) {
			w.fail(saysClean, "%s: %s is left", s.p.Name, e.DN)
		}
	}
	for _, dn := range sortedKeys(s.book.foreign) {
		if found[dn] != s.book.foreign[dn] {
			w.fail(saysKept, "%s: %s was\n%sand is\n%s", s.p.Name, dn, s.book.foreign[dn], found[dn])
		}
	}
}

// last is a lease that asks for all that is left of a site.
type last struct {
	s    *site
	id   actors.ReservationID
	want int
}

// lastLeases asks for everything: if any host, unit of the broker's stock or
// address was lost on the way, somebody will have too few.
func (w *world) lastLeases() []last {
	if !w.cfg.Last {
		return nil
	}
	var out []last
	c := w.cycles()
	first := c.Of(w.now) + 5
	term := actors.NewTerm(c.Start(first), c.End(first+40))
	for i, s := range w.sites {
		fit := 0
		for _, name := range sortedKeys(s.rack.hosts) {
			if !s.quarantined(name) {
				fit++
			}
		}
		for j, units := range w.cfg.Exports {
			l := last{s, actors.ReservationID(fmt.Sprintf("Last%d-%d", i+1, j+1)), min(fit, units)}
			if l.want == 0 {
				continue
			}
			fit -= l.want
			out = append(out, l)
			w.ask(w.procs[(i+j)%w.cfg.Managers], actors.Request{
				Reservation: l.id, Slice: actors.Slice{ID: actors.SliceID(l.id), Name: "last"},
				Broker: w.brokers[j%w.cfg.Direct].ID, Type: s.kind(), Units: l.want, Term: term,
			}, nil)
		}
	}
	w.latest = term.End
	return out
}

// judgeLastLeases checks, near the end of their term, that they got everything.
func (w *world) judgeLastLeases(lasts []last) {
	for _, l := range lasts {
		v, ok := l.s.p.machine.View(l.id)
		up := 0
		for _, u := range v.Held {
			if u.State == actors.UnitActive {
				up++
			}
		}
		if !ok || v.State != actors.Active.String() || up != l.want {
			w.fail(saysLastOne, "%s: %s wants %d units and is %s,%s with %d, waiting for %q: %s", l.s.p.Name, l.id, l.want,
				v.State, v.Pending, up, v.Waiting, v.Error)
		}
	}
}

// judgeOblivion checks that no disk holds a reservation any more.
func (w *world) judgeOblivion() {
	for _, p := range w.procs {
		for _, k := range p.disk.keys() {
			if strings.HasPrefix(k, "reservation/") {
				w.fail(saysOblivion, "%s still has %s", p.Name, k)
			}
		}
	}
}

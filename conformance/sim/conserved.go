package sim

import (
	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/calendar"
)

// judgeConserved compares what a machine believes to be free with what its disk says, once
// the two agree: of every delegation what is held and what is free are together what was
// delegated, at every instant that is still to come; and a host is free, or has the one unit
// that a lease has on it.
func (w *world) judgeConserved(p *process) {
	switch p.role {
	case actors.RoleBroker:
		w.judgeStock(p)
	case actors.RoleAuthority:
		w.judgePlaces(p)
	}
}

func (w *world) judgeStock(p *process) {
	// What was forgotten counts no more, even if an operator sets the clock back behind it.
	from := max(p.present(), w.cycles().Start(p.highest))
	for _, t := range p.machine.(calendar.Keeper).Tables(from, actors.Forever) {
		a := w.accounts[actors.TicketID(t.Name)]
		if t.Kind != calendar.Stock || a == nil || a.given {
			continue
		}
		for _, s := range t.Spans {
			taken, there := a.at(s.From)
			if free := t.Units - s.Used; free != there-taken {
				w.fail(saysConserved, "%s believes %d of %d units of %s to be free at %.3f, and has given %d of %d",
					p.Name, free, t.Units, a.delegation.Type, seconds(s.From), taken, there)
			}
		}
	}
}

func (w *world) judgePlaces(p *process) {
	s, m := w.siteOf[p.ID], p.machine.(actors.Stead)
	for _, at := range m.Places() {
		if unit := s.onHost[at.Host]; at.Unit != unit {
			w.fail(saysConserved, "%s believes %q to be on %s, and its leases have %q there", p.Name, short(at.Unit), at.Host, short(unit))
		}
	}
}

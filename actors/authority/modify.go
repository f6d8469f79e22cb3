package authority

import (
	"fmt"

	"github.com/leasehold/leasehold/actors"
)

// modify runs the newest subcommand of the client's configuration on every unit. It
// is always granted, and changes neither units nor term (leasing 1.6 A8, 3.5).
func (s *step) modify(m actors.Message) error {
	if s.Status != active {
		return s.refuse(m, actors.Stale, fmt.Sprintf("cannot modify in %v", s.Status))
	}
	if m.Ticket.Units != s.Ticket.Units || m.Term != s.Wanted {
		return s.refuse(m, actors.Invalid, fmt.Sprintf("a modify changes neither units nor term: the lease has %d over %+v, the request %d over %+v",
			s.Ticket.Units, s.Wanted, m.Ticket.Units, m.Term))
	}
	if m.Ticket.ID != s.Ticket.ID {
		return s.refuse(m, actors.Invalid, fmt.Sprintf("the lease rests on ticket %s, the request brings %s", s.Ticket.ID, m.Ticket.ID))
	}
	wanted := actors.NewestModify(m.Properties)
	if err := wanted.Validate(); err != nil {
		return s.refuse(m, actors.Invalid, err.Error())
	}
	s.Sequence, s.Config, s.Modify = m.Sequence, s.Config.MergedModify(m.Properties), wanted.Number
	s.Units.Change(func(u *actors.Unit) bool { return u.State == actors.UnitActive },
		func(u *actors.Unit) { u.State, u.Sequence = actors.UnitModifying, u.Sequence+1 })
	s.move(modifying, fmt.Sprintf("the client asked for %s, modify %d", wanted.Subcommand, wanted.Number))
	return nil
}

// modified takes the result of a modify. The unit stays in service whatever came of
// it; its properties say what did (leasing 5.4).
func (s *step) modified(u *actors.Unit, ev actors.ActionDone) {
	if ev.Code != 0 {
		s.Error = fmt.Sprintf("host %s: modify %d failed with code %d: %s", u.Host, s.Modify, ev.Code, ev.Note)
	}
	u.State = actors.UnitActive
	u.Properties = u.Properties.Merged(ev.Properties).ModifyResult(s.Modify, ev.Code, ev.Note)
}

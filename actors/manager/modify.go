package manager

import (
	"fmt"
	"maps"
	"strings"

	"github.com/leasehold/leasehold/actors"
)

// modify asks the site to run a subcommand on every unit (leasing 3.5). The number
// makes it safe to ask twice: the same modify again is no news.
func (s *step) modify(ev actors.Modify) error {
	refuse := func(kind actors.Kind, format string, args ...any) error {
		return &actors.Error{Op: "manager.modify", Reservation: s.ID, Kind: kind, Err: fmt.Errorf(format, args...)}
	}
	last := s.newestModify()
	wanted := actors.Modification{Number: ev.Number, Subcommand: ev.Subcommand, Arguments: ev.Arguments}
	if !strings.HasPrefix(wanted.Subcommand, "modify.") {
		wanted.Subcommand = "modify." + wanted.Subcommand
	}
	if wanted.Number == 0 {
		wanted.Number = last + 1
	}
	if err := wanted.Validate(); err != nil {
		return refuse(actors.Invalid, "%w", err)
	}
	switch have := actors.NewestModify(s.Config); {
	case wanted.Number == last && have.Subcommand == wanted.Subcommand && maps.Equal(have.Arguments, wanted.Arguments):
		return nil // asked twice
	case wanted.Number != last+1:
		return refuse(actors.Stale, "the next modify of this reservation is number %d, not %d", last+1, wanted.Number)
	case s.Status != active && s.Status != joining && s.Status != blockedJoin:
		return refuse(actors.Invalid, "a reservation in %v cannot be modified; it must be Active with nothing pending", s.Status)
	}
	s.Config = s.Config.Modified(wanted)
	s.ask(at(actors.Active, actors.ModifyingLease, s.Status.Join), fmt.Sprintf("asked for %s, modify %d", wanted.Subcommand, wanted.Number))
	return nil
}

func (r Reservation) newestModify() int { return actors.NewestModify(r.Config).Number }

// modified ends a modify that the site has answered. What became of it on each unit
// is in the unit's properties; the first that failed is shown.
func (s *step) modified() {
	n := s.newestModify()
	why := fmt.Sprintf("the site ran modify %d", n)
	for u := range s.Held.All() {
		if code, message, ok := u.Properties.ModifyOutcome(n); ok && code != 0 {
			s.Error = fmt.Sprintf("unit %s: modify %d failed with code %d: %s", u.ID, n, code, message)
			why = s.Error
			break
		}
	}
	join := s.Status.Join
	if s.Held.In(underWay...) {
		join = actors.Joining
	}
	s.move(at(actors.Active, actors.None, join), why)
}

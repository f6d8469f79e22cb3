package site

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// Serial numbers of zones, for name servers that read them from the directory, such as
// those that ldap2zone writes files for: one that sees no new number tells its
// secondaries nothing. Whoever changed a name, we or an operator, the zone's number is
// raised a moment later, once for all that changed meanwhile.

// serialPause is how long a changed zone's number waits for more to change.
const serialPause = time.Second

// zoneOf is the entry of the zone that a name's entry lies in; empty when dn is none. A
// zone's own entry is not its own name: who edits that has the number in front of him.
func zoneOf(dn ldapschema.DN) ldapschema.DN {
	up := dn.Parent()
	if attr, _ := up.RDN(); strings.EqualFold(attr, "zoneName") {
		return up
	}
	return ""
}

// renamed notes which zones have changed.
func (s *Site) renamed(events []cod.Event) {
	if !s.config.Serials {
		return
	}
	for _, ev := range events {
		dn := ldapschema.DN("")
		switch ev := ev.(type) {
		case cod.Seen:
			dn = ev.Entry.DN
		case cod.Lost:
			dn = ev.DN
		}
		if zone := zoneOf(dn); zone != "" {
			s.zones.put(zone)
		}
	}
}

// number raises the numbers of zones that have changed, until ctx ends.
func (s *Site) number(ctx context.Context) {
	timer := s.config.Clock.NewTimer(longest)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.zones.some:
		}
		timer.Reset(serialPause)
		select {
		case <-ctx.Done():
			return
		case <-timer.C():
		}
		all := s.zones.all()
		slices.Sort(all)
		for _, zone := range slices.Compact(all) {
			if !s.raise(ctx, zone) {
				s.zones.put(zone)
			}
		}
	}
}

// raise raises the number of one zone; false if it is to be tried again.
func (s *Site) raise(ctx context.Context, zone ldapschema.DN) bool {
	if !s.open.Load() {
		return false
	}
	var change ldapschema.Change
	err := s.within(ctx, func(ctx context.Context) error {
		e, err := s.config.Directory.Read(ctx, zone)
		if err != nil {
			return err
		}
		if change, err = ldapschema.NextSerial(e); err != nil {
			return err
		}
		return s.config.Directory.Apply(ctx, change)
	})
	switch outcomeOf(err) {
	case cod.Done:
		s.counts.wrote(change.Kind)
	case cod.Unavailable, cod.Conflict:
		return false
	case cod.Refused:
		s.config.Log.WithField("entry", string(zone)).WithError(err).WithField("code", directory.CodeOf(err)).Warn("the zone's serial number stays as it is")
	}
	return true
}

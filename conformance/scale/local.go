package scale

import (
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
)

// local carries messages by calling the receiver's host.
type local struct{ w *World }

func (l local) send(_ *player, m actors.Message) {
	l.w.deliver(l.w.byID[m.To], actors.Receive{Message: clone(m)})
}

func (l local) close() error { return nil }

// clone is a message that shares nothing with the one its sender keeps.
func clone(m actors.Message) actors.Message {
	m.Properties = maps.Clone(m.Properties)
	if m.Ticket != nil {
		t := *m.Ticket
		t.Properties, t.Described = maps.Clone(t.Properties), maps.Clone(t.Described)
		t.Ancestors = slices.Clone(t.Ancestors)
		for i := range t.Ancestors {
			t.Ancestors[i].Properties = maps.Clone(t.Ancestors[i].Properties)
		}
		m.Ticket = &t
	}
	if m.Lease != nil {
		units := slices.Clone(m.Lease.Units)
		for i := range units {
			units[i].Properties = maps.Clone(units[i].Properties)
		}
		m.Lease = &actors.Lease{Units: units}
	}
	return m
}

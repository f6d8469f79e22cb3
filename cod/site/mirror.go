package site

import (
	"hash/maphash"
	"maps"
	"slices"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/ldapschema"
)

// A mirror knows what the machine has been told of the directory: of each entry its
// name, and a sum of its contents. When the directory has been out of sight, only what
// differs is told again.
type mirror struct {
	seed  maphash.Seed
	known map[string]told // by entryUUID
	fresh map[string]bool // told since the present session began; nil once it is complete
}

type told struct {
	dn  ldapschema.DN
	sum uint64
}

func newMirror() *mirror { return &mirror{seed: maphash.MakeSeed(), known: map[string]told{}} }

// begin starts a session: everything will be told.
func (m *mirror) begin() { m.fresh = make(map[string]bool, len(m.known)) }

// take turns an event into what the machine has to hear of it.
func (m *mirror) take(ev directory.Event) []cod.Event {
	switch ev.Kind {
	case directory.Present:
		if m.fresh != nil {
			m.fresh[ev.ID] = true
		}
		old, ok := m.known[ev.ID]
		now := told{ev.Entry.DN, m.sum(ev.Entry)}
		if ok && old == now {
			return nil
		}
		m.known[ev.ID] = now
		out := []cod.Event{seen(ev)}
		if ok && old.dn != now.dn {
			out = append(out, cod.Lost{DN: old.dn}) // it has another name
		}
		return out
	case directory.Gone:
		old, ok := m.known[ev.ID]
		delete(m.known, ev.ID)
		if ok {
			return []cod.Event{cod.Lost{DN: old.dn}}
		}
	}
	return nil
}

// missing counts the entries that were known and were not told in this session, and
// those that were.
func (m *mirror) missing() (gone, stay int) {
	for id := range m.known {
		if m.fresh[id] {
			stay++
		} else {
			gone++
		}
	}
	return gone, stay
}

// complete ends the telling of what is there: what was not told is gone.
func (m *mirror) complete() (out []cod.Event) {
	for _, id := range slices.Sorted(maps.Keys(m.known)) {
		if !m.fresh[id] {
			out = append(out, cod.Lost{DN: m.known[id].dn})
			delete(m.known, id)
		}
	}
	m.fresh = nil
	return out
}

func (m *mirror) sum(e ldapschema.Entry) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	for _, a := range e.Attrs {
		h.WriteString(a.Name)
		h.WriteByte(0)
		for _, v := range a.Values {
			h.WriteString(v)
			h.WriteByte(1)
		}
	}
	return h.Sum64()
}

func seen(ev directory.Event) cod.Seen {
	out := cod.Seen{Entry: ev.Entry, Writer: ev.Writer}
	if !ev.At.IsZero() {
		out.At = actors.Millis(ev.At.UnixMilli())
	}
	return out
}

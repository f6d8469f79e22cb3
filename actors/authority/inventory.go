package authority

import (
	"encoding/json"
	"iter"
	"math/bits"
	"slices"
	"sort"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// inventory is the site's hosts, by name and by type. The free hosts of a type
// are a bit set in order of their names, so that finding the first free ones
// does not look at those that are taken.
type inventory struct {
	hosts   map[string]*host
	shelves map[actors.ResourceType]*shelf
}

// host is one piece of hardware: its durable part and who is on it.
type host struct {
	actors.Host
	Quarantined bool           `json:"quarantined,omitempty"` // never leased until released
	Trouble     policy.Trouble `json:"trouble,omitzero"`      // for the policy

	holder actors.ReservationID // who has a unit on it; derived from the reservations
	place  int                  // index on its shelf
}

type shelf struct {
	names []string // sorted
	free  []uint64
}

func newInventory() inventory {
	return inventory{hosts: map[string]*host{}, shelves: map[actors.ResourceType]*shelf{}}
}

// add takes a host into the inventory, or replaces what is known about it.
func (v inventory) add(h host) {
	if old, ok := v.hosts[h.Name]; ok {
		if old.Type == h.Type {
			old.Host, old.Quarantined, old.Trouble = h.Host, h.Quarantined, h.Trouble
			v.mark(old)
			return
		}
		v.remove(old)
		h.holder = old.holder
	}
	s := v.shelves[h.Type]
	if s == nil {
		s = &shelf{}
		v.shelves[h.Type] = s
	}
	i := sort.SearchStrings(s.names, h.Name)
	s.names = slices.Insert(s.names, i, h.Name)
	v.hosts[h.Name] = &h
	v.renumber(s, i)
}

func (v inventory) remove(h *host) {
	s := v.shelves[h.Type]
	s.names = slices.Delete(s.names, h.place, h.place+1)
	v.renumber(s, h.place)
}

// renumber puts the hosts from place i on back on their bits.
func (v inventory) renumber(s *shelf, i int) {
	s.free = slices.Grow(s.free, (len(s.names)+63)/64-min(len(s.free), (len(s.names)+63)/64))[:(len(s.names)+63)/64]
	for ; i < len(s.names); i++ {
		h := v.hosts[s.names[i]]
		h.place = i
		v.mark(h)
	}
}

func (v inventory) mark(h *host) {
	word, bit := &v.shelves[h.Type].free[h.place/64], uint64(1)<<(h.place%64)
	if h.holder == "" && !h.Quarantined {
		*word |= bit
	} else {
		*word &^= bit
	}
}

// hold notes who has a unit on the host; the empty name frees it.
func (v inventory) hold(name string, by actors.ReservationID) {
	if h, ok := v.hosts[name]; ok {
		h.holder = by
		v.mark(h)
	}
}

// trouble is a host's record, for the policy.
func (v inventory) trouble(name string) policy.Trouble {
	if h, ok := v.hosts[name]; ok {
		return h.Trouble
	}
	return policy.Trouble{}
}

// tried notes how a setup on a host went. It reports whether that is news.
func (v inventory) tried(name string, failed bool, now actors.Cycle) (host, bool) {
	h, ok := v.hosts[name]
	switch {
	case !ok || !failed && h.Trouble == policy.Trouble{}:
		return host{}, false
	case failed:
		h.Trouble = policy.Trouble{Failures: h.Trouble.Failures + 1, Last: now}
	default:
		h.Trouble = policy.Trouble{}
	}
	return *h, true
}

// free yields the free hosts of a type in order of their names.
func (v inventory) free(t actors.ResourceType) iter.Seq[actors.Host] {
	return func(yield func(actors.Host) bool) {
		s := v.shelves[t]
		if s == nil {
			return
		}
		for w, word := range s.free {
			for ; word != 0; word &= word - 1 {
				if !yield(v.hosts[s.names[w*64+bits.TrailingZeros64(word)]].Host) {
					return
				}
			}
		}
	}
}

// fewer reports whether less than n hosts of a type are free.
func (v inventory) fewer(t actors.ResourceType, n int) bool {
	if s := v.shelves[t]; s != nil {
		for _, word := range s.free {
			if n -= bits.OnesCount64(word); n <= 0 {
				return false
			}
		}
	}
	return n > 0
}

// count is how many hosts of a type exist and are not in quarantine.
func (v inventory) count(t actors.ResourceType) int {
	n := 0
	if s := v.shelves[t]; s != nil {
		for _, name := range s.names {
			if !v.hosts[name].Quarantined {
				n++
			}
		}
	}
	return n
}

const hostPrefix = "host/"

func hostKey(name string) string { return hostPrefix + name }

// AppendRecord makes a host its own durable form (actors.Value).
func (h host) AppendRecord(dst []byte) ([]byte, error) {
	b, err := json.Marshal(h)
	return append(dst, b...), err
}

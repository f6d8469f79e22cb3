package authority

import (
	"encoding/json"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/policy"
)

// inventory is the site's hosts, by name and by type. The free hosts of a type
// are a bit set in order of their names, so that finding the first free ones
// looks at few of those that are taken.
type inventory struct {
	hosts   map[string]*host
	shelves map[actors.ResourceType]*shelf
	kinds   map[string]actors.Properties // those that hosts have, by their durable form: racks of hosts are alike
	ill     map[string]bool              // hosts with trouble that is remembered
}

// host is one piece of hardware: its durable part and who is on it.
type host struct {
	actors.Host
	Quarantined bool           `json:"quarantined,omitempty"` // never leased until released
	Leaving     bool           `json:"leaving,omitempty"`     // gone as soon as nobody has a unit on it
	Trouble     policy.Trouble `json:"trouble,omitzero"`      // for the policy

	holder actors.ReservationID // who has a unit on it; derived from the reservations
	place  int                  // index on its shelf
}

type shelf struct {
	typ   actors.ResourceType
	hosts []*host // in order of their names
	free  []uint64
	first int // no word before it has a bit
}

func newInventory() inventory {
	return inventory{hosts: map[string]*host{}, shelves: map[actors.ResourceType]*shelf{}, kinds: map[string]actors.Properties{}, ill: map[string]bool{}}
}

// add takes a host into the inventory, or replaces what is known about it.
func (v inventory) add(h host) {
	h.Properties = v.kind(h.Properties)
	v.sick(h)
	if old, ok := v.hosts[h.Name]; ok {
		if old.Type == h.Type {
			old.Host, old.Quarantined, old.Leaving, old.Trouble = h.Host, h.Quarantined, h.Leaving, h.Trouble
			v.mark(old)
			return
		}
		v.remove(old)
		h.holder = old.holder
	}
	s := v.shelves[h.Type]
	if s == nil {
		s = &shelf{typ: h.Type}
		v.shelves[h.Type] = s
	}
	h.Type = s.typ
	i := len(s.hosts)
	if i > 0 && s.hosts[i-1].Name > h.Name {
		i, _ = slices.BinarySearchFunc(s.hosts, h.Name, func(o *host, name string) int { return strings.Compare(o.Name, name) })
	}
	s.hosts = slices.Insert(s.hosts, i, &h)
	v.hosts[h.Name] = &h
	v.renumber(s, i)
}

// maxKinds bounds the memory of what hosts have in common: properties that each host
// has of its own, such as addresses, are not worth remembering.
const maxKinds = 4096

// kind is properties equal to p, the same ones for all hosts that are alike.
func (v inventory) kind(p actors.Properties) actors.Properties {
	if len(p) == 0 {
		return nil
	}
	name := string(p.AppendRecord(nil))
	if same, ok := v.kinds[name]; ok {
		return same
	}
	if len(v.kinds) >= maxKinds {
		clear(v.kinds)
	}
	v.kinds[name] = p
	return p
}

// leave forgets a host that was only waited for. It reports whether it did.
func (v inventory) leave(name string) (actors.Record, bool) {
	h, ok := v.hosts[name]
	if !ok || !h.Leaving || h.holder != "" {
		return actors.Record{}, false
	}
	v.remove(h)
	delete(v.hosts, name)
	delete(v.ill, name)
	return actors.Record{Key: hostKey(name)}, true
}

// serves reports whether the host may be assigned when nobody has a unit on it.
func (h *host) serves() bool { return !h.Quarantined && !h.Leaving && h.Held == "" }

func (v inventory) remove(h *host) {
	s := v.shelves[h.Type]
	s.hosts = slices.Delete(s.hosts, h.place, h.place+1)
	v.renumber(s, h.place)
}

// renumber puts the hosts from place i on back on their bits.
func (v inventory) renumber(s *shelf, i int) {
	for words := (len(s.hosts) + 63) / 64; len(s.free) < words; {
		s.free = append(s.free, 0)
	}
	s.free = s.free[:(len(s.hosts)+63)/64]
	if rest := len(s.hosts) % 64; rest != 0 { // no bit beyond the last host
		s.free[len(s.free)-1] &= 1<<rest - 1
	}
	for ; i < len(s.hosts); i++ {
		s.hosts[i].place = i
		v.mark(s.hosts[i])
	}
}

func (v inventory) mark(h *host) {
	s := v.shelves[h.Type]
	word, bit := &s.free[h.place/64], uint64(1)<<(h.place%64)
	if h.holder == "" && h.serves() {
		*word |= bit
		s.first = min(s.first, h.place/64)
	} else {
		*word &^= bit
	}
}

// find is the host of a name, or nil. Those of one lease are mostly neighbours: it looks
// behind the one that was found last first.
func (v inventory) find(name string, last *host) *host {
	if last != nil {
		if s := v.shelves[last.Type]; s != nil && last.place+1 < len(s.hosts) && s.hosts[last.place+1].Name == name {
			return s.hosts[last.place+1]
		}
	}
	return v.hosts[name]
}

// hold notes who has a unit on the host; the empty name frees it.
func (v inventory) hold(name string, by actors.ReservationID) {
	if h, ok := v.hosts[name]; ok {
		v.take(h, by)
	}
}

// take is hold for a host that was looked up.
func (v inventory) take(h *host, by actors.ReservationID) {
	h.holder = by
	v.mark(h)
}

// sick keeps the list of hosts in trouble. It is short, and nearly every setup asks it.
func (v inventory) sick(h host) {
	if h.Trouble == (policy.Trouble{}) {
		delete(v.ill, h.Name)
	} else {
		v.ill[h.Name] = true
	}
}

// trouble is a host's record, for the policy.
func (v inventory) trouble(name string) policy.Trouble {
	if v.ill[name] {
		return v.hosts[name].Trouble
	}
	return policy.Trouble{}
}

// tried notes how a setup on a host went. It reports whether that is news.
func (v inventory) tried(name string, failed bool, now actors.Cycle) (host, bool) {
	if !failed && !v.ill[name] {
		return host{}, false
	}
	h, ok := v.hosts[name]
	switch {
	case !ok:
		return host{}, false
	case failed:
		h.Trouble = policy.Trouble{Failures: h.Trouble.Failures + 1, Last: now}
	default:
		h.Trouble = policy.Trouble{}
	}
	v.sick(*h)
	return *h, true
}

// free yields the free hosts of a type in order of their names.
func (v inventory) free(t actors.ResourceType) iter.Seq[actors.Host] {
	return func(yield func(actors.Host) bool) {
		s := v.shelves[t]
		if s == nil {
			return
		}
		for s.first < len(s.free) && s.free[s.first] == 0 {
			s.first++
		}
		for w := s.first; w < len(s.free); w++ {
			for word := s.free[w]; word != 0; word &= word - 1 {
				if !yield(s.hosts[w*64+bits.TrailingZeros64(word)].Host) {
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

// count is how many hosts of a type serve.
func (v inventory) count(t actors.ResourceType) int {
	n := 0
	if s := v.shelves[t]; s != nil {
		for _, h := range s.hosts {
			if h.serves() {
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

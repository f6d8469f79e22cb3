package registry

import (
	"cmp"
	"crypto"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
)

// Registry is the peers of one actor. The zero Registry knows nobody and so
// trusts nobody. It is safe for concurrent use.
type Registry struct {
	self  actors.ActorID
	state atomic.Pointer[snapshot]
}

// snapshot is one state of the registry; it never changes.
type snapshot struct {
	peers  []Peer // by name
	byID   map[actors.ActorID]int
	byName map[string]int
	pins   map[string][]wssec.Pin
}

// New makes the registry of the actor self. It refuses a peer that could not be
// told from another: two of one id, name or key, or one that bears self's id
// (wssec A8).
func New(self actors.ActorID, peers []Peer) (*Registry, error) {
	r := &Registry{self: self}
	if err := r.Replace(peers); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace puts other peers in the place of the present ones, all at once. After
// an error the registry is as it was.
func (r *Registry) Replace(peers []Peer) error {
	s := &snapshot{
		peers: slices.Clone(peers), byID: make(map[actors.ActorID]int),
		byName: make(map[string]int), pins: make(map[string][]wssec.Pin),
	}
	slices.SortFunc(s.peers, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	owner := make(map[string]actors.ActorID)
	ids := make(map[actors.ActorID]int)
	for i := range s.peers {
		p := &s.peers[i]
		p.Certs, p.Ops = slices.Clone(p.Certs), slices.Clone(p.Ops)
		p.Policy.Signatures, p.Policy.Digests = slices.Clone(p.Policy.Signatures), slices.Clone(p.Policy.Digests)
		p.Policy.Profile = cmp.Or(p.Policy.Profile, wssec.Strict)
		if err := p.check(); err != nil {
			return fmt.Errorf("registry: peer %q: %w", p.Name, err)
		}
		if strings.EqualFold(string(p.ID), string(r.self)) {
			return fmt.Errorf("registry: peer %q has the id of this actor itself", p.Name)
		}
		// Two spellings of one GUID are two actors to deployed ones, and one too many to
		// whoever reads a log (wssec A27).
		folded := actors.ActorID(strings.ToLower(string(p.ID)))
		if j, taken := ids[folded]; taken {
			return fmt.Errorf("registry: peers %q and %q have one id, %s", s.peers[j].Name, p.Name, p.ID)
		}
		if _, taken := s.byName[p.Name]; taken {
			return fmt.Errorf("registry: two peers are named %q", p.Name)
		}
		s.byID[p.ID], s.byName[p.Name], ids[folded] = i, i, i
		for _, c := range p.Certs {
			f, _ := fingerprint(c.PublicKey)
			if o, taken := owner[f]; taken && o != p.ID {
				return fmt.Errorf("registry: peer %q has the same key as %s", p.Name, o)
			}
			owner[f] = p.ID
			s.pins[string(p.ID)] = append(s.pins[string(p.ID)], wssec.Pin{GUID: string(p.ID), Key: c.PublicKey, Cert: c})
		}
	}
	r.state.Store(s)
	return nil
}

func (r *Registry) now() *snapshot {
	if s := r.state.Load(); s != nil {
		return s
	}
	return &snapshot{}
}

// Peer is the peer of that id; false if there is none. Its slices must not be
// changed.
func (r *Registry) Peer(id actors.ActorID) (Peer, bool) {
	s := r.now()
	i, ok := s.byID[id]
	if !ok {
		return Peer{}, false
	}
	return s.peers[i], true
}

// Named is the peer of that name; false if there is none. Its slices must not be
// changed.
func (r *Registry) Named(name string) (Peer, bool) {
	s := r.now()
	i, ok := s.byName[name]
	if !ok {
		return Peer{}, false
	}
	return s.peers[i], true
}

// Peers lists all peers by name. Their slices must not be changed.
func (r *Registry) Peers() []Peer { return slices.Clone(r.now().peers) }

// Pins are the keys that speak for a GUID (wssec.Trust). The slice must not be
// changed.
func (r *Registry) Pins(guid string) []wssec.Pin { return r.now().pins[guid] }

// Policy is how messages to and from a GUID are signed and packed; the zero Policy,
// which accepts nothing, for strangers. Its slices must not be changed.
func (r *Registry) Policy(guid string) wssec.Policy {
	p, _ := r.Peer(actors.ActorID(guid))
	return p.Policy
}

// SiteKeys are the keys that may have signed the root of a ticket in the name
// of guid: its pins if it is a site authority, and none otherwise, since only a
// site has anything of its own to give away.
func (r *Registry) SiteKeys(guid string) []crypto.PublicKey {
	p, ok := r.Peer(actors.ActorID(guid))
	if !ok || p.Role != actors.RoleAuthority {
		return nil
	}
	keys := make([]crypto.PublicKey, len(p.Certs))
	for i, c := range p.Certs {
		keys[i] = c.PublicKey
	}
	return keys
}

package sim

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// member is one actor of the federation as its administrators know it.
type member struct {
	actors.Location
	role actors.Role
	key  keys.Identity
}

// cast is every actor of a federation, and a stranger who would like to be one.
type cast struct {
	members  []member // managers, then brokers, then sites
	stranger keys.Identity
	pins     wssec.Pins
}

// stage is what worlds have in common: the keys, which are the same in every world,
// and what was signed and verified with them before. All of it follows from its
// arguments, so that a world cannot tell whether it is the first on its stage.
type stage struct {
	proven   map[string]verified // tickets, by text
	granted  map[string]string   // texts of tickets, by what they grant
	chance   *rand.ChaCha8
	stranger keys.Identity
	managers []member
	brokers  []member
	sites    []member
}

// The largest federation.
const (
	mostManagers = 3
	mostBrokers  = 3
	mostSites    = 3
)

func newStage() (*stage, error) {
	s := &stage{
		chance: rand.NewChaCha8([32]byte([]byte("the keys of a played federation."))),
		proven: map[string]verified{}, granted: map[string]string{},
	}
	var err error
	add := func(name string, role actors.Role) member {
		m, e := s.member(name, role)
		if err == nil {
			err = e
		}
		return m
	}
	for i := range mostManagers {
		s.managers = append(s.managers, add(fmt.Sprintf("sm%d", i+1), actors.RoleManager))
	}
	for i := range mostSites {
		s.sites = append(s.sites, add(fmt.Sprintf("site%d", i+1), actors.RoleAuthority))
	}
	s.brokers = append(s.brokers, add("broker", actors.RoleBroker))
	for i := range mostBrokers - 1 {
		s.brokers = append(s.brokers, add(fmt.Sprintf("broker%d", i+2), actors.RoleBroker))
	}
	s.stranger = add("stranger", actors.RoleManager).key
	return s, err
}

// clear forgets what was signed and verified, so that it does not grow for ever.
func (s *stage) clear() {
	clear(s.proven)
	clear(s.granted)
}

// member makes the keys of one actor.
func (s *stage) member(name string, role actors.Role) (member, error) {
	id, from := actors.DeriveID("actor", name), time.UnixMilli(int64(begin)).AddDate(-1, 0, 0)
	k, err := keys.Generate(s.chance, id, name, keys.ECDSAP256, from, from.AddDate(20, 0, 0))
	if err != nil {
		return member{}, fmt.Errorf("sim: keys of %s: %w", name, err)
	}
	return member{actors.Location{ID: actors.ActorID(id), Name: name, URL: "http://" + name + "/orca/services/" + name}, role, k}, nil
}

// cast is a federation of so many of each role.
func (s *stage) cast(managers, brokers, sites int) cast {
	c := cast{stranger: s.stranger, members: slices.Concat(s.managers[:managers], s.brokers[:brokers], s.sites[:sites])}
	for _, m := range c.members {
		c.pins = append(c.pins, m.key.Pin())
	}
	return c
}

// siteKeys are the pinned keys of a site, for tickets.
func (c *cast) siteKeys(guid string) []crypto.PublicKey {
	for _, m := range c.members {
		if m.role == actors.RoleAuthority && m.key.GUID == guid {
			return []crypto.PublicKey{m.key.Key.Public()}
		}
	}
	return nil
}

// cert is the certificate of an actor, nil for a stranger's name.
func (c *cast) cert(id actors.ActorID) *x509.Certificate {
	if m := c.find(id); m != nil {
		return m.key.Cert
	}
	return nil
}

func (c *cast) find(id actors.ActorID) *member {
	for i := range c.members {
		if c.members[i].ID == id {
			return &c.members[i]
		}
	}
	return nil
}

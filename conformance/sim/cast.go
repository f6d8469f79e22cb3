package sim

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
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
// The keys are the same in every world: only what is done with them varies.
type cast struct {
	members  []member // managers, then the broker, then sites
	stranger keys.Identity
	pins     wssec.Pins
}

func newCast(managers, sites int) (cast, error) {
	chance := rand.NewChaCha8([32]byte([]byte("the keys of a played federation.")))
	var c cast
	add := func(name string, role actors.Role) error {
		id := actors.DeriveID("actor", name)
		k, err := keys.Generate(chance, id, name, keys.ECDSAP256, time.UnixMilli(int64(begin)).AddDate(-1, 0, 0), time.UnixMilli(int64(begin)).AddDate(10, 0, 0))
		if err != nil {
			return fmt.Errorf("sim: keys of %s: %w", name, err)
		}
		if role == 0 {
			c.stranger = k
			return nil
		}
		c.members = append(c.members, member{
			actors.Location{ID: actors.ActorID(id), Name: name, URL: "http://" + name + "/orca/services/" + name}, role, k,
		})
		c.pins = append(c.pins, k.Pin())
		return nil
	}
	for i := range managers {
		if err := add(fmt.Sprintf("sm%d", i+1), actors.RoleManager); err != nil {
			return c, err
		}
	}
	if err := add("broker", actors.RoleBroker); err != nil {
		return c, err
	}
	for i := range sites {
		if err := add(fmt.Sprintf("site%d", i+1), actors.RoleAuthority); err != nil {
			return c, err
		}
	}
	return c, add("stranger", 0)
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

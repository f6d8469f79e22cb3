package wiring

import (
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/endpoint"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
)

// people is everybody a process knows: its own actors and their peers elsewhere.
type people struct {
	own   []config.Actor
	ids   map[actors.ActorID]keys.Identity
	where map[actors.ActorID]actors.Location
	all   []registry.Peer
}

// meet loads the keys of our own actors and the certificates of the others.
func meet(c config.Config) (people, error) {
	p := people{own: c.Actors, ids: map[actors.ActorID]keys.Identity{}, where: map[actors.ActorID]actors.Location{}}
	for _, a := range c.Actors {
		id, err := keys.Load(a.Keys)
		if err != nil {
			return people{}, fmt.Errorf("actor %s: %w", a.Name, err)
		}
		if id.GUID != string(a.GUID) {
			return people{}, fmt.Errorf("actor %s: the key in %s belongs to %s, not to %s", a.Name, a.Keys, id.GUID, a.GUID)
		}
		p.ids[a.GUID] = id
		loc := actors.Location{ID: a.GUID, Name: a.Name, URL: c.Listen.URL + endpoint.Root + a.Name}
		p.where[a.GUID] = loc
		p.all = append(p.all, registry.Peer{Location: loc, Role: a.Role, Policy: wssec.Strict.Policy(), Certs: []*x509.Certificate{id.Cert}})
	}
	for _, e := range c.Peers {
		var certs []*x509.Certificate
		for _, file := range e.Certificates {
			data, err := os.ReadFile(file)
			if err != nil {
				return people{}, fmt.Errorf("peer %s: %w", e.Name, err)
			}
			cert, err := keys.ParseCertificatePEM(data)
			if err != nil {
				return people{}, fmt.Errorf("peer %s: %s: %w", e.Name, file, err)
			}
			certs = append(certs, cert)
		}
		if err := p.sealsFor(e.Policy.Profile); err != nil {
			return people{}, fmt.Errorf("peer %s: %w", e.Name, err)
		}
		loc := actors.Location{ID: e.GUID, Name: e.Name, URL: e.URL}
		p.where[e.GUID] = loc
		p.all = append(p.all, registry.Peer{Location: loc, Role: e.Role, Policy: e.Policy, Certs: certs, Ops: e.Allow})
	}
	return p, nil
}

// sealsFor reports why our actors cannot speak to a peer of that profile, or nil:
// legacy peers know no keys but RSA (wssec 12.1).
func (p people) sealsFor(profile wssec.Profile) error {
	if profile == wssec.Strict || profile == 0 {
		return nil
	}
	for _, a := range p.own {
		if _, ok := p.ids[a.GUID].Key.Public().(*rsa.PublicKey); !ok {
			return fmt.Errorf("profile %v needs RSA keys, and actor %s has another kind; leasehold init --key rsa-2048 makes them", profile, a.Name)
		}
	}
	return nil
}

// registryOf is everybody but the actor itself.
func (p people) registryOf(self actors.ActorID) (*registry.Registry, error) {
	var others []registry.Peer
	for _, o := range p.all {
		if o.ID != self {
			others = append(others, o)
		}
	}
	return registry.New(self, others)
}

// locations lists everybody, for views.
func (p people) locations() []actors.Location {
	out := make([]actors.Location, len(p.all))
	for i, o := range p.all {
		out[i] = o.Location
	}
	return out
}

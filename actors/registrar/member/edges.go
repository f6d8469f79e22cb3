package member

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/actors/registrar"
	"github.com/leasehold/leasehold/actors/registry"
	"github.com/leasehold/leasehold/wire/xmlrpc"
	"github.com/leasehold/leasehold/wssec"
)

// Found is an actor that a registry lists.
type Found struct {
	actors.Location
	Role     actors.Role
	Protocol wssec.Protocol
	Cert     *x509.Certificate
}

// read takes one actor out of an answer (actor-registry 1.5). Members may be missing but
// for those that an actor is nothing without.
func read(guid string, v xmlrpc.Value) (f Found, err error) {
	text := func(name string) string {
		s, _ := v.Member(name).Text()
		return strings.Clone(strings.TrimSpace(s))
	}
	id := text("GUID")
	switch {
	case id != "" && id != guid:
		return f, errors.New("it says that its guid is another")
	case !wssec.ValidLegacyGUID(guid):
		return f, errors.New("its guid is no UUID")
	}
	f.ID, f.Name = actors.ActorID(strings.Clone(guid)), text("NAME")
	var ok bool
	if f.Role, ok = registrar.RoleOf(text("TYPE")); !ok {
		return f, fmt.Errorf("type %.40q is none", text("TYPE"))
	}
	if f.URL = text("LOCATION"); f.URL == registrar.None {
		f.URL = ""
	}
	if f.Protocol, err = wssec.ParseProtocol(text("PROTOCOL")); err != nil {
		return f, err
	}
	if verified := text("VERIFIED"); verified != "" && verified != "True" {
		return f, errors.New("nobody has verified it")
	}
	f.Cert, err = registrar.ParseCertificate64(text("CERT"))
	return f, err
}

// Same reports whether two say the same.
func (f Found) Same(o Found) bool {
	return f.Location == o.Location && f.Role == o.Role && f.Protocol == o.Protocol && f.Cert.Equal(o.Cert)
}

// Edge reports whether an actor of role self is to know one of role other that a
// registry lists (actor-registry 2.1): managers and brokers know each other, and so do
// brokers and sites. Managers and sites do as well, unlike in deployed containers: there
// a manager takes the site's key from the first ticket it is shown, and here never.
func Edge(self, other actors.Role) bool { return self != other }

// Learn adds to the peers of an actor those of found that it is to know, under a profile.
// Whoever has the guid, the name or the key of a peer that is there already is left out,
// and so is what cannot be a peer at all; the reasons are given.
func Learn(self actors.ActorID, role actors.Role, have []registry.Peer, found []Found, profile wssec.Profile) (peers []registry.Peer, left []error) {
	peers = slices.Clone(have)
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b Found) int { return cmp.Compare(a.ID, b.ID) })
	for _, f := range found {
		if !Edge(role, f.Role) || strings.EqualFold(string(f.ID), string(self)) {
			continue
		}
		if slices.ContainsFunc(have, func(p registry.Peer) bool { return strings.EqualFold(string(p.ID), string(f.ID)) }) {
			continue // the administrator's word counts, and needs no other
		}
		p := registry.Peer{Location: f.Location, Role: f.Role, Certs: []*x509.Certificate{f.Cert},
			Policy: wssec.Policy{Profile: profile, Protocol: f.Protocol, AnyCaseGUID: profile != wssec.Strict && !wssec.ValidGUID(string(f.ID))}}
		// The registry of peers knows all that makes two of them one too many.
		if _, err := registry.New(self, append(slices.Clone(peers), p)); err != nil {
			left = append(left, err)
			continue
		}
		peers = append(peers, p)
	}
	return peers, left
}

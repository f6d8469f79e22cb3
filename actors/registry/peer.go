package registry

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/ticket"
)

// Peer is one actor that this one talks to.
type Peer struct {
	// Location names the peer and says where it listens. An empty URL means that
	// nothing is ever sent to it.
	actors.Location
	Role actors.Role
	// Policy says how messages to and from it are signed and packed. One without a
	// profile means wssec.Strict as it is.
	Policy wssec.Policy
	// Certs carry the keys the peer may sign with. One key decides identity, not
	// the certificate around it; two overlap while a peer changes keys. Tickets
	// are granted to the first. At least one is required, and its common name is
	// the peer's GUID.
	Certs []*x509.Certificate
	// Ops narrows what the peer may ask to these operations; nil means all that
	// its role gives it. It can never widen them.
	Ops []actors.Op
}

// May reports whether the peer may ask op of an actor of the role self.
func (p Peer) May(self actors.Role, op actors.Op) bool {
	return slices.Contains(Rights(self, p.Role), op) && (p.Ops == nil || slices.Contains(p.Ops, op))
}

// Tickets is the scheme of the tickets that the peer can read, and of those that
// are taken from it. The legacy scheme rests on MD5, so nobody is given it who
// does not need it (tickets 4).
func (p Peer) Tickets() ticket.Scheme {
	if p.Policy.Profile == wssec.Legacy || p.Policy.Profile == wssec.LegacyStrong {
		return ticket.SharpLenient
	}
	return ticket.SHA256Chain
}

// check says what is wrong with a peer taken alone, or nil.
func (p Peer) check() error {
	switch {
	case !wssec.ValidLegacyGUID(string(p.ID)):
		return fmt.Errorf("id %q is not a UUID", p.ID)
	case !wssec.ValidGUID(string(p.ID)) && !p.Policy.AnyCaseGUID:
		return fmt.Errorf("id %q is not in lower case, and its policy does not allow that", p.ID)
	case !wssec.ValidName(p.Name) || strings.Contains(p.Name, "/") || p.Name == "." || p.Name == "..":
		return fmt.Errorf("name %q: want 1 to 128 octets, printable, usable in a path", p.Name)
	case p.Role < actors.RoleManager || p.Role > actors.RoleAuthority:
		return fmt.Errorf("role %v", p.Role)
	case len(p.Certs) == 0:
		return errors.New("no certificate: nobody could be told from anybody")
	}
	if err := p.Policy.Check(); err != nil {
		return err
	}
	for _, c := range p.Certs {
		if c == nil || c.Subject.CommonName != string(p.ID) {
			return errors.New("a certificate with another common name than the id")
		}
		if _, ok := fingerprint(c.PublicKey); !ok {
			return fmt.Errorf("a certificate with a key of type %T", c.PublicKey)
		}
		if err := p.Policy.Suits(c.PublicKey); err != nil {
			return err
		}
	}
	if p.URL == "" {
		return nil
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("url %q: want http or https, and a host", p.URL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("url %q: it holds more than host and path", u.Redacted())
	}
	return nil
}

// fingerprint is a comparable form of a public key; false for kinds of keys
// that no profile knows.
func fingerprint(key crypto.PublicKey) (string, bool) {
	switch k := key.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(key)
		return string(der), err == nil
	case *dsa.PublicKey:
		return fmt.Sprintf("%x %x %x %x", k.P, k.Q, k.G, k.Y), true
	}
	return "", false
}

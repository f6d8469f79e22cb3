package cod

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/ldapschema"
)

// Guests is how the nodes of a slice read their cluster's part of the directory.
type Guests struct {
	// URLs are where nodes reach the directory, such as "ldaps://ldap.site.test".
	URLs []string
	// Secret is the site's own, 32 octets or more, from which the password of each
	// cluster follows: so it need not be kept, and is the same after a restart. Empty
	// for clusters without credentials.
	Secret []byte
}

// ReaderName is what a cluster's credentials are called: the entry cn=reader below the
// cluster's own. The directory's server gives it its cluster to read and nothing else.
const ReaderName = "reader"

// Names under which a lessee is told how its nodes read the directory. The password is
// a secret between the site and the lessee.
const (
	FactDirectoryURL      = "unit.directory.url"      // where it is; several are parted by blanks
	FactDirectoryBind     = "unit.directory.bind.dn"  // whom to bind as
	FactDirectoryPassword = "unit.directory.password" // and with which password
)

func (g Guests) check() error {
	if len(g.Secret) == 0 && len(g.URLs) == 0 {
		return nil
	}
	if len(g.Secret) < 32 || len(g.URLs) == 0 {
		return fmt.Errorf("cod: config: guests: a secret of 32 octets or more and the directory's URL go together")
	}
	for _, u := range g.URLs {
		if !strings.HasPrefix(u, "ldap://") && !strings.HasPrefix(u, "ldaps://") || strings.ContainsFunc(u, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }) {
			return fmt.Errorf("cod: config: guests: %.60q is no URL of a directory", u)
		}
	}
	return nil
}

// derive is 32 octets that follow from the secret and a cluster.
func (g Guests) derive(use string, c *cluster) []byte {
	h := hmac.New(sha256.New, g.Secret)
	fmt.Fprintf(h, "%s;%d:%s;%s", use, len(c.key), c.key, c.label)
	return h.Sum(nil)
}

// password is what the cluster's nodes bind with: 256 bits as plain letters and digits.
func (g Guests) password(c *cluster) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(g.derive("reader", c))
}

// stored is the password as servers store it.
func (g Guests) stored(c *cluster) string {
	return ldapschema.StoredPassword(g.password(c), g.derive("salt", c)[:8])
}

// renderReader adds the cluster's credentials.
func (c *cluster) renderReader(cfg Config, r *renderer) {
	if len(cfg.Guests.Secret) > 0 {
		r.add(partReader)(marked(cfg.mark(c.key))(ldapschema.Daemon(cfg.clusterDN(c.label), ReaderName, cfg.Guests.stored(c))))
	}
}

// reading is what a lessee is told about it.
func (c *cluster) reading(cfg Config) actors.Properties {
	if len(cfg.Guests.Secret) == 0 {
		return nil
	}
	return actors.Properties{
		FactDirectoryURL:      strings.Join(cfg.Guests.URLs, " "),
		FactDirectoryBind:     string(cfg.clusterDN(c.label).Child("cn", ReaderName)),
		FactDirectoryPassword: cfg.Guests.password(c),
	}
}

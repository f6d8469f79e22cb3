package cod

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/leasehold/leasehold/ldapschema"
)

// Properties of a unit that give its hardware address, the first that is there.
// They come from the site's inventory; a lessee's configuration is not asked.
const (
	PropMAC     = "unit.mac"
	PropHostMAC = "mac"
)

// readMAC reads a single station's address, its octets between colons or hyphens.
func readMAC(s string) (ldapschema.MAC, bool) {
	s = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(s)), "-", ":")
	mac, err := ldapschema.ParseMAC(s)
	return mac, err == nil && !mac.IsZero() && mac[0]&1 == 0
}

// deriveMAC is a locally administered address made from names; the same names
// always give the same address.
func deriveMAC(names ...string) ldapschema.MAC {
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%d:%s;", len(n), n)
	}
	mac := ldapschema.MAC(h.Sum(nil)[:6])
	mac[0] = mac[0]&^1 | 2
	return mac
}

package wssec

import (
	"cmp"
	"slices"
	"time"
)

// Expiry says that the certificate of a pin ends soon, or has ended. The pin goes
// on counting; the certificate does not, unless [Policy.ExpiredUntil] says so, and
// deployed actors refuse it in any case (wire contract, trap 76).
type Expiry struct {
	GUID string
	End  time.Time
	Left time.Duration // negative when it is over
}

// Expiring are the pins whose certificates end within that time of now, or have
// ended, soonest first (wssec.md A26). Thirty days is the usual warning.
func Expiring(pins []Pin, now time.Time, within time.Duration) []Expiry {
	var found []Expiry
	for _, p := range pins {
		if p.Cert == nil {
			continue
		}
		if left := p.Cert.NotAfter.Sub(now); left <= within {
			found = append(found, Expiry{p.GUID, p.Cert.NotAfter, left})
		}
	}
	slices.SortFunc(found, func(a, b Expiry) int {
		return cmp.Or(cmp.Compare(a.Left, b.Left), cmp.Compare(a.GUID, b.GUID))
	})
	return found
}

package wssec

import (
	"crypto/x509"
	"fmt"
	"time"
)

// ExpiryNotice is how long before its end people are told that a certificate ends.
const ExpiryNotice = 30 * 24 * time.Hour

// Standing says where a moment lies in the period of a certificate.
type Standing uint8

const (
	Valid  Standing = iota // and will be for longer than ExpiryNotice
	Early                  // it has not begun
	Ending                 // it ends within ExpiryNotice
	Over                   // it has ended
)

// StandingOf is how a certificate stands at a moment (wssec.md A26). A pin goes on
// counting when its certificate is over; the certificate does not, unless
// [Policy.ExpiredUntil] says so, and deployed actors refuse it in any case (wire
// contract, trap 76).
func StandingOf(cert *x509.Certificate, now time.Time) Standing {
	switch {
	case !now.Before(cert.NotAfter):
		return Over
	case now.Before(cert.NotBefore):
		return Early
	case cert.NotAfter.Sub(now) <= ExpiryNotice:
		return Ending
	}
	return Valid
}

// ExpiryWarning says the same for people; nothing about a certificate that is valid
// for long enough. It counts whole days.
func ExpiryWarning(cert *x509.Certificate, now time.Time) string {
	days := func(d time.Duration) string {
		n := int(d / (24 * time.Hour))
		switch n {
		case 0:
			return "less than a day"
		case 1:
			return "1 day"
		}
		return fmt.Sprintf("%d days", n)
	}
	switch StandingOf(cert, now) {
	case Early:
		return "not valid yet"
	case Ending:
		return "expires in " + days(cert.NotAfter.Sub(now))
	case Over:
		return "expired " + days(now.Sub(cert.NotAfter)) + " ago"
	}
	return ""
}

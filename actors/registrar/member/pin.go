package member

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the form of deployed fingerprints; see Weak
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Pin is the fingerprint of the one certificate that a registry's server may show. The
// zero Pin fits none.
type Pin struct{ sum []byte }

// ParsePin reads a fingerprint as people compare it: pairs of hexadecimal digits, with or
// without colons; 32 of them are SHA-256, and 16 MD5, which deployed configurations hold.
func ParsePin(text string) (Pin, error) {
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
	if err != nil || len(sum) != sha256.Size && len(sum) != md5.Size {
		return Pin{}, fmt.Errorf("%.120q is no fingerprint: want 32 pairs of hexadecimal digits for SHA-256, or 16 for MD5", text)
	}
	return Pin{sum}, nil
}

// Weak reports whether the pin is one of MD5, under which somebody who had a say in a
// certificate could have made another that fits.
func (p Pin) Weak() bool { return len(p.sum) == md5.Size }

// String is the form that ParsePin reads, with colons.
func (p Pin) String() string {
	pairs := make([]string, len(p.sum))
	for i, b := range p.sum {
		pairs[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(pairs, ":")
}

func (p Pin) zero() bool { return len(p.sum) == 0 }

// ErrPin says that another certificate than the pinned one was shown.
var ErrPin = errors.New("member: the server shows another certificate than the one pinned")

// verify ends a handshake with any other server. It runs on resumed connections too.
func (p Pin) verify(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 || p.zero() {
		return ErrPin
	}
	raw := c.PeerCertificates[0].Raw
	have := sha256.Sum256(raw)
	sum := have[:]
	if p.Weak() {
		short := md5.Sum(raw) //nolint:gosec // see above
		sum = short[:]
	}
	if !bytes.Equal(sum, p.sum) {
		return fmt.Errorf("%w: SHA-256 %s", ErrPin, Pin{have[:]})
	}
	return nil
}

package dsig

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"fmt"
	"slices"

	"github.com/leasehold/leasehold/wire/xmltree"
	"github.com/leasehold/leasehold/wssec/c14n"
)

// maxSignedInfo is far more than any SignedInfo of acceptable shape needs.
const maxSignedInfo = 64 << 10

// Verify checks the signature value over SignedInfo. The caller trusts key. Buf
// is scratch space for the canonical form and is returned for the next call.
func (s Signature) Verify(key crypto.PublicKey, buf []byte) ([]byte, error) {
	buf, err := c14n.Bounded(buf[:0], s.signedInfo, s.prefixes, maxSignedInfo)
	if err != nil {
		return buf, fmt.Errorf("%w: %v", ErrShape, err)
	}
	h := s.method.hash.New()
	h.Write(buf)
	return buf, s.method.verify(key, s.policy, h.Sum(nil), s.Value)
}

// Check compares the digest of element n with the one the reference claims.
// Buf is as for Verify; limit bounds how long that form may become.
func (r Reference) Check(n xmltree.Node, buf []byte, limit int) ([]byte, error) {
	buf, err := c14n.Bounded(buf[:0], n, r.prefixes, limit)
	if err != nil {
		return buf, fmt.Errorf("%w: %v", ErrDigest, err)
	}
	return buf, r.compare(buf)
}

// CheckToken is Check for a Reference with STR: token is the element that the
// SecurityTokenReference names. The transform says that its canonical form
// declares the default namespace in any case, as xmlns="" where there is none
// (WSS SOAP Message Security 1.0, 8.3).
func (r Reference) CheckToken(token xmltree.Node, buf []byte, limit int) ([]byte, error) {
	buf, err := c14n.Bounded(buf[:0], token, nil, limit)
	if err != nil {
		return buf, fmt.Errorf("%w: %v", ErrDigest, err)
	}
	at := 1 + len(token.Name())
	if !bytes.HasPrefix(buf[at:], []byte(` xmlns="`)) {
		buf = slices.Insert(buf, at, []byte(` xmlns=""`)...)
	}
	return buf, r.compare(buf)
}

func (r Reference) compare(octets []byte) error {
	var room [64]byte
	if subtle.ConstantTimeCompare(r.digest.sum(room[:0], octets), r.value) != 1 {
		return fmt.Errorf("%w: #%s", ErrDigest, r.ID)
	}
	return nil
}

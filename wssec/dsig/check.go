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

// Verify checks the signature value over SignedInfo. The caller trusts key. The
// canonical form is made in buf, which may be nil.
func (s Signature) Verify(key crypto.PublicKey, buf *c14n.Buffer) error {
	octets, err := canonical(buf, s.signedInfo, s.prefixes, maxSignedInfo)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrShape, err)
	}
	sum, err := s.method.digest.sum(octets)
	if err != nil {
		return fmt.Errorf("%w: SignedInfo", err)
	}
	return s.method.verify(key, s.policy, sum[:s.method.digest.size], s.Value)
}

// Check compares the digest of element n with the one the reference claims.
// Buf is as for Verify; limit bounds how long that form may become.
func (r Reference) Check(n xmltree.Node, buf *c14n.Buffer, limit int) error {
	octets, err := canonical(buf, n, r.prefixes, limit)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrDigest, err)
	}
	return r.compare(octets)
}

// CheckToken is Check for a Reference with STR: token is the element that the
// SecurityTokenReference names. The transform says that its canonical form
// declares the default namespace in any case, as xmlns="" where there is none
// (WSS SOAP Message Security 1.0, 8.3).
func (r Reference) CheckToken(token xmltree.Node, buf *c14n.Buffer, limit int) error {
	octets, err := canonical(buf, token, nil, limit)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrDigest, err)
	}
	at := 1 + len(token.Name())
	if !bytes.HasPrefix(octets[at:], []byte(` xmlns="`)) {
		octets = slices.Insert(slices.Clone(octets), at, []byte(` xmlns=""`)...)
	}
	return r.compare(octets)
}

func canonical(buf *c14n.Buffer, n xmltree.Node, prefixes []string, limit int) ([]byte, error) {
	if buf == nil {
		buf = new(c14n.Buffer)
	}
	return buf.Bounded(n, prefixes, limit)
}

func (r Reference) compare(octets []byte) error {
	sum, err := r.digest.sum(octets)
	if err != nil {
		return fmt.Errorf("%w: #%s", err, r.ID)
	}
	if subtle.ConstantTimeCompare(sum[:r.digest.size], r.value) != 1 {
		return fmt.Errorf("%w: #%s", ErrDigest, r.ID)
	}
	return nil
}

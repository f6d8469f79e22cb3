package dsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"

	"github.com/pjbgf/sha1cd"

	"github.com/leasehold/leasehold/wssec/c14n"
)

// Part is one element to be signed: its id and its canonical octets.
type Part struct {
	ID     string
	Octets []byte
}

// AppendSignedInfo appends a SignedInfo over the parts, with SHA-256 digests, in
// canonical form: the octets are sent as they are and signed as they are. The
// element declares its own prefix, ds.
func AppendSignedInfo(dst []byte, method string, parts []Part) []byte {
	dst = append(dst, `<ds:SignedInfo xmlns:ds="`+Space+`">`...)
	dst = append(dst, `<ds:CanonicalizationMethod Algorithm="`+c14n.Algorithm+`"></ds:CanonicalizationMethod>`...)
	dst = append(dst, `<ds:SignatureMethod Algorithm="`...)
	dst = append(dst, method...)
	dst = append(dst, `"></ds:SignatureMethod>`...)
	for _, p := range parts {
		sum := sha256.Sum256(p.Octets)
		dst = append(dst, `<ds:Reference URI="#`...)
		dst = append(dst, p.ID...)
		dst = append(dst, `"><ds:Transforms><ds:Transform Algorithm="`+c14n.Algorithm+`"></ds:Transform></ds:Transforms>`...)
		dst = append(dst, `<ds:DigestMethod Algorithm="`+SHA256+`"></ds:DigestMethod><ds:DigestValue>`...)
		dst = base64.StdEncoding.AppendEncode(dst, sum[:])
		dst = append(dst, `</ds:DigestValue></ds:Reference>`...)
	}
	return append(dst, `</ds:SignedInfo>`...)
}

// Sign is the octets of SignatureValue for a canonical SignedInfo, with SHA-256.
// The same arguments give the same octets: PKCS #1 v1.5 needs no chance, and
// ECDSA is asked to do without (RFC 6979).
func Sign(signer crypto.Signer, signedInfo []byte) ([]byte, error) {
	sum := sha256.Sum256(signedInfo)
	value, err := signer.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("dsig: signing: %w", err)
	}
	if _, ok := signer.Public().(*ecdsa.PublicKey); ok {
		return splitASN1(value)
	}
	return value, nil
}

// SignSHA1 is RSASHA1 over a canonical SignedInfo, for peers that understand
// nothing better. The key must be RSA.
func SignSHA1(signer crypto.Signer, signedInfo []byte) ([]byte, error) {
	if _, ok := signer.Public().(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("%w: %s with a %T", ErrKey, RSASHA1, signer.Public())
	}
	sum, err := sumSHA1(signedInfo)
	if err != nil {
		return nil, fmt.Errorf("%w: SignedInfo", err)
	}
	value, err := signer.Sign(nil, sum[:sha1cd.Size], crypto.SHA1)
	if err != nil {
		return nil, fmt.Errorf("dsig: signing: %w", err)
	}
	return value, nil
}

// Digest is the base64 of a part's digest, as DigestValue has it; alg is SHA1,
// SHA256 or SHA512. Each of octets is hashed after the one before it. Like what
// peers sign, what is to be signed is no half of a collision, or the error is
// ErrCollision: peers choose some of it.
func Digest(alg string, octets ...[]byte) (string, error) {
	var h hash.Hash
	switch alg {
	case SHA1:
		h = sha1cd.New()
	case SHA512:
		h = sha512.New()
	default:
		h = sha256.New()
	}
	for _, part := range octets {
		h.Write(part)
	}
	var sum []byte
	if detecting, ok := h.(sha1cd.CollisionResistantHash); ok {
		var collision bool
		if sum, collision = detecting.CollisionResistantSum(nil); collision {
			return "", ErrCollision
		}
	} else {
		sum = h.Sum(nil)
	}
	return base64.StdEncoding.EncodeToString(sum), nil
}

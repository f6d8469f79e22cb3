package dsig

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"math/big"

	"github.com/pjbgf/sha1cd"
)

// Space is the namespace of XML Signature.
const Space = "http://www.w3.org/2000/09/xmldsig#"

// Names of algorithms (RFC 6931). MD5, RIPEMD and HMAC have none here: no policy
// can allow them (wssec.md A12, A13).
const (
	RSASHA1     = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	RSASHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	RSASHA512   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
	DSASHA1     = "http://www.w3.org/2000/09/xmldsig#dsa-sha1" // verified, never made
	ECDSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

	SHA1   = "http://www.w3.org/2000/09/xmldsig#sha1"
	SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
)

// method is a signature algorithm: how its input is hashed and its value checked.
type method struct {
	name   string
	digest *digest
	verify func(key crypto.PublicKey, p Policy, digest, value []byte) error
}

var methods = [...]method{
	{RSASHA1, &digests[0], verifyRSA(crypto.SHA1)},
	{RSASHA256, &digests[1], verifyRSA(crypto.SHA256)},
	{RSASHA512, &digests[2], verifyRSA(crypto.SHA512)},
	{DSASHA1, &digests[0], verifyDSA},
	{ECDSASHA256, &digests[1], verifyECDSA},
}

// digest is a digest algorithm of References. What peers have to say goes through
// sum, which may find fault with the octets themselves.
type digest struct {
	name string
	size int
	sum  func(data []byte) (sum, error)
}

// sum has room for every digest; those that are shorter fill its beginning.
type sum [sha512.Size]byte

var digests = [...]digest{
	{SHA1, sha1cd.Size, sumSHA1},
	{SHA256, sha256.Size, func(data []byte) (s sum, err error) {
		h := sha256.Sum256(data)
		copy(s[:], h[:])
		return s, nil
	}},
	{SHA512, sha512.Size, func(data []byte) (sum, error) { return sha512.Sum512(data), nil }},
}

// sumSHA1 is SHA-1 for peers that sign with nothing else; Policy decides who may.
// It refuses octets made to collide with others: whoever verifies what was signed
// over one of two such texts would take the other for it as well (wssec.md A14).
// The collisions it finds are those of every attack known on SHA-1 (Stevens,
// "Counter-cryptanalysis", 2013).
func sumSHA1(data []byte) (s sum, err error) {
	h, collision := sha1cd.Sum(data)
	if collision {
		return s, ErrCollision
	}
	copy(s[:], h[:])
	return s, nil
}

// verifyRSA is RSASSA-PKCS1-v1_5 (RFC 8017 8.2).
func verifyRSA(hash crypto.Hash) func(crypto.PublicKey, Policy, []byte, []byte) error {
	return func(key crypto.PublicKey, p Policy, digest, value []byte) error {
		k, ok := key.(*rsa.PublicKey)
		if !ok {
			return fmt.Errorf("%w: an RSA signature by a %T", ErrKey, key)
		}
		if bits := k.N.BitLen(); bits < p.MinRSABits {
			return fmt.Errorf("%w: RSA of %d bits, at least %d are asked", ErrKey, bits, p.MinRSABits)
		}
		if rsa.VerifyPKCS1v15(k, hash, digest, value) != nil {
			return ErrSignature
		}
		return nil
	}
}

// verifyECDSA checks r and s of fixed width, one after the other (XML Signature
// 1.1 6.4.3), on curve P-256.
func verifyECDSA(key crypto.PublicKey, _ Policy, digest, value []byte) error {
	k, ok := key.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return fmt.Errorf("%w: an ECDSA signature by a %T", ErrKey, key)
	}
	if len(value) != 2*p256 {
		return fmt.Errorf("%w: an ECDSA value of %d octets", ErrSignature, len(value))
	}
	if !ecdsa.VerifyASN1(k, digest, joinASN1(value)) {
		return ErrSignature
	}
	return nil
}

// The sizes of DSA (FIPS 186-2, which is what dsa-sha1 means): q of 160 bits, and
// p of 1024 to 3072, beyond which a check would cost too much.
const (
	dsaQ    = 20
	minDSAP = 1024
	maxDSAP = 3072
)

// verifyDSA checks r and s of 20 octets each, one after the other (XML Signature
// 6.4.1).
func verifyDSA(key crypto.PublicKey, _ Policy, digest, value []byte) error {
	k, ok := key.(*dsa.PublicKey)
	if !ok {
		return fmt.Errorf("%w: a DSA signature by a %T", ErrKey, key)
	}
	if k.Q.BitLen() != 8*dsaQ || k.P.BitLen() < minDSAP || k.P.BitLen() > maxDSAP {
		return fmt.Errorf("%w: DSA of %d and %d bits", ErrKey, k.P.BitLen(), k.Q.BitLen())
	}
	if len(value) != 2*dsaQ {
		return fmt.Errorf("%w: a DSA value of %d octets", ErrSignature, len(value))
	}
	if !dsa.Verify(k, digest, new(big.Int).SetBytes(value[:dsaQ]), new(big.Int).SetBytes(value[dsaQ:])) {
		return ErrSignature
	}
	return nil
}

// MethodFor is the signature algorithm for a key: RSASHA256 or ECDSASHA256.
func MethodFor(key crypto.PublicKey) (string, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return RSASHA256, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return ECDSASHA256, nil
		}
	}
	return "", fmt.Errorf("%w: no algorithm for a %T", ErrKey, key)
}

package dsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// Space is the namespace of XML Signature.
const Space = "http://www.w3.org/2000/09/xmldsig#"

// Names of algorithms (RFC 6931).
const (
	RSASHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	ECDSASHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
	SHA256      = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// method is a signature algorithm: how its input is hashed and its value checked.
type method struct {
	name   string
	hash   crypto.Hash
	verify func(key crypto.PublicKey, p Policy, digest, value []byte) error
}

var methods = [...]method{
	{RSASHA256, crypto.SHA256, verifyRSA(crypto.SHA256)},
	{ECDSASHA256, crypto.SHA256, verifyECDSA},
}

// digest is a digest algorithm of References.
type digest struct {
	name string
	size int
	sum  func(dst, data []byte) []byte
}

var digests = [...]digest{
	{SHA256, sha256.Size, func(dst, data []byte) []byte {
		h := sha256.Sum256(data)
		return append(dst, h[:]...)
	}},
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

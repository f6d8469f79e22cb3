package ticket

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
)

// domain keeps a ticket signature from ever being taken for any other
// signature made with the same key, such as that of a SOAP message.
const domain = "leasehold ticket record, " + scheme

// digest is the SHA-256 of everything that the signature of a record covers.
// Each part has its length in front, so no two lists of parts hash alike.
func digest(parent []byte, r Record, der []byte) []byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(domain), parent, appendRecord(nil, 0, r, nil), der} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	return h.Sum(nil)
}

// sign makes the signature of a record. Without a random source RSA PKCS#1 v1.5
// and ECDSA (RFC 6979) are deterministic in the standard library, so granting
// again gives the same ticket; a signer in hardware may not promise that.
func sign(signer crypto.Signer, sum []byte) ([]byte, error) {
	if err := suitable(signer.Public()); err != nil {
		return nil, err
	}
	sig, err := signer.Sign(nil, sum, crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("ticket: sign: %w", err)
	}
	return sig, nil
}

// verify checks a signature with the key in its maker's certificate.
func verify(key crypto.PublicKey, sum, signature []byte) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum, signature) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, sum, signature) {
			return nil
		}
	}
	return ErrSignature
}

// suitable says why a key may not sign tickets, or nil: RSA of 2048 to 8192
// bits and ECDSA on P-256 may. The upper bound keeps a stranger's certificate
// from costing us seconds.
func suitable(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < 2048 || n > 8192 {
			return fmt.Errorf("%w: RSA of %d bits", ErrKey, n)
		}
		return nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return fmt.Errorf("%w: ECDSA on %s", ErrKey, key.Curve.Params().Name)
		}
		return nil
	}
	return fmt.Errorf("%w: %T", ErrKey, key)
}

// certificate parses a holder's certificate and requires its one common name to
// be the holder's GUID. Nothing else in it is believed: not its dates, which
// the pin of the root overrides, and not its own signature.
func certificate(der []byte, holder string) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
	}
	return cert, belongs(cert, holder)
}

// belongs says why cert is not a certificate for holder with a key of this
// scheme, or nil.
func belongs(cert *x509.Certificate, holder string) error {
	if err := named(cert, holder); err != nil {
		return err
	}
	return suitable(cert.PublicKey)
}

// named says why cert does not name holder, or nil.
func named(cert *x509.Certificate, holder string) error {
	names := 0
	for _, a := range cert.Subject.Names {
		if a.Type.String() == "2.5.4.3" {
			names++
		}
	}
	if names != 1 || cert.Subject.CommonName != holder {
		return fmt.Errorf("%w: certificate of %q for holder %s", ErrLink, clip(cert.Subject.CommonName), holder)
	}
	return nil
}

// same reports whether two keys are one.
func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Store is what a key store of another program held.
type Store struct {
	Identities []Identity // in the order of the file
	Trusted    []Trusted
}

// Trusted is a certificate without its key. Deployed actors keep those of their
// peers, each under the peer's GUID.
type Trusted struct {
	Alias string // in lower case, as JKS has it; empty in PEM
	Cert  *x509.Certificate
}

// Errors of Import and ImportStore wrap one of these.
var (
	ErrPassword = errors.New("keys: wrong password, or the store has been changed")
	ErrStore    = errors.New("keys: not a key store that can be read")
)

// The bounds of what is imported.
const (
	maxStore   = 4 << 20
	maxEntries = 4096
)

// Import reads the one identity that a key store of another program holds: JKS,
// PKCS #12 or PEM, told apart by their beginning. The first password opens the
// store, the last one the key; deployed actors use two (wssec.md 3.2). PEM needs
// none unless its key is encrypted.
//
// The GUID is the subject of the certificate, in the case it is written in. The
// name is its organisational unit, which for deployed actors is the same for all:
// whoever imports knows the actor's own.
func Import(data []byte, passwords ...string) (Identity, error) {
	s, err := ImportStore(data, passwords...)
	switch {
	case err != nil:
		return Identity{}, err
	case len(s.Identities) != 1:
		return Identity{}, fmt.Errorf("%w: %d keys in it, where one was expected", ErrStore, len(s.Identities))
	}
	return s.Identities[0], nil
}

// ImportStore is Import for everything in a store, peers' certificates included.
func ImportStore(data []byte, passwords ...string) (Store, error) {
	store, key := "", ""
	if len(passwords) > 0 {
		store, key = passwords[0], passwords[len(passwords)-1]
	}
	switch {
	case len(data) > maxStore:
		return Store{}, fmt.Errorf("%w: longer than %d octets", ErrStore, maxStore)
	case bytes.HasPrefix(data, jksMagic):
		return parseJKS(data, store, key)
	case len(data) > 0 && data[0] == 0x30:
		return parsePKCS12(data, store)
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return parsePEM(data, key)
	}
	return Store{}, fmt.Errorf("%w: neither JKS nor PKCS #12 nor PEM", ErrStore)
}

// identify makes an identity of a key and the chain that came with it, whose
// first certificate is its own.
func identify(pkcs8 []byte, chain []*x509.Certificate) (Identity, error) {
	key, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: a private key does not parse", ErrStore) // the cause might quote it
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return Identity{}, fmt.Errorf("%w: a private key of type %T", ErrStore, key)
	}
	return withCertificate(signer, chain)
}

func withCertificate(signer crypto.Signer, chain []*x509.Certificate) (Identity, error) {
	for _, cert := range chain {
		k, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !k.Equal(signer.Public()) {
			continue
		}
		i := Identity{GUID: cert.Subject.CommonName, Key: signer, Cert: cert}
		if ou := cert.Subject.OrganizationalUnit; len(ou) == 1 {
			i.Name = ou[0]
		}
		if err := i.check(); err != nil {
			return Identity{}, fmt.Errorf("%w: %w", ErrStore, err)
		}
		return i, nil
	}
	return Identity{}, fmt.Errorf("%w: a private key without its certificate", ErrStore)
}

func parseCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	return cert, nil
}

// parsePEM reads keys and certificates in any order. A certificate of no key is a
// trusted one.
func parsePEM(data []byte, password string) (s Store, err error) {
	var signers []crypto.Signer
	var certs []*x509.Certificate
	for n := 0; ; n++ {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if n == maxEntries {
			return Store{}, fmt.Errorf("%w: more than %d entries", ErrStore, maxEntries)
		}
		if block.Headers["DEK-Info"] != "" {
			return Store{}, fmt.Errorf("%w: a key encrypted in the old way; openssl pkcs8 -topk8 makes a new one", ErrStore)
		}
		var key any
		der := block.Bytes
		switch block.Type {
		case "CERTIFICATE", "TRUSTED CERTIFICATE":
			cert, err := parseCertificate(der)
			if err != nil {
				return Store{}, err
			}
			certs = append(certs, cert)
			continue
		case "ENCRYPTED PRIVATE KEY":
			if der, err = decryptPKCS8(der, password); err != nil {
				return Store{}, err
			}
			key, err = x509.ParsePKCS8PrivateKey(der)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(der)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(der)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(der)
		case "EC PARAMETERS":
			continue // openssl writes them before the key, which repeats them
		default:
			return Store{}, fmt.Errorf("%w: PEM block %.40q", ErrStore, block.Type)
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return Store{}, fmt.Errorf("%w: a private key does not parse", ErrStore)
		}
		signers = append(signers, signer)
	}
	for _, signer := range signers {
		i, err := withCertificate(signer, certs)
		if err != nil {
			return Store{}, err
		}
		s.Identities = append(s.Identities, i)
	}
	for _, cert := range certs {
		if !s.owns(cert) {
			s.Trusted = append(s.Trusted, Trusted{Cert: cert})
		}
	}
	return s, nil
}

func (s Store) owns(cert *x509.Certificate) bool {
	for _, i := range s.Identities {
		if i.Cert.Equal(cert) {
			return true
		}
	}
	return false
}

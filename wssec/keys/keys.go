package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"strings"
	"time"

	"github.com/leasehold/leasehold/wssec"
)

// Identity is an actor that can sign.
type Identity struct {
	GUID string // lower-case UUID; of one imported from a deployed actor, as it was there
	Name string // as the actor calls itself
	Key  crypto.Signer
	Cert *x509.Certificate // carries the public half of Key
}

// Pin is what peers keep of the identity.
func (i Identity) Pin() wssec.Pin { return wssec.Pin{GUID: i.GUID, Key: i.Key.Public(), Cert: i.Cert} }

// Algorithm is a kind of key.
type Algorithm uint8

// The kinds of key that the strict profile accepts and Generate makes.
const (
	ECDSAP256 Algorithm = iota + 1 // small signatures, fast signing: the default choice
	RSA2048                        // fast checking; the only kind that legacy peers understand
)

// String is the name used in configuration.
func (a Algorithm) String() string {
	switch a {
	case ECDSAP256:
		return "ecdsa-p256"
	case RSA2048:
		return "rsa-2048"
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// Generate makes a new identity, its certificate valid from notBefore to
// notAfter (whole seconds). With ECDSAP256 it is a function of its arguments,
// so a simulation can repeat itself; RSA2048 takes further chance from the
// system, as Go's crypto/rsa does.
func Generate(rand io.Reader, guid, name string, alg Algorithm, notBefore, notAfter time.Time) (Identity, error) {
	if !wssec.ValidGUID(guid) {
		return Identity{}, fmt.Errorf("keys: %.60q is no lower-case UUID", guid)
	}
	if !wssec.ValidName(name) {
		return Identity{}, fmt.Errorf("keys: bad actor name %.60q", name)
	}
	if !notAfter.After(notBefore) {
		return Identity{}, errors.New("keys: a certificate that ends before it begins")
	}
	key, err := generate(rand, alg)
	if err != nil {
		return Identity{}, fmt.Errorf("keys: generate %v: %w", alg, err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(rand, serial); err != nil {
		return Identity{}, fmt.Errorf("keys: serial number: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always 16 octets
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: guid, OrganizationalUnit: []string{name}},
		URIs:                  []*url.URL{{Scheme: "urn", Opaque: "uuid:" + guid}},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
	// Without a source of chance the signer is deterministic (RFC 6979).
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		return Identity{}, fmt.Errorf("keys: certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Identity{}, fmt.Errorf("keys: certificate: %w", err)
	}
	return Identity{GUID: guid, Name: name, Key: key, Cert: cert}, nil
}

func generate(rand io.Reader, alg Algorithm) (crypto.Signer, error) {
	switch alg {
	case ECDSAP256:
		// ecdsa.GenerateKey would ignore rand. A number that is too large for
		// the curve, one in four thousand million, is drawn again.
		raw := make([]byte, 32)
		for {
			if _, err := io.ReadFull(rand, raw); err != nil {
				return nil, err
			}
			if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw); err == nil {
				return key, nil
			}
		}
	case RSA2048:
		return rsa.GenerateKey(rand, 2048)
	}
	return nil, errors.New("unknown kind of key")
}

// Fingerprint is the SHA-256 of a certificate in the form people compare: pairs
// of upper-case hexadecimal digits with colons.
func Fingerprint(cert *x509.Certificate) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(cert.Raw)), " ", ":")
}

// check is what an identity has to fulfil to be of any use.
func (i Identity) check() error {
	switch {
	case i.Key == nil || i.Cert == nil:
		return errors.New("no key or no certificate")
	case !wssec.ValidLegacyGUID(i.GUID):
		return fmt.Errorf("subject %.60q is no UUID", i.GUID)
	case !wssec.ValidName(i.Name):
		return fmt.Errorf("bad actor name %.60q", i.Name)
	case i.Cert.Subject.CommonName != i.GUID:
		return errors.New("certificate of another subject")
	case len(i.Cert.URIs) > 0 && (len(i.Cert.URIs) > 1 || i.Cert.URIs[0].String() != "urn:uuid:"+i.GUID):
		// Certificates of deployed actors have no alternative names.
		return errors.New("certificate with other alternative names than the urn:uuid of its subject")
	}
	if k, ok := i.Cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(i.Key.Public()) {
		return errors.New("certificate of another key")
	}
	return nil
}

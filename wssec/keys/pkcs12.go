package keys

import (
	"crypto/hmac"
	"crypto/sha1" // what older files use
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"math/big"
)

// PKCS #12 (RFC 7292), as far as keytool and openssl write it: a MAC over all, and
// inside it bags of certificates and keys, encrypted with PBES2 and AES (since
// JDK 16 and OpenSSL 3) or Triple DES. The 40-bit RC2 of older files is not read.
type pfx struct {
	Version int
	Auth    contentInfo
	Mac     macData `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type macData struct {
	Mac struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Salt       []byte
	Iterations int `asn1:"optional,default:1"`
}

type encryptedData struct {
	Version int
	Info    struct {
		Type      asn1.ObjectIdentifier
		Algorithm pkix.AlgorithmIdentifier
		Content   asn1.RawValue `asn1:"tag:0,optional"`
	}
}

type safeBag struct {
	ID         asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"tag:0,explicit"`
	Attributes asn1.RawValue `asn1:"set,optional"`
}

type certBag struct {
	ID   asn1.ObjectIdentifier
	Data []byte `asn1:"tag:0,explicit"`
}

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}
	oidKeyBag        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidShroudedBag   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 2}
	oidCertBag       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 3}
	oidX509          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 22, 1}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA512        = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// unmarshal is asn1.Unmarshal that takes nothing after the value.
func unmarshal(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("%w: DER of another shape", ErrStore)
	}
	return nil
}

func parsePKCS12(data []byte, password string) (Store, error) {
	var p pfx
	if err := unmarshal(data, &p); err != nil {
		return Store{}, err
	}
	var safe []byte
	if p.Version != 3 || !p.Auth.Type.Equal(oidData) {
		return Store{}, fmt.Errorf("%w: PKCS #12 of another kind", ErrStore)
	}
	if err := unmarshal(p.Auth.Content.Bytes, &safe); err != nil {
		return Store{}, err
	}
	if err := p.Mac.check(safe, password); err != nil {
		return Store{}, err
	}
	var parts []contentInfo
	if err := unmarshal(safe, &parts); err != nil {
		return Store{}, err
	}
	var keys [][]byte
	var certs []*x509.Certificate
	entries := 0
	for _, part := range parts {
		bags, err := part.bags(password)
		if err != nil {
			return Store{}, err
		}
		for _, bag := range bags {
			if entries++; entries > maxEntries {
				return Store{}, fmt.Errorf("%w: more than %d entries", ErrStore, maxEntries)
			}
			switch {
			case bag.ID.Equal(oidKeyBag):
				keys = append(keys, bag.Value.Bytes)
			case bag.ID.Equal(oidShroudedBag):
				key, err := decryptPKCS8(bag.Value.Bytes, password)
				if err != nil {
					return Store{}, err
				}
				keys = append(keys, key)
			case bag.ID.Equal(oidCertBag):
				var c certBag
				if err := unmarshal(bag.Value.Bytes, &c); err != nil {
					return Store{}, err
				}
				if !c.ID.Equal(oidX509) {
					continue
				}
				cert, err := parseCertificate(c.Data)
				if err != nil {
					return Store{}, err
				}
				certs = append(certs, cert)
			}
		}
	}
	var s Store
	for _, key := range keys {
		i, err := identify(key, certs)
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

// bags are the contents of one part of the authenticated safe.
func (c contentInfo) bags(password string) (bags []safeBag, err error) {
	var plain []byte
	switch {
	case c.Type.Equal(oidData):
		err = unmarshal(c.Content.Bytes, &plain)
	case c.Type.Equal(oidEncryptedData):
		var e encryptedData
		if err = unmarshal(c.Content.Bytes, &e); err == nil {
			plain, err = decrypt(e.Info.Algorithm, e.Info.Content.Bytes, password)
		}
	default:
		err = fmt.Errorf("%w: PKCS #12 protected by %v", ErrStore, c.Type)
	}
	if err != nil {
		return nil, err
	}
	return bags, unmarshal(plain, &bags)
}

// check compares the MAC over the authenticated safe. A file without one proves
// nothing, but nor does any certificate here: pins decide whom we believe.
func (m macData) check(safe []byte, password string) error {
	if m.Mac.Digest == nil {
		return nil
	}
	var h func() hash.Hash
	switch alg := m.Mac.Algorithm.Algorithm; {
	case alg.Equal(oidSHA1):
		h = sha1.New
	case alg.Equal(oidSHA256):
		h = sha256.New
	case alg.Equal(oidSHA512):
		h = sha512.New
	default:
		return fmt.Errorf("%w: a MAC of kind %v", ErrStore, alg)
	}
	if m.Iterations < 1 || m.Iterations > maxIterations {
		return fmt.Errorf("%w: %d iterations", ErrStore, m.Iterations)
	}
	mac := hmac.New(h, deriveKey(h, password, m.Salt, 3, m.Iterations, h().Size()))
	mac.Write(safe)
	if subtle.ConstantTimeCompare(mac.Sum(nil), m.Mac.Digest) != 1 {
		return fmt.Errorf("PKCS #12: %w", ErrPassword)
	}
	return nil
}

// deriveKey is the key derivation of RFC 7292 B.2 for purpose id.
func deriveKey(h func() hash.Hash, password string, salt []byte, id byte, iterations, size int) []byte {
	block := h().BlockSize()
	fill := func(b []byte) []byte {
		var out []byte
		for n := (len(b) + block - 1) / block * block; len(out) < n; {
			out = append(out, b[:min(len(b), n-len(out))]...)
		}
		return out
	}
	input := append(fill(salt), fill(append(utf16BE(password), 0, 0))...)
	purpose := make([]byte, block)
	for i := range purpose {
		purpose[i] = id
	}
	var out []byte
	for len(out) < size {
		d := h()
		d.Write(purpose)
		d.Write(input)
		a := d.Sum(nil)
		for range iterations - 1 {
			d.Reset()
			d.Write(a)
			a = d.Sum(a[:0])
		}
		out = append(out, a...)
		// Each block of the input grows by the block of digests and one.
		b := new(big.Int).SetBytes(fill(a)[:block])
		b.Add(b, big.NewInt(1))
		for i := 0; i < len(input); i += block {
			sum := new(big.Int).Add(new(big.Int).SetBytes(input[i:i+block]), b).Bytes()
			if len(sum) > block {
				sum = sum[len(sum)-block:]
			}
			clear(input[i : i+block])
			copy(input[i+block-len(sum):], sum)
		}
	}
	return out[:size]
}

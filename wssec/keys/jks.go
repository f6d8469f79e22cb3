package keys

import (
	"crypto/sha1" // the format knows nothing else
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// JKS is Sun's key store, which deployed actors keep their keys in. Its protection
// is weak: read it, and keep the key elsewhere.
//
//	FEEDFEED, version, number of entries
//	entry: tag, alias, date, then
//	  1: protected key, number of certificates, each with its type
//	  2: one certificate with its type
//	SHA-1 of the password, a constant, and everything before
//
// Numbers are big-endian, of 4 octets; texts have their length in 2 octets before
// them. In version 1 certificates have no type.
var jksMagic = []byte{0xfe, 0xed, 0xfe, 0xed}

// jksSalt is what the checksum of every JKS file begins with after the password.
const jksSalt = "Mighty Aphrodite"

// maxChain is the longest chain of certificates of one key.
const maxChain = 16

// jksReader walks the file. After an error everything it reads is empty.
type jksReader struct {
	rest []byte
	err  error
}

func (r *jksReader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		if r.err == nil {
			r.err = fmt.Errorf("%w: JKS ends too early", ErrStore)
		}
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *jksReader) number() int {
	if b := r.take(4); b != nil {
		return int(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *jksReader) text() string {
	if b := r.take(2); b != nil {
		return string(r.take(int(binary.BigEndian.Uint16(b))))
	}
	return ""
}

func parseJKS(data []byte, storePassword, keyPassword string) (Store, error) {
	if len(data) < 12+sha1.Size {
		return Store{}, fmt.Errorf("%w: JKS ends too early", ErrStore)
	}
	body, sum := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	h := sha1.New()
	h.Write(utf16BE(storePassword))
	h.Write([]byte(jksSalt))
	h.Write(body)
	if subtle.ConstantTimeCompare(h.Sum(nil), sum) != 1 {
		return Store{}, fmt.Errorf("JKS: %w", ErrPassword)
	}
	r := &jksReader{rest: body[4:]}
	version, count := r.number(), r.number()
	if version != 1 && version != 2 || count > maxEntries {
		return Store{}, fmt.Errorf("%w: JKS of version %d with %d entries", ErrStore, version, count)
	}
	var s Store
	for range count {
		tag, alias := r.number(), r.text()
		r.take(8) // when it was made
		switch tag {
		case 1:
			i, err := r.key(version, keyPassword)
			if err != nil {
				return Store{}, fmt.Errorf("JKS entry %.80q: %w", alias, err)
			}
			s.Identities = append(s.Identities, i)
		case 2:
			cert, err := r.certificate(version)
			if err != nil {
				return Store{}, fmt.Errorf("JKS entry %.80q: %w", alias, err)
			}
			s.Trusted = append(s.Trusted, Trusted{alias, cert})
		default:
			if r.err == nil {
				r.err = fmt.Errorf("%w: JKS entry of kind %d", ErrStore, tag)
			}
		}
		if r.err != nil {
			return Store{}, r.err
		}
	}
	if len(r.rest) > 0 {
		return Store{}, fmt.Errorf("%w: JKS with something after its entries", ErrStore)
	}
	return s, nil
}

func (r *jksReader) certificate(version int) (*x509.Certificate, error) {
	kind := "X.509"
	if version == 2 {
		kind = r.text()
	}
	der := r.take(r.number())
	switch {
	case r.err != nil:
		return nil, r.err
	case kind != "X.509":
		return nil, fmt.Errorf("%w: certificate of type %.40q", ErrStore, kind)
	}
	return parseCertificate(der)
}

func (r *jksReader) key(version int, password string) (Identity, error) {
	protected := r.take(r.number())
	n := r.number()
	if n > maxChain {
		return Identity{}, fmt.Errorf("%w: a chain of %d certificates", ErrStore, n)
	}
	var chain []*x509.Certificate
	for range n {
		cert, err := r.certificate(version)
		if err != nil {
			return Identity{}, err
		}
		chain = append(chain, cert)
	}
	if r.err != nil {
		return Identity{}, r.err
	}
	pkcs8, err := unprotect(protected, password)
	if err != nil {
		return Identity{}, err
	}
	return identify(pkcs8, chain)
}

// oidJKS is Sun's own protection of keys.
var oidJKS = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}

// unprotect takes the key out of an EncryptedPrivateKeyInfo of Sun's making: 20
// octets of salt, the key under a stream of SHA-1 of password and what came
// before, and the SHA-1 of password and key.
func unprotect(der []byte, password string) ([]byte, error) {
	info, err := parseEncrypted(der)
	if err != nil {
		return nil, err
	}
	data := info.Data
	if !info.Algorithm.Algorithm.Equal(oidJKS) || len(data) < 2*sha1.Size {
		return nil, fmt.Errorf("%w: a key protected by %v", ErrStore, info.Algorithm.Algorithm)
	}
	secret := utf16BE(password)
	stream, sum := data[:sha1.Size], data[len(data)-sha1.Size:]
	plain := append([]byte(nil), data[sha1.Size:len(data)-sha1.Size]...)
	for i := 0; i < len(plain); i += sha1.Size {
		next := sha1.Sum(append(secret[:len(secret):len(secret)], stream...))
		stream = next[:]
		subtle.XORBytes(plain[i:], plain[i:], stream)
	}
	want := sha1.Sum(append(secret[:len(secret):len(secret)], plain...))
	if subtle.ConstantTimeCompare(want[:], sum) != 1 {
		return nil, fmt.Errorf("key: %w", ErrPassword)
	}
	return plain, nil
}

func utf16BE(s string) []byte {
	var out []byte
	for _, c := range utf16.Encode([]rune(s)) {
		out = append(out, byte(c>>8), byte(c))
	}
	return out
}

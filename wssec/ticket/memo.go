package ticket

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"sync"
)

// Memo remembers which signatures were found to be right, so that the records that many
// tickets rest on are not computed again for each of them. It remembers arithmetic and
// nothing else: that a key made a signature of some octets stays true whatever becomes
// of the key. Who is trusted, who holds what, and whether a record is within its parent
// is checked every time; a pin that is removed counts at once. Only what was right is
// kept, and of tickets that were right as a whole, so that strangers cannot fill it.
//
// The zero Memo is ready; it is safe for use by several goroutines. A nil *Memo
// remembers nothing.
type Memo struct {
	mu    sync.Mutex
	right map[[sha256.Size]byte]struct{}
	certs map[string]*x509.Certificate // by their octets
}

// What a Memo holds at most; one more starts it afresh.
const (
	maxProofs = 8192
	maxCerts  = 1024
)

// Verify is [Scheme.Verify], with what is remembered.
func (m *Memo) Verify(s Scheme, text string, roots func(guid string) []crypto.PublicKey) (Chain, error) {
	if s != SHA256Chain {
		return s.Verify(text, roots)
	}
	return m.verify(text, roots)
}

// signed checks that the key of cert made a signature.
func (m *Memo) signed(cert *x509.Certificate, sum, signature []byte) (proof [sha256.Size]byte, err error) {
	proof = proofOf(cert.RawSubjectPublicKeyInfo, sum, signature)
	if m.has(proof) {
		return proof, nil
	}
	return proof, verify(cert.PublicKey, sum, signature)
}

// proofOf names all that [verify] looks at: each part with its length in front, so that
// no other three parts have the name.
func proofOf(parts ...[]byte) (name [sha256.Size]byte) {
	h := sha256.New()
	for _, part := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	h.Sum(name[:0])
	return name
}

func (m *Memo) has(proof [sha256.Size]byte) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.right[proof]
	return ok
}

// certificate is [certificate], which parses each only once.
func (m *Memo) certificate(der []byte, holder string) (*x509.Certificate, error) {
	if m != nil {
		m.mu.Lock()
		known := m.certs[string(der)]
		m.mu.Unlock()
		if known != nil {
			return known, belongs(known, holder)
		}
	}
	return certificate(der, holder)
}

// keep remembers a ticket that was right.
func (m *Memo) keep(proofs [][sha256.Size]byte, certs []*x509.Certificate) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.right == nil || len(m.right)+len(proofs) > maxProofs {
		m.right = make(map[[sha256.Size]byte]struct{})
	}
	if m.certs == nil || len(m.certs)+len(certs) > maxCerts {
		m.certs = make(map[string]*x509.Certificate)
	}
	for _, p := range proofs {
		m.right[p] = struct{}{}
	}
	for _, c := range certs {
		if m.certs[string(c.Raw)] == nil {
			m.certs[string(c.Raw)] = c
		}
	}
}

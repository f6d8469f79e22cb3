package wssec

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/x509"
	"strings"
	"sync"
)

// Pin ties a public key to a GUID. Pins come from an administrator or from
// something verified up to one; a message never makes a pin (wssec.md A22).
type Pin struct {
	GUID string
	Key  crypto.PublicKey
	// Cert is a certificate of Key, for peers that name theirs without sending it
	// (see [Tokens]). It may be nil.
	Cert *x509.Certificate
}

// Trust knows the pins of peers. It is asked from several goroutines at once.
type Trust interface {
	// Pins are those of guid; none for a stranger. Several overlap while a key
	// is being replaced.
	Pins(guid string) []Pin
}

// Pins is a Trust that never changes. Its zero value trusts nobody.
type Pins []Pin

// Pins are those of guid.
func (p Pins) Pins(guid string) []Pin {
	var found []Pin
	for _, pin := range p {
		if pin.GUID == guid {
			found = append(found, pin)
		}
	}
	return found
}

// pinned reports whether key is pinned for guid. A nil Trust trusts nobody.
func pinned(t Trust, guid string, key crypto.PublicKey) bool {
	if t == nil {
		return false
	}
	for _, pin := range t.Pins(guid) {
		if pin.GUID == guid && sameKey(pin.Key, key) {
			return true
		}
	}
	return false
}

// sameKey compares public keys. Those of the standard library have Equal, but for
// DSA; a key that cannot be compared is never the same.
func sameKey(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case interface{ Equal(crypto.PublicKey) bool }:
		return a.Equal(b)
	case *dsa.PublicKey:
		b, ok := b.(*dsa.PublicKey)
		return ok && a.P.Cmp(b.P) == 0 && a.Q.Cmp(b.Q) == 0 && a.G.Cmp(b.G) == 0 && a.Y.Cmp(b.Y) == 0
	}
	return false
}

// Certificates remembers parsed certificates by their token text, which saves
// parsing one per message. Only those of messages that opened are kept, so
// strangers cannot fill it. The zero value is ready; it is safe for use by
// several goroutines. A nil *Certificates remembers nothing.
type Certificates struct {
	mu    sync.RWMutex
	known map[string]*x509.Certificate
}

// maxCertificates bounds the memory of Certificates; one more starts it afresh.
const maxCertificates = 4096

func (c *Certificates) get(text string) *x509.Certificate {
	if c == nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.known[text]
}

func (c *Certificates) put(text string, cert *x509.Certificate) {
	if c == nil || text == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCertificates {
		c.known = make(map[string]*x509.Certificate)
	}
	c.known[strings.Clone(text)] = cert // a clone, or the whole message stays in memory
}

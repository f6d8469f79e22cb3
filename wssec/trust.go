package wssec

import (
	"crypto"
	"crypto/x509"
	"strings"
	"sync"
)

// Pin ties a public key to a GUID. Pins come from an administrator or from
// something verified up to one; a message never makes a pin (wssec.md A22).
type Pin struct {
	GUID string
	Key  crypto.PublicKey
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
		// Every public key of the standard library has Equal; a key without it
		// cannot be compared and so is never the same.
		k, ok := pin.Key.(interface{ Equal(crypto.PublicKey) bool })
		if ok && pin.GUID == guid && k.Equal(key) {
			return true
		}
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
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCertificates {
		c.known = make(map[string]*x509.Certificate)
	}
	c.known[strings.Clone(text)] = cert // a clone, or the whole message stays in memory
}

package dsig

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
)

// Suits says why no signature made with that key could ever be taken under this
// policy, or nil. It is for whoever writes policies: a key that suits nothing is a
// mistake to be found before the first message. The error wraps ErrKey.
func (p Policy) Suits(key crypto.PublicKey) error {
	var names []string
	switch key.(type) {
	case *rsa.PublicKey:
		names = []string{RSASHA1, RSASHA256, RSASHA512}
	case *ecdsa.PublicKey:
		names = []string{ECDSASHA256}
	case *dsa.PublicKey:
		names = []string{DSASHA1}
	}
	err := fmt.Errorf("%w: no signature allowed here is made with a %T", ErrKey, key)
	for _, m := range methods {
		if !slices.Contains(names, m.name) || !slices.Contains(p.Signatures, m.name) {
			continue
		}
		// Everything about the key is looked at before the value, which is none.
		if err = m.verify(key, p, make([]byte, m.digest.size), nil); errors.Is(err, ErrSignature) {
			return nil
		}
	}
	return err
}

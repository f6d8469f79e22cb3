package nodeagent

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/handlers/nodeagent/pack"
	"github.com/leasehold/leasehold/wssec/keys"

	wire "github.com/leasehold/leasehold/wire/nodeagent"
)

// A Right is something that a key may ask for.
type Right string

// The rights.
const (
	RightKeys    Right = "keys"    // to register others
	RightDrivers Right = "drivers" // to install packages, and to sign them
	RightInvoke  Right = "invoke"  // to run the actions of drivers
	RightScript  Right = "script"  // to run any command
)

// Rights are all of them.
var Rights = []Right{RightKeys, RightDrivers, RightInvoke, RightScript}

// A Key is somebody who may speak to the agent.
type Key struct {
	Alias  string
	Cert   *x509.Certificate
	Rights []Right
}

func (k *Key) name() string {
	if k == nil {
		return "nobody known"
	}
	return k.Alias
}

// first is the alias of the first key, which the node was booted to trust (nodeagent 1.2).
const first = "firstkey"

// mostKeys bounds how many keys are kept.
const mostKeys = 1000

// keyFile is how a key is kept, as keys/ALIAS.json.
type keyFile struct {
	Certificate string  `json:"certificate"` // PEM
	Rights      []Right `json:"rights"`
}

func (a *Agent) keyPath(alias string) string {
	return filepath.Join(a.cfg.Dir, "keys", alias+".json")
}

func (a *Agent) loadKeys() error {
	entries, err := os.ReadDir(filepath.Join(a.cfg.Dir, "keys"))
	if err != nil {
		return fmt.Errorf("nodeagent: %w", err)
	}
	for _, e := range entries {
		alias, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok { // of a crash
			_ = os.Remove(filepath.Join(a.cfg.Dir, "keys", e.Name()))
			continue
		}
		data, err := os.ReadFile(a.keyPath(alias))
		var f keyFile
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		var cert *x509.Certificate
		if err == nil {
			cert, err = keys.ParseCertificatePEM([]byte(f.Certificate))
		}
		if err != nil {
			return fmt.Errorf("nodeagent: the key %s: %w", alias, err)
		}
		a.keys[alias] = &Key{alias, cert, f.Rights}
	}
	return nil
}

// keep makes a key durable, and known. changing is held.
func (a *Agent) keep(k *Key) error {
	data, err := json.Marshal(keyFile{string(keys.CertificatePEM(k.Cert)), k.Rights})
	if err == nil {
		err = writeFile(a.keyPath(k.Alias), data, 0o600)
	}
	if err == nil {
		a.mu.Lock()
		a.keys[k.Alias] = k
		a.mu.Unlock()
	}
	return err
}

// Known finds the key that a certificate is of; nil if nobody registered it. The key
// counts, not the certificate.
func (a *Agent) Known(cert *x509.Certificate) *Key { return a.Holder(cert.PublicKey) }

// Holder finds a key; nil if nobody registered it. One that is registered twice has its
// rights by its first alias, and the first key has its own whatever else it is called.
func (a *Agent) Holder(key crypto.PublicKey) *Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alias := range append([]string{first}, sorted(a.keys)...) {
		if k := a.keys[alias]; k != nil && same(k.Cert.PublicKey, key) {
			return k
		}
	}
	return nil
}

func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// publisher reports whether a key may sign packages.
func (a *Agent) publisher(cert *x509.Certificate) bool {
	k := a.Known(cert)
	return k != nil && slices.Contains(k.Rights, RightDrivers)
}

func (a *Agent) register(r wire.Request) wire.Response {
	if !pack.ValidID(r.Alias) {
		return refused(wire.InvalidArguments, "%.80q cannot be an alias", r.Alias)
	}
	cert, err := x509.ParseCertificate(r.Certificate)
	if err != nil {
		return refused(wire.InvalidArguments, "no certificate: %v", err)
	}
	a.changing.Lock()
	defer a.changing.Unlock()
	a.mu.Lock()
	_, taken := a.keys[r.Alias]
	full := len(a.keys) >= mostKeys
	a.mu.Unlock()
	switch {
	case taken:
		return refused(wire.KeyAlready, "there is a key %s", r.Alias)
	case full:
		return refused(wire.InternalError, "there are %d keys, and no room for another", mostKeys)
	}
	if err := a.keep(&Key{r.Alias, cert, a.cfg.Rights}); err != nil {
		return refused(wire.InternalError, "%v", err)
	}
	return wire.Response{}
}

func (a *Agent) unregister(r wire.Request) wire.Response {
	a.changing.Lock()
	defer a.changing.Unlock()
	a.mu.Lock()
	_, known := a.keys[r.Alias]
	a.mu.Unlock()
	if !known || r.Alias == first {
		return refused(wire.InvalidArguments, "there is no key %.80q that may go", r.Alias)
	}
	err := os.Remove(a.keyPath(r.Alias))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = syncDir(filepath.Dir(a.keyPath(r.Alias)))
	}
	if err != nil {
		return refused(wire.InternalError, "%v", err)
	}
	a.mu.Lock()
	delete(a.keys, r.Alias)
	a.mu.Unlock()
	return wire.Response{}
}

// Keys are those that may speak, by alias.
func (a *Agent) Keys() (out []Key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alias := range sorted(a.keys) {
		out = append(out, *a.keys[alias])
	}
	return out
}

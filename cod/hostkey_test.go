package cod_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/handlers"
)

// TestHostKeys: the private key that a driver is told is the one whose public half the
// directory and the lessee are told; it is the node's alone, stays the same over a crash,
// and follows from the site's secret.
func TestHostKeys(t *testing.T) {
	t.Parallel()
	told := func(secret string, unit, slice string, crash bool) (private, public string) {
		cfg := siteConfig()
		cfg.Guests, cfg.HostKeys = cod.Guests{URLs: []string{"ldap://h"}, Secret: []byte(strings.Repeat(secret, 32))}, true
		w := newWorld(t, cfg)
		w.drive = func(d cod.Drive) (handlers.Result, error) {
			private = d.Params[handlers.ParamHostKey]
			if keys := d.Params[handlers.ParamAdminKeys]; !strings.HasPrefix(keys, "ssh-ed25519 ") {
				t.Errorf("people's keys: %q", keys)
			}
			return handlers.Result{Done: true}, nil
		}
		a := setup(unit, slice, 1)
		a.Properties = actors.Properties{"config.ssh.user1.login": "ada", "config.ssh.user1.keys": "ssh-ed25519 " + base64.StdEncoding.EncodeToString(adaKey)}
		w.step(cod.Do{Action: a})
		w.settle()
		if crash {
			private = ""
			w.load()
			a.Sequence = 2
			w.step(cod.Do{Action: a})
			w.settle()
		}
		done := w.done[len(w.done)-1]
		if done.Code != cod.CodeDone {
			t.Fatalf("%+v", done)
		}
		public = done.Properties[handlers.FactHostKey]
		for _, v := range done.Properties {
			if strings.Contains(v, "PRIVATE") {
				t.Error("the lessee is told a private key")
			}
		}
		label := strings.ToLower(slice)
		e, _ := w.entry("cn=" + label + "1,ou=hosts,ou=" + label + ",ou=slices")
		if e.Get("codHostKey") != public {
			t.Errorf("the directory says %q, the lessee is told %q", e.Get("codHostKey"), public)
		}
		signer, err := ssh.ParsePrivateKey([]byte(private))
		if err != nil || strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) != public {
			t.Errorf("%v: the private key is not that of %s", err, public)
		}
		return private, public
	}
	_, first := told("s", "u1", "Web", false)
	if _, again := told("s", "u1", "Web", true); again != first {
		t.Error("a crash changed the key")
	}
	for name, f := range map[string]func() (string, string){
		"another unit":   func() (string, string) { return told("s", "u2", "Web", false) },
		"another slice":  func() (string, string) { return told("s", "u1", "Db", false) },
		"another secret": func() (string, string) { return told("t", "u1", "Web", false) },
	} {
		if _, other := f(); other == first {
			t.Errorf("%s has the same key", name)
		}
	}
	cfg := siteConfig()
	cfg.HostKeys = true
	if _, err := cod.New(cfg); err == nil {
		t.Error("host keys without a secret")
	}
}

// adaKey is a public key as SSH writes it.
var adaKey = append([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), make([]byte, 32)...)

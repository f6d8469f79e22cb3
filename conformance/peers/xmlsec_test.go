package peers

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/wire/soap"
	"github.com/leasehold/leasehold/wssec/dsig"
)

// xmlsec1 is the command with what it needs of an identity in files.
type xmlsec1 struct{ path, dir string }

func newXMLSec(t *testing.T, ids []identity) xmlsec1 {
	t.Helper()
	x := xmlsec1{setup.Tool(t, "xmlsec1"), t.TempDir()}
	for _, id := range ids {
		der, err := x509.MarshalPKCS8PrivateKey(id.key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(x.dir, id.name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		write(t, filepath.Join(x.dir, id.name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.cert.Raw}))
	}
	return x
}

func write(t *testing.T, path string, octets []byte) {
	t.Helper()
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run gives a message to xmlsec1. It must be told which attribute of which element
// is an id: it knows nothing of WS-Security. The key is given too, because it would
// not follow a SecurityTokenReference.
func (x xmlsec1) run(t *testing.T, action, keyOption, keyFile, text string, ids ...string) (string, error) {
	t.Helper()
	in, out := filepath.Join(t.TempDir(), "in.xml"), filepath.Join(t.TempDir(), "out.xml")
	write(t, in, []byte(text))
	args := []string{action, keyOption, filepath.Join(x.dir, keyFile), "--output", out}
	for _, id := range ids {
		args = append(args, "--id-attr:Id", id)
	}
	if log, err := exec.Command(x.path, append(args, in)...).CombinedOutput(); err != nil {
		return string(log), err
	}
	octets, err := os.ReadFile(out)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // verification writes nothing
	}
	return string(octets), err
}

const soapBody = soap.EnvelopeNS + ":Body"

// TestXMLSec: xmlsec1, whose canonical form is libxml2's, verifies what we sign and
// signs what we open.
func TestXMLSec(t *testing.T) {
	t.Parallel()
	ids := signers(t, nil)
	x := newXMLSec(t, ids)
	eachMessage(t, ids, func(t *testing.T, id identity, s suite, e envelope, size int) {
		t.Parallel()
		text := seal(t, e, id, s)
		if log, err := x.run(t, "--verify", "--pubkey-cert-pem", id.name+".crt", text, soapBody); err != nil {
			t.Errorf("xmlsec1 refuses what we signed: %v\n%s", err, log)
		}
		_, err := x.run(t, "--verify", "--pubkey-cert-pem", id.name+".crt", tamper(t, text), soapBody)
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
			t.Errorf("xmlsec1 takes a changed body: %v", err)
		}
		text, err = x.run(t, "--sign", "--privkey-pem", id.name+".key", template(e, id, s), soapBody)
		if err != nil {
			t.Fatalf("xmlsec1 does not sign: %v\n%s", err, text)
		}
		if names, err := open(t, text, &id.key.PublicKey); err != nil || len(names) != 1 {
			t.Errorf("what xmlsec1 signed: %q %v\n%s", names, err, text)
		}
		if got, want := decode(t, text), message(size); !reflect.DeepEqual(got, want) {
			t.Errorf("another message\n%+v", got)
		}
		if _, err := open(t, tamper(t, text), &id.key.PublicKey); !errors.Is(err, dsig.ErrDigest) {
			t.Errorf("changed body: %v", err)
		}
	})
}

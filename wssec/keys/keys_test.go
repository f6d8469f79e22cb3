package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"
)

const guid = "11111111-1111-4111-8111-111111111111"

var (
	from  = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	until = from.AddDate(10, 0, 0)
)

func seeded(seed byte) io.Reader { return mathrand.NewChaCha8([32]byte{seed}) }

func generate(t *testing.T, alg keys.Algorithm) keys.Identity {
	t.Helper()
	id, err := keys.Generate(rand.Reader, guid, "site one", alg, from, until)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	for _, alg := range []keys.Algorithm{keys.ECDSAP256, keys.RSA2048} {
		id := generate(t, alg)
		c := id.Cert
		if id.GUID != guid || id.Name != "site one" || c.Subject.CommonName != guid ||
			len(c.URIs) != 1 || c.URIs[0].String() != "urn:uuid:"+guid ||
			!c.NotBefore.Equal(from) || !c.NotAfter.Equal(until) || c.IsCA {
			t.Errorf("%v: %+v", alg, c.Subject)
		}
		// Self-signed: CheckSignatureFrom would ask for a certificate authority.
		if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
			t.Errorf("%v: %v", alg, err)
		}
		switch key := id.Key.(type) {
		case *ecdsa.PrivateKey:
			if alg != keys.ECDSAP256 || !key.PublicKey.Equal(c.PublicKey) {
				t.Error("ECDSA key and certificate differ")
			}
		case *rsa.PrivateKey:
			if alg != keys.RSA2048 || !key.PublicKey.Equal(c.PublicKey) || key.N.BitLen() != 2048 {
				t.Error("RSA key and certificate differ")
			}
		}
		if pin := id.Pin(); pin.GUID != guid || pin.Key == nil {
			t.Errorf("pin %v", pin)
		}
	}
}

func TestGenerateIsAFunction(t *testing.T) {
	t.Parallel()
	var raw [3][]byte
	for i, seed := range []byte{1, 1, 2} {
		id, err := keys.Generate(seeded(seed), guid, "site", keys.ECDSAP256, from, until)
		if err != nil {
			t.Fatal(err)
		}
		raw[i] = id.Cert.Raw
	}
	if !bytes.Equal(raw[0], raw[1]) {
		t.Error("the same seed made two identities")
	}
	if bytes.Equal(raw[0], raw[2]) {
		t.Error("two seeds made the same identity")
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		what       string
		rand       io.Reader
		guid, name string
		alg        keys.Algorithm
		until      time.Time
	}{
		{"upper case", rand.Reader, strings.ToUpper("aaaaaaaa-1111-4111-8111-111111111111"), "n", keys.ECDSAP256, until},
		{"no guid", rand.Reader, "", "n", keys.ECDSAP256, until},
		{"no name", rand.Reader, guid, "", keys.ECDSAP256, until},
		{"line feed in the name", rand.Reader, guid, "a\nb", keys.ECDSAP256, until},
		{"no algorithm", rand.Reader, guid, "n", 0, until},
		{"ends before it begins", rand.Reader, guid, "n", keys.ECDSAP256, from},
		{"chance runs out", strings.NewReader("little"), guid, "n", keys.ECDSAP256, until},
		{"chance runs out later", strings.NewReader(strings.Repeat("x", 40)), guid, "n", keys.ECDSAP256, until},
	} {
		if _, err := keys.Generate(tt.rand, tt.guid, tt.name, tt.alg, from, tt.until); err == nil {
			t.Errorf("%s: accepted", tt.what)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if _, err := keys.Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	for _, alg := range []keys.Algorithm{keys.RSA2048, keys.ECDSAP256} { // the second replaces the first
		id := generate(t, alg)
		if err := id.Save(dir); err != nil {
			t.Fatal(err)
		}
		got, err := keys.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.GUID != id.GUID || got.Name != id.Name || !got.Cert.Equal(id.Cert) {
			t.Errorf("%v: loaded %+v", alg, got)
		}
		if key := got.Key.Public().(interface{ Equal(crypto.PublicKey) bool }); !key.Equal(id.Key.Public()) {
			t.Errorf("%v: loaded another key", alg)
		}
	}
	for file, mode := range map[string]fs.FileMode{"identity.pem": 0o600, "certificate.pem": 0o644} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 {
		t.Errorf("files left over: %v", left)
	}
	public, err := os.ReadFile(filepath.Join(dir, "certificate.pem"))
	if err != nil || bytes.Contains(public, []byte("PRIVATE")) {
		t.Errorf("certificate.pem: %s, %v", public, err)
	}
	if _, err := keys.ParseCertificatePEM(public); err != nil {
		t.Error(err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	id, other := generate(t, keys.ECDSAP256), generate(t, keys.ECDSAP256)
	der, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	cert, otherCert := string(keys.CertificatePEM(id.Cert)), string(keys.CertificatePEM(other.Cert))
	for _, tt := range []struct {
		what, data string
		mode       fs.FileMode
		want       string
	}{
		{"good", key + cert, 0o600, ""},
		{"good, read-only", cert + key, 0o400, ""},
		{"readable by all", key + cert, 0o604, "open to others"},
		{"readable by the group", key + cert, 0o640, "open to others"},
		{"writable by the group", key + cert, 0o620, "open to others"},
		{"no key", cert, 0o600, "no key"},
		{"no certificate", key, 0o600, "no key or no certificate"},
		{"empty", "", 0o600, "no key"},
		{"another certificate", key + otherCert, 0o600, "another key"},
		{"two certificates", key + cert + cert, 0o600, "unexpected PEM block"},
		{"two keys", key + key + cert, 0o600, "unexpected PEM block"},
		{"another block", key + cert + strings.ReplaceAll(key, "PRIVATE", "SECRET"), 0o600, "unexpected PEM block"},
		{"text after", key + cert + "more", 0o600, "no PEM block"},
		{"broken key", strings.Replace(key, "M", "A", 1) + cert, 0o600, "does not parse"},
		{"too long", key + cert + strings.Repeat(" ", 64<<10), 0o600, "longer than"},
	} {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name := filepath.Join(dir, "identity.pem")
			if err := os.WriteFile(name, []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, tt.mode); err != nil {
				t.Fatal(err)
			}
			_, err := keys.Load(dir)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q", err, tt.want)
			}
			if tt.want == "open to others" && !errors.Is(err, keys.ErrExposed) {
				t.Errorf("%v is not ErrExposed", err)
			}
		})
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	id := generate(t, keys.ECDSAP256)
	id.Key = generate(t, keys.ECDSAP256).Key
	dir := t.TempDir()
	if err := id.Save(dir); err == nil {
		t.Error("saved a certificate of another key")
	}
	if err := (keys.Identity{}).Save(dir); err == nil {
		t.Error("saved nothing")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestParseCertificatePEM(t *testing.T) {
	t.Parallel()
	good := string(keys.CertificatePEM(generate(t, keys.ECDSAP256).Cert))
	for what, data := range map[string]string{
		"nothing": "", "two": good + good, "text after": good + "x", "huge": good + strings.Repeat("\n", 64<<10),
		"a key":      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"nonsense":   "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"der inside": "MIIB",
	} {
		if _, err := keys.ParseCertificatePEM([]byte(data)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := keys.ParseCertificatePEM([]byte("a comment of openssl\n" + good + "\n")); err != nil {
		t.Error(err)
	}
}

func FuzzParseCertificatePEM(f *testing.F) {
	id, err := keys.Generate(seeded(1), guid, "site", keys.ECDSAP256, from, until)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(keys.CertificatePEM(id.Cert))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		cert, err := keys.ParseCertificatePEM(data)
		if err != nil {
			return
		}
		again, err := keys.ParseCertificatePEM(keys.CertificatePEM(cert))
		if err != nil || !again.Equal(cert) {
			t.Fatalf("not read back: %v", err)
		}
	})
}

func ExampleFingerprint() {
	fmt.Println(keys.Fingerprint(&x509.Certificate{Raw: []byte("DER of a certificate")}))
	// Output:
	// E4:53:5B:11:E7:7D:7F:5B:E1:23:32:73:FC:C8:96:27:60:1F:2F:AB:5D:AC:29:8D:A8:20:84:9C:49:2F:48:78
}

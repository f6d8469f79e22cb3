package config

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wssec/keys"
)

// folder lays out a folder that Load finds nothing wrong with.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "c.yaml", strings.ReplaceAll(good, `"dc=example,dc=org"`, `"dc=example,dc=org", password_file: secret`)+
		`- name: outer
  guid: 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0009
  role: manager
  url: http://o.example.org
  certificate: b.pem
`, 0o644)
	put(t, dir, "secret", "x", 0o600)
	identity(t, "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", filepath.Join(dir, "keys/site1"))
	identity(t, "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003", filepath.Join(dir, "keys/sm1"))
	cert := identity(t, "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002", filepath.Join(dir, "keys/elsewhere"))
	put(t, dir, "b.pem", string(keys.CertificatePEM(cert)), 0o644)
	return dir
}

func put(t *testing.T, dir, name, text string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte(text), mode),
		os.Chmod(path, mode),
	); err != nil {
		t.Fatal(err)
	}
}

// identity makes a key and keeps it in a folder.
func identity(t *testing.T, guid, dir string) *x509.Certificate {
	t.Helper()
	id, err := keys.Generate(rand.Reader, guid, "n", keys.ECDSAP256, time.Unix(0, 0), time.Unix(1<<32, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	return id.Cert
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	edit := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			data, err := os.ReadFile(filepath.Join(dir, "c.yaml"))
			if err != nil || !strings.Contains(string(data), old) {
				t.Fatalf("no %q to edit (%v)", old, err)
			}
			put(t, dir, "c.yaml", strings.Replace(string(data), old, new, 1), 0o644)
		}
	}
	outer := "DIR/b.pem was made out to 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002, not to 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0009; the GUID or the file is the wrong one"
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string // beside the problem of peer outer
	}{
		{"as it stands", func(*testing.T, string) {}, ""},
		{"secret readable by the group", func(t *testing.T, dir string) { put(t, dir, "secret", "x", 0o640) },
			"directory.password_file: DIR/secret can be read or changed by others (mode 0640); chmod 600 DIR/secret"},
		{"store's secret readable by the group", func(t *testing.T, dir string) {
			put(t, dir, "db", "x", 0o640)
			edit("state: state", `store: {kind: postgres, url: "postgres://h/d", password_file: db}`)(t, dir)
		}, "store.password_file: DIR/db can be read or changed by others (mode 0640); chmod 600 DIR/db"},
		{"key readable by all", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "keys/site1/identity.pem"), 0o604); err != nil {
				t.Fatal(err)
			}
		}, "actors[0].keys: keys: load: keys: private key open to others: DIR/keys/site1/identity.pem has mode 0604; chmod 600 it, and replace the key if others may have read it"},
		{"key of another", edit("name: sm1\n", "name: sm1\n  keys: keys/elsewhere\n"),
			"actors[1].keys: the key in DIR/keys/elsewhere was made for 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0002, not for 0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0003; the GUID or the folder is the wrong one"},
		{"no keys", edit("name: sm1", "name: sm2"),
			"actors[1].keys: DIR/keys/sm2/identity.pem: no such file or directory; leasehold init makes keys"},
		{"secret is a folder", edit("password_file: secret", "password_file: keys"),
			"directory.password_file: DIR/keys is not a file"},
		{"certificate missing", edit("certificate: b.pem", "certificate: c.pem"),
			"peers[0].certificate: DIR/c.pem: no such file or directory"},
		{"certificate is no PEM", edit("certificate: b.pem", "certificate: secret"),
			"peers[0].certificate: DIR/secret: keys: no PEM block"},
		{"certificate is a key", func(t *testing.T, dir string) {
			put(t, dir, "c.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0o644)
			edit("certificate: b.pem", "certificate: c.pem")(t, dir)
		}, `peers[0].certificate: DIR/c.pem: keys: a certificate was expected, not "PRIVATE KEY"`},
		{"a key too short for our own actors", func(t *testing.T, dir string) { short(t, filepath.Join(dir, "keys/site1")) },
			"actors[0].keys: actors of one process are strict peers of one another: signature key not fit: RSA of 1024 bits, at least 2048 are asked"},
		{"a legacy peer with keys that are none of its profile's", edit("certificate: b.pem", "certificate: b.pem\n  profile: legacy"),
			"peers[0].certificate: profile legacy: signature key not fit: no signature allowed here is made with a *ecdsa.PublicKey\n" +
				"peers[0].profile: profile legacy needs RSA keys on our side, which site1, sm1 has not; leasehold init --key rsa-2048 makes them"},
		{"a legacy peer that may use them", edit("certificate: b.pem", "certificate: b.pem\n  profile: legacy\n  signatures: [ecdsa-sha256]"),
			"peers[0].profile: profile legacy needs RSA keys on our side, which site1, sm1 has not; leasehold init --key rsa-2048 makes them"},
		{"a second certificate that is missing", edit("certificate: b.pem", "certificate: [b.pem, c.pem]"),
			"peers[0].certificate[1]: DIR/c.pem: no such file or directory"},
		{"ticket missing", edit("role: manager\n  default_broker: broker1", "role: broker\n  sources: [t1]"),
			"actors[1].sources[0]: DIR/t1: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			tt.spoil(t, dir)
			_, err := Load(filepath.Join(dir, "c.yaml"))
			want := "peers[1].certificate: " + outer
			if tt.want != "" {
				want = tt.want + "\n" + want
			}
			var got []string
			ps, _ := err.(Problems)
			for _, p := range ps {
				if p.Line == 0 {
					t.Errorf("%v has no place", p)
				}
				p.File, p.Line = "", 0
				got = append(got, strings.TrimPrefix(p.String(), ": "))
			}
			if s := strings.ReplaceAll(strings.Join(got, "\n"), dir, "DIR"); s != want {
				t.Errorf("got\n%s\nwant\n%s", s, want)
			}
		})
	}

	edit("0009", "0002\"")(t, dir) // not YAML any more
	if _, err := Load(filepath.Join(dir, "c.yaml")); err == nil || !strings.Contains(err.Error(), "c.yaml:") {
		t.Errorf("got %v", err)
	}
}

// short puts an identity in a folder as deployed actors have them: RSA of 1024 bits.
func short(t *testing.T, dir string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<32, 0),
		Subject: pkix.Name{CommonName: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0001", OrganizationalUnit: []string{"shirako"}}}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	id := keys.Identity{GUID: cert.Subject.CommonName, Name: "shirako", Key: key, Cert: cert}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
}

// A key has one owner, and certificates that end are spoken of.
func TestCheck(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	id, err := keys.Load(filepath.Join(dir, "keys/elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "0a5a4b5e-7a0c-4d56-9b0e-3a1f1d8f0009"},
		NotAfter: time.Date(2030, 5, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(nil, tmpl, tmpl, id.Key.Public(), id.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "outer.pem", string(keys.CertificatePEM(cert)), 0o644)
	path := filepath.Join(dir, "c.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(string(data), "b.pem")
	put(t, dir, "c.yaml", string(data[:at])+"outer.pem\n  profile: legacy\n  signatures: [ecdsa-sha256]\n  expired_until: 2030-06-01T00:00:00Z\n", 0o644)
	for _, tt := range []struct{ now, want string }{
		{"2030-01-01T00:00:00Z", ""},
		{"2030-04-20T12:00:00Z", "\nc:32:16: warning: peers[1].certificate: the certificate expires in 10 days"},
		{"2030-05-03T00:00:00Z", "\nc:32:16: warning: peers[1].certificate: the certificate expired 2 days ago, and is taken until 2030-06-01T00:00:00Z"},
		{"2030-06-03T00:00:00Z", "\nc:32:16: warning: peers[1].certificate: the certificate expired 33 days ago"},
		{"2106-02-07T06:28:15Z", "\nc:8:3: warning: actors[0].keys: the certificate expires in less than a day"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Check(path, now)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(strings.ReplaceAll(found.Error(), path, "c"), dir, "DIR")
		const wrong = "peers[1].certificate: it holds the key of broker1: nobody could tell the two apart"
		if !strings.HasPrefix(got, "c:32:16: "+wrong) || !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, "warning") {
			t.Errorf("%s:\n%s", tt.now, got)
		}
	}
	if _, err := Check(filepath.Join(dir, "none.yaml"), time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gave %v", err)
	}
}

func TestLoadPaths(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	c, err := Load(filepath.Join(dir, "c.yaml"))
	if _, ok := err.(Problems); !ok {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.State, c.Admin, c.Directory.PasswordFile, c.Actors[0].Keys, c.Peers[0].Certificates[0])
	want := fmt.Sprint(dir+"/state", dir+"/state/admin.sock", dir+"/secret", dir+"/keys/site1", dir+"/b.pem")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gave %v", err)
	}
	put(t, dir, "big.yaml", strings.Repeat("#", 2*MaxBytes), 0o644)
	if _, err := Load(filepath.Join(dir, "big.yaml")); err == nil || !strings.Contains(err.Error(), "more than the limit") {
		t.Errorf("a long file gave %v", err)
	}
}

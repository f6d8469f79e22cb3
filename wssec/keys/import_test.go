package keys_test

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/wssec/keys"
)

// The stores in testdata hold one key of a deployed actor's kind, made by keytool
// and openssl; actor.jks has two passwords and a peer's certificate besides.
const (
	javaGUID = "46AEA103-1185-4E69-8AFA-53194582F5A9"
	peerGUID = "22222222-2222-4222-8222-222222222222"
)

var stores = map[string][]string{
	"actor.jks":      {"clientkeystorepass", "clientkeypass"},
	"keytool.p12":    {"secret"},
	"openssl.p12":    {"secret"},
	"3des.p12":       {"secret"},
	"3des-nomac.p12": {"secret"},
	"plain.pem":      nil,
	"pkcs1.pem":      nil,
	"encrypted.pem":  {"secret"},
}

func store(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImport(t *testing.T) {
	t.Parallel()
	first, err := keys.Import(store(t, "actor.jks"), stores["actor.jks"]...)
	if err != nil {
		t.Fatal(err)
	}
	for name, passwords := range stores {
		i, err := keys.Import(store(t, name), passwords...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if i.GUID != javaGUID || i.Name != "shirako" || !i.Cert.Equal(first.Cert) ||
			!i.Cert.PublicKey.(*rsa.PublicKey).Equal(i.Key.Public()) {
			t.Errorf("%s: %s %s", name, i.GUID, i.Name)
		}
		// It can be kept in our own form and comes back.
		dir := filepath.Join(t.TempDir(), "id")
		if err := i.Save(dir); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := keys.Load(dir); err != nil || again.GUID != i.GUID || !again.Cert.Equal(i.Cert) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := keys.ImportStore(store(t, "actor.jks"), stores["actor.jks"]...)
	if err != nil || len(s.Identities) != 1 || len(s.Trusted) != 1 || s.Trusted[0].Alias != peerGUID || s.Trusted[0].Cert.Subject.CommonName != peerGUID {
		t.Errorf("%+v %v", s, err)
	}
	s, err = keys.ImportStore(store(t, "only-certificate.pem"))
	if err != nil || len(s.Identities) != 0 || len(s.Trusted) != 1 {
		t.Errorf("%+v %v", s, err)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	jks := store(t, "actor.jks")
	for _, tt := range []struct {
		name      string
		data      []byte
		passwords []string
		want      error
	}{
		{"JKS, wrong store password", jks, []string{"wrong", "clientkeypass"}, keys.ErrPassword},
		{"JKS, wrong key password", jks, []string{"clientkeystorepass"}, keys.ErrPassword},
		{"JKS, no password", jks, nil, keys.ErrPassword},
		{"JKS, cut short", jks[:len(jks)-1], stores["actor.jks"], keys.ErrPassword},
		{"JKS, only its beginning", jks[:4], stores["actor.jks"], keys.ErrStore},
		{"PKCS #12, wrong password", store(t, "openssl.p12"), []string{"wrong"}, keys.ErrPassword},
		{"PKCS #12 without MAC, wrong password", store(t, "3des-nomac.p12"), []string{"wrong"}, nil},
		{"PKCS #12, cut short", store(t, "openssl.p12")[:500], []string{"secret"}, keys.ErrStore},
		{"PKCS #12, RC2", store(t, "rc2.p12"), []string{"secret"}, keys.ErrStore},
		{"PEM, wrong password", store(t, "encrypted.pem"), []string{"wrong"}, nil},
		{"PEM, encrypted in the old way", store(t, "old-encrypted.pem"), []string{"secret"}, keys.ErrStore},
		{"PEM without a key", store(t, "only-certificate.pem"), nil, keys.ErrStore},
		{"PEM without a certificate", store(t, "pkcs1.pem")[:bytes.Index(store(t, "pkcs1.pem"), []byte("-----BEGIN CERT"))], nil, keys.ErrStore},
		{"two keys", bytes.Repeat(store(t, "plain.pem"), 2), nil, keys.ErrStore},
		{"something else", []byte("hello"), nil, keys.ErrStore},
		{"nothing", nil, nil, keys.ErrStore},
		{"too long", make([]byte, 5<<20), nil, keys.ErrStore},
	} {
		i, err := keys.Import(tt.data, tt.passwords...)
		if err == nil || i.Key != nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "clientkey") {
			t.Errorf("%s: a password in %v", tt.name, err)
		}
	}
}

func FuzzImport(f *testing.F) {
	for name := range stores {
		f.Add(store(f, name), "secret")
	}
	f.Add(store(f, "actor.jks"), "clientkeystorepass")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		s, err := keys.ImportStore(data, password)
		if err != nil && !errors.Is(err, keys.ErrStore) && !errors.Is(err, keys.ErrPassword) {
			t.Fatalf("neither kind of error: %v", err)
		}
		for _, i := range s.Identities {
			if i.Key == nil || i.Cert == nil || i.GUID == "" {
				t.Fatal("half an identity")
			}
		}
	})
}

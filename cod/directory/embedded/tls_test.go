package embedded_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
)

// TestStartTLS: the suite's first steps work inside TLS, and a client that does
// not know the certificate stays away.
func TestStartTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	cfg := config(t)
	cfg.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s := start(t, cfg)
	client := ldapdir.Config{URL: s.URL(), StartTLS: true, BindDN: rootDN, Password: password, TLS: &tls.Config{RootCAs: roots}}
	d, err := ldapdir.Open(client)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Read(t.Context(), dirtest.Base); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("read: %v", err)
	}
	client.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	d, err = ldapdir.Open(client)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Ping(t.Context()); !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("an unknown certificate: %v", err)
	}
}

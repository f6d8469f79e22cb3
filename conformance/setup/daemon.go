package setup

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// sbin holds the folders of daemons, which ordinary users do not have in PATH.
var sbin = [...]string{"/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/libexec"}

// findDaemon is the path of an installed program.
func findDaemon(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	// Debian keeps each version of PostgreSQL in a folder of its own.
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(versions)
	for _, dir := range append(versions, sbin[:]...) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed, and this test needs it: run conformance/setup/install.sh", name)
}

// Tool is the path of an installed command such as ldapsearch. When it is not
// installed the test fails.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := findDaemon(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Root skips a test that takes root, which does what, where it has none; but not where CI
// is set, so that there it fails.
func Root(t testing.TB, what string) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip(what + " takes root")
	}
}

// sysProcAttr makes a daemon drop root's rights when the test has them, and end
// when the test ends without a word.
func sysProcAttr() *syscall.SysProcAttr {
	attrs := dieWithParent()
	if os.Geteuid() != 0 {
		return attrs
	}
	for _, name := range []string{"nobody", "daemon"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			attrs.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			break
		}
	}
	return attrs
}

// giveTo hands a folder to the user that a daemon will run as.
func giveTo(dir string, attrs *syscall.SysProcAttr) error {
	if attrs.Credential == nil {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(attrs.Credential.Uid), int(attrs.Credential.Gid))
	})
}

// loopbackCertificate makes a certificate for 127.0.0.1 that vouches for itself.
func loopbackCertificate() (certPEM, keyPEM []byte, roots *x509.CertPool, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "slapd under test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return certPEM, keyPEM, roots, nil
}

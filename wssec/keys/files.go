package keys

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of an identity, and the most that is read of one.
const (
	identityFile    = "identity.pem"
	certificateFile = "certificate.pem"

	maxFile = 64 << 10
)

// ErrExposed means that others than its owner can read or write a private key.
var ErrExposed = errors.New("keys: private key open to others")

// Save writes the identity into dir, which is made if need be, and replaces the
// one that was there. Loading after a crash finds the old or the new one whole.
func (i Identity) Save(dir string) error {
	if err := i.check(); err != nil {
		return fmt.Errorf("keys: save: %w", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return fmt.Errorf("keys: save: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keys: save: %w", err)
	}
	cert := CertificatePEM(i.Cert)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), cert...)
	if err := replace(filepath.Join(dir, identityFile), both, 0o600); err != nil {
		return fmt.Errorf("keys: save: %w", err)
	}
	if err := replace(filepath.Join(dir, certificateFile), cert, 0o644); err != nil {
		return fmt.Errorf("keys: save: %w", err)
	}
	return nil
}

// Load reads the identity in dir. A folder without one is fs.ErrNotExist; a
// private key that group or others have any access to is [ErrExposed].
func Load(dir string) (Identity, error) {
	name := filepath.Join(dir, identityFile)
	data, err := readPrivate(name)
	if err != nil {
		return Identity{}, fmt.Errorf("keys: load: %w", err)
	}
	i, err := parseIdentity(data)
	if err != nil {
		return Identity{}, fmt.Errorf("keys: load %s: %w", name, err)
	}
	return i, nil
}

func readPrivate(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of the file that is read, not of one put in its place
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; chmod 600 it, and replace the key if others may have read it",
			ErrExposed, name, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d octets", name, maxFile)
	}
	return data, nil
}

func parseIdentity(data []byte) (i Identity, err error) {
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		switch {
		case block == nil:
			if len(bytes.TrimSpace(data)) > 0 {
				return i, errors.New("something that is no PEM block")
			}
			return i, i.check()
		case block.Type == "PRIVATE KEY" && i.Key == nil:
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return i, errors.New("private key does not parse") // the cause might quote it
			}
			signer, ok := key.(crypto.Signer)
			if !ok {
				return i, errors.New("private key cannot sign")
			}
			i.Key = signer
		case block.Type == "CERTIFICATE" && i.Cert == nil:
			if i.Cert, err = x509.ParseCertificate(block.Bytes); err != nil {
				return i, err
			}
			i.GUID = i.Cert.Subject.CommonName
			if ou := i.Cert.Subject.OrganizationalUnit; len(ou) == 1 {
				i.Name = ou[0]
			}
		default:
			return i, fmt.Errorf("unexpected PEM block %.40q", block.Type)
		}
	}
}

// CertificatePEM is a certificate in the form people pass on.
func CertificatePEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// ParseCertificatePEM reads the one certificate that data holds. Anything else
// in PEM beside it, above all a private key sent by mistake, is an error.
func ParseCertificatePEM(data []byte) (*x509.Certificate, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("keys: certificate longer than %d octets", maxFile)
	}
	block, rest := pem.Decode(data)
	if block == nil {
		return nil, errors.New("keys: no PEM block")
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("keys: a certificate was expected, not %.40q", block.Type)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("keys: something after the certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return cert, nil
}

// replace puts data under name in one step: another file first, on the disk,
// then its new name.
func replace(name string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync() // the new name too
}

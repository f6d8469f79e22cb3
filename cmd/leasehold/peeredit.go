package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

// configText is the configuration file as it is written.
func (a *app) configText() (string, []byte, error) {
	path, err := a.configPath()
	if err != nil {
		return "", nil, err
	}
	data, err := readInput(path)
	return path, data, err
}

// writePeer puts certificates where the configuration will name them, after those
// that p has, and lets edit write the peer. When anything is wrong with what comes
// of it that was not wrong before, the files are as they were. The peer it returns
// names its files from here.
func (a *app) writePeer(path string, data []byte, p config.Peer, certs []*x509.Certificate,
	edit func(string, []byte, config.Peer) ([]byte, error)) (_ config.Peer, err error) {
	p.Certificates = slices.Clone(p.Certificates)
	dir := filepath.Dir(path)
	var made []string
	defer func() {
		if err != nil {
			for _, file := range made {
				os.Remove(file)
			}
		}
	}()
	_, before := config.LoadText(path, data)
	for _, cert := range certs {
		name, err := freeName(dir, p, cert)
		if err != nil {
			return p, err
		}
		p.Certificates = append(p.Certificates, name)
	}
	text, err := edit(path, data, p)
	if err != nil {
		return p, err
	}
	for i, cert := range certs {
		file := filepath.Join(dir, p.Certificates[len(p.Certificates)-len(certs)+i])
		fresh, err := putCertificate(file, keys.CertificatePEM(cert))
		if err != nil {
			return p, err
		}
		if fresh {
			made = append(made, file)
		}
	}
	if _, after := config.LoadText(path, text); after != nil {
		if worse := problemsSince(before, after); len(worse) > 0 {
			return p, worse
		}
	}
	if err := rewrite(path, text); err != nil {
		return p, err
	}
	for i, file := range p.Certificates {
		if !filepath.IsAbs(file) {
			p.Certificates[i] = filepath.Join(dir, file)
		}
	}
	return p, nil
}

// problemsSince are the problems that a change has brought.
func problemsSince(before, after error) (out config.Problems) {
	var old, now config.Problems
	errors.As(before, &old)
	if !errors.As(after, &now) {
		return config.Problems{{Text: after.Error()}}
	}
	for _, p := range now {
		if !slices.ContainsFunc(old, func(o config.Problem) bool { return o.Path == p.Path && o.Text == p.Text }) {
			out = append(out, p)
		}
	}
	return out
}

// freeName is the file for a peer's next certificate: one that does not exist, or
// holds that very certificate.
func freeName(dir string, p config.Peer, cert *x509.Certificate) (string, error) {
	for n := len(p.Certificates); n < len(p.Certificates)+100; n++ {
		name := "peers/" + p.Name + ".pem"
		if n > 0 {
			name = fmt.Sprintf("peers/%s-%d.pem", p.Name, n+1)
		}
		if slices.Contains(p.Certificates, name) {
			continue
		}
		old, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && bytes.Equal(old, keys.CertificatePEM(cert)):
			return name, nil
		case err != nil:
			return "", err
		case n == 0: // a new peer does not take over what an old one left
			return "", &actors.Error{Op: "peer add", Kind: actors.Stale, Err: fmt.Errorf("%s holds another certificate", filepath.Join(dir, name))}
		}
	}
	return "", fmt.Errorf("no free name for a certificate of %s in %s/peers", p.Name, dir)
}

// putCertificate writes a certificate where there is none, or the same.
func putCertificate(file string, pem []byte) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, err
	}
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, pem) {
		return false, nil
	} else if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return false, errors.Join(err, fmt.Errorf("%s has changed meanwhile", file))
	}
	return true, os.WriteFile(file, pem, 0o644)
}

// rewrite puts text in the place of a file in one step, with the mode it had.
func rewrite(path string, text []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// onePeer reads the configuration and finds a peer in it, as it is written.
func (a *app) onePeer(op, name string) (path string, data []byte, p config.Peer, err error) {
	if path, data, err = a.configText(); err != nil {
		return path, data, p, err
	}
	c, err := config.Parse(path, data)
	if err != nil {
		return path, data, p, err
	}
	i := slices.IndexFunc(c.Peers, func(p config.Peer) bool { return p.Name == name })
	if i < 0 {
		return path, data, p, &actors.Error{Op: op, Kind: actors.NotFound, Err: fmt.Errorf("%s: %w: %q", path, config.ErrNoPeer, name)}
	}
	return path, data, c.Peers[i], nil
}

// certificatesOf are those of a peer as it is written in the file at path.
func certificatesOf(path string, p config.Peer) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, file := range p.Certificates {
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(path), file)
		}
		cert, err := readCertificate(file)
		if err != nil {
			return nil, fmt.Errorf("peer %s: %w", p.Name, err)
		}
		out = append(out, cert)
	}
	return out, nil
}

// sameKey reports whether two certificates carry one key.
func sameKey(a, b *x509.Certificate) bool {
	return bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

func (a *app) peerPin() *cobra.Command {
	var certificate string
	c := &cobra.Command{
		Use:   "pin NAME",
		Short: "Pin a second key of a peer, which is about to change its key",
		Long: `Pin another key of a peer beside those it has. From the next start on messages
signed with either are taken; tickets are still granted to the first. When the
peer has changed over, leasehold peer unpin takes the old key out.`,
		Example: `  leasehold peer pin broker2 --certificate broker2-next.pem`,
		Args:    oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			if certificate == "" {
				return usage("%s needs --certificate; see %s --help", c.CommandPath(), c.CommandPath())
			}
			cert, err := readCertificate(certificate)
			if err != nil {
				return err
			}
			path, data, p, err := a.onePeer("peer pin", args[0])
			if err != nil {
				return err
			}
			have, err := certificatesOf(path, p)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(have, func(o *x509.Certificate) bool { return sameKey(o, cert) }) {
				return &actors.Error{Op: "peer pin", Kind: actors.Stale, Err: fmt.Errorf("the key in %s is pinned for %s already", certificate, p.Name)}
			}
			if p, err = a.writePeer(path, data, p, []*x509.Certificate{cert}, config.ReplacePeer); err != nil {
				return err
			}
			i, err := peerInfoOf(p)
			if err != nil {
				return err
			}
			return a.showPeer("has another key", i)
		},
	}
	c.Flags().StringVar(&certificate, "certificate", "", "certificate of the key to pin, PEM or DER (required)")
	_ = c.MarkFlagFilename("certificate", "pem", "crt", "der")
	return c
}

func (a *app) peerUnpin() *cobra.Command {
	var fingerprint string
	c := &cobra.Command{
		Use:   "unpin NAME",
		Short: "Take one of several keys of a peer out; its certificate file stays",
		Long: `Take a key of a peer out of the configuration: the one of that fingerprint, of
which the beginning is enough. From the next start on nothing signed with it is
taken. The last key stays; leasehold peer remove takes the whole peer out.`,
		Example: `  leasehold peer unpin broker2 --fingerprint 9F:86:D0`,
		Args:    oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			if fingerprint == "" {
				return usage("%s needs --fingerprint; see %s --help", c.CommandPath(), c.CommandPath())
			}
			path, data, p, err := a.onePeer("peer unpin", args[0])
			if err != nil {
				return err
			}
			have, err := certificatesOf(path, p)
			if err != nil {
				return err
			}
			at, found := -1, 0
			for i, cert := range have {
				if strings.HasPrefix(keys.Fingerprint(cert), strings.ToUpper(fingerprint)) {
					at, found = i, found+1
				}
			}
			switch {
			case found == 0:
				return &actors.Error{Op: "peer unpin", Kind: actors.NotFound, Err: fmt.Errorf("%s has no key of fingerprint %s", p.Name, fingerprint)}
			case found > 1:
				return usage("%d keys of %s have a fingerprint that begins so", found, p.Name)
			case len(have) == 1:
				return &actors.Error{Op: "peer unpin", Kind: actors.Stale, Err: fmt.Errorf("it is the only key of %s", p.Name)}
			}
			p.Certificates = slices.Delete(slices.Clone(p.Certificates), at, at+1)
			if p, err = a.writePeer(path, data, p, nil, config.ReplacePeer); err != nil {
				return err
			}
			i, err := peerInfoOf(p)
			if err != nil {
				return err
			}
			return a.showPeer("has lost a key", i)
		},
	}
	c.Flags().StringVar(&fingerprint, "fingerprint", "", "SHA-256 of the certificate, as peer list --json and key show print it (required)")
	return c
}

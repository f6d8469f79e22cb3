package main

import (
	"crypto/dsa" //nolint:staticcheck // legacy peers have such keys; we only verify
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Look at the keys of actors and peers, and bring keys in",
		Example: `  leasehold key list --config /etc/leasehold/leasehold.yaml
  leasehold key show site1.pem
  leasehold key import actor.jks --password-file passwords --to /etc/leasehold/keys/site1`,
	}
	c.AddCommand(a.keyList(), a.keyShow(), a.keyImport())
	quiet(c)
	return c
}

// acquaintance is somebody a configuration names, with the certificate.
type acquaintance struct {
	name, guid string
	role       actors.Role
	own        bool // the private key is here
	cert       *x509.Certificate
	place      string // folder or file
}

// acquaintances are the actors of a configuration and their peers.
func acquaintances(c config.Config) ([]acquaintance, error) {
	var out []acquaintance
	for _, ac := range c.Actors {
		id, err := keys.Load(ac.Keys)
		if err != nil {
			return nil, fmt.Errorf("actor %s: %w", ac.Name, err)
		}
		out = append(out, acquaintance{ac.Name, string(ac.GUID), ac.Role, true, id.Cert, ac.Keys})
	}
	for _, p := range c.Peers {
		for _, file := range p.Certificates {
			cert, err := readCertificate(file)
			if err != nil {
				return nil, fmt.Errorf("peer %s: %w", p.Name, err)
			}
			out = append(out, acquaintance{p.Name, string(p.GUID), p.Role, false, cert, file})
		}
	}
	return out, nil
}

// keyInfo is one key as commands print it.
type keyInfo struct {
	Name        string    `json:"name,omitempty"`
	GUID        string    `json:"guid"`
	Role        string    `json:"role,omitempty"`
	Private     bool      `json:"private"` // the private key is here too
	Algorithm   string    `json:"algorithm"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the certificate
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	Place       string    `json:"place"`
	PEM         string    `json:"pem,omitempty"`
	Warning     string    `json:"warning,omitempty"`
}

func keyInfoOf(k acquaintance, now time.Time) keyInfo {
	i := keyInfo{Name: k.name, GUID: k.guid, Private: k.own, Algorithm: algorithmOf(k.cert), Fingerprint: keys.Fingerprint(k.cert),
		NotBefore: k.cert.NotBefore, NotAfter: k.cert.NotAfter, Place: k.place}
	if k.role != 0 {
		i.Role = k.role.String()
	}
	i.Warning = wssec.ExpiryWarning(k.cert, now)
	return i
}

func algorithmOf(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case *dsa.PublicKey:
		return fmt.Sprintf("DSA %d", key.P.BitLen())
	}
	return cert.PublicKeyAlgorithm.String()
}

func (a *app) loadConfig() (config.Config, string, error) {
	path, err := a.configPath()
	if err != nil {
		return config.Config{}, "", err
	}
	c, err := config.Load(path)
	return c, path, err
}

func (a *app) keyList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the keys of the actors and peers in the configuration",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			c, _, err := a.loadConfig()
			if err != nil {
				return err
			}
			known, err := acquaintances(c)
			if err != nil {
				return err
			}
			out := []keyInfo{}
			for _, k := range known {
				out = append(out, keyInfoOf(k, time.Now()))
			}
			return a.show(out, func(w io.Writer) {
				row(w, "NAME", "ROLE", "GUID", "PRIVATE", "ALGORITHM", "UNTIL", "WARNING", "PLACE")
				for _, i := range out {
					row(w, i.Name, i.Role, i.GUID, i.Private, i.Algorithm, when(i.NotAfter), dash(i.Warning), i.Place)
				}
			})
		},
	}
}

func (a *app) keyShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME|FOLDER|CERTIFICATE",
		Short: "Show one key: of an actor or peer by name, in a folder, or in a certificate file",
		Args:  oneArg("name, folder or certificate"),
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := a.oneKey(args[0])
			if err != nil {
				return err
			}
			i := keyInfoOf(k, time.Now())
			i.PEM = string(keys.CertificatePEM(k.cert))
			return a.show(i, i.print)
		},
	}
}

func (i keyInfo) print(w io.Writer) {
	if i.Name != "" {
		row(w, "name", i.Name)
	}
	row(w, "guid", i.GUID)
	if i.Role != "" {
		row(w, "role", i.Role)
	}
	row(w, "private key", map[bool]string{true: "here", false: "not here"}[i.Private])
	row(w, "algorithm", i.Algorithm)
	row(w, "fingerprint", i.Fingerprint)
	row(w, "valid", when(i.NotBefore)+" to "+when(i.NotAfter))
	if i.Warning != "" {
		row(w, "warning", i.Warning)
	}
	row(w, "place", i.Place)
	fmt.Fprint(w, i.PEM)
}

// oneKey finds a key by place, or else by name in the configuration.
func (a *app) oneKey(what string) (acquaintance, error) {
	switch info, err := os.Stat(what); {
	case err == nil && info.IsDir():
		id, err := keys.Load(what)
		return acquaintance{name: id.Name, guid: id.GUID, own: true, cert: id.Cert, place: what}, err
	case err == nil:
		cert, err := readCertificate(what)
		if err != nil {
			return acquaintance{}, err
		}
		return acquaintance{guid: cert.Subject.CommonName, cert: cert, place: what}, nil
	}
	c, path, err := a.loadConfig()
	if err != nil {
		return acquaintance{}, err
	}
	known, err := acquaintances(c)
	if err != nil {
		return acquaintance{}, err
	}
	for _, k := range known {
		if k.name == what || k.guid == what {
			return k, nil
		}
	}
	return acquaintance{}, &actors.Error{Op: "key show", Kind: actors.NotFound,
		Err: fmt.Errorf("no file or folder %s, and nobody of that name in %s", what, path)}
}

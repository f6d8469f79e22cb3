package main

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

func (a *app) keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "key",
		Short: "Look at the keys of actors and peers, and bring keys in",
		Example: `  leasehold key list --config /etc/leasehold/leasehold.yaml
  leasehold key show site1.pem
  leasehold key import identity.pem --to /etc/leasehold/keys/site1`,
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
		cert, err := readCertificate(p.Certificate)
		if err != nil {
			return nil, fmt.Errorf("peer %s: %w", p.Name, err)
		}
		out = append(out, acquaintance{p.Name, string(p.GUID), p.Role, false, cert, p.Certificate})
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
	const soon = 30 * 24 * time.Hour
	switch left := k.cert.NotAfter.Sub(now); {
	case left <= 0:
		i.Warning = "expired"
	case left < soon:
		i.Warning = fmt.Sprintf("expires in %d days", int(left/(24*time.Hour)))
	case now.Before(k.cert.NotBefore):
		i.Warning = "not valid yet"
	}
	return i
}

func algorithmOf(cert *x509.Certificate) string {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
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
			return a.showKey(i)
		},
	}
}

func (a *app) showKey(i keyInfo) error {
	return a.show(i, func(w io.Writer) {
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
	})
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

func (a *app) keyImport() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Put a private key and its certificate, in one PEM file, where an actor finds them",
		Long: `Read a private key (PKCS#8) and its certificate from a PEM file that nobody else
can read, check that they belong together, and write them to the folder --to. A
key that is there already is not replaced unless --replace is given.`,
		Example: `  leasehold key import identity.pem --to /etc/leasehold/keys/site1`,
		Args:    oneArg("file"),
	}
	replace := c.Flags().Bool("replace", false, "replace the key that is there")
	c.Flags().StringVar(&to, "to", "", "the folder of the actor's key (required)")
	_ = c.MarkFlagDirname("to")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if to == "" {
			return usage("%s needs --to FOLDER", c.CommandPath())
		}
		id, err := identityIn(args[0])
		if err != nil {
			return err
		}
		if old, err := keys.Load(to); err == nil && !*replace {
			if old.Cert.Equal(id.Cert) {
				return a.showKey(keyInfoOf(acquaintance{name: id.Name, guid: id.GUID, own: true, cert: id.Cert, place: to}, time.Now()))
			}
			return &actors.Error{Op: "key import", Kind: actors.Stale, Err: fmt.Errorf("%s holds the key of %s; give --replace to replace it", to, old.GUID)}
		}
		if err := id.Save(to); err != nil {
			return err
		}
		return a.showKey(keyInfoOf(acquaintance{name: id.Name, guid: id.GUID, own: true, cert: id.Cert, place: to}, time.Now()))
	}
	return c
}

// identityIn reads an identity from a file of any name. Package keys knows
// identities by their folder, so the file is linked into one of its own; its
// mode stays what it is, and is checked there.
func identityIn(file string) (keys.Identity, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return keys.Identity{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return keys.Identity{}, err
	}
	dir, err := os.MkdirTemp("", "leasehold-key-")
	if err != nil {
		return keys.Identity{}, err
	}
	defer os.RemoveAll(dir)
	if err := os.Symlink(path, filepath.Join(dir, "identity.pem")); err != nil {
		return keys.Identity{}, err
	}
	id, err := keys.Load(dir)
	if err != nil {
		return keys.Identity{}, fmt.Errorf("%s: %w", file, err)
	}
	return id, nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/wssec/keys"
	"github.com/spf13/cobra"
)

func (a *app) peerCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "peer",
		Short: "The actors elsewhere that ours may speak with",
		Long: `List, add and remove peers in the configuration file, and see whether they are
there. Only the lines of the peer are touched; a running server learns of a
change when it is started again.`,
		Example: `  leasehold peer add broker2 --role broker --url http://broker.example.org:8180/orca/services/broker2 --certificate broker2.pem
  leasehold peer probe broker2`,
	}
	c.AddCommand(a.peerList(), a.peerAdd(), a.peerRemove(), a.peerProbe())
	quiet(c)
	return c
}

// peerInfo is one peer as commands print it.
type peerInfo struct {
	Name        string    `json:"name"`
	Role        string    `json:"role"`
	GUID        string    `json:"guid"`
	URL         string    `json:"url"`
	Profile     string    `json:"profile"`
	Allow       []string  `json:"allow,omitempty"` // absent: all that its role gives it
	Fingerprint string    `json:"fingerprint"`
	NotAfter    time.Time `json:"notAfter"`
	Warning     string    `json:"warning,omitempty"`
}

func peerInfoOf(p config.Peer) (peerInfo, error) {
	cert, err := readCertificate(p.Certificate)
	if err != nil {
		return peerInfo{}, fmt.Errorf("peer %s: %w", p.Name, err)
	}
	k := keyInfoOf(acquaintance{name: p.Name, guid: string(p.GUID), role: p.Role, cert: cert}, time.Now())
	i := peerInfo{Name: p.Name, Role: p.Role.String(), GUID: string(p.GUID), URL: p.URL, Profile: p.Profile,
		Fingerprint: k.Fingerprint, NotAfter: k.NotAfter, Warning: k.Warning}
	for _, op := range p.Allow {
		i.Allow = append(i.Allow, op.String())
	}
	return i, nil
}

func (i peerInfo) allowed() string {
	if i.Allow == nil {
		return "all of its role"
	}
	return dash(strings.Join(i.Allow, ","))
}

func (a *app) showPeer(done string, i peerInfo) error {
	return a.show(i, func(w io.Writer) {
		row(w, "peer", i.Name+" "+done)
		row(w, "role", i.Role)
		row(w, "guid", i.GUID)
		row(w, "url", i.URL)
		row(w, "profile", i.Profile)
		row(w, "may ask", i.allowed())
		row(w, "fingerprint", i.Fingerprint)
		if i.Warning != "" {
			row(w, "warning", i.Warning)
		}
	})
}

func (a *app) peerList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the peers in the configuration",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			c, _, err := a.loadConfig()
			if err != nil {
				return err
			}
			out := []peerInfo{}
			for _, p := range c.Peers {
				i, err := peerInfoOf(p)
				if err != nil {
					return err
				}
				out = append(out, i)
			}
			return a.show(out, func(w io.Writer) {
				row(w, "NAME", "ROLE", "GUID", "PROFILE", "MAY ASK", "WARNING", "URL")
				for _, i := range out {
					row(w, i.Name, i.Role, i.GUID, i.Profile, i.allowed(), dash(i.Warning), i.URL)
				}
			})
		},
	}
}

func (a *app) peerAdd() *cobra.Command {
	var role, url, profile, certificate string
	var allow []string
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a peer to the configuration and pin its key",
		Long: `Add a peer to the configuration. Its GUID is the common name of the certificate,
which is copied to peers/NAME.pem beside the configuration; the key in it is
pinned. Compare the fingerprint with the peer's operator before you do this.`,
		Example: `  leasehold peer add broker2 --role broker --url http://broker.example.org:8180/orca/services/broker2 --certificate broker2.pem`,
		Args:    oneArg("name"),
		RunE: func(c *cobra.Command, args []string) error {
			for name, given := range map[string]string{"role": role, "url": url, "certificate": certificate} {
				if given == "" {
					return usage("%s needs --%s; see %s --help", c.CommandPath(), name, c.CommandPath())
				}
			}
			cert, err := readCertificate(certificate)
			if err != nil {
				return err
			}
			p := config.Peer{Name: args[0], GUID: actors.ActorID(cert.Subject.CommonName), URL: url, Profile: profile,
				Certificate: "peers/" + args[0] + ".pem"}
			if p.Role, err = roleNamed(role); err != nil {
				return err
			}
			if c.Flags().Changed("allow") {
				if p.Allow, err = opsNamed(allow); err != nil {
					return err
				}
			}
			path, data, err := a.configText()
			if err != nil {
				return err
			}
			text, err := config.AddPeer(path, data, p)
			if errors.Is(err, config.ErrPeerExists) {
				return &actors.Error{Op: "peer add", Kind: actors.Stale, Err: fmt.Errorf("%s: %w: %s, %s", path, err, p.Name, p.GUID)}
			} else if err != nil {
				return err
			}
			file := filepath.Join(filepath.Dir(path), p.Certificate)
			made, err := putCertificate(file, keys.CertificatePEM(cert))
			if err != nil {
				return err
			}
			if err := rewrite(path, text); err != nil {
				if made {
					os.Remove(file)
				}
				return err
			}
			p.Certificate = file
			i, err := peerInfoOf(p)
			if err != nil {
				return err
			}
			return a.showPeer("added to "+path, i)
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", "", "manager, broker or authority (required)")
	f.StringVar(&url, "url", "", "full address of its endpoint (required)")
	f.StringVar(&certificate, "certificate", "", "its certificate, PEM or DER (required)")
	f.StringVar(&profile, "profile", "strict", "how messages to and from it are signed")
	f.StringSliceVar(&allow, "allow", nil, "operations it may ask; default all that its role gives it")
	_ = c.MarkFlagFilename("certificate", "pem", "crt", "der")
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"manager", "broker", "authority"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func roleNamed(name string) (actors.Role, error) {
	for _, r := range []actors.Role{actors.RoleManager, actors.RoleBroker, actors.RoleAuthority} {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, usage("there is no role %q; there are: manager, broker, authority", name)
}

func opsNamed(names []string) ([]actors.Op, error) {
	out := []actors.Op{}
next:
	for _, name := range names {
		var known []string
		for op := actors.Op(1); op < 32; op++ {
			if op.String() == name {
				out = append(out, op)
				continue next
			}
			if !strings.HasPrefix(op.String(), "Op(") {
				known = append(known, op.String())
			}
		}
		return nil, usage("there is no operation %q; there are: %s", name, strings.Join(known, ", "))
	}
	return out, nil
}

// configText is the configuration file as it is written.
func (a *app) configText() (string, []byte, error) {
	path, err := a.configPath()
	if err != nil {
		return "", nil, err
	}
	data, err := readInput(path)
	return path, data, err
}

// putCertificate writes a certificate where there is none, or the same.
func putCertificate(file string, pem []byte) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, err
	}
	if old, err := os.ReadFile(file); err == nil {
		if string(old) == string(pem) {
			return false, nil
		}
		return false, &actors.Error{Op: "peer add", Kind: actors.Stale, Err: fmt.Errorf("%s holds another certificate", file)}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
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

func (a *app) peerRemove() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a peer out of the configuration; its certificate file stays",
		Args:  oneArg("name"),
		RunE: func(_ *cobra.Command, args []string) error {
			path, data, err := a.configText()
			if err != nil {
				return err
			}
			text, err := config.RemovePeer(path, data, args[0])
			if errors.Is(err, config.ErrNoPeer) {
				return &actors.Error{Op: "peer remove", Kind: actors.NotFound, Err: fmt.Errorf("%s: %w: %q", path, err, args[0])}
			} else if err != nil {
				return err
			}
			if err := rewrite(path, text); err != nil {
				return err
			}
			return a.show(map[string]string{"removed": args[0], "config": path}, func(w io.Writer) {
				row(w, "peer", args[0]+" removed from "+path)
			})
		},
	}
}

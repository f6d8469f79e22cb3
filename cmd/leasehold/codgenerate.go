package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/daemons"
	"github.com/leasehold/leasehold/cod/dns"
	"github.com/spf13/cobra"
)

// generated is what generate says about one file.
type generated struct {
	File string `json:"file"`
	What string `json:"what"` // written, unchanged, or kept; would be written in a dry run
}

func (a *app) codGenerate() *cobra.Command {
	var s siteFlags
	var directory, replica string
	var force, dry bool
	paths := daemons.Debian()
	c := &cobra.Command{
		Use:   "generate DIRECTORY",
		Short: "Write configurations of a site's daemons: slapd, BIND, dhcpd, TFTP, systemd, nodes",
		Long: `Write configurations of the daemons of a site, for this site: its network and zones,
its directory's base, access rules by which each program sees what it needs and each
virtual cluster itself alone, a copy of the directory beside dhcpd, a key between feed
and name server, and systemd units with least rights. INSTALL in the folder says
where each file belongs.

Passwords and keys are made once and kept in the folder. What is there already is not
written again without --force. --dry-run says which files would be written and writes none.`,
		Example: `  leasehold cod generate ./daemons --config site/leasehold.yaml
  leasehold cod generate ./daemons --directory ldap://ldap.site.test/dc=site,dc=test --network 10.99.0.0/16 --domain site.test`,
		Args: oneArg("directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := args[0]
			conf, _, err := a.site(s, directory)
			if err != nil {
				return err
			}
			site := daemons.Site{COD: conf, Replica: replica, Paths: paths}
			if site.URL, err = a.directoryURL(directory); err != nil {
				return err
			}
			if !dry {
				if err := os.MkdirAll(dir, 0o750); err != nil {
					return err
				}
			}
			if site.Secrets, err = daemonSecrets(dir); err != nil {
				return err
			}
			files, err := daemons.Files(site)
			if err != nil {
				return usage("%w", err)
			}
			var out []generated
			for _, f := range files {
				what, err := writeGenerated(filepath.Join(dir, f.Path), f, force, dry)
				if err != nil {
					return err
				}
				out = append(out, generated{f.Path, what})
			}
			return a.show(out, func(w io.Writer) {
				for _, g := range out {
					row(w, g.File, g.What)
				}
			})
		},
	}
	s.flags(c)
	f := c.Flags()
	f.StringVar(&directory, "directory", "", "LDAP server as ldap://host:port/base; default that of the configuration")
	f.StringVar(&replica, "replica", "ldap://127.0.0.1", "where dhcpd finds the directory: a copy beside it")
	f.BoolVar(&force, "force", false, "write files again that are there; passwords and keys stay")
	f.BoolVar(&dry, "dry-run", false, "say what would be written, and write nothing")
	f.StringVar(&paths.Program, "program", paths.Program, "where leasehold is installed")
	f.StringVar(&paths.Zones, "zones", paths.Zones, "folder of named's zone files")
	f.StringVar(&paths.TFTP, "tftp-root", paths.TFTP, "folder of the TFTP server")
	f.StringVar(&paths.Config, "installed-config", paths.Config, "where the server's configuration will be")
	f.StringVar(&paths.State, "state", paths.State, "folder of what the server keeps")
	return c
}

// directoryURL is the address of the directory, without its base.
func (a *app) directoryURL(directory string) (string, error) {
	if at := strings.Index(directory, "://"); at >= 0 {
		host, _, _ := strings.Cut(directory[at+3:], "/")
		return directory[:at+3] + host, nil
	}
	path, err := a.configPath()
	if err != nil {
		return "", err
	}
	c, err := config.Load(path)
	switch {
	case err != nil:
		return "", err
	case c.Directory == nil:
		return "", usage("%s names no directory", path)
	case c.Directory.Embedded():
		return "", usage("the directory of %s is inside the server: daemons need one that runs by itself; give --directory for one that will", path)
	}
	return strings.TrimSuffix(c.Directory.URL, "/"), nil
}

// daemonSecrets are the passwords of a folder, those that are there and new ones.
func daemonSecrets(dir string) (map[string]string, error) {
	secrets := map[string]string{}
	for _, name := range append(daemons.Accounts(), "admin") {
		data, err := os.ReadFile(filepath.Join(dir, "secrets", name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			secrets[name] = rand.Text()
		case err != nil:
			return nil, err
		default:
			secrets[name] = strings.TrimSpace(string(data))
		}
	}
	key, err := dns.LoadKey(filepath.Join(dir, "leasehold.key"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		secret := make([]byte, 32)
		rand.Read(secret)
		secrets["key"] = base64.StdEncoding.EncodeToString(secret)
	case err != nil:
		return nil, err
	default:
		secrets["key"] = key.Secret
	}
	return secrets, nil
}

// writeGenerated writes a file unless it is there, or says that it would.
func writeGenerated(path string, f daemons.File, force, dry bool) (string, error) {
	have, err := os.ReadFile(path)
	switch {
	case err == nil && string(have) == f.Content:
		return "unchanged", nil
	case err == nil && !force:
		return "kept: it is there, otherwise; --force writes it again", nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", err
	case dry:
		return "would be written", nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return "", err
	}
	// Its mode before its content: some of them are secret.
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, f.Mode)
	if err != nil {
		return "", err
	}
	_, err = io.WriteString(file, f.Content)
	if err = errors.Join(err, file.Chmod(f.Mode), file.Close()); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return "written", nil
}

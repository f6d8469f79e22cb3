package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/wiring"
	"github.com/leasehold/leasehold/ldapschema"
	"github.com/spf13/cobra"
)

// directoryFlags is the flags of every command that speaks to a directory by itself.
type directoryFlags struct {
	directory, bind, password, authority string
	startTLS                             bool
}

func (o *directoryFlags) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.directory, "directory", "", "LDAP server as ldap://host:port/base; default that of the configuration")
	f.StringVar(&o.bind, "bind-dn", "", "who to bind as; anonymous when empty")
	f.StringVar(&o.password, "password-file", "", "file with the password for --bind-dn, which others must not be able to read")
	f.BoolVar(&o.startTLS, "start-tls", false, "protect an ldap:// connection")
	f.StringVar(&o.authority, "ca", "", "PEM file of the authority that signed the directory's certificate")
	_ = c.MarkFlagFilename("ca")
	_ = c.MarkFlagFilename("password-file")
}

// mistakes collects what is wrong with a command line.
type mistakes []error

func (m *mistakes) add(format string, args ...any) { *m = append(*m, fmt.Errorf(format, args...)) }

// err is what is wrong, or nil.
func (m mistakes) err() error {
	if len(m) > 0 {
		return usage("%w", errors.Join(m...))
	}
	return nil
}

// private complains about a file that others may read.
func (m *mistakes) private(flag, path string) {
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 {
		m.add("--%s: others may read %s (mode %#o): chmod o= %[2]s", flag, path, info.Mode().Perm())
	}
}

// folder complains about a folder that is none.
func (m *mistakes) folder(flag, path string) {
	if info, err := os.Stat(path); err != nil {
		m.add("--%s: %w", flag, err)
	} else if !info.IsDir() {
		m.add("--%s: %s is no folder", flag, path)
	}
}

// where is the directory that the flags name, or else the configuration, as far as
// that is right.
func (a *app) where(o directoryFlags, wrong *mistakes) (wiring.DirectorySource, error) {
	out := wiring.DirectorySource{StartTLS: o.startTLS, Authority: o.authority}
	wrong.private("password-file", o.password)
	if o.directory == "" {
		path, err := a.configPath()
		if err != nil {
			return out, usage("which directory? give --directory or a configuration: %w", err)
		}
		conf, err := config.Load(path)
		if err != nil {
			return out, err
		}
		if conf.Directory == nil {
			wrong.add("%s names no directory", path)
			return out, nil
		}
		out.Directory, out.State = *conf.Directory, conf.State
		return out, nil
	}
	u, err := url.Parse(o.directory)
	if err != nil || len(u.Path) < 2 || u.Scheme != "ldap" && u.Scheme != "ldaps" {
		wrong.add("--directory: %q is not of the form ldap://host:port/dc=site,dc=test", o.directory)
	} else {
		out.URL, out.Base = u.Scheme+"://"+u.Host, ldapschema.DN(u.Path[1:])
	}
	out.Bind, out.PasswordFile = ldapschema.DN(o.bind), o.password
	return out, nil
}

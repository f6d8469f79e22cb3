package wiring

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
)

// DirectorySource says which directory a command uses, and how to reach it.
type DirectorySource struct {
	config.Directory
	State     string // folder of the server whose directory it is, when it is embedded
	StartTLS  bool
	Authority string // file of PEM certificates that the server's must chain to; the system's when empty
}

// ldap is how to reach the server over LDAP.
func (s DirectorySource) ldap() (ldapdir.Config, error) {
	conf := ldapdir.Config{URL: s.URL, BindDN: s.Bind, StartTLS: s.StartTLS, Connections: 1}
	if s.Embedded() {
		conf.URL = "ldap://" + s.Listen
	}
	var err error
	if conf.Password, err = secret(s.PasswordFile); err != nil {
		return conf, err
	}
	if s.Authority != "" {
		pem, err := os.ReadFile(s.Authority)
		if err != nil {
			return conf, err
		}
		conf.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		if !conf.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return conf, fmt.Errorf("%s holds no PEM certificate", s.Authority)
		}
	}
	return conf, nil
}

// OpenDirectory prepares to use a directory that some other process serves.
func OpenDirectory(s DirectorySource) (*ldapdir.Dir, error) {
	conf, err := s.ldap()
	if err != nil {
		return nil, err
	}
	return ldapdir.Open(conf)
}

// Tool is a directory for an operator's command. One that is embedded in a server that
// does not run is opened where it lies.
func Tool(ctx context.Context, s DirectorySource) (d directory.Directory, close func(), err error) {
	if s.Embedded() && s.Listen == "" {
		return tool(s)
	}
	dir, err := OpenDirectory(s)
	if err != nil {
		return nil, nil, err
	}
	err = dir.Ping(ctx)
	if err == nil {
		return dir, func() { _ = dir.Close() }, nil
	}
	_ = dir.Close()
	if s.Embedded() && errors.Is(err, directory.ErrUnavailable) {
		if d, close, err2 := tool(s); err2 == nil {
			return d, close, nil
		}
	}
	return nil, nil, err
}

// tool opens an embedded directory's file. It fails while a server has it.
func tool(s DirectorySource) (directory.Directory, func(), error) {
	path := filepath.Join(s.State, directoryFile)
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("the embedded directory is made by the first leasehold serve: %w", err)
	}
	server, err := embedded.Open(embedded.Config{Path: path, Suffix: s.Base})
	if err != nil {
		return nil, nil, err
	}
	d := server.Local(s.Bind)
	return d, func() {
		_ = d.Close()
		_ = server.Close()
	}, nil
}

package wiring

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
)

// FeedSource says which directory a feed follows, and how to reach it.
type FeedSource struct {
	config.Directory
	StartTLS  bool
	Authority string // file of PEM certificates that the server's must chain to; the system's when empty
}

// OpenFeed prepares to read a directory that some other process serves.
func OpenFeed(s FeedSource) (*ldapdir.Dir, error) {
	conf := ldapdir.Config{URL: s.URL, BindDN: s.Bind, StartTLS: s.StartTLS, Connections: 1}
	var err error
	if conf.Password, err = secret(s.PasswordFile); err != nil {
		return nil, err
	}
	if s.Authority != "" {
		pem, err := os.ReadFile(s.Authority)
		if err != nil {
			return nil, err
		}
		conf.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
		if !conf.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no PEM certificate", s.Authority)
		}
	}
	return ldapdir.Open(conf)
}

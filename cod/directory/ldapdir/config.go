package ldapdir

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Config says which server to use, and how. Only URL is needed.
type Config struct {
	// URL is "ldap://host:port" or "ldaps://host:port"; ports default to 389 and 636.
	URL string
	// StartTLS protects an ldap:// connection before anything else is said on it.
	StartTLS bool
	// TLS says how to check the server, for ldaps:// and StartTLS. The name checked
	// is the URL's host unless ServerName is set.
	TLS *tls.Config
	// BindDN and Password are whom to bind as; both empty for anonymous.
	BindDN   ldapschema.DN
	Password string
	// Plain allows the password to cross a network unprotected. Without it that is
	// refused, except on this machine's own loopback.
	Plain bool
	// Connections is how many calls may be under way at once; default 4.
	Connections int
	// Timeout bounds each request, and each connection's set-up; default 10 s.
	Timeout time.Duration
	// Idle is how long a connection may rest before it is tried out with a small
	// request ahead of a real one; default 30 s.
	Idle time.Duration
	// Page is how many entries are asked for at a time in lists; default 500.
	Page int
}

// A target is where a Config's URL leads.
type target struct {
	addr   string // host:port to dial
	host   string // to check the certificate against
	secure bool   // TLS from the first octet
}

// check fills in defaults and refuses what cannot be meant.
func (c Config) check() (Config, target, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return c, target{}, fmt.Errorf("ldapdir: %w", err)
	}
	t := target{host: u.Hostname(), secure: u.Scheme == "ldaps"}
	port := u.Port()
	switch {
	case u.Scheme != "ldap" && u.Scheme != "ldaps":
		return c, t, fmt.Errorf("ldapdir: URL %q is neither ldap:// nor ldaps://", c.URL)
	case t.host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return c, t, fmt.Errorf("ldapdir: URL %q is more or less than a server's address", c.URL)
	case t.secure && c.StartTLS:
		return c, t, errors.New("ldapdir: StartTLS is for ldap://, not ldaps://")
	case port == "" && t.secure:
		port = "636"
	case port == "":
		port = "389"
	}
	t.addr = net.JoinHostPort(t.host, port)
	if _, err := ldapschema.ParseDN(string(c.BindDN)); err != nil {
		return c, t, fmt.Errorf("ldapdir: bind DN: %w", err)
	}
	if (c.BindDN == "") != (c.Password == "") {
		// RFC 4513 5.1.2: a name without password binds as nobody and looks like success.
		return c, t, errors.New("ldapdir: bind DN and password go together")
	}
	if c.Password != "" && !t.secure && !c.StartTLS && !c.Plain && !loopback(t.host) {
		return c, t, errors.New("ldapdir: refusing to send a password unprotected; use ldaps:// or StartTLS")
	}
	if c.Connections <= 0 {
		c.Connections = 4
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Idle <= 0 {
		c.Idle = 30 * time.Second
	}
	if c.Page <= 0 {
		c.Page = 500
	}
	return c, t, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

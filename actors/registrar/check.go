package registrar

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
)

// refusal is a reason that the caller is told. What it is wrapped together with, only the
// log hears.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// caller is the certificate that a request came with; nil if none, which only a lax
// registry takes. Nobody vouches for it: it proves that the caller has its key.
func (r *Registrar) caller(req *http.Request) (*x509.Certificate, error) {
	if req.TLS == nil {
		return nil, refuse("registrations are taken over TLS only")
	}
	if len(req.TLS.PeerCertificates) > 0 {
		return req.TLS.PeerCertificates[0], nil
	}
	if !r.cfg.Lax {
		return nil, refuse("no client certificate")
	}
	return nil, nil
}

// sameCertificate compares the certificate of a connection with another, if there is one.
func sameCertificate(of *x509.Certificate, with *x509.Certificate, what string) error {
	if of != nil && !of.Equal(with) {
		return refuse("the certificate of the TLS connection is another than %s", what)
	}
	return nil
}

// fromItself wants the host of a location to be where the request comes from: whoever
// registers an address must be there.
func (r *Registrar) fromItself(ctx context.Context, e Entry, req *http.Request) error {
	host := e.host()
	if r.cfg.AnyAddress || host == "" {
		return nil
	}
	from, err := netip.ParseAddrPort(req.RemoteAddr)
	if err != nil {
		return fmt.Errorf("%w: %w", refuse("the address of the client is not known"), err)
	}
	addrs, err := r.cfg.Resolve(ctx, host)
	if err != nil {
		return fmt.Errorf("%w: %w", refuse("the host of the SOAP url has no address"), err)
	}
	if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap() == from.Addr().Unmap() }) {
		return refuse("the client's address is not that of the SOAP url's host")
	}
	return nil
}

// resolve is the system's resolver.
func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// isProduction reports whether an actor can be reached from elsewhere.
func isProduction(e Entry) bool {
	host := e.host()
	a, err := netip.ParseAddr(host)
	return host != "localhost" && (err != nil || !a.IsLoopback())
}

// errFull is told to whoever would be one too many.
var errFull = refuse("the registry has no room for another actor that nobody has verified")

// room counts those that nobody has verified.
func (r *Registrar) room(others func(func(Entry) bool) error, name string) error {
	unverified, taken := 0, false
	err := others(func(o Entry) bool {
		if !o.Verified {
			unverified++
		}
		taken = taken || o.Name == name
		return true
	})
	switch {
	case err != nil:
		return err
	case taken:
		return refuse("the actor name is used by another guid")
	case unverified >= r.cfg.Most:
		return errFull
	}
	return nil
}

// status is the text that a caller is told about an outcome (actor-registry 1.3).
func (r *Registrar) status(what string, req *http.Request, err error) string {
	var no refusal
	switch {
	case err == nil:
		return success
	case errors.As(err, &no):
		r.cfg.Log.WithField("from", req.RemoteAddr).WithField("kind", "refused").WithError(err).Warn(what)
		return failure + string(no)
	}
	r.cfg.Log.WithField("from", req.RemoteAddr).WithError(err).Error(what)
	return failure + "the registry could not do it now"
}

const (
	success = "STATUS: SUCCESS"
	failure = "STATUS: ERROR; "
	nobody  = "No actors match the query"
)

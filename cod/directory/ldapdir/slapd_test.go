package ldapdir_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

func config(s *setup.Slapd) ldapdir.Config {
	return ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password}
}

func open(t *testing.T, cfg ldapdir.Config) *ldapdir.Dir {
	t.Helper()
	d, err := ldapdir.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestSuiteSlapd is the shared suite against Debian's slapd, which is emptied
// between its parts.
func TestSuiteSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	dirtest.Run(t, func(t *testing.T) directory.Directory {
		d := open(t, config(s))
		empty(t, d)
		return d
	})
}

func empty(t *testing.T, d directory.Directory) {
	t.Helper()
	ctx := context.Background()
	entries, err := d.List(ctx, dirtest.Base)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(entries) {
		if err := d.Apply(ctx, ldapschema.DeleteEntry(e.DN)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS: ldaps and StartTLS work with the right root, and only with it.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	for _, c := range []struct {
		name     string
		url      string
		startTLS bool
	}{{"ldaps", s.SecureURL, false}, {"StartTLS", s.URL, true}} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(s)
			cfg.URL, cfg.StartTLS, cfg.TLS = c.url, c.startTLS, &tls.Config{RootCAs: s.Roots}
			if err := open(t, cfg).Ping(t.Context()); err != nil {
				t.Error(err)
			}
			cfg.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
			if err := open(t, cfg).Ping(t.Context()); !errors.Is(err, directory.ErrUnavailable) {
				t.Errorf("an unknown certificate: %v", err)
			}
			cfg.TLS = &tls.Config{RootCAs: s.Roots, ServerName: "other.test"}
			if err := open(t, cfg).Ping(t.Context()); !errors.Is(err, directory.ErrUnavailable) {
				t.Errorf("another's certificate: %v", err)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	cfg := config(s)
	cfg.Password = "wrong"
	if err := dirtest.CodeIs(open(t, cfg).Ping(t.Context()), directory.InvalidCredentials, directory.ErrDenied); err != nil {
		t.Error(err)
	}
	anonymous := open(t, ldapdir.Config{URL: s.URL})
	if err := anonymous.Apply(t.Context(), ldapschema.DeleteEntry(s.Base)); !errors.Is(err, directory.ErrDenied) {
		t.Errorf("anonymous write: %v", err)
	}
}

// TestOutage: a client outlives its server's restart, crash and stupor; calls in
// between say that the directory is unavailable, in time.
func TestOutage(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	cfg := config(s)
	cfg.Timeout = 2 * time.Second
	d := open(t, cfg)
	base, err := ldapschema.Base(s.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	unavailable := func(what string) {
		t.Helper()
		if _, err := d.Read(t.Context(), s.Base); !errors.Is(err, directory.ErrUnavailable) {
			t.Errorf("%s: read: %v", what, err)
		}
		if err := d.Apply(t.Context(), ldapschema.AddEntry(base)); !errors.Is(err, directory.ErrUnavailable) {
			t.Errorf("%s: write: %v", what, err)
		}
	}
	available := func(what string) {
		t.Helper()
		if err := d.Apply(t.Context(), ldapschema.AddEntry(base)); !errors.Is(err, directory.ErrExists) {
			t.Errorf("%s: write: %v", what, err)
		}
		if _, err := d.Read(t.Context(), s.Base); err != nil {
			t.Errorf("%s: read: %v", what, err)
		}
	}
	available("at first")
	s.Stop()
	unavailable("stopped")
	s.Start()
	available("started again")
	s.Kill()
	s.Start()
	available("after a crash")
	s.Freeze()
	unavailable("frozen")
	s.Thaw()
	available("thawed")
}

// TestManyCallers: more callers than connections wait for one and are all served;
// each connection that has rested is tried out first.
func TestManyCallers(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	cfg := config(s)
	cfg.Connections, cfg.Idle = 2, time.Nanosecond
	d := open(t, cfg)
	base, err := ldapschema.Base(s.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := d.Read(t.Context(), s.Base); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestCancelInFlight: a context that ends while the server is silent ends the call.
func TestCancelInFlight(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	d := open(t, config(s))
	if err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Freeze()
	defer s.Thaw()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := d.List(ctx, s.Base)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

// TestListIsWholeOrFails: a server that cuts answers short must not make entries
// look deleted.
func TestListIsWholeOrFails(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "sizelimit 5", "access to * by * read")
	d := open(t, config(s))
	base, err := ldapschema.Base(s.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		e, err := ldapschema.OrganizationalUnit(s.Base, name, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Apply(t.Context(), ldapschema.AddEntry(e)); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range []int{2, 3, 4, 100} {
		cfg := config(s)
		cfg.Page = page
		if got, err := open(t, cfg).List(t.Context(), s.Base); err != nil || len(got) != 9 {
			t.Errorf("pages of %d: %d entries, %v", page, len(got), err)
		}
		got, err := open(t, ldapdir.Config{URL: s.URL, Page: page}).List(t.Context(), s.Base)
		if err == nil && len(got) != 9 || err != nil && got != nil {
			t.Errorf("limited, pages of %d: %d entries, %v", page, len(got), err)
		}
	}
}

package embedded_test

import (
	"path/filepath"
	"testing"

	"github.com/leasehold/leasehold/cod/directory"
	"github.com/leasehold/leasehold/cod/directory/dirtest"
	"github.com/leasehold/leasehold/cod/directory/embedded"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/ldapschema"
)

const (
	rootDN   = "cn=admin,dc=site,dc=test"
	password = "secret"
)

func config(t testing.TB) embedded.Config {
	return embedded.Config{
		Path: filepath.Join(t.TempDir(), "directory.db"), Suffix: dirtest.Base, Listen: "127.0.0.1:0",
		RootDN: rootDN, RootPassword: password,
	}
}

func start(t testing.TB, cfg embedded.Config) *embedded.Server {
	t.Helper()
	s, err := embedded.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t testing.TB, s *embedded.Server) directory.Directory {
	t.Helper()
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL(), BindDN: rootDN, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestSuiteOverLDAP(t *testing.T) {
	t.Parallel()
	dirtest.Run(t, func(t *testing.T) directory.Directory { return connect(t, start(t, config(t))) })
}

func TestSuiteLocal(t *testing.T) {
	t.Parallel()
	dirtest.Run(t, func(t *testing.T) directory.Directory {
		cfg := config(t)
		cfg.Listen = ""
		return start(t, cfg).Local("cn=site1,dc=site,dc=test")
	})
}

// TestRestart: what was answered is there after a restart, and sequence numbers
// go on growing.
func TestRestart(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	s := start(t, cfg)
	base, err := ldapschema.Base(dirtest.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := connect(t, s).Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	s = start(t, cfg)
	got, err := connect(t, s).Read(t.Context(), dirtest.Base)
	if err != nil || !got.Equal(base) {
		t.Fatalf("after a restart: %v %v", got, err)
	}
	cfg.Listen = ""
	if other, err := embedded.Open(cfg); err == nil {
		other.Close()
		t.Error("two servers share one file")
	}
	cfg.Suffix = "dc=other"
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if other, err := embedded.Open(cfg); err == nil {
		other.Close()
		t.Error("a file of another suffix was opened")
	}
}

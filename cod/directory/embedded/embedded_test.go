package embedded_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

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

// TestWatchSuite: clients of the server watch it as they watch slapd.
func TestWatchSuite(t *testing.T) {
	t.Parallel()
	dirtest.RunWatch(t, func(t *testing.T) dirtest.Watched { return connect(t, start(t, config(t))).(dirtest.Watched) })
}

// TestWatchEndsWithServer: closing the server does not wait for watchers, however
// long its other clients may be silent.
func TestWatchEndsWithServer(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Idle = time.Millisecond // a watcher is silent for longer
	s := start(t, cfg)
	d := connect(t, s).(dirtest.Watched)
	base, err := ldapschema.Base(dirtest.Base, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Local(rootDN).Apply(t.Context(), ldapschema.AddEntry(base)); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	err = d.Watch(t.Context(), dirtest.Base, "", func(ev directory.Event) error {
		switch {
		case ev.Kind == directory.Refreshed: // being told of it shows that the line stands
			time.Sleep(20 * cfg.Idle)
			go func() {
				closed <- s.Local(rootDN).Apply(t.Context(), ldapschema.Change{Kind: ldapschema.Modify, DN: dirtest.Base,
					Mods: []ldapschema.Mod{{Op: ldapschema.ModReplace, Attr: "description", Values: []string{"x"}}}})
			}()
		case ev.Entry.Has("description"):
			if err := <-closed; err != nil {
				t.Error(err)
			}
			go func() { closed <- s.Close() }()
		}
		return nil
	})
	if !errors.Is(err, directory.ErrUnavailable) {
		t.Errorf("the watch ended with %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestWatchWithCookie: who comes back with a cookie is told to begin anew.
func TestWatchWithCookie(t *testing.T) {
	t.Parallel()
	s := start(t, config(t))
	c, err := ldap.DialURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Bind(rootDN, password); err != nil {
		t.Fatal(err)
	}
	req := ldap.NewSearchRequest(string(dirtest.Base), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil)
	res := c.Syncrepl(t.Context(), req, 1, ldap.SyncRequestModeRefreshAndPersist, []byte("old"), false)
	for res.Next() {
	}
	if err := res.Err(); !ldap.IsErrorWithCode(err, 4096) {
		t.Errorf("answered with %v", err)
	}
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

package setup_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/conformance/setup"
)

// TestSlapd starts, stops, crashes and restarts a real slapd, and finds what was
// written before each.
func TestSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	add := ldap.NewAddRequest(string(s.Base), nil)
	add.Attribute("objectClass", []string{"organization", "dcObject"})
	add.Attribute("o", []string{"test"})
	add.Attribute("dc", []string{"site"})
	c := dial(t, s)
	if err := c.Add(add); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := ldap.DialURL(s.URL); err == nil {
		t.Fatal("a stopped slapd answers")
	}
	s.Start()
	c = dial(t, s)
	if err := c.Add(add); !ldap.IsErrorWithCode(err, ldap.LDAPResultEntryAlreadyExists) {
		t.Fatalf("after a restart the entry is gone: %v", err)
	}
	s.Kill()
	s.Start()
	if _, err := dial(t, s).Search(ldap.NewSearchRequest(string(s.Base), 0, 0, 0, 0, false, "(dc=site)", nil, nil)); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
}

func dial(t *testing.T, s *setup.Slapd) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Bind(string(s.BindDN), s.Password); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUnprivileged: a daemon started by root must not run as root.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	status, err := os.ReadFile("/proc/" + s.PID() + "/status")
	if errors.Is(err, os.ErrNotExist) {
		t.Fatalf("slapd has no process %s", s.PID())
	}
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(status), "\nUid:\t0\t") {
		t.Errorf("slapd runs as root:\n%s", status)
	}
}

// TestInstallScript: with everything installed the script changes nothing, and
// with installing turned off it says so and succeeds.
func TestInstallScript(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("./install.sh").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "nothing to do") {
		t.Errorf("%v: %s", err, out)
	}
	// Hide the installed programs from the script by giving it a world without them.
	cmd := exec.Command("/bin/sh", "-c", `sed 's/^wanted=.*/wanted="no-such-daemon=no-such-package"/' install.sh | sh`)
	cmd.Env = append(os.Environ(), "LEASEHOLD_NO_INSTALL=1")
	out, err = cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "not installing: no-such-package") {
		t.Errorf("%v: %s", err, out)
	}
}

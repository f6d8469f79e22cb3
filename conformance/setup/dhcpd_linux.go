package setup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leasehold/leasehold/ldapschema"
)

// A DHCPD is a running ISC DHCP server that reads its configuration and every host
// from a directory.
type DHCPD struct {
	*process
	args []string
}

// StartDHCPD starts Debian's dhcpd in a network, on its bridge, and stops it when
// the test ends. It reads the entries that the server entry named name, below
// base, leads to; extra lines go into its own configuration. When dhcpd is not
// installed, or does not come up, the test fails.
func StartDHCPD(t testing.TB, in *Net, directory *Slapd, base ldapschema.DN, name string, extra ...string) *DHCPD {
	t.Helper()
	// Configured from LDAP it does not hear SIGTERM; and it needs root's rights for
	// its sockets, in a network that is ours.
	d := &DHCPD{process: newProcess(t, "dhcpd", syscall.SIGKILL, 30*time.Second)}
	d.attrs, d.in = dieWithParent(), in
	url := strings.TrimPrefix(directory.URL, "ldap://")
	host, port, _ := strings.Cut(url, ":")
	conf := fmt.Sprintf(`# written for one test
ldap-server "%s";
ldap-port %s;
ldap-username "%s";
ldap-password "%s";
ldap-base-dn "%s";
ldap-dhcp-server-cn "%s";
ldap-method dynamic;
ldap-ssl off;
ldap-init-retry 20;
ldap-debug-file "%s/configuration";
%s
`, host, port, directory.BindDN, directory.Password, base, name, d.dir, strings.Join(extra, "\n"))
	for file, content := range map[string]string{"dhcpd.conf": conf, "leases": ""} {
		if err := os.WriteFile(filepath.Join(d.dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(name string) string { return filepath.Join(d.dir, name) }
	d.args = []string{"-4", "-d", "-cf", file("dhcpd.conf"), "-lf", file("leases"), "-pf", file("pid"), "br0"}
	if err := d.start(); err != nil {
		made, _ := os.ReadFile(file("configuration"))
		t.Fatalf("dhcpd does not come up: %v\n%s\nfrom the directory:\n%s", err, d.log.String(), made)
	}
	return d
}

func (d *DHCPD) start() error {
	before := len(d.log.String())
	d.ready = func() error {
		if !strings.Contains(d.log.String()[before:], "Server starting service") {
			return errors.New("dhcpd has not begun to serve")
		}
		return nil
	}
	return d.process.start(d.args...)
}

// Start starts a stopped dhcpd again.
func (d *DHCPD) Start() {
	d.t.Helper()
	d.again(d.start)
}

// Refuses starts a stopped dhcpd, which is to end by itself, and returns what it said.
func (d *DHCPD) Refuses() string {
	d.t.Helper()
	before := len(d.log.String())
	if err := d.start(); err == nil {
		d.t.Fatal("dhcpd serves all the same")
	}
	d.cmd = nil
	return d.log.String()[before:]
}

// Terminate asks dhcpd to end as a service manager does.
func (d *DHCPD) Terminate() { d.signal(syscall.SIGTERM) }

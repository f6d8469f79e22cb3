package main

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/cmd/internal/config"
	"github.com/leasehold/leasehold/cmd/internal/starter"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestConsole: the console of a node on a machine is asked of that machine's sshd, whose
// host key is pinned; that of a physical node is where the inventory says.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	laid(t, s)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute})
	must(err)
	t.Cleanup(func() { d.Close() })
	add := func(e ldapschema.Entry, err error) {
		t.Helper()
		must(err)
		must(d.Apply(t.Context(), ldapschema.AddEntry(e)))
	}
	web := cod.SlicesDN(s.Base).Child("ou", "web")
	mark := ldapschema.Mark{Slice: "web", Owner: "site1"}
	add(ldapschema.VirtualCluster(cod.SlicesDN(s.Base), ldapschema.Cluster{Name: "web", Mark: mark}))
	add(ldapschema.OrganizationalUnit(web, "hosts", ""))
	for i, host := range []string{"dom0-a", "rack1", "rack2"} {
		add(ldapschema.HostEntry(web.Child("ou", "hosts"), ldapschema.Host{Name: fmt.Sprint("web", i+1), IP: netip.MustParseAddr(fmt.Sprint("10.99.1.", i+1)),
			Serial: host, NodeID: i + 1, State: "up", Mark: mark}))
	}
	add(ldapschema.HostEntry(web.Child("ou", "hosts"), ldapschema.Host{Name: "web4;id", IP: netip.MustParseAddr("10.99.1.4"), Serial: "dom0-a", NodeID: 4, State: "up", Mark: mark}))
	// A terminal server that says what it is told.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(c).ReadString('\n')
			fmt.Fprintf(c, "console says %s", line)
			c.Close()
		}
	}()
	add(ldapschema.InventoryEntry(cod.InventoryDN(s.Base), ldapschema.InventoryHost{Name: "rack1", Type: "node", Properties: map[string]string{"console": "tcp:" + l.Addr().String()}}))

	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	asked := file("asked", "#!/bin/sh\nprintf 'machine runs %s\\n' \"$SSH_ORIGINAL_COMMAND\"\n")
	must(os.Chmod(asked, 0o755))
	sshd := setup.StartSSHD(t, asked)
	machine := config.Machine{Name: "dom0-a", Address: sshd.Addr, User: sshd.User, Key: file("key", string(sshd.PrivateKey)),
		HostKeys: file("pins", "dom0-a "+string(ssh.MarshalAuthorizedKey(sshd.HostKey)))}
	_, err = starter.Make(starter.Plan{Dir: filepath.Join(dir, "site"), Nodes: 1, Driver: config.Handler{Driver: "xen", Machines: []config.Machine{machine}}})
	must(err)
	path, err := server()
	must(err)
	console := func(node string) (string, error) {
		cmd := exec.Command(path, "cod", "node", "console", node, "--config", filepath.Join(dir, "site", starter.File),
			"--directory", s.URL+"/"+string(s.Base), "--bind-dn", string(s.BindDN), "--password-file", file("secret", s.Password+"\n"))
		cmd.Stdin = strings.NewReader("hello\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := console("web1"); err != nil || !strings.Contains(out, "machine runs xl console web1") {
		t.Errorf("of a machine: %v\n%s", err, out)
	}
	if out, err := console("web2"); err != nil || !strings.Contains(out, "console says hello") {
		t.Errorf("of a terminal server: %v\n%s", err, out)
	}
	if out, err := console("web3"); err == nil || !strings.Contains(out, "nobody says") {
		t.Errorf("of a machine that is not known: %v\n%s", err, out)
	}
	if out, err := console("web4;id"); err == nil || !strings.Contains(out, `"web4;id" is no name`) {
		t.Errorf("of a node whose name is more than one word of a shell: %v\n%s", err, out)
	}
	// Another machine at the same address is not spoken to.
	file("pins", "dom0-a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJNOhvfOgqoNpTSNkMfyVuOMbEVKsTBlZfUcJCx2qPl9\n")
	if out, err := console("web1"); err == nil || strings.Contains(out, "machine runs") {
		t.Errorf("with another host key: %v\n%s", err, out)
	}
}

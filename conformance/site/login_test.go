package site_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/guest"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// directoryURL is where nodes reach the directory.
const directoryURL = "ldap://" + gateway + ":3890"

// guest is a node of a cluster as its lessee uses it, configured as package guest says:
// it knows the directory only below its own cluster's entry.
func (w *world) guest(mac, cluster, address string, more ...setup.File) *setup.Guest {
	w.t.Helper()
	n := w.node(mac)
	n.net.IP("addr", "add", address+"/16", "dev", "eth0")
	files, err := guest.Files(guest.Config{Servers: []string{directoryURL}, Cluster: w.cluster(cluster), BindDN: w.slapd.BindDN, Password: w.slapd.Password})
	w.must(err)
	for _, f := range files {
		more = append(more, setup.File(f))
	}
	return n.net.Guest(more...)
}

// cluster is the entry of a cluster.
func (w *world) cluster(label string) ldapschema.DN {
	return w.slapd.Base.Child("ou", "slices").Child("ou", label)
}

// TestNames: what a slice's people, groups and hosts are called resolves on the nodes
// of its cluster by the calls of any program, through Debian's nslcd; nobody else's
// does; and what changes in the directory has changed at the next call.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.slapd.Also(directoryURL)
	w.config = actors.Properties{"config.ssh.user1.login": "ada"}
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.config = actors.Properties{"config.ssh.user1.login": "bob"}
	w.run(actors.Setup, "u2", "beta", macB, 1)
	a, b := w.guest(macA, "alpha", "10.99.1.1"), w.guest(macB, "beta", "10.99.2.1")
	a.StartNSLCD()
	b.StartNSLCD()
	a.Says("ada:x:30000:30000:ada:/home/ada:/bin/sh", "getent", "passwd", "ada")
	a.Says("alpha:*:30000:ada", "getent", "group", "alpha")
	a.Says("uid=30000(ada) gid=30000(alpha) groups=30000(alpha)", "id", "ada")
	a.Says("ada:*:", "getent", "shadow", "ada")
	a.Says("10.99.1.1       alpha1 alpha1.alpha.site.test", "getent", "hosts", "alpha1.alpha.site.test")
	a.Says("alpha1 alpha1.alpha.site.test", "getent", "hosts", "10.99.1.1")
	a.Says("52:54:0:99:0:1 alpha1", "getent", "ethers", "alpha1")
	b.Says("bob:x:30001:30001:bob:/home/bob:/bin/sh", "getent", "passwd", "bob")
	for _, c := range []struct {
		on       *setup.Guest
		of, name string
	}{{a, "passwd", "bob"}, {a, "group", "beta"}, {a, "hosts", "beta1"}, {b, "passwd", "ada"}, {b, "group", "alpha"}, {b, "hosts", "alpha1"}} {
		if out, err := c.on.Run("getent", c.of, c.name); err == nil || out != "" {
			t.Errorf("%s %s of the other cluster: %q", c.of, c.name, out)
		}
	}
	// The nodes of this machine know nothing of it, and root is root everywhere.
	a.Says("root:x:0:0", "getent", "passwd", "root")

	ada := ldapschema.DN("uid=ada,ou=people,ou=alpha,ou=slices," + w.slapd.Base)
	w.replace(ada, "loginShell", "/bin/bash")
	a.Says("/home/ada:/bin/bash", "getent", "passwd", "ada")
	w.run(actors.Setup, "u1", "alpha", macA, 2)
	a.Says("/home/ada:/bin/bash", "getent", "passwd", "ada")

	w.slapd.Stop()
	if out, err := a.Run("getent", "passwd", "ada"); err == nil {
		t.Errorf("while the directory is away: %q", out)
	}
	a.Says("root:x:0:0", "getent", "passwd", "root")
	w.slapd.Start()
	a.Says("ada:x:30000", "getent", "passwd", "ada")

	w.run(actors.Teardown, "u1", "alpha", macA, 3)
	a.Says("", "getent", "passwd", "ada")
	b.Says("bob:x:30001", "getent", "passwd", "bob")
}

// PAM as libpam-ldapd sets it up in Debian (pam-auth-update), in one file.
const pamSSHD = `auth [success=2 default=ignore] pam_unix.so nullok
auth [success=1 default=ignore] pam_ldap.so minimum_uid=1000 use_first_pass
auth requisite pam_deny.so
auth required pam_permit.so
account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so
account [success=1 default=ignore] pam_ldap.so minimum_uid=1000
account requisite pam_deny.so
account required pam_permit.so
session required pam_permit.so
session optional pam_unix.so
session optional pam_ldap.so minimum_uid=1000
`

// login runs a command on a node as somebody who has just logged in.
func (w *world) login(on *setup.Guest, host ssh.PublicKey, address, user string, with ssh.AuthMethod, command string) (string, error) {
	conn, err := on.Dial(address + ":22")
	if err != nil {
		return "", err
	}
	defer conn.Close()
	c, channels, requests, err := ssh.NewClientConn(conn, address+":22", &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{with},
		HostKeyCallback: ssh.FixedHostKey(host), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519}})
	if err != nil {
		return "", err
	}
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	out, err := session.Output(command)
	return string(out), err
}

// newKey is a key of somebody.
func newKey(t testing.TB) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// TestLogin: the public keys that a lessee configures log in on the nodes of its own
// cluster, through a real sshd that asks the directory, into a home directory that a
// real automounter mounts; so does a password that an operator sets; and nothing else
// does, nor a key that was taken back.
func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *cod.Config) { c.Homes = cod.Homes{Path: "/srv/volumes", Options: "-fstype=bind"} })
	w.slapd.Also(directoryURL)
	ada, _ := newKey(t)
	bob, _ := newKey(t)
	other, _ := newKey(t)
	eve, _ := newKey(t)
	line := func(s ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(s.PublicKey())) }
	alpha := actors.Properties{"config.ssh.numlogins": "1,2", "config.ssh.user1.login": "ada", "config.ssh.user1.keys": line(other) + line(ada),
		"config.ssh.user2.login": "eve", "config.ssh.user2.keys": line(eve)}
	w.config = alpha
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	w.config = actors.Properties{"config.ssh.user1.login": "bob", "config.ssh.user1.keys": line(bob)}
	w.run(actors.Setup, "u2", "beta", macB, 1)
	w.config = alpha

	const address = "10.99.1.1"
	node := w.guest(macA, "alpha", address, setup.File{Path: "/etc/pam.d/sshd", Content: pamSSHD},
		setup.File{Path: "/srv/volumes/alpha/ada/hello", Content: "from ada's home"}, setup.File{Path: "/srv/volumes/beta/bob/hello", Content: "of another cluster"})
	node.StartNSLCD()
	node.StartAutomount()
	host := node.StartSSHD(address)
	key := func(s ssh.Signer) ssh.AuthMethod { return ssh.PublicKeys(s) }
	enters := func(what string, user string, with ssh.AuthMethod) {
		t.Helper()
		want := "ada alpha /home/ada from ada's home"
		out, err := w.login(node, host, address, user, with, `echo "$(id -un) $(id -gn) $(pwd) $(cat hello)"`)
		if err != nil || strings.TrimSpace(out) != want {
			t.Errorf("%s: %q, %v", what, out, err)
		}
	}
	refused := func(what string, user string, with ssh.AuthMethod) {
		t.Helper()
		if out, err := w.login(node, host, address, user, with, "id"); err == nil {
			t.Errorf("%s: %q", what, out)
		}
	}
	enters("with her key", "ada", key(ada))
	enters("with her other key", "ada", key(other))
	refused("with somebody else's key", "ada", key(bob))
	refused("with the key of another account here", "ada", key(eve))
	refused("somebody of the other cluster", "bob", key(bob))
	refused("nobody", "*", key(ada))
	refused("without a password", "ada", ssh.Password(""))
	if out, err := node.Run("ls", "/home/bob"); err == nil {
		t.Errorf("homes of the other cluster: %s", out)
	}

	// An operator gives her a password, which the directory checks.
	dn := w.cluster("alpha").Child("ou", "people").Child("uid", "ada")
	out, err := exec.Command(setup.Tool(t, "ldappasswd"), "-x", "-H", w.slapd.URL, "-D", string(w.slapd.BindDN), "-w", w.slapd.Password, "-s", "correct horse", string(dn)).CombinedOutput()
	if err != nil {
		t.Fatalf("ldappasswd: %v\n%s", err, out)
	}
	enters("with the password", "ada", ssh.Password("correct horse"))
	refused("with a wrong password", "ada", ssh.Password("battery staple"))

	// Her lease takes one key back; the operator's password stays.
	w.config = w.config.Modified(actors.Modification{Number: 1, Subcommand: "modify.ssh",
		Arguments: actors.Properties{"config.ssh.user1.login": "ada", "config.ssh.user1.keys": line(ada)}})
	w.run(actors.ModifyUnit, "u1", "alpha", macA, 2)
	refused("with a key that was taken back", "ada", key(other))
	w.run(actors.Setup, "u1", "alpha", macA, 3)
	refused("with that after an extension", "ada", key(other))
	enters("with the key that is left", "ada", key(ada))
	enters("with the password, afterwards", "ada", ssh.Password("correct horse"))

	w.run(actors.Teardown, "u1", "alpha", macA, 4)
	refused("after the lease", "ada", key(ada))
	refused("after the lease, with the password", "ada", ssh.Password("correct horse"))
}

package site_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// imagingScript stages an image for each machine. It has the image and the folder that
// staged ones go to.
const imagingScript = `version: 1
on: local
actions:
  setup:
    - {driver: stage, properties: {stage.image: %[1]q, stage.folder: %[2]q}}
  teardown:
    - {driver: stage, verb: teardown, properties: {stage.image: %[1]q, stage.folder: %[2]q}}
`

// TestFirstLogin: the first login on a leased machine is verified. The site stages an image
// with a host key that it knows before the machine is; OpenSSH's server shows that key from
// where it was staged; and OpenSSH's client, which trusts nobody at first sight, lets the
// lessee in by what the site published, and goes to nobody else.
func TestFirstLogin(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	image, staged, tree := filepath.Join(s.home, "image"), filepath.Join(s.home, "staged"), filepath.Join(s.home, "tree")
	for _, dir := range []string{staged, tree + "/etc", tree + "/root"} {
		s.must(os.MkdirAll(dir, 0o755))
	}
	if out, err := exec.Command(setup.Tool(t, "mke2fs"), "-q", "-t", "ext4", "-d", tree, image, "2M").CombinedOutput(); err != nil {
		t.Fatalf("mke2fs: %v\n%s", err, out)
	}
	conf, err := os.ReadFile(s.conf)
	s.must(err)
	text := strings.Replace(string(conf), "      boot_file: pxelinux.0\n", `      boot_file: pxelinux.0
      host_keys: true
      guests: {urls: ["`+directoryURL+`"], secret_file: secret}
`, 1)
	s.must(os.WriteFile(s.conf, []byte(text), 0o600))
	s.must(os.WriteFile(filepath.Join(s.home, "secret"), []byte(strings.Repeat("not to be guessed ", 4)), 0o600))
	s.must(os.WriteFile(filepath.Join(s.home, "units.yaml"), fmt.Appendf(nil, imagingScript, image, staged), 0o600))
	s.serveAgain()

	// The lessee has a key, leases two machines, and reads how they will show themselves.
	ada, private := newKey(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	s.must(err)
	identity, known := filepath.Join(s.home, "identity"), filepath.Join(s.home, "known_hosts")
	s.must(os.WriteFile(identity, pem.EncodeToMemory(block), 0o600))
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(ada.PublicKey())))
	s.call("lease", "request", "--slice", "alpha", "--type", "site.node", "--units", "2", "--length", "2h", "--id", "machines", "--wait", "--timeout", "2m",
		"--set", "config.ssh.user1.login=ada", "--set", "config.ssh.user1.keys="+line)
	s.must(os.WriteFile(known, []byte(s.call("cod", "node", "keys")), 0o600))
	one, two := s.entry(macP1), s.entry(macP2)
	lease := s.call("lease", "show", "machines", "--json")
	for _, h := range []ldapschema.Host{one, two} {
		if h.HostKey == "" || !strings.Contains(lease, h.HostKey) {
			t.Errorf("the lessee is not told %s's host key %q:\n%s", h.Name, h.HostKey, lease)
		}
	}

	s.starts(one, one, staged)
	s.starts(two, one, staged) // an impostor: what is at its address shows another's key
	// login is what OpenSSH's client says of a first login.
	login := func(h ldapschema.Host) (string, error) {
		return s.net.Run(setup.Tool(t, "ssh"), "-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", identity, "-o", "StrictHostKeyChecking=yes",
			"-o", "UpdateHostKeys=no", "-o", "GlobalKnownHostsFile=none", "-o", "UserKnownHostsFile="+known, "root@"+h.IP.String(), "cat /etc/hostname /etc/leasehold/unit")
	}
	if out, err := login(one); err != nil || !strings.Contains(out, one.Name+"\n"+one.Unit+"\n") {
		t.Errorf("the first login on %s: %v\n%s", one.Name, err, out)
	}
	if out, err := login(two); err == nil || !strings.Contains(out, "Host key verification failed") {
		t.Errorf("somebody else answers in place of %s, and the login says %v\n%s", two.Name, err, out)
	}
	s.must(os.WriteFile(known, nil, 0o600))
	if out, err := login(one); err == nil || !strings.Contains(out, "Host key verification failed") {
		t.Errorf("without what the site published the login says %v\n%s", err, out)
	}
	s.call("lease", "close", "machines")
	eventually(t, "the staged images go", func() string {
		left, err := os.ReadDir(staged)
		if err != nil || len(left) > 0 {
			return fmt.Sprint(left, err)
		}
		return ""
	})
}

// starts starts a machine of the site from an image that was staged: its sshd has what
// e2fsprogs finds in there.
func (s *story) starts(at, from ldapschema.Host, staged string) {
	s.t.Helper()
	tree := s.t.TempDir()
	out, err := exec.Command(setup.Tool(s.t, "debugfs"), "-R", "rdump /etc /root "+tree, filepath.Join(staged, from.Name+".img")).CombinedOutput()
	if err != nil {
		s.t.Fatalf("debugfs: %v\n%s", err, out)
	}
	read := func(name string) string {
		s.t.Helper()
		data, err := os.ReadFile(filepath.Join(tree, name))
		s.must(err)
		return string(data)
	}
	n := s.node(at.MAC.String())
	n.net.IP("addr", "add", at.IP.String()+"/16", "dev", "eth0")
	const key = "/etc/ssh/ssh_host_ed25519_key"
	g := n.net.Guest(setup.File{Path: key, Content: read(key), Mode: 0o600},
		setup.File{Path: "/etc/hostname", Content: read("/etc/hostname")}, setup.File{Path: "/etc/leasehold/unit", Content: read("/etc/leasehold/unit")},
		// The folder of root itself is not one that a guest has of its own.
		setup.File{Path: "/etc/leasehold/keys", Content: read("/root/.ssh/authorized_keys")},
		setup.File{Path: "/etc/ssh/sshd_config.d/root.conf", Content: "AuthorizedKeysFile /etc/leasehold/keys\nPasswordAuthentication no\n"})
	g.StartOwnSSHD(at.IP.String(), key)
}

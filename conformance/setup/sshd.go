package setup

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// An SSHD is a running OpenSSH server that lets one key in, as the user who runs
// the test.
type SSHD struct {
	Addr    string // 127.0.0.1:port
	User    string
	Key     ssh.Signer    // logs in
	HostKey ssh.PublicKey // what the server shows
	// PrivateKey is Key's file, in PEM.
	PrivateKey []byte
	// AuthorizedKeys is the file with the keys that log in.
	AuthorizedKeys string

	*process
}

// StartSSHD starts Debian's sshd and stops it when the test ends. A forced command,
// when there is one, is all that the key may run. When sshd is not installed, or
// does not come up, the test fails.
func StartSSHD(t testing.TB, forced string) *SSHD {
	t.Helper()
	s := &SSHD{process: newProcess(t, "sshd", syscall.SIGTERM, 30*time.Second)}
	s.attrs = dieWithParent() // it lets in nobody but who runs it
	if !filepath.IsAbs(s.path) {
		t.Fatal("sshd insists on being started by its full path")
	}
	s.AuthorizedKeys = filepath.Join(s.dir, "authorized_keys")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s.User = me.Username
	if os.Geteuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // an empty folder that it wants, as its unit makes it
	}
	var host ssh.Signer
	if host, err = s.key("host"); err == nil {
		s.HostKey = host.PublicKey()
		s.Key, err = s.key("client")
	}
	if err == nil {
		s.PrivateKey, err = os.ReadFile(filepath.Join(s.dir, "client"))
	}
	if err != nil {
		t.Fatal(err)
	}
	line := string(ssh.MarshalAuthorizedKey(s.Key.PublicKey()))
	if forced != "" {
		line = fmt.Sprintf("restrict,command=%s %s", strconv.Quote(forced), line)
	}
	s.ready = func() error {
		c, err := ssh.Dial("tcp", s.Addr, &ssh.ClientConfig{User: s.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.Key)},
			HostKeyCallback: ssh.FixedHostKey(s.HostKey), Timeout: 5 * time.Second})
		if err != nil {
			return err
		}
		return c.Close()
	}
	for range 5 { // another process may take the port first
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		conf := fmt.Sprintf(`# written for one test
Port %d
ListenAddress 127.0.0.1
HostKey %[2]s/host
PidFile %[2]s/pid
AuthorizedKeysFile %[2]s/authorized_keys
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
`, port, s.dir)
		for name, content := range map[string]string{"sshd_config": conf, "authorized_keys": line} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("sshd does not come up\n%s", s.log.String())
	return nil
}

// key makes a key pair whose private half lies in a file of that name.
func (s *SSHD) key(name string) (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

func (s *SSHD) start() error {
	return s.process.start("-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
}

// Start starts a stopped sshd again, on the same port.
func (s *SSHD) Start() {
	s.t.Helper()
	s.again(s.start)
}

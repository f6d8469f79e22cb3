package setup

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/leasehold/leasehold/ldapschema"
)

// A Slapd is a running OpenLDAP server with our schema, and nothing in its data
// base but the entry above Base.
type Slapd struct {
	URL       string         // ldap://127.0.0.1:port; StartTLS works
	SecureURL string         // ldaps://127.0.0.1:port
	Roots     *x509.CertPool // what its certificate is to be checked against
	Base      ldapschema.DN  // name of the tree to use; the entry itself is not there yet
	BindDN    ldapschema.DN  // may do everything
	Password  string         // of BindDN

	t     testing.TB
	path  string
	dir   string
	attrs *syscall.SysProcAttr
	log   syncBuffer
	cmd   *exec.Cmd
	ended chan struct{}
}

// schemaDir is where Debian's slapd keeps the schema files of the standard
// families.
const schemaDir = "/etc/ldap/schema"

// StartSlapd starts Debian's slapd and stops it when the test ends. extra lines go
// into the configuration of its data base. When slapd is not installed, or does
// not come up, the test fails.
func StartSlapd(t testing.TB, extra ...string) *Slapd {
	t.Helper()
	path, err := findDaemon("slapd")
	if err != nil {
		t.Fatal(err)
	}
	s := &Slapd{
		t: t, path: path, attrs: sysProcAttr(),
		Base: "dc=site,dc=test", BindDN: "cn=admin,dc=site,dc=test", Password: rand.Text(),
	}
	s.dir, err = os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("slapd said:\n%s", s.log.String())
		}
		if err := os.RemoveAll(s.dir); err != nil {
			t.Error(err)
		}
	})
	if err := s.write(extra); err != nil {
		t.Fatal(err)
	}
	// A free port may be taken by somebody else before slapd has it; then slapd
	// ends, and another port is tried.
	for range 5 {
		if err = s.choosePorts(); err == nil {
			if err = s.start(); err == nil {
				s.plant()
				return s
			}
		}
	}
	t.Fatalf("slapd does not come up: %v\n%s", err, s.log.String())
	return nil
}

// write fills the folder: configuration, schema, certificate, empty data base.
func (s *Slapd) write(extra []string) error {
	var certPEM, keyPEM []byte
	var err error
	if certPEM, keyPEM, s.Roots, err = loopbackCertificate(); err != nil {
		return err
	}
	conf := fmt.Sprintf(`# written for one test
include %[1]s/core.schema
include %[1]s/cosine.schema
include %[1]s/nis.schema
include %[1]s/inetorgperson.schema
include %[2]s/leasehold.schema
pidfile %[2]s/slapd.pid
argsfile %[2]s/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile %[2]s/cert.pem
TLSCertificateKeyFile %[2]s/key.pem
database mdb
suffix "%[3]s"
rootdn "%[4]s"
rootpw %[5]s
directory %[2]s/db
maxsize 268435456
dbnosync
index objectClass eq
%[6]s
`, schemaDir, s.dir, s.Base.Parent(), s.BindDN, s.Password, strings.Join(extra, "\n"))
	files := map[string][]byte{
		"slapd.conf":       []byte(conf),
		"leasehold.schema": []byte(ldapschema.SchemaText(ldapschema.DHCP, ldapschema.DNS, ldapschema.Automount, ldapschema.COD, ldapschema.Recovery)),
		"cert.pem":         certPEM,
		"key.pem":          keyPEM,
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "db"), 0o700); err != nil {
		return err
	}
	return giveTo(s.dir, s.attrs)
}

// choosePorts finds two loopback ports that are free now.
func (s *Slapd) choosePorts() error {
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	s.URL = fmt.Sprintf("ldap://127.0.0.1:%d", ports[0])
	s.SecureURL = fmt.Sprintf("ldaps://127.0.0.1:%d", ports[1])
	return nil
}

// start runs slapd and waits until it lets us bind with this test's own password:
// another server that won the port would not.
func (s *Slapd) start() error {
	// -d 0 says nothing, but keeps slapd in the foreground, where we own its pid.
	s.cmd = exec.Command(s.path, "-d", "0", "-h", s.URL+" "+s.SecureURL, "-f", filepath.Join(s.dir, "slapd.conf"))
	s.cmd.SysProcAttr = s.attrs
	s.cmd.Dir = s.dir
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.ended = ended
	cmd := s.cmd
	go func() {
		cmd.Wait() // its exit code says nothing that the log does not
		close(ended)
	}()
	give := time.After(30 * time.Second)
	for err := error(nil); ; {
		select {
		case <-ended:
			return errors.New("slapd ended")
		case <-give:
			s.Stop()
			return err
		case <-time.After(20 * time.Millisecond):
		}
		if err = s.answers(); err == nil {
			return nil
		}
	}
}

func (s *Slapd) answers() error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	return c.Close()
}

func (s *Slapd) dial() (*ldap.Conn, error) {
	c, err := ldap.DialURL(s.URL, ldap.DialWithDialer(&net.Dialer{Timeout: time.Second}))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(time.Second)
	if err := c.Bind(string(s.BindDN), s.Password); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// plant adds the entry above Base. slapd 2.5 crashes now and then when the first
// question about a data base finds nothing in it at all, so it never is empty.
func (s *Slapd) plant() {
	s.t.Helper()
	c, err := s.dial()
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	above := s.Base.Parent()
	_, dc := above.RDN()
	add := ldap.NewAddRequest(string(above), nil)
	add.Attribute("objectClass", []string{"domain"})
	add.Attribute("dc", []string{dc})
	if err := c.Add(add); err != nil {
		s.t.Fatal(err)
	}
}

// Stop ends slapd, gently and then not; what it holds is kept for Start.
func (s *Slapd) Stop() {
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGCONT) // a frozen one would not hear the next
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		s.signal(syscall.SIGKILL)
		<-s.ended
	}
	s.cmd = nil
}

// Kill ends slapd as a crash would.
func (s *Slapd) Kill() {
	if s.cmd != nil {
		s.signal(syscall.SIGKILL)
		<-s.ended
		s.cmd = nil
	}
}

// Start starts a stopped slapd again, on the same ports.
func (s *Slapd) Start() {
	s.t.Helper()
	var err error
	for range 50 {
		if err = s.start(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.t.Fatalf("slapd does not come up again: %v\n%s", err, s.log.String())
}

// PID is the running daemon's process id.
func (s *Slapd) PID() string { return strconv.Itoa(s.cmd.Process.Pid) }

// Freeze stops slapd in its tracks: it keeps its connections and answers nothing.
func (s *Slapd) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	// The signal stops one thread after another; wait for the last.
	for range 500 {
		if stopped(s.PID()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatal("slapd does not stop")
}

// stopped says whether every thread of a process is stopped.
func stopped(pid string) bool {
	threads, err := filepath.Glob("/proc/" + pid + "/task/*/stat")
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, path := range threads {
		// "pid (name) state ...": the name may hold anything but ends the last ")".
		stat, err := os.ReadFile(path)
		if i := bytes.LastIndexByte(stat, ')'); err != nil || i < 0 || !bytes.HasPrefix(stat[i:], []byte(") T")) {
			return false
		}
	}
	return true
}

// Thaw undoes Freeze.
func (s *Slapd) Thaw() { s.signal(syscall.SIGCONT) }

// signal reaches the very process started here; one that has ended already is
// none of our business any more.
func (s *Slapd) signal(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("slapd: %v: %v", sig, err)
	}
}

// A syncBuffer is written by the daemon's output while the test may read it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

package setup

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
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
	also      string         // one more address, with a space before it

	*process
}

// ConfigDN may change a slapd's configuration while it runs, with Password.
const ConfigDN ldapschema.DN = "cn=config"

// Include is the lines that load schema files, a path or the name of one that Debian's
// slapd has. Given to StartSlapd they take the place of those it loads otherwise, ours
// among them.
func Include(files ...string) (lines []string) {
	for _, f := range files {
		if !filepath.IsAbs(f) {
			f = filepath.Join(schemaDir, f+".schema")
		}
		lines = append(lines, includeLine+f)
	}
	return lines
}

const includeLine = "include "

// schemaDir is where Debian's slapd keeps the schema files of the standard
// families.
const schemaDir = "/etc/ldap/schema"

// StartSlapd starts Debian's slapd and stops it when the test ends. extra lines go
// into the configuration of its data base. When slapd is not installed, or does
// not come up, the test fails.
func StartSlapd(t testing.TB, extra ...string) *Slapd {
	t.Helper()
	s := startSlapd(t, nil, extra)
	s.plant()
	return s
}

// startSlapd starts slapd with an empty data base, in a network or in the
// machine's own.
func startSlapd(t testing.TB, in network, extra []string) *Slapd {
	t.Helper()
	s := &Slapd{
		process: newProcess(t, "slapd", syscall.SIGTERM, 30*time.Second),
		Base:    "dc=site,dc=test", BindDN: "cn=admin,dc=site,dc=test", Password: rand.Text(),
	}
	s.ready, s.in = s.answers, in
	if err := s.write(extra); err != nil {
		t.Fatal(err)
	}
	// A free port may be taken by somebody else before slapd has it; then slapd
	// ends, and another port is tried.
	var err error
	for range 5 {
		if err = s.choosePorts(); err == nil && in != nil {
			err = errors.Join(in.relay(strings.TrimPrefix(s.URL, "ldap://")), in.relay(strings.TrimPrefix(s.SecureURL, "ldaps://")))
		}
		if err == nil {
			if err = s.start(); err == nil {
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
	var schema, lines []string
	for _, line := range extra {
		if strings.HasPrefix(line, includeLine) {
			schema = append(schema, line)
		} else {
			lines = append(lines, line)
		}
	}
	if schema == nil {
		schema = Include("core", "cosine", "nis", "inetorgperson", filepath.Join(s.dir, "leasehold.schema"))
	}
	conf := fmt.Sprintf(`# written for one test
%[1]spidfile %[2]s/slapd.pid
argsfile %[2]s/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
TLSCertificateFile %[2]s/cert.pem
TLSCertificateKeyFile %[2]s/key.pem
database config
rootpw %[5]s
database mdb
suffix "%[3]s"
rootdn "%[4]s"
rootpw %[5]s
directory %[2]s/db
maxsize 268435456
dbnosync
index objectClass eq
%[6]s
include %[2]s/more.conf
`, strings.Join(schema, "\n")+"\n", s.dir, s.Base.Parent(), s.BindDN, s.Password, strings.Join(lines, "\n"))
	files := map[string][]byte{
		"slapd.conf":       []byte(conf),
		"more.conf":        nil,
		"leasehold.schema": []byte(ldapschema.SchemaText(families...)),
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

// start runs slapd on its ports.
func (s *Slapd) start() error {
	// -d 0 says nothing, but keeps slapd in the foreground, where we own its pid.
	return s.process.start("-d", "0", "-h", s.URL+" "+s.SecureURL+s.also, "-f", filepath.Join(s.dir, "slapd.conf"))
}

// answers binds with this test's own password.
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

// Configure starts slapd again with these lines at the end of the configuration of
// its data base, in the place of those of a former call.
func (s *Slapd) Configure(lines ...string) {
	s.t.Helper()
	s.Stop()
	text := strings.Join(append(lines, ""), "\n")
	if err := os.WriteFile(filepath.Join(s.dir, "more.conf"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.Start()
}

// families are what StartSlapd loads of our schema.
var families = []ldapschema.Family{ldapschema.DHCP, ldapschema.DNS, ldapschema.Automount, ldapschema.PublicKey, ldapschema.COD, ldapschema.Recovery}

// Schema starts slapd again with these families only of our schema; with all of them
// when none is named.
func (s *Slapd) Schema(only ...ldapschema.Family) {
	s.t.Helper()
	s.Stop()
	if len(only) == 0 {
		only = families
	}
	if err := os.WriteFile(filepath.Join(s.dir, "leasehold.schema"), []byte(ldapschema.SchemaText(only...)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.Start()
}

// Also starts slapd again, at one more address of its network, such as
// "ldap://10.99.0.1:3890": that of other machines there.
func (s *Slapd) Also(url string) {
	s.t.Helper()
	s.Stop()
	s.also = " " + url
	s.Start()
}

// Start starts a stopped slapd again, on the same ports.
func (s *Slapd) Start() {
	s.t.Helper()
	s.again(s.start)
}

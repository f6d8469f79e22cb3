package setup

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"
)

// An SNMPD is a running net-snmp agent whose sysName and sysContact may be written.
type SNMPD struct {
	Addr      string // 127.0.0.1:port, UDP
	Community string // may write, with version 2c
	User      string // may write, with version 3
	Password  string // of User, for SHA-256 and for AES

	*process
}

// StartSNMPD starts Debian's snmpd and stops it when the test ends. When snmpd is not
// installed, or does not come up, the test fails.
func StartSNMPD(t testing.TB) *SNMPD {
	t.Helper()
	s := &SNMPD{process: newProcess(t, "snmpd", syscall.SIGTERM, 30*time.Second), Community: rand.Text(), User: "leasehold", Password: rand.Text()}
	s.attrs = dieWithParent()
	s.ready = func() error {
		host, port, _ := net.SplitHostPort(s.Addr)
		n, err := strconv.Atoi(port)
		if err != nil {
			return err
		}
		c := &gosnmp.GoSNMP{Target: host, Port: uint16(n), Version: gosnmp.Version2c, Community: s.Community, Timeout: time.Second, MaxOids: 1}
		if err := c.Connect(); err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Get([]string{".1.3.6.1.2.1.1.5.0"})
		return err
	}
	for range 5 { // another process may take the port first
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = c.LocalAddr().String()
		c.Close()
		conf := fmt.Sprintf("agentAddress udp:%s\nrwcommunity %s 127.0.0.1\ncreateUser %[3]s SHA-256 %[4]s AES %[4]s\nrwuser %[3]s priv\nmaster no\n",
			s.Addr, s.Community, s.User, s.Password)
		if err := os.WriteFile(filepath.Join(s.dir, "snmpd.conf"), []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		if err = s.start(); err == nil {
			return s
		}
	}
	t.Fatalf("snmpd does not come up\n%s", s.log.String())
	return nil
}

func (s *SNMPD) start() error {
	return s.process.start("-f", "-Lo", "-C", "-c", filepath.Join(s.dir, "snmpd.conf"), "-p", filepath.Join(s.dir, "pid"),
		"--persistentDir="+filepath.Join(s.dir, "persistent"))
}

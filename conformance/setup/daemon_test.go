package setup

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// A judge is a test that only remembers how it ended.
type judge struct {
	testing.TB
	fatal string
}

func (j *judge) Helper() {}

func (j *judge) Fatal(args ...any) {
	j.fatal = fmt.Sprint(args...)
	panic(j)
}

// TestMissingProgram: what is not installed fails the test, and says what to do.
func TestMissingProgram(t *testing.T) {
	t.Parallel()
	j := &judge{TB: t}
	func() {
		defer func() { recover() }()
		Tool(j, "no-such-daemon")
	}()
	if !strings.Contains(j.fatal, "no-such-daemon is not installed") || !strings.Contains(j.fatal, "conformance/setup/install.sh") {
		t.Errorf("the test ended with %q", j.fatal)
	}
}

// TestTakenPort: a port that somebody else has fails the start, and another one is
// good.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	s := StartSlapd(t)
	s.Stop()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.URL = "ldap://" + l.Addr().String()
	if err := s.start(); err == nil {
		t.Fatal("slapd started on a port in use")
	}
	if err := s.choosePorts(); err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

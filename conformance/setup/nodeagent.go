package setup

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A NodeAgent is a running leasehold-nodeagent that was booted for an authority.
type NodeAgent struct {
	URL   string // of its XML-RPC
	Token string // that it was booted with

	*process
}

// StartNodeAgent builds the program of this repository and starts it; it obeys the
// certificate whose AUTH_HASH is given, which hash computes. It ends with the test.
func StartNodeAgent(t testing.TB, authority *x509.Certificate, hash func(*x509.Certificate) string) *NodeAgent {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "leasehold-nodeagent")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/leasehold/leasehold/cmd/leasehold-nodeagent").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a := &NodeAgent{Token: "booted-once", process: newProcessAt(t, "leasehold-nodeagent", program, syscall.SIGTERM, time.Minute)}
	a.attrs = dieWithParent()
	boot := filepath.Join(a.dir, "cmdline")
	if err := os.WriteFile(boot, []byte("ro AUTH_HASH="+hash(authority)+" NODE_TOKEN="+a.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take the port first
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		address := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
		a.URL = "http://" + address + "/xmlrpc"
		a.ready = func() error {
			if !strings.Contains(a.log.String(), "listening on "+address) {
				return fmt.Errorf("it does not listen yet")
			}
			r, err := http.Get(a.URL)
			if err == nil {
				r.Body.Close()
			}
			return err
		}
		if err = a.process.start("-data", filepath.Join(a.dir, "data"), "-listen", address, "-boot", boot); err == nil {
			return a
		}
	}
	t.Fatalf("the node agent does not come up\n%s", a.log.String())
	return nil
}

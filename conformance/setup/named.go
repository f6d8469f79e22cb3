package setup

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A Named is a running BIND 9 that serves no zone but those it is given, and lets
// one key update and transfer them.
type Named struct {
	Addr string   // 127.0.0.1:port, UDP and TCP
	Key  string   // file of the key, as tsig-keygen makes it
	Dir  string   // where named keeps zone files
	RNDC []string // rndc with the options that reach this server

	*process
	control string // address of the control channel
	also    string // another address, as named.conf says it
}

// NamedKey is the name of the key that may change a Named's zones.
const NamedKey = "feed.test"

// NamedServer is the name server of every zone that StartNamed makes. It lies in
// none of them, so that they need no address for it.
const NamedServer = "ns1.outside.test."

// StartNamed starts Debian's named and stops it when the test ends. Each of
// zones, such as "site.test", begins with a SOA and an NS record; zones can be
// added and removed with rndc too. When named is not installed, or does not come
// up, the test fails.
func StartNamed(t testing.TB, zones ...string) *Named {
	t.Helper()
	return startNamed(t, nil, "", zones)
}

// startNamed starts named in a network, where it serves an address besides, on port 53;
// or in the machine's own.
func startNamed(t testing.TB, in network, address string, zones []string) *Named {
	t.Helper()
	n := &Named{process: newProcess(t, "named", syscall.SIGTERM, 30*time.Second)}
	n.ready, n.in = n.answers, in
	if address != "" {
		n.also = fmt.Sprintf("listen-on port 53 { %s; };", address)
	}
	n.Key, n.Dir = filepath.Join(n.dir, "key"), filepath.Join(n.dir, "zones")
	var err error
	for range 5 { // another process may take the ports first
		if err = n.write(zones); err == nil {
			if err = n.start(); err == nil {
				return n
			}
		}
	}
	t.Fatalf("named does not come up: %v\n%s", err, n.log.String())
	return nil
}

func (n *Named) write(zones []string) error {
	var ports [2]string
	for i := range ports {
		port, err := freePort()
		if err != nil {
			return err
		}
		ports[i] = fmt.Sprint(port)
	}
	n.Addr, n.control = net.JoinHostPort("127.0.0.1", ports[0]), net.JoinHostPort("127.0.0.1", ports[1])
	secret := func() string {
		b := make([]byte, 32)
		rand.Read(b)
		return base64.StdEncoding.EncodeToString(b)
	}
	key := func(name string) string {
		return fmt.Sprintf("key %q {\n\talgorithm hmac-sha256;\n\tsecret %q;\n};\n", name, secret())
	}
	control := key("rndc-key")
	conf := fmt.Sprintf(`# written for one test
include "%[1]s/key";
%[2]s
controls { inet 127.0.0.1 port %[3]s allow { 127.0.0.1; } keys { "rndc-key"; }; };
options {
  directory "%[1]s";
  pid-file "%[1]s/pid";
  session-keyfile "%[1]s/session.key";
  managed-keys-directory "%[1]s";
  listen-on port %[4]s { 127.0.0.1; };
  listen-on-v6 { none; };
  %[6]s
  recursion no; allow-new-zones yes; dnssec-validation no; notify no;
  allow-transfer { key "%[5]s"; };
};
`, n.dir, control, ports[1], ports[0], NamedKey, n.also)
	files := map[string]string{
		"key":       key(NamedKey),
		"rndc.conf": control + fmt.Sprintf("options { default-key \"rndc-key\"; default-server 127.0.0.1; default-port %s; };\n", ports[1]),
	}
	if err := os.MkdirAll(n.Dir, 0o755); err != nil {
		return err
	}
	for _, z := range zones {
		file := "zones/by-hand-" + z
		files[file] = fmt.Sprintf("$TTL 60\n@ IN SOA %[2]s hostmaster.%[1]s. 1 300 60 86400 10\n@ IN NS %[2]s\n", z, NamedServer)
		conf += fmt.Sprintf("zone %q { type primary; file %q; update-policy { grant %q zonesub any; }; };\n", z, file, NamedKey)
	}
	files["named.conf"] = conf
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(n.dir, name), []byte(content), 0o640); err != nil {
			return err
		}
	}
	rndc, err := findDaemon("rndc")
	if err != nil {
		return err
	}
	n.RNDC = []string{rndc, "-c", filepath.Join(n.dir, "rndc.conf")}
	return giveTo(n.dir, n.attrs)
}

func (n *Named) start() error {
	return n.process.start("-g", "-n", "1", "-c", filepath.Join(n.dir, "named.conf"))
}

// answers asks over the control channel, with this test's own key.
func (n *Named) answers() error {
	cmd := exec.Command(n.RNDC[0], append(n.RNDC[1:], "status")...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := cmd.Start
	if n.in != nil {
		begin = func() error { return n.in.Do(cmd.Start) }
	}
	err := begin()
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("rndc status: %w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}

// Start starts a stopped named again, on the same ports.
func (n *Named) Start() {
	n.t.Helper()
	n.again(n.start)
}

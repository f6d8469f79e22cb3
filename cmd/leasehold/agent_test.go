package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/handlers/nodeagent"
	"github.com/leasehold/leasehold/wssec/keys"
)

// From a node that has just been booted to a driver that is installed, asked, upgraded, taken
// back and removed, by the commands that an operator gives.
func TestAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	make := func(name string, alg keys.Algorithm) keys.Identity {
		t.Helper()
		id, err := keys.Generate(rand.Reader, "11111111-1111-1111-1111-11111111111"+name[:1], name, alg, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err == nil {
			err = id.Save(filepath.Join(dir, name))
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".pem"), keys.CertificatePEM(id.Cert), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	site, _ := make("1site", keys.RSA2048), make("2other", keys.ECDSAP256)
	node := setup.StartNodeAgent(t, site.Cert, nodeagent.Hash)
	ours, theirs, cert := dir+"/1site", dir+"/2other", dir+"/node.pem"
	driver := dir + "/driver"
	write := func(version string) {
		t.Helper()
		if err := os.MkdirAll(driver+"/bin", 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"manifest.json": `{"id":"web","version":"` + version + `","actions":{"test":{"run":["bin/test"],"timeout":"1m"}}}`,
			"bin/test":      "#!/bin/sh\necho '{\"properties\":{\"unit.version\":\"" + version + "\"}}'\n",
		} {
			if err := os.WriteFile(filepath.Join(driver, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("1")
	step := func(code int, says string, args ...string) {
		t.Helper()
		got, out, errs := call(t, args...)
		if got != code || !strings.Contains(out+errs, says) {
			t.Fatalf("%v: exit %d, want %d\n%s%s\nwant %q", args, got, code, out, errs, says)
		}
	}
	as := func(who string, args ...string) []string {
		return append(append([]string{"agent"}, args...), "--keys", who, "--agent", cert)
	}
	step(0, "AUTH_HASH="+nodeagent.Hash(site.Cert), "agent", "hash", "--keys", ours)
	step(2, "has to be an RSA key", "agent", "hash", "--keys", theirs)
	step(1, "another token", "agent", "register", node.URL, "--keys", ours, "--token", "guess", "-o", cert)
	step(0, "the node's certificate", "agent", "register", node.URL, "--keys", ours, "--token", node.Token, "-o", cert)
	step(0, "version 1 of web, 1 files", "agent", "pack", driver, "--keys", ours, "-o", dir+"/web-1.tgz")
	step(0, "version 1 of web", "agent", "pack", driver, "--keys", theirs, "-o", dir+"/bad.tgz")
	step(2, "--keys and --agent", "agent", "install", node.URL, dir+"/web-1.tgz")
	step(1, "refused", as(theirs, "install", node.URL, dir+"/web-1.tgz")...)
	step(1, "code 2", as(ours, "install", node.URL, dir+"/bad.tgz")...)
	step(0, "driver.version  1", as(ours, "install", node.URL, dir+"/web-1.tgz")...)
	step(1, "code -1003", as(ours, "install", node.URL, dir+"/web-1.tgz")...)
	step(0, "unit.version  1", as(ours, "invoke", node.URL, "web", "test", "--property", "action.key=k1")...)
	step(1, "code -10", as(ours, "invoke", node.URL, "web", "none")...)
	write("2")
	step(0, "version 2", "agent", "pack", driver, "--keys", ours, "-o", dir+"/web-2.tgz")
	step(0, "driver.version  2", as(ours, "upgrade", node.URL, dir+"/web-2.tgz")...)
	step(0, `"unit.version":"2"`, append(as(ours, "invoke", node.URL, "web", "test"), "--json")...)
	step(0, "driver.version  1", as(ours, "rollback", node.URL, "web")...)
	step(0, "unit.version  1", as(ours, "invoke", node.URL, "web", "test")...)
	step(0, "code  0", as(ours, "add-key", node.URL, "other", dir+"/2other.pem")...)
	step(0, "hello world", append([]string{"agent", "run", node.URL, "--keys", theirs, "--agent", cert}, "--", "echo", "hello world")...)
	step(1, "ends with 3", append([]string{"agent", "run", node.URL, "--keys", theirs, "--agent", cert}, "--", "sh", "-c", "exit 3")...)
	step(0, "code  0", as(ours, "remove-key", node.URL, "other")...)
	step(1, "refused", as(theirs, "invoke", node.URL, "web", "test")...)
	step(0, "code  0", as(ours, "uninstall", node.URL, "web")...)
	step(1, "code 3", as(ours, "invoke", node.URL, "web", "test")...)
	if err := os.Symlink("/etc/passwd", driver+"/link"); err != nil {
		t.Fatal(err)
	}
	step(2, "no file", "agent", "pack", driver, "--keys", ours, "-o", dir+"/x.tgz")
}

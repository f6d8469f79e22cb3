package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/conformance/setup"
)

// TestCODCommands is an operator's session at a real slapd, without a server.
func TestCODCommands(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	source := []string{"--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN), "--password-file", file("secret", s.Password+"\n")}
	cod := func(code int, args ...string) string {
		t.Helper()
		got, out, errs := call(t, append(append([]string{"cod"}, args...), source...)...)
		if got != code {
			t.Fatalf("leasehold cod %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
		}
		return out + errs
	}
	says := func(out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("without %q:\n%s", w, out)
			}
		}
	}
	laid(t, s)
	conf := file("dhcpd.conf", "host a { hardware ethernet 52:54:00:00:00:01; fixed-address 10.98.0.1; }\nhost b_b { }\nhost c { hardware ethernet 52:54:00:00:00:03; }\n")
	says(cod(9, "host", "import", "--type", "node", "--memory", "512", "--dhcp", conf, "--dry-run"),
		"changetype: add", "macAddress: 52:54:00:00:00:01", "dhcpd.conf: line 2:", "would change 2, unchanged 0, skipped 0")
	var r struct {
		Changed int
		Notes   []struct{ Line int }
	}
	if out := cod(9, "host", "import", "--type", "node", "--memory", "512", "--dhcp", conf, "--json"); json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &r) != nil ||
		r.Changed != 2 || len(r.Notes) != 1 || r.Notes[0].Line != 2 {
		t.Errorf("%s", out)
	}
	says(cod(9, "host", "import", "--dhcp", conf), "no resource type is known")
	says(cod(0, "host", "list"), "a ", "52:54:00:00:00:03", "512")
	says(cod(5, "host", "add", "a", "--type", "node", "--memory", "1024"), "--replace changes it")
	says(cod(0, "host", "add", "a", "--replace", "--memory", "1024", "--property", "rack=7"), "changed cn=a,ou=hosts,dc=site,dc=test")
	says(cod(0, "host", "show", "a"), "1024", "rack=7", "10.98.0.1")
	says(cod(0, "host", "hold", "a", "--note", "fan"), "changed")
	says(cod(0, "host", "list"), "held: ", "fan")
	says(cod(0, "host", "release", "a"), "changed")
	says(cod(3, "host", "show", "none"), `no host "none"`)
	says(cod(0, "host", "remove", "c"), "removed cn=c,ou=hosts,dc=site,dc=test")
	says(cod(0, "image", "add", "debian", "--kernel", "d/vmlinuz", "--up", "local"), "added")
	says(cod(0, "image", "add", "debian", "--replace", "--file", file("disk.raw", "abc"), "--format", "raw"), "changed")
	says(cod(0, "image", "show", "debian"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "d/vmlinuz")
	says(cod(0, "image", "list"), "debian")
	says(cod(0, "image", "remove", "debian"), "removed")
	says(cod(0, "node", "list"), "NODE")
	says(cod(2, "host", "add", "x", "--type", "t", "--mac", "zz", "--health", "ill"), "--mac", "--health")
	says(cod(2, "host", "import", "--type", "t"), "say what to read")
	says(cod(1, "host", "add", "a,ou=people", "--type", "t"), "not a host name")
	s.Stop()
	says(cod(7, "host", "list"), "unavailable")
}

// TestInventoryFollowed: a site learns from the directory what it has, while it runs and
// when it starts; commands reach an embedded directory with the server up and down.
func TestInventoryFollowed(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "lh-inv-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	yaml := dir + "/leasehold.yaml"
	must := func(args ...string) string {
		t.Helper()
		code, out, errs := call(t, append(args, "--config", yaml)...)
		if code != 0 {
			t.Fatalf("leasehold %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
		return out
	}
	if code, _, errs := call(t, "init", dir, "--nodes", "3", "--cycle", "100ms", "--listen", setup.Address(t), "--ldap", setup.Address(t)); code != 0 {
		t.Fatal(errs)
	}
	serving := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var log lockedBuffer
		served := make(chan int, 1)
		go func() { served <- run(ctx, []string{"serve", "--config", yaml}, streams{&log, &log}) }()
		return func() {
			cancel()
			if code := <-served; code != 0 || t.Failed() {
				t.Errorf("serve ended with %d\n%s", code, log.String())
			}
		}
	}
	// until waits for the site's hosts, each with whether it may be assigned.
	until := func(want string) {
		t.Helper()
		got := ""
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			code, out, _ := call(t, "host", "list", "--json", "--config", yaml)
			var all []struct {
				Host, Held string
				Leaving    bool
			}
			if code != 0 || json.Unmarshal([]byte(out), &all) != nil {
				got = out
				continue
			}
			var words []string
			for _, p := range all {
				if p.Held != "" {
					p.Host += "(held)"
				}
				words = append(words, p.Host)
			}
			if got = strings.Join(words, " "); got == want {
				return
			}
		}
		t.Fatalf("the hosts are %q, not %q", got, want)
	}
	stop := serving()
	until("host001 host002 host003") // those of the configuration
	must("cod", "host", "add", "new1", "--type", "other", "--mac", "52:54:00:00:00:11")
	until("host001 host002 host003 new1") // of another type: the pool still counts
	must("cod", "host", "add", "new2", "--type", "site.node")
	until("new1 new2") // the directory has the type: it says what there is
	must("cod", "host", "hold", "new1", "--note", "its disk")
	until("new1(held) new2")
	stop()
	if out := must("cod", "host", "list"); !strings.Contains(out, "its disk") {
		t.Errorf("with the server down:\n%s", out)
	}
	must("cod", "host", "release", "new1")
	must("cod", "host", "hold", "new2")
	must("cod", "host", "add", "new3", "--type", "site.node")
	stop = serving()
	until("new1 new2(held) new3")
	must("cod", "host", "remove", "new2")
	until("new1 new3")
	stop()
}

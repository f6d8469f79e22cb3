package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
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
	for add := []string{"cod", "host", "add", "new1", "--type", "other", "--mac", "52:54:00:00:00:11", "--config", yaml}; ; {
		code, out, errs := call(t, add...)
		if code == 0 {
			break
		}
		if code != 3 || t.Context().Err() != nil { // the site has yet to lay its tree out
			t.Fatalf("exit %d\n%s%s", code, out, errs)
		}
	}
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

// TestCODInit lays a tree on a slapd that has nothing of ours: what it lacks is named, is
// loaded while it runs, and then the tree is laid, once.
func TestCODInit(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, setup.Include("core", "cosine", "nis", "inetorgperson")...)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	init := func(code int, args ...string) string {
		t.Helper()
		got, out, errs := call(t, append([]string{"cod", "init", "--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN),
			"--password-file", secret, "--network", "10.99.0.0/16", "--domain", "site.test"}, args...)...)
		if got != code {
			t.Fatalf("cod init %v: exit %d, want %d\n%s%s", args, got, code, out, errs)
		}
		return out + errs
	}
	out := init(1, "--apply")
	for _, want := range []string{"dhcp: no ", "dnszone: no", "cod: no codSlice", "leasehold cod schema --ldif dhcp dnszone automount openssh-lpk cod | ldapadd"} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	_, text, _ := call(t, "cod", "schema", "--ldif")
	add := exec.Command(setup.Tool(t, "ldapadd"), "-x", "-H", s.URL, "-D", string(setup.ConfigDN), "-w", s.Password)
	add.Stdin = strings.NewReader(text)
	if said, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ldapadd: %v\n%s", err, said)
	}
	out = init(0)
	if !strings.Contains(out, "dn: ou=slices,dc=site,dc=test\nchangetype: add\n") || !strings.Contains(out, "nothing was written") {
		t.Errorf("a dry run says\n%s", out)
	}
	if out = init(0); !strings.Contains(out, "changetype: add") {
		t.Errorf("a dry run wrote something:\n%s", out)
	}
	// Somebody has a branch already, and something else below it.
	own := exec.Command(setup.Tool(t, "ldapadd"), "-x", "-H", s.URL, "-D", string(s.BindDN), "-w", s.Password)
	own.Stdin = strings.NewReader("dn: dc=site,dc=test\nobjectClass: organization\nobjectClass: dcObject\no: Ours\ndc: site\n\n" +
		"dn: ou=People,dc=site,dc=test\nobjectClass: organizationalUnit\nou: People\ndescription: for years\n\n" +
		"dn: cn=config,ou=People,dc=site,dc=test\nobjectClass: device\ncn: config\n")
	if said, err := own.CombinedOutput(); err != nil {
		t.Fatalf("ldapadd: %v\n%s", err, said)
	}
	out = init(0, "--apply")
	if !strings.Contains(out, "added ou=slices,dc=site,dc=test") || !strings.Contains(out, "it stays as it is, with other o") || strings.Contains(out, "added ou=people") {
		t.Errorf("laid:\n%s", out)
	}
	if out = init(0, "--apply", "--json"); !strings.Contains(out, `"changed":0,`) || !strings.Contains(out, "overlay syncprov") {
		t.Errorf("laid twice:\n%s", out)
	}
	search := exec.Command(setup.Tool(t, "ldapsearch"), "-x", "-LLL", "-H", s.URL, "-D", string(s.BindDN), "-w", s.Password, "-b", string(s.Base), "(ou=people)")
	if said, err := search.CombinedOutput(); err != nil || !strings.Contains(string(said), "description: for years") {
		t.Errorf("%v\n%s", err, said)
	}
	if code, _, errs := call(t, "cod", "init", "--directory", s.URL+"/dc=a,dc=b,dc=none", "--bind-dn", string(s.BindDN), "--password-file", secret,
		"--network", "10.99.0.0/16", "--domain", "site.test", "--apply"); code != 3 && code != 1 || !strings.Contains(errs, "dc=none") {
		t.Errorf("a base that the server does not have: exit %d, %s", code, errs)
	}
}

// TestCODGenerate: configurations are written once; passwords and keys stay as they are.
func TestCODGenerate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "daemons")
	generate := func(code int, args ...string) string {
		t.Helper()
		got, out, errs := call(t, append([]string{"cod", "generate", dir, "--directory", "ldap://ldap.site.test/dc=site,dc=test", "--network", "10.99.0.0/16", "--domain", "site.test"}, args...)...)
		if got != code {
			t.Fatalf("exit %d: %s%s", got, out, errs)
		}
		return out
	}
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if out := generate(0, "--dry-run"); !strings.Contains(out, "would be written") {
		t.Errorf("a dry run: %s", out)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dry run made the folder: %v", err)
	}
	generate(0)
	password, key := read("secrets/dhcpd"), read("leasehold.key")
	if !strings.Contains(read("dhcpd.conf"), strings.TrimSpace(password)) || !strings.Contains(read("slapd.conf"), `suffix "dc=site,dc=test"`) {
		t.Error("the files are not about this site")
	}
	if !strings.Contains(read("leasehold-feed-dns.service"), "ldap://ldap.site.test/dc=site,dc=test --start-tls ") || !strings.Contains(read("slapd-replica.conf"), "starttls=critical") {
		t.Error("passwords cross a network unprotected")
	}
	for _, name := range []string{"secrets/dhcpd", "dhcpd.conf", "daemons.ldif", "slapd.conf"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v, %v", name, info.Mode(), err)
		}
	}
	if out := generate(0, "--json"); strings.Contains(out, "written") || strings.Contains(out, "kept") {
		t.Errorf("again: %s", out)
	}
	if err := os.WriteFile(filepath.Join(dir, "dhcpd.conf"), []byte("# ours\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := generate(0); !strings.Contains(out, "kept") || read("dhcpd.conf") != "# ours\n" {
		t.Errorf("an edited file: %s", out)
	}
	if out := generate(0, "--force", "--dry-run"); !strings.Contains(out, "would be written") || read("dhcpd.conf") != "# ours\n" {
		t.Errorf("a dry run over an edited file: %s", out)
	}
	generate(0, "--force", "--tftp-root", "/var/tftp")
	if !strings.Contains(read("dhcpd.conf"), strings.TrimSpace(password)) || read("secrets/dhcpd") != password || read("leasehold.key") != key || !strings.Contains(read("tftpd-hpa"), `"/var/tftp"`) {
		t.Error("--force does not write what it should, or makes other secrets")
	}
	generate(2, "--force", "--tftp-root", "/var/a\"b")
}

// TestCODInitBis: a server with RFC 2307bis, loaded while it runs, is told from one with
// RFC 2307.
func TestCODInitBis(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, setup.Include("core", "cosine", "inetorgperson")...)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, text, _ := call(t, "cod", "schema", "--ldif", "rfc2307bis", "dhcp", "dnszone", "openssh-lpk", "cod")
	add := exec.Command(setup.Tool(t, "ldapadd"), "-x", "-H", s.URL, "-D", string(setup.ConfigDN), "-w", s.Password)
	add.Stdin = strings.NewReader(text)
	if said, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ldapadd: %v\n%s", err, said)
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 1, "schema: rfc2307bis"},
		{[]string{"--schema", "nis"}, 2, "neither"},
		{[]string{"--schema", "rfc2307bis", "--apply"}, 0, "added ou=slices"},
	} {
		code, out, errs := call(t, append([]string{"cod", "init", "--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN),
			"--password-file", secret, "--network", "10.99.0.0/16", "--domain", "site.test"}, tt.args...)...)
		if code != tt.code || !strings.Contains(out+errs, tt.says) {
			t.Errorf("%v: exit %d, want %d and %q\n%s%s", tt.args, code, tt.code, tt.says, out, errs)
		}
	}
}

package site_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/daemons"
	"github.com/leasehold/leasehold/conformance/setup"
)

// TestGeneratedConfigurations: what is generated for a site is accepted by the daemons'
// own checkers, and by dhcpd with the rights that the generated access rules give it.
func TestGeneratedConfigurations(t *testing.T) {
	t.Parallel()
	var conf cod.Config
	w := newWorld(t, func(c *cod.Config) { conf = *c })
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	conf.Homes = cod.Homes{Server: "nfs1.site.test", Path: "/export"}
	s := daemons.Site{COD: conf, URL: w.slapd.URL, Replica: w.slapd.URL, Secrets: map[string]string{}, Paths: daemons.Paths{
		Schema: at("schema"), Run: dir, Data: at("data"), ReplicaData: at("replica"), Zones: at("zones"), KeyFile: at("leasehold.key"), TFTP: at("tftp"),
		SecretsDir: at("secrets"), Program: "/bin/true", Config: at("leasehold.yaml"), State: at("state")}}
	for _, name := range append(daemons.Accounts(), "admin", "key") {
		s.Secrets[name] = "c2VjcmV0LW9mLXRoZS1zaXRl"
	}
	files, err := daemons.Files(s)
	w.must(err)
	for _, f := range files {
		w.must(os.MkdirAll(filepath.Dir(at(f.Path)), 0o755))
		w.must(os.WriteFile(at(f.Path), []byte(f.Content), 0o644))
		if regexp.MustCompile(`@[A-Z]+@`).MatchString(f.Content) {
			t.Errorf("%s has something left to fill in:\n%s", f.Path, f.Content)
		}
	}
	for _, d := range []string{"schema", "data", "replica", "tftp", "state"} {
		w.must(os.MkdirAll(at(d), 0o755))
	}
	for _, name := range []string{"core", "cosine", "nis", "inetorgperson"} {
		w.must(os.Symlink("/etc/ldap/schema/"+name+".schema", at("schema/"+name+".schema")))
	}
	w.must(os.Symlink(at("leasehold.schema"), at("schema/leasehold.schema")))
	check := func(program string, args ...string) string {
		t.Helper()
		out, err := exec.Command(setup.Tool(t, program), args...).CombinedOutput()
		if err != nil {
			t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	check("slaptest", "-u", "-f", at("slapd.conf"))
	check("slaptest", "-u", "-f", at("slapd-replica.conf"))
	check("named-checkconf", "-z", at("named.conf"))
	check("sh", "-n", at("tftpd-hpa"))
	check("sh", "-n", at("guest/join"))
	// Exposure from 0 to 10, as systemd counts it; 2 and less is "OK". Who gives folders to
	// accounts and speaks to the kernel's file server is root, and has a little more.
	units := map[string]float64{"leasehold.service": 2, "leasehold-feed-dns.service": 2, "leasehold-feed-boot.service": 2, "leasehold-feed-exports.service": 2.5}
	for u, most := range units {
		check("systemd-analyze", "verify", "--man=no", at(u))
		out := check("systemd-analyze", "security", "--offline=true", "--no-pager", at(u))
		m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("%s: no score:\n%s", u, out)
		}
		if score, err := strconv.ParseFloat(m[1], 64); err != nil || score > most {
			t.Errorf("%s is exposed by %s:\n%s", u, m[1], out)
		} else {
			t.Logf("%s is exposed by %s of 10", u, m[1])
		}
	}
	// dhcpd starts from the directory as its own account.
	load := exec.Command(setup.Tool(t, "ldapadd"), "-x", "-c", "-H", w.slapd.URL, "-D", string(w.slapd.BindDN), "-w", w.slapd.Password, "-f", at("daemons.ldif"))
	if out, err := load.CombinedOutput(); err != nil && !strings.Contains(string(out), "Already exists") {
		t.Fatalf("ldapadd: %v\n%s", err, out)
	}
	w.run(actors.Setup, "u1", "alpha", macA, 1)
	test := exec.Command(setup.Tool(t, "dhcpd"), "-t", "-4", "-cf", at("dhcpd.conf"))
	var out []byte
	w.must(w.net.Do(func() (err error) { out, err = test.CombinedOutput(); return nil }))
	if test.ProcessState == nil || !test.ProcessState.Success() {
		t.Errorf("dhcpd -t: %v\n%s", test.ProcessState, out)
	}
	// With another password it would not: the account matters.
	w.must(os.WriteFile(at("dhcpd.conf"), []byte(strings.Replace(readFile(t, at("dhcpd.conf")), s.Secrets[daemons.DHCPD], "wrong", 1)), 0o600))
	test = exec.Command(setup.Tool(t, "dhcpd"), "-t", "-4", "-cf", at("dhcpd.conf"))
	w.must(w.net.Do(func() (err error) { out, err = test.CombinedOutput(); return nil }))
	if test.ProcessState.Success() {
		t.Errorf("dhcpd -t with a wrong password:\n%s", out)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

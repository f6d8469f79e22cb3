package site_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/leasehold/leasehold/actors"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
	"github.com/leasehold/leasehold/ldapschema"
)

// TestSerials: a name server that takes its zone from Debian's ldap2zone, with no
// program of ours between, finds a new serial number after each change of a name, the
// site's or an operator's, and none without one.
func TestSerials(t *testing.T) {
	t.Parallel()
	slapd, named := setup.StartSlapd(t, "overlay syncprov"), setup.StartNamed(t)
	dir := dial(t, ldapdir.Config{URL: slapd.URL, BindDN: slapd.BindDN, Password: slapd.Password})
	s, seen := start(t, dir, instant(), func(c *site.Config) { c.Serials = true })
	op := operator{t, dir}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	rndc := func(args ...string) { t.Helper(); run(named.RNDC[0], append(named.RNDC[1:], args...)...) }
	host, port, _ := strings.Cut(named.Addr, ":")
	ask := func(name, kind string) string {
		t.Helper()
		return strings.TrimSpace(run("dig", "+short", "+tries=5", "-p", port, "@"+host, name, kind))
	}
	serial := func() int {
		t.Helper()
		f := strings.Fields(op.get(zone, "sOARecord"))
		n, err := strconv.Atoi(f[2])
		must(t, err)
		return n
	}
	file := filepath.Join(named.Dir, "from-directory")
	write := func() {
		t.Helper()
		// ldap2zone takes the base from the URL and binds as nobody.
		text := run("ldap2zone", "site.test", slapd.URL+"/"+string(base), "60")
		must(t, os.WriteFile(file, []byte(text), 0o644))
	}
	until(t, "the site knows its directory", func() bool { return s.Snapshot().Problem == "" })
	if got := serial(); got != 1 {
		t.Fatalf("a new zone begins with serial %d", got)
	}
	s.Run(action("u1", "web", actors.Setup, 1))
	until(t, "a new name raises the number", func() bool { return serial() > 1 })
	seen.expect(t, "u1", 1, 0)
	name := "web1.web.site.test"
	write()
	rndc("addzone", "site.test", `{ type primary; file "`+file+`"; };`)
	if got := ask(name, "A"); got != "10.99.1.1" {
		t.Errorf("named answers %q", got)
	}
	before := serial()
	op.set(zone.Child("relativeDomainName", "ns1"), "dNSTTL", "61")
	until(t, "an operator's change raises it", func() bool { return serial() > before })
	// What is done with a number in front of one's eyes is left alone.
	op.set(zone, "sOARecord", "ns1.site.test. hostmaster.site.test. 2026113001 300 60 86400 10")
	s.Run(action("u1", "web", actors.Teardown, 2))
	until(t, "a name that goes raises it", func() bool { return serial() > 2026113001 })
	until(t, "the name is gone", func() bool { return op.get(zone.Child("relativeDomainName", "web1.web"), "aRecord") == "absent" })
	write()
	rndc("reload", "site.test")
	until(t, "named has the new zone", func() bool { return strings.Contains(ask("site.test", "SOA"), strconv.Itoa(serial())) })
	if got := ask(name, "A"); got != "" {
		t.Errorf("named answers %q", got)
	}
	// A record that is none stays as it is, and nothing breaks.
	op.set(zone, "sOARecord", "ns1.site.test.")
	op.set(zone.Child("relativeDomainName", "ns1"), "dNSTTL", "62")
	other := ldapschema.DN("zoneName=99.10.in-addr.arpa,ou=DNS," + base)
	was := op.get(other, "sOARecord")
	s.Run(action("u2", "web", actors.Setup, 1))
	until(t, "the other zone goes on", func() bool { return op.get(other, "sOARecord") != was })
	if got := op.get(zone, "sOARecord"); got != "ns1.site.test." {
		t.Errorf("it was made %q", got)
	}
}

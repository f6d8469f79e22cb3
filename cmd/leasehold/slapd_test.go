package main

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/cod"
	"github.com/leasehold/leasehold/cod/directory/ldapdir"
	"github.com/leasehold/leasehold/cod/site"
	"github.com/leasehold/leasehold/conformance/setup"
)

// laid gives a slapd the tree of an empty site.
func laid(t *testing.T, s *setup.Slapd) {
	t.Helper()
	d, err := ldapdir.Open(ldapdir.Config{URL: s.URL, BindDN: s.BindDN, Password: s.Password, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	conf := cod.Config{Owner: "site1", Base: s.Base, Domain: "site.test", Network: netip.MustParsePrefix("10.99.0.0/16")}
	if err := site.EnsureBase(t.Context(), d, conf, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// TestDemoOnSlapd runs the demo against Debian's slapd, and the embedded directory
// beside it: the same story, the same result.
func TestDemoOnSlapd(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t)
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"embedded": nil,
		"slapd":    {"--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN), "--password-file", secret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last struct {
				OK       bool
				Nodes    int
				States   map[string]string
				Messages int
				Entries  int
				Seconds  float64
			}
			// The story is told in real time: where the machine is too slow for it, slower.
			for _, pace := range [][2]string{{"200ms", "6s"}, {"1s", "40s"}, {"5s", "4m"}} {
				code, out, errs := call(t, append([]string{"demo", "--json", "--nodes", "3", "--cycle", pace[0], "--term", pace[1]}, args...)...)
				lines := strings.Split(strings.TrimSpace(out), "\n")
				if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
					t.Fatalf("the last line is no JSON: %v\n%s\n%s", err, out, errs)
				}
				if code == 0 && last.OK && last.Nodes == 3 && last.Messages >= 9 && last.Entries >= 9 && len(last.States) == 3 {
					return
				}
				t.Logf("in cycles of %s: exit %d, %+v\n%s\n%s", pace[0], code, last, out, errs)
			}
			t.Errorf("the demo does not come to its end: %+v", last)
		})
	}
}

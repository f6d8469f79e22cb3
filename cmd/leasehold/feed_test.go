package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/leasehold/leasehold/conformance/setup"
)

// TestFeedDNS: while a federation leases a cluster whose directory is Debian's
// slapd, a feed in a process of its own makes Debian's named answer for the nodes,
// forward and reverse, and their names go with them.
func TestFeedDNS(t *testing.T) {
	t.Parallel()
	s := setup.StartSlapd(t, "overlay syncprov")
	n := setup.StartNamed(t, "99.10.in-addr.arpa")
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(s.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	source := []string{"--directory", s.URL + "/" + string(s.Base), "--bind-dn", string(s.BindDN), "--password-file", secret}
	feed := append([]string{"feed", "dns", "--server", n.Addr, "--key", n.Key}, source...)
	ctx, cancel := context.WithCancel(t.Context())
	path, err := server()
	if err != nil {
		t.Fatal(err)
	}
	follower := exec.CommandContext(ctx, path, append(feed, "--zone-dir", n.Dir, "--rndc", strings.Join(n.RNDC, " "))...)
	var log strings.Builder
	follower.Stderr = &log
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = follower.Wait()
		if t.Failed() {
			t.Logf("the feed said:\n%s", log.String())
		}
	})
	// The demo's slice is called demo; its nodes are numbered. It is told in real time: where
	// the machine is too slow for it, slower.
	told := false
	for _, pace := range [][2]string{{"200ms", "8s"}, {"1s", "40s"}, {"5s", "4m"}} {
		played, errs := make(chan int, 1), ""
		go func() {
			code, _, e := call(t, append([]string{"demo", "--json", "--nodes", "2", "--cycle", pace[0], "--term", pace[1]}, source...)...)
			errs = e
			played <- code
		}()
		addr, back, code := "", "", -1
		for code < 0 {
			select {
			case code = <-played:
			case <-time.After(5 * time.Millisecond):
			}
			if said := asked(n.Addr, "demo1.demo.site.test.", dns.TypeA); strings.HasPrefix(said, "10.99.") {
				addr = said
			}
			if reverse, err := dns.ReverseAddr(addr); err == nil {
				if said := asked(n.Addr, reverse, dns.TypePTR); strings.HasPrefix(said, "demo1.demo.site.test.") {
					back = said
				}
			}
		}
		if told = code == 0 && back != ""; told {
			break
		}
		t.Logf("in cycles of %s the demo ends with %d, its node has the address %q and that the name %q: %s", pace[0], code, addr, back, errs)
	}
	if !told {
		t.Fatal("the name server does not say what the demo leases")
	}
	answer(t, n.Addr, "demo1.demo.site.test.", dns.TypeA, "NXDOMAIN")

	code, out, e := call(t, append(feed, "--once", "--json")...)
	var r struct{ Zones []struct{ Zone string } }
	if code != 0 || json.Unmarshal([]byte(out), &r) != nil || len(r.Zones) != 2 {
		t.Errorf("--once ends with %d: %s%s", code, out, e)
	}
}

// answer waits for one whose text begins as wanted, and returns it.
func answer(t *testing.T, server, name string, kind uint16, want string) string {
	t.Helper()
	got := ""
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got = asked(server, name, kind); strings.HasPrefix(got, want) {
			return got
		}
	}
	t.Fatalf("%s %s answers %q, want %q", name, dns.TypeToString[kind], got, want)
	return ""
}

// asked is what a name server says now: the one record's text, or why there is none.
func asked(server, name string, kind uint16) string {
	m := new(dns.Msg)
	m.SetQuestion(name, kind)
	a, err := dns.Exchange(m, server)
	switch {
	case err != nil:
		return err.Error()
	case a.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[a.Rcode]
	case len(a.Answer) == 1:
		return strings.TrimPrefix(a.Answer[0].String(), a.Answer[0].Header().String())
	}
	return ""
}

// TestFeedUsage: everything that is wrong is said at once, and nothing is started.
func TestFeedUsage(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte(`key "a" { algorithm hmac-sha256; secret "c2VjcmV0"; };`), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, errs := call(t, "feed", "dns", "--directory", "http://x", "--key", open, "--dry-run", "--max-removal", "101", "--zone-dir", "here")
	for _, want := range []string{"not of the form ldap://", "others may read", "goes with --once", "0 to 100 percent", "absolute path"} {
		if code != 2 || !strings.Contains(errs, want) {
			t.Errorf("exit %d without %q:\n%s", code, want, errs)
		}
	}
	if code, _, errs = call(t, "feed", "dns", "--directory", "ldap://127.0.0.1:1/dc=test"); code != 2 || !strings.Contains(errs, "--key is needed") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

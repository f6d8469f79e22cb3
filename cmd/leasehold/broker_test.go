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

// running is a server made by init, edited, and serving until the test ends. Must runs a
// command against it that has to succeed.
func running(t *testing.T, edit func(dir, config string) string) (dir string, must func(...string) string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lh-br-") // t.TempDir's path is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if code, _, errs := call(t, "init", dir, "--nodes", "4", "--cycle", "100ms", "--listen", setup.Address(t), "--ldap", setup.Address(t)); code != 0 {
		t.Fatal(errs)
	}
	file := filepath.Join(dir, "leasehold.yaml")
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(edit(dir, string(text))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var log lockedBuffer
	served := make(chan int, 1)
	go func() { served <- run(ctx, []string{"serve", "--config", file}, streams{&log, &log}) }()
	t.Cleanup(func() {
		stop()
		if code := <-served; code != 0 || t.Failed() {
			t.Errorf("serve ended with %d\n%s", code, log.String())
		}
	})
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		code, out, errs := call(t, "calendar", "--config", file)
		if code == 0 && strings.Contains(out, "for sale") {
			break
		}
		if code != 0 && code != 7 || time.Now().After(deadline) {
			t.Fatalf("exit %d: %s%s\n%s", code, out, errs, log.String())
		}
	}
	return dir, func(args ...string) string {
		t.Helper()
		code, out, errs := call(t, append(args, "--config", file)...)
		if code != 0 {
			t.Fatalf("leasehold %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
		}
		return out
	}
}

// eventually waits until a command says what it should.
func eventually(t *testing.T, want string, command func() string) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out := command()
		if strings.Contains(out, want) {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("it never says %q:\n%s", want, out)
		}
	}
}

// TestApprovals: an operator sees who waits and what a yes would mean, says yes and
// no, and the clients get what he says.
func TestApprovals(t *testing.T) {
	t.Parallel()
	dir, must := running(t, func(_, c string) string {
		return strings.Replace(c, "role: broker\n", "role: broker\n    policy: manual\n", 1)
	})
	ids := map[string]string{}
	for _, slice := range []string{"yes", "no"} {
		var r struct{ Reservation string }
		if err := json.Unmarshal([]byte(must("lease", "request", "--slice", slice, "--type", "site.node", "--units", "2", "--length", "1h", "--json")), &r); err != nil {
			t.Fatal(err)
		}
		ids[slice] = r.Reservation
	}
	out := eventually(t, ids["yes"], func() string { return must("approval", "list") })
	if out = eventually(t, ids["no"], func() string { return must("approval", "list") }); strings.Count(out, "if approved now: granted: 2 units of site.node") != 2 {
		t.Errorf("approval list:\n%s", out)
	}
	if out := must("plan", "--type", "site.node", "--units", "1", "--length", "1h"); !strings.Contains(out, "queued: an operator has to approve it") {
		t.Errorf("plan:\n%s", out)
	}
	must("approval", "grant", ids["yes"][:8])
	must("approval", "deny", ids["no"][:8], "--note", "not before the exams")
	must("lease", "wait", ids["yes"])
	if out := eventually(t, "Failed", func() string { return must("lease", "show", ids["no"]) }); !strings.Contains(out, "not before the exams") {
		t.Errorf("the client was not told why:\n%s", out)
	}
	if out := must("explain", ids["yes"]); !strings.Contains(out, "granted: 2 units of site.node") {
		t.Errorf("explain:\n%s", out)
	}
	if out := must("approval", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("approval list when nobody waits: %s", out)
	}
	if code, _, errs := call(t, "approval", "grant", ids["no"], "--config", filepath.Join(dir, "leasehold.yaml")); code == 0 || !strings.Contains(errs, "does not wait") {
		t.Errorf("a word that comes too late: exit %d, %s", code, errs)
	}
}

// TestCalendarPlanAndGuests: a guest's signal is followed; the calendar shows who has
// what and the quotas; plans say what requests then become; groups come together.
func TestCalendarPlanAndGuests(t *testing.T) {
	t.Parallel()
	dir, must := running(t, func(dir, c string) string {
		c = strings.Replace(c, "role: broker\n", "role: broker\n    quotas: [{slice: small, units: 1}]\n", 1)
		return strings.Replace(c, "role: manager\n", "role: manager\n    guests:\n    - {slice: web, type: site.node, length: 1h, surplus: return, signal: {file: "+dir+"/load, every: 200ms}}\n", 1)
	})
	config := filepath.Join(dir, "leasehold.yaml")
	load := func(n string) {
		if err := os.WriteFile(filepath.Join(dir, "load"), []byte(n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load("2")
	eventually(t, "Active", func() string { return must("lease", "list", "--slice", "web") })
	out := eventually(t, " web ", func() string { return must("calendar") })
	for _, want := range []string{"site.node of site, for sale at broker until", ": 4 units", "##########..........", "site.node at site site: 4 units", "manager"} {
		if !strings.Contains(out, want) {
			t.Errorf("the calendar has no %q:\n%s", want, out)
		}
	}
	plan := func(args ...string) string {
		return must(append([]string{"plan", "--type", "site.node", "--length", "20m", "--start", "+1m"}, args...)...)
	}
	for want, args := range map[string][]string{
		"granted: 1 unit of site.node":         {"--units", "1"},
		"it would fit with 2 units":            {"--units", "4"},
		"granted: 2 of 4 units":                {"--units", "4", "--at-least", "1"},
		"impossible: only 4 exist":             {"--units", "9"},
		"queued until":                         {"--units", "4", "--deferrable"},
		"its deadline is before":               {"--units", "1", "--deferrable", "--deadline", "+5m"},
		"the quota of slice small is 1 unit":   {"--units", "2", "--slice", "small"},
		"granted: 1 unit of site.node, from 2": {"--slice", "small"},
	} {
		if out := plan(args...); !strings.Contains(out, want) {
			t.Errorf("plan %v, want %q:\n%s", args, want, out)
		}
	}
	for _, args := range [][]string{{"plan"}, {"plan", "--type", "site.node", "--length", "1h", "--request", "elastic=maybe"},
		{"lease", "request", "--slice", "x", "--type", "site.node", "--length", "1h", "--request", "deadline=never"},
		{"lease", "request", "--slice", "x", "--type", "site.node", "--length", "1h", "--request", "deferrable=true", "--deferrable"},
		{"calendar", "--from", "+1h", "--to", "now"}, {"calendar", "--actor", "manager"}} {
		if code, _, _ := call(t, append(args, "--config", config)...); code != 2 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
	together(t, dir, must)
	load("0")
	eventually(t, "returned", func() string {
		if out := must("calendar", "--actor", "broker"); strings.Contains(out, " web ") {
			return out
		}
		return "returned"
	})
}

// together asks for two leases with one start, of which one alone would fit.
func together(t *testing.T, dir string, must func(...string) string) {
	t.Helper()
	file := filepath.Join(dir, "together.yaml")
	write := func(units string) {
		text := "{slice: pair, type: site.node, length: 10m, start: +2m, together: true, requests: [{name: a, units: 1}, {name: b, units: " + units + "}]}"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("4")
	if out := must("plan", "-f", file); !strings.Contains(out, "does not fit at any one time") || !strings.Contains(out, `"a", of its group, was refused`) {
		t.Errorf("plan of a group that is too large:\n%s", out)
	}
	must("lease", "request", "-f", file)
	if out := eventually(t, "Failed", func() string { return must("lease", "list", "--slice", "pair", "--actor", "manager") }); strings.Count(out, "Failed")+strings.Count(out, "Closed") != 2 {
		t.Errorf("of a group that does not fit:\n%s", out)
	}
	write("1")
	if out := must("plan", "-f", file); strings.Count(out, "granted: 1 unit of site.node") != 2 {
		t.Errorf("plan of a group:\n%s", out)
	}
	must("lease", "request", "-f", file)
	eventually(t, "Ticketed", func() string {
		return must("lease", "list", "--slice", "pair", "--state", "Ticketed", "--actor", "manager")
	})
	if out := must("calendar", "--actor", "broker"); strings.Count(out, " pair ") != 2 {
		t.Errorf("a group in the calendar:\n%s", out)
	}
}
